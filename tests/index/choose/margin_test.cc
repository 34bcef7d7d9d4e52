// Margin: the probability that the choice really beats the runner-up.
#include <cmath>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenario.h"

namespace pointsman::choose {
namespace {

using ::testing::DoubleNear;

// Two models at equal cost; MOST_CAPABLE_WITHIN, so that only success counts.
class MarginTest : public ::testing::Test {
 protected:
  double MarginOf(double better, double worse, double deviation, double correlation = 0) {
    Scenario s;
    s.policy().set_objective(v1::OBJECTIVE_MOST_CAPABLE_WITHIN);
    s.Add("better", better, 0.1);
    s.Add("worse", worse, 0.1);
    s.Believed("better").deviation = deviation;
    s.Believed("worse").deviation = deviation;
    s.correlation = correlation;
    return s.Decide().margin;
  }
};

TEST_F(MarginTest, IsTheNormalProbabilityOfTheGap) {
  // gap 0.1, deviation of the difference sqrt(2) * 0.05: Phi(sqrt 2) = 0.92135.
  EXPECT_THAT(MarginOf(0.8, 0.7, 0.05), DoubleNear(0.9213503964748575, 1e-12));
}

TEST_F(MarginTest, ErrorsThatModelsShareDoNotBlurTheDifference) {
  EXPECT_GT(MarginOf(0.8, 0.7, 0.1, 0.9), MarginOf(0.8, 0.7, 0.1, 0));
}

TEST_F(MarginTest, GrowsWithTheGap) {
  double last = 0.5;
  for (const double gap : {0.01, 0.05, 0.1, 0.2, 0.4}) {
    const double margin = MarginOf(0.5 + gap, 0.5, 0.1);
    EXPECT_GT(margin, last);
    last = margin;
  }
}

TEST_F(MarginTest, GrowsWithTheEvidence) {
  double last = 0.5;
  for (const double deviation : {0.4, 0.2, 0.1, 0.05, 0.02}) {
    const double margin = MarginOf(0.8, 0.7, deviation);
    EXPECT_GT(margin, last);
    last = margin;
  }
}

TEST_F(MarginTest, OfEqualModelsIsOneHalf) { EXPECT_EQ(MarginOf(0.7, 0.7, 0.1), 0.5); }

TEST_F(MarginTest, IsCertainWithoutUncertainty) { EXPECT_EQ(MarginOf(0.8, 0.7, 0), 1); }

TEST_F(MarginTest, IsOneWithoutARunnerUp) {
  Scenario s;
  s.Add("only", 0.3, 0.1);
  EXPECT_EQ(s.Decide().margin, 1);
}

TEST_F(MarginTest, UncertainSuccessMattersLessAsCostCountsMore) {
  Scenario s;
  s.Add("cheap", 0.7, 0.1);
  s.Add("dear", 0.7, 0.5);
  s.Believed("cheap").deviation = s.Believed("dear").deviation = 0.2;
  double last = 0.5;
  for (const double tradeoff : {0.2, 0.5, 0.8, 1.0}) {
    s.terms.tradeoff = tradeoff;
    const double margin = s.Decide().margin;
    EXPECT_EQ(s.Chosen(), "cheap");
    EXPECT_GT(margin, last);
    last = margin;
  }
  EXPECT_EQ(last, 1) << "costs are certain";
}

TEST_F(MarginTest, CheapestGoodEnoughAsksWhetherTheTargetIsReached) {
  Scenario s;
  s.policy().set_objective(v1::OBJECTIVE_CHEAPEST_GOOD_ENOUGH);
  s.policy().set_target_success_probability(0.7);
  s.Add("cheap", 0.8, 0.1);
  s.Add("dear", 0.99, 1);
  s.Believed("cheap").deviation = 0.1;
  EXPECT_THAT(s.Decide().margin, DoubleNear(0.8413447460685429, 1e-12)) << "Phi(1)";
  s.Believed("dear").deviation = 0.3;
  EXPECT_THAT(s.Decide().margin, DoubleNear(0.8413447460685429, 1e-12)) << "its rival is dearer";
}

TEST_F(MarginTest, IsAtLeastOneHalfForAChoiceByUtilityAndAtMostOne) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> uniform;
  for (const auto objective : {v1::OBJECTIVE_BEST_VALUE, v1::OBJECTIVE_CHEAPEST_GOOD_ENOUGH,
                               v1::OBJECTIVE_MOST_CAPABLE_WITHIN}) {
    for (int round = 0; round < 300; ++round) {
      Scenario s;
      s.policy().set_objective(objective);
      for (int m = 0; m < 4; ++m) {
        const std::string id = "m" + std::to_string(m);
        s.Add(id, uniform(random), uniform(random));
        s.Believed(id).deviation = 0.3 * uniform(random);
      }
      s.correlation = uniform(random);
      s.terms.tradeoff = uniform(random);
      const Decision& decision = s.Decide();
      EXPECT_GE(decision.margin, 0.5);
      EXPECT_LE(decision.margin, 1);
    }
  }
}

TEST_F(MarginTest, OfAnExploredModelIsBelowOneHalf) {
  Scenario s;
  s.Add("choice", 0.8, 0.1);
  s.Add("other", 0.75, 0.1);
  s.policy().mutable_exploration()->set_rate(0.5);
  int explored = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string key = std::to_string(i);
    s.terms.assignment_key = key;
    const Decision& decision = s.Decide();
    if (!decision.explored) continue;
    ++explored;
    EXPECT_LT(decision.margin, 0.5);
  }
  EXPECT_GT(explored, 0);
}

}  // namespace
}  // namespace pointsman::choose
