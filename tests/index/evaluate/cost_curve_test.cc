#include "index/evaluate/cost_curve.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace pointsman::evaluate {
namespace {

Trial MakeTrial(std::vector<ModelTrial> models, std::vector<Choice> choices) {
  Trial trial;
  trial.models = std::move(models);
  trial.choices = std::move(choices);
  return trial;
}

ModelTrial Measured(double quality, double cost_usd) {
  ModelTrial trial;
  trial.quality = quality;
  trial.cost_usd = cost_usd;
  return trial;
}

// Model 0 is cheap, model 1 dear. The first query moves to the cheap one at .2, the second at .6.
std::vector<Trial> TwoQueries() {
  return {MakeTrial({Measured(1, 1), Measured(1, 10)}, {{0, 1}, {0.2, 0}}),
          MakeTrial({Measured(0, 1), Measured(1, 10)}, {{0, 1}, {0.6, 0}})};
}

TEST(CostCurve, HasAPointWhereverAChoiceChanges) {
  const std::vector<CurvePoint> curve = CostCurve(TwoQueries());
  ASSERT_EQ(curve.size(), 3u);
  EXPECT_DOUBLE_EQ(curve[0].tradeoff, 0);
  EXPECT_DOUBLE_EQ(curve[0].quality, 1);
  EXPECT_DOUBLE_EQ(curve[0].cost_usd, 10);
  EXPECT_DOUBLE_EQ(curve[1].tradeoff, 0.2);
  EXPECT_DOUBLE_EQ(curve[1].quality, 1);
  EXPECT_DOUBLE_EQ(curve[1].cost_usd, 5.5);
  EXPECT_DOUBLE_EQ(curve[2].tradeoff, 0.6);
  EXPECT_DOUBLE_EQ(curve[2].quality, 0.5);
  EXPECT_DOUBLE_EQ(curve[2].cost_usd, 1);
}

TEST(CostCurve, MovesAllQueriesOfOneTradeoffTogether) {
  std::vector<Trial> trials = TwoQueries();
  trials[1].choices[1].tradeoff = 0.2;
  EXPECT_EQ(CostCurve(trials).size(), 2u);
}

TEST(PointAt, IsThePointInForce) {
  const std::vector<CurvePoint> curve = CostCurve(TwoQueries());
  EXPECT_DOUBLE_EQ(PointAt(curve, 0).cost_usd, 10);
  EXPECT_DOUBLE_EQ(PointAt(curve, 0.19).cost_usd, 10);
  EXPECT_DOUBLE_EQ(PointAt(curve, 0.2).cost_usd, 5.5);
  EXPECT_DOUBLE_EQ(PointAt(curve, 1).cost_usd, 1);
}

TEST(CheapestCostOf, IsTheLeastThatReachesTheQuality) {
  const std::vector<CurvePoint> curve = CostCurve(TwoQueries());
  EXPECT_DOUBLE_EQ(CheapestCostOf(curve, 1), 5.5);
  EXPECT_DOUBLE_EQ(CheapestCostOf(curve, 0.4), 1);
  EXPECT_TRUE(std::isnan(CheapestCostOf(curve, 1.1)));
}

}  // namespace
}  // namespace pointsman::evaluate
