// Objectives, ties, and that the order of the catalogue decides nothing.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/stable_hash.h"
#include "scenario.h"

namespace pointsman::choose {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;

TEST(RankingTest, BestValueWeighsSuccessAgainstCost) {
  Scenario s;
  s.Add("small", 0.6, 0.1);
  s.Add("large", 0.9, 0.6);
  s.terms.tradeoff = 0.25;
  s.Decide();
  EXPECT_THAT(s.CandidateOf("small").utility, DoubleEq(0.75 * 0.6 - 0.25 * 0.1));
  EXPECT_THAT(s.CandidateOf("large").utility, DoubleEq(0.75 * 0.9 - 0.25 * 0.6));
  EXPECT_THAT(s.Ranking(), ElementsAre("large", "small"));
}

TEST(RankingTest, AtZeroOnlyQualityCountsAndAtOneOnlyCost) {
  Scenario s;
  s.Add("small", 0.6, 0.1);
  s.Add("large", 0.61, 100);
  s.terms.tradeoff = 0;
  s.Decide();
  EXPECT_EQ(s.Chosen(), "large");
  s.terms.tradeoff = 1;
  s.Decide();
  EXPECT_EQ(s.Chosen(), "small");
}

TEST(RankingTest, CostCountsInUnitsOfThePolicysReference) {
  Scenario s;
  s.Add("m", 0.6, 0.1);
  s.policy().set_reference_cost_usd(0.2);
  s.Decide();
  EXPECT_THAT(s.CandidateOf("m").utility, DoubleNear(0.5 * 0.6 - 0.5 * 0.5, 1e-12));
}

TEST(RankingTest, LatencyBeyondTheTargetCostsUtilityInProportion) {
  Scenario s;
  s.Add("on_time", 0.6, 0.1);
  s.Add("late", 0.6, 0.1).set_output_tokens_per_second(50);
  s.policy().set_latency_target_ms(10'000);
  s.policy().set_latency_weight(0.3);
  s.Decide();
  EXPECT_THAT(s.CandidateOf("on_time").utility - s.CandidateOf("late").utility, DoubleEq(0.3));
}

TEST(RankingTest, UnknownLatencyIsTakenToMeetTheTargetAndSaysSo) {
  Scenario s;
  s.Add("m", 0.6, 0.1).clear_time_to_first_token_ms();
  s.Decide();
  EXPECT_FALSE(s.Degraded(v1::DEGRADATION_KIND_LATENCY_UNKNOWN)) << "nobody asked";
  const double utility = s.CandidateOf("m").utility;
  s.policy().set_latency_target_ms(1);
  s.Decide();
  EXPECT_TRUE(s.Degraded(v1::DEGRADATION_KIND_LATENCY_UNKNOWN));
  EXPECT_EQ(s.CandidateOf("m").utility, utility);
}

TEST(RankingTest, UnknownCostCountsAsTheDearestKnownAndSaysSo) {
  Scenario s;
  s.Add("cheap", 0.6, 0.1);
  s.Add("dear", 0.6, 0.7);
  s.AddUnpriced("unpriced", 0.6);
  s.Decide();
  EXPECT_EQ(s.CandidateOf("unpriced").utility, s.CandidateOf("dear").utility);
  EXPECT_FALSE(IsKnown(s.CandidateOf("unpriced").cost_usd));
  EXPECT_TRUE(s.Degraded(v1::DEGRADATION_KIND_COST_UNKNOWN));
  EXPECT_EQ(s.Chosen(), "cheap");
}

TEST(RankingTest, CheapestGoodEnoughTakesTheCheapestThatReachesTheTarget) {
  Scenario s;
  s.Add("weak", 0.5, 0.01);
  s.Add("good", 0.85, 0.2);
  s.Add("best", 0.95, 1);
  s.policy().set_objective(v1::OBJECTIVE_CHEAPEST_GOOD_ENOUGH);
  s.Decide();
  EXPECT_THAT(s.Ranking(), ElementsAre("good", "best", "weak"));
  s.policy().set_target_success_probability(0.4);
  s.Decide();
  EXPECT_THAT(s.Ranking(), ElementsAre("weak", "good", "best"));
  EXPECT_FALSE(s.Degraded(v1::DEGRADATION_KIND_TARGET_NOT_REACHED));
}

TEST(RankingTest, WhereNobodyReachesTheTargetTheMostCapableIsTakenAndItSaysSo) {
  Scenario s;
  s.Add("weak", 0.5, 0.01);
  s.Add("best", 0.7, 1);
  s.policy().set_objective(v1::OBJECTIVE_CHEAPEST_GOOD_ENOUGH);
  s.policy().set_target_success_probability(0.9);
  s.Decide();
  EXPECT_EQ(s.Chosen(), "best");
  EXPECT_TRUE(s.Degraded(v1::DEGRADATION_KIND_TARGET_NOT_REACHED));
}

TEST(RankingTest, MostCapableWithinTakesTheBestUnderTheCostLimit) {
  Scenario s;
  s.Add("small", 0.6, 0.1);
  s.Add("medium", 0.8, 0.5);
  s.Add("large", 0.9, 1);
  s.policy().set_objective(v1::OBJECTIVE_MOST_CAPABLE_WITHIN);
  s.terms.limits.max_cost_usd = 0.6;
  s.Decide();
  EXPECT_THAT(s.Ranking(), ElementsAre("medium", "small"));
}

TEST(RankingTest, TheRequestsObjectiveReplacesThePolicys) {
  Scenario s;
  s.Add("small", 0.6, 0.1);
  s.Add("large", 0.9, 1);
  s.Decide();
  EXPECT_EQ(s.Chosen(), "small");
  s.terms.objective = v1::OBJECTIVE_MOST_CAPABLE_WITHIN;
  s.Decide();
  EXPECT_EQ(s.Chosen(), "large");
}

TEST(RankingTest, TheIncumbentsCachedTokensMakeItCheaper) {
  Scenario s;
  for (const char* id : {"incumbent", "other"}) {
    v1::Model& model = s.Add(id, 0.7, 0.001);
    model.set_input_usd_per_mtok(10);
    model.set_cached_input_usd_per_mtok(1);
  }
  s.Believed("other").success = 0.71;
  s.terms.input_tokens = 10'000;
  s.Decide();
  EXPECT_EQ(s.Chosen(), "other");
  s.incumbent = "incumbent";
  s.terms.cached_input_tokens = 8'000;
  s.Decide();
  EXPECT_THAT(s.CandidateOf("incumbent").cost_usd, DoubleEq(0.001 + 0.002 * 10 + 0.008));
  EXPECT_THAT(s.CandidateOf("other").cost_usd, DoubleEq(0.001 + 0.1));
  EXPECT_EQ(s.Chosen(), "incumbent");
}

// Models that nothing tells apart, then one thing after the other does.
TEST(RankingTest, TiesGoToIncumbentThenPreferredThenCheaperThenFasterThenHash) {
  Scenario s;
  s.policy().set_objective(v1::OBJECTIVE_MOST_CAPABLE_WITHIN);
  for (const char* id : {"a", "b", "c", "d", "e"}) s.Add(id, 0.7, 0.5);
  std::vector<std::string> by_hash = {"a", "b", "c", "d", "e"};
  std::sort(by_hash.begin(), by_hash.end(), [](const std::string& x, const std::string& y) {
    return StableHash(x) < StableHash(y);
  });
  s.Decide();
  EXPECT_EQ(s.Ranking(), by_hash);

  const auto model = [&](const std::string& id) -> v1::Model& {
    return *std::find_if(s.catalogue.mutable_models()->begin(), s.catalogue.mutable_models()->end(),
                         [&](const v1::Model& m) { return m.id() == id; });
  };
  model(by_hash[4]).set_output_tokens_per_second(200);
  s.Decide();
  EXPECT_EQ(s.Chosen(), by_hash[4]) << "faster";
  model(by_hash[3]).set_output_usd_per_mtok(1);
  s.Decide();
  EXPECT_EQ(s.Chosen(), by_hash[3]) << "cheaper";
  s.AddRule("prefer").mutable_then()->add_prefer_models(by_hash[2]);
  s.Decide();
  EXPECT_EQ(s.Chosen(), by_hash[2]) << "preferred";
  s.incumbent = by_hash[1];
  s.Decide();
  EXPECT_THAT(s.Ranking(), ElementsAre(by_hash[1], by_hash[2], by_hash[3], by_hash[4], by_hash[0]));
}

TEST(RankingTest, AKnownCostWinsATieAgainstAnUnknownOne) {
  Scenario s;
  s.policy().set_objective(v1::OBJECTIVE_MOST_CAPABLE_WITHIN);
  s.AddUnpriced("unpriced", 0.7);
  s.Add("priced", 0.7, 1e6);
  s.Decide();
  EXPECT_EQ(s.Chosen(), "priced");
}

TEST(RankingTest, UtilityNeverRisesDownTheRanking) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> uniform;
  for (const auto objective : {v1::OBJECTIVE_BEST_VALUE, v1::OBJECTIVE_CHEAPEST_GOOD_ENOUGH,
                               v1::OBJECTIVE_MOST_CAPABLE_WITHIN}) {
    for (int round = 0; round < 200; ++round) {
      Scenario s;
      s.policy().set_objective(objective);
      s.policy().set_target_success_probability(0.5);
      for (int m = 0; m < 12; ++m) {
        s.Add("m" + std::to_string(m), uniform(random), uniform(random));
      }
      const Decision& decision = s.Decide();
      EXPECT_TRUE(std::is_sorted(
          decision.candidates.begin(), decision.candidates.end(),
          [](const Candidate& a, const Candidate& b) { return a.utility > b.utility; }));
    }
  }
}

TEST(RankingTest, MoreSuccessOrLessCostNeverLowersUtility) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> uniform;
  for (int round = 0; round < 300; ++round) {
    Scenario s;
    const double success = uniform(random);
    const double cost = uniform(random);
    s.Add("plain", success, cost);
    s.Add("better", success + (1 - success) * uniform(random), cost);
    s.Add("cheaper", success, cost * uniform(random));
    s.terms.tradeoff = uniform(random);
    s.Decide();
    EXPECT_GE(s.CandidateOf("better").utility, s.CandidateOf("plain").utility);
    EXPECT_GE(s.CandidateOf("cheaper").utility, s.CandidateOf("plain").utility);
  }
}

