// Exploration: a fixed share of assignment keys gets another model, with a known propensity.
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenario.h"

namespace pointsman::choose {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;

// Three models close enough to be explored, one too weak.
class ExplorationTest : public ::testing::Test {
 protected:
  ExplorationTest() {
    scenario_.Add("choice", 0.8, 0.1);
    scenario_.Add("near", 0.75, 0.2);
    scenario_.Add("nearer", 0.79, 0.3);
    scenario_.Add("weak", 0.5, 0.2);
    scenario_.policy().mutable_exploration()->set_rate(kRate);
  }
  const Decision& DecideFor(const std::string& key) {
    key_ = key;
    scenario_.terms.assignment_key = key_;
    return scenario_.Decide();
  }

  static constexpr double kRate = 0.3;
  Scenario scenario_;
  std::string key_;
};

TEST_F(ExplorationTest, WithoutAKeyNothingIsExplored) {
  const Decision& decision = scenario_.Decide();
  EXPECT_EQ(scenario_.Chosen(), "choice");
  EXPECT_EQ(decision.propensity, 1);
  EXPECT_FALSE(decision.explored);
}

TEST_F(ExplorationTest, WithoutARateNothingIsExplored) {
  scenario_.policy().clear_exploration();
  for (int i = 0; i < 100; ++i) {
    const Decision& decision = DecideFor(std::to_string(i));
    EXPECT_EQ(scenario_.Chosen(), "choice");
    EXPECT_EQ(decision.propensity, 1);
  }
}

TEST_F(ExplorationTest, SharesOverManyKeysAreThePropensitiesAndThoseAddUpToOne) {
  constexpr int kKeys = 20'000;
  std::map<std::string, int> count;
  std::map<std::string, double> propensity;
  for (int i = 0; i < kKeys; ++i) {
    const Decision& decision = DecideFor("user-" + std::to_string(i));
    const std::string chosen = scenario_.Chosen();
    ++count[chosen];
    const auto [it, added] = propensity.emplace(chosen, decision.propensity);
    EXPECT_EQ(it->second, decision.propensity) << "one propensity a model";
    EXPECT_EQ(decision.explored, chosen != "choice");
    EXPECT_EQ(decision.confidence, scenario_.Believed(chosen).success) << "of the model chosen";
  }
  ASSERT_EQ(propensity.size(), 3u);
  EXPECT_EQ(propensity.count("weak"), 0u) << "loses more than 0.2";
  double sum = 0;
  for (const auto& [model, p] : propensity) {
    sum += p;
    const double share = static_cast<double>(count[model]) / kKeys;
    EXPECT_THAT(share, DoubleNear(p, 4 * std::sqrt(p * (1 - p) / kKeys))) << model;
  }
  EXPECT_THAT(sum, DoubleEq(1));
  EXPECT_THAT(propensity["near"], DoubleEq(kRate / 3));
}

TEST_F(ExplorationTest, TheSameKeyGetsTheSameModel) {
  for (int i = 0; i < 50; ++i) {
    DecideFor(std::to_string(i));
    const std::string first = scenario_.Chosen();
    DecideFor(std::to_string(i));
    EXPECT_EQ(scenario_.Chosen(), first);
  }
}

TEST_F(ExplorationTest, PoliciesExploreIndependently) {
  scenario_.AddPolicy("other").mutable_exploration()->set_rate(kRate);
  int differ = 0;
  for (int i = 0; i < 200; ++i) {
    DecideFor(std::to_string(i));
    const std::string first = scenario_.Chosen();
    scenario_.policy_name = "other";
    DecideFor(std::to_string(i));
    differ += scenario_.Chosen() != first;
    scenario_.policy_name = "default";
  }
  EXPECT_GT(differ, 20);
}

TEST_F(ExplorationTest, TheLossThatMayBeRiskedCanBeSet) {
  scenario_.policy().mutable_exploration()->set_max_probability_loss(0.02);
  std::set<std::string> seen;
  for (int i = 0; i < 500; ++i) {
    DecideFor(std::to_string(i));
    seen.insert(scenario_.Chosen());
  }
  EXPECT_EQ(seen, (std::set<std::string>{"choice", "nearer"}));
}

TEST_F(ExplorationTest, RejectedModelsAreNeverExplored) {
  scenario_.deny = {"near", "nearer"};
  for (int i = 0; i < 500; ++i) {
    const Decision& decision = DecideFor(std::to_string(i));
    EXPECT_EQ(scenario_.Chosen(), "choice");
    EXPECT_EQ(decision.propensity, 1) << "there is nothing else to explore";
  }
}

TEST_F(ExplorationTest, TheRankingDoesNotChange) {
  scenario_.Decide();
  const auto ranking = scenario_.Ranking();
  for (int i = 0; i < 100; ++i) {
    DecideFor(std::to_string(i));
    EXPECT_EQ(scenario_.Ranking(), ranking);
  }
}

}  // namespace
}  // namespace pointsman::choose
