#include "index/evaluate/figures.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace pointsman::evaluate {
namespace {

// Three models, by index: cheap (1 USD), middle (4 USD), dear (10 USD).
Trial MakeTrial(std::vector<double> success, std::vector<double> quality,
                std::vector<Choice> choices) {
  constexpr double kCostsUsd[] = {1, 4, 10};
  Trial trial;
  for (size_t m = 0; m < success.size(); ++m) {
    trial.models.push_back(
        {success[m], success[m] - 0.1, success[m] + 0.1, quality[m], kCostsUsd[m]});
  }
  trial.choices = std::move(choices);
  trial.familiarity = 0.5;
  return trial;
}

// The dear model is the best single one (.75), the router takes the right one for each query.
std::vector<Trial> FourQueries() {
  return {MakeTrial({.9, .8, .7}, {1, 1, 0}, {{0, 0}}),
          MakeTrial({.2, .3, .9}, {0, 0, 1}, {{0, 2}, {0.5, 0}}),
          MakeTrial({.3, .4, .8}, {0, 1, 1}, {{0, 2}, {0.1, 1}, {0.6, 0}}),
          MakeTrial({.1, .2, .3}, {0, 0, 1}, {{0, 2}, {0.05, 0}})};
}

TEST(ComputeFigures, ComparesTheChoiceWithEveryBaseline) {
  const Figures figures = ComputeFigures(FourQueries(), 3, std::nullopt).overall;
  EXPECT_DOUBLE_EQ(figures.queries, 4);
  EXPECT_DOUBLE_EQ(figures.accuracy, 1);
  EXPECT_DOUBLE_EQ(figures.cost_share, (1 + 10 + 10 + 10) / 40.0);
  EXPECT_DOUBLE_EQ(figures.best_single_accuracy, 0.75);
  EXPECT_DOUBLE_EQ(figures.cheapest_accuracy, 0.25);
  EXPECT_DOUBLE_EQ(figures.cheapest_cost_share, 0.1);
  EXPECT_DOUBLE_EQ(figures.random_accuracy, (0.25 + 0.5 + 0.75) / 3);
  EXPECT_DOUBLE_EQ(figures.random_cost_share, 0.5);
  EXPECT_DOUBLE_EQ(figures.oracle_accuracy, 1);
  EXPECT_DOUBLE_EQ(figures.oracle_cost_share, (1 + 10 + 4 + 10) / 40.0);
}

TEST(ComputeFigures, FindsTheLeastCostThatMatchesTheBestSingleModel) {
  // At tradeoff .1 the choices are cheap, dear, middle, cheap: three right, as the dear model
  // alone.
  const Figures figures = ComputeFigures(FourQueries(), 3, std::nullopt).overall;
  EXPECT_DOUBLE_EQ(figures.parity_cost_share, (1 + 10 + 4 + 1) / 40.0);
}

TEST(ComputeFigures, SaysParityCostsAllWhereOnlyTheModelItselfReachesIt) {
  std::vector<Trial> trials = FourQueries();
  for (Trial& trial : trials) trial.choices = {{0, 0}};
  EXPECT_DOUBLE_EQ(ComputeFigures(trials, 3, std::nullopt).overall.parity_cost_share, 1);
}

TEST(ComputeFigures, ScoresAPairByTheDifferenceOfItsProbabilities) {
  // Dear against cheap: gains -1, 1, 1, 1 at scores -.2, .7, .5, .2. PGR: 0, .5, 1, 1.5, 1.
  const Figures figures = ComputeFigures(FourQueries(), 3, ModelPair{0, 2}).overall;
  EXPECT_DOUBLE_EQ(figures.apgr, (0.25 + 0.75 + 1.25 + 1.25) / 4);
  EXPECT_DOUBLE_EQ(figures.cpt50, 0.25);
  EXPECT_DOUBLE_EQ(figures.cpt80, 0.4);
  EXPECT_TRUE(std::isnan(ComputeFigures(FourQueries(), 3, std::nullopt).overall.apgr));
}

TEST(ComputeFigures, ComparesOnlyOnQueriesOnWhichEveryModelWasMeasured) {
  std::vector<Trial> trials = FourQueries();
  trials[0].models[2].quality = kNotKnown;
  const SplitFigures figures = ComputeFigures(trials, 3, std::nullopt);
  EXPECT_DOUBLE_EQ(figures.overall.queries, 3);
  EXPECT_DOUBLE_EQ(figures.overall.incomplete, 1);
  EXPECT_DOUBLE_EQ(figures.overall.best_single_accuracy, 1);
  EXPECT_DOUBLE_EQ(figures.models[0].queries, 4);
  EXPECT_DOUBLE_EQ(figures.models[2].queries, 3);
}

TEST(ComputeFigures, KeepsQualityWhereAPriceIsNotKnown) {
  std::vector<Trial> trials = FourQueries();
  for (Trial& trial : trials) trial.models[1].cost_usd = kNotKnown;
  const Figures figures = ComputeFigures(trials, 3, std::nullopt).overall;
  EXPECT_DOUBLE_EQ(figures.accuracy, 1);
  EXPECT_DOUBLE_EQ(figures.best_single_accuracy, 0.75);
  EXPECT_TRUE(std::isnan(figures.parity_cost_share));
  EXPECT_TRUE(std::isnan(figures.cheapest_accuracy));
}

TEST(ComputeFigures, CountsUnfamiliarQueries) {
  std::vector<Trial> trials = FourQueries();
  trials[1].familiarity = 0.04;
  EXPECT_DOUBLE_EQ(ComputeFigures(trials, 3, std::nullopt).overall.unfamiliar_share, 0.25);
}

TEST(ComputeFigures, OfNoQueriesIsNotKnown) {
  const SplitFigures figures = ComputeFigures({}, 3, std::nullopt);
  EXPECT_DOUBLE_EQ(figures.overall.queries, 0);
  EXPECT_TRUE(std::isnan(figures.overall.accuracy));
  EXPECT_TRUE(std::isnan(figures.overall.auc));
  EXPECT_EQ(figures.models.size(), 3u);
  EXPECT_TRUE(figures.curve.empty());
}

TEST(ComputeFigures, AveragesOverModels) {
  const SplitFigures figures = ComputeFigures(FourQueries(), 3, std::nullopt);
  double brier = 0;
  for (const ModelFigures& model : figures.models) brier += model.brier / 3;
  EXPECT_DOUBLE_EQ(figures.overall.brier, brier);
}

TEST(Summarise, GivesMeanAndSampleDeviationOfWhatIsKnown) {
  std::vector<Figures> splits(3);
  splits[0].accuracy = 0.5;
  splits[1].accuracy = 0.7;
  const Summary<Figures> summary = Summarise(splits);
  EXPECT_DOUBLE_EQ(summary.mean.accuracy, 0.6);
  EXPECT_NEAR(summary.deviation.accuracy, std::sqrt(0.02), 1e-12);
  EXPECT_TRUE(std::isnan(summary.mean.apgr));
}

}  // namespace
}  // namespace pointsman::evaluate