// Random catalogues with many ties: values are drawn from a few numbers.
TEST(RankingPropertyTest, TheOrderOfTheCatalogueDecidesNothing) {
  std::mt19937 random(5);
  const auto pick = [&](std::initializer_list<double> values) {
    return *(values.begin() + std::uniform_int_distribution<size_t>(0, values.size() - 1)(random));
  };
  const auto coin = [&](double p) { return std::bernoulli_distribution(p)(random); };
  for (int round = 0; round < 500; ++round) {
    Scenario s;
    for (int m = 0; m < 8; ++m) {
      v1::Model& model =
          s.Add("m" + std::to_string(m), pick({0.4, 0.6, 0.6, 0.8}), pick({0.1, 0.1, 0.5, 1}));
      if (coin(0.15)) model.clear_output_usd_per_mtok();
      if (coin(0.15)) model.clear_time_to_first_token_ms();
      model.set_output_tokens_per_second(pick({50, 100}));
    }
    s.policy().set_objective(static_cast<v1::Objective>(1 + round % 3));
    s.policy().set_latency_target_ms(15'000);
    s.policy().mutable_exploration()->set_rate(0.5);
    const std::string key = "user " + std::to_string(round);
    s.terms.assignment_key = key;
    if (coin(0.5)) s.terms.limits.max_cost_usd = 0.5;
    if (coin(0.1)) s.terms.limits.max_cost_usd = 0.05;
    if (coin(0.3)) s.incumbent = "m3";
    if (coin(0.3)) s.AddRule("prefer").mutable_then()->add_prefer_models("m5");

    struct Seen {
      std::vector<std::string> ranking;
      std::vector<std::string> rejected;
      std::vector<double> utilities;
      std::vector<double> tradeoffs;  // -1 where there is no interval
      std::string chosen;
      std::string relaxed;
      double margin;
      double propensity;
      bool operator==(const Seen&) const = default;
    };
    const auto look = [&] {
      const Decision& decision = s.Decide();
      Seen seen{s.Ranking(),        {}, {}, {}, s.Chosen(), s.RelaxedModel(), decision.margin,
                decision.propensity};
      for (const Rejection& r : decision.rejected) {
        seen.rejected.push_back(s.NameOf(r.model) + v1::RejectionReason_Name(r.reason));
      }
      std::sort(seen.rejected.begin(), seen.rejected.end());
      for (const Candidate& c : decision.candidates) {
        seen.utilities.push_back(c.utility);
        seen.tradeoffs.push_back(IsKnown(c.tradeoff_lower) ? c.tradeoff_lower : -1);
        seen.tradeoffs.push_back(IsKnown(c.tradeoff_upper) ? c.tradeoff_upper : -1);
      }
      return seen;
    };
    const Seen before = look();
    std::vector<v1::Model> models(s.catalogue.models().begin(), s.catalogue.models().end());
    std::shuffle(models.begin(), models.end(), random);
    for (int m = 0; m < 8; ++m) *s.catalogue.mutable_models(m) = models[static_cast<size_t>(m)];
    const Seen after = look();
    EXPECT_TRUE(before == after) << "round " << round << ": "
                                 << ::testing::PrintToString(before.ranking) << " became "
                                 << ::testing::PrintToString(after.ranking);
  }
}

}  // namespace
}  // namespace pointsman::choose
