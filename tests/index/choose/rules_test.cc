// Rules of a policy: when they apply, and what they do.
#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenario.h"

namespace pointsman::choose {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RulesTest : public ::testing::Test {
 protected:
  RulesTest() {
    scenario_.catalogue.add_capabilities()->set_id("greeting");
    scenario_.catalogue.add_capabilities()->set_id("proof");
    scenario_.capabilities = {0.7F, 0.3F};
    scenario_.Add("small", 0.6, 0.1);
    scenario_.Add("large", 0.9, 1.0);
  }
  bool Fires() { return !scenario_.Decide().rules_fired.empty(); }

  Scenario scenario_;
};

TEST_F(RulesTest, ARuleWithoutConditionsAlwaysApplies) {
  scenario_.AddRule("always").mutable_then()->add_only_models("large");
  EXPECT_TRUE(Fires());
  EXPECT_EQ(scenario_.Chosen(), "large");
}

TEST_F(RulesTest, APatternIsSearchedInTheText) {
  scenario_.AddRule("secret").mutable_when()->set_text_pattern("(?i)password|api[ _]key");
  scenario_.terms.text = "Where do I put the API key?";
  EXPECT_TRUE(Fires());
  scenario_.terms.text = "Where do I put the comma?";
  EXPECT_FALSE(Fires());
}

TEST_F(RulesTest, APatternNeverMatchesWhereThereIsNoText) {
  scenario_.AddRule("any").mutable_when()->set_text_pattern("");
  EXPECT_TRUE(Fires()) << "an empty pattern is no condition";
  scenario_.policy().mutable_rules(0)->mutable_when()->set_text_pattern(".*");
  EXPECT_FALSE(Fires());
  scenario_.terms.text = "";
  EXPECT_TRUE(Fires());
}

TEST_F(RulesTest, ACapabilityCountsFromHalfOfTheMixByDefault) {
  scenario_.AddRule("proofs").mutable_when()->set_capability("proof");
  EXPECT_FALSE(Fires());
  scenario_.capabilities = {0.5F, 0.5F};
  EXPECT_TRUE(Fires());
}

TEST_F(RulesTest, TheWeightFromWhichACapabilityCountsCanBeSet) {
  v1::Rule& rule = scenario_.AddRule("proofs");
  rule.mutable_when()->set_capability("proof");
  rule.mutable_when()->set_min_capability_weight(0.25);
  EXPECT_TRUE(Fires());
  scenario_.capabilities = {0.8F, 0.2F};
  EXPECT_FALSE(Fires());
}

TEST_F(RulesTest, InputTokensAreBoundedOnBothSidesInclusively) {
  v1::Rule& rule = scenario_.AddRule("medium");
  rule.mutable_when()->set_min_input_tokens(100);
  rule.mutable_when()->set_max_input_tokens(200);
  std::vector<bool> fires;
  for (const double tokens : {99, 100, 200, 201}) {
    scenario_.terms.input_tokens = tokens;
    fires.push_back(Fires());
  }
  EXPECT_THAT(fires, ElementsAre(false, true, true, false));
}

TEST_F(RulesTest, UnknownDifficultyIsNeverDifficultEnough) {
  scenario_.AddRule("hard").mutable_when()->set_min_difficulty(0.5);
  EXPECT_FALSE(Fires());
  scenario_.difficulty = 0.4;
  EXPECT_FALSE(Fires());
  scenario_.difficulty = 0.5;
  EXPECT_TRUE(Fires());
}

TEST_F(RulesTest, ARequestTagMustBeAmongThoseOfTheRequest) {
  scenario_.AddRule("internal").mutable_when()->set_request_tag("class:internal");
  EXPECT_FALSE(Fires());
  scenario_.tags = {"region:eu", "class:internal"};
  EXPECT_TRUE(Fires());
}

TEST_F(RulesTest, AllConditionsMustHold) {
  v1::Rule& rule = scenario_.AddRule("both");
  rule.mutable_when()->set_min_input_tokens(100);
  rule.mutable_when()->set_text_pattern("x");
  scenario_.terms.text = "x";
  EXPECT_FALSE(Fires());
  scenario_.terms.input_tokens = 100;
  EXPECT_TRUE(Fires());
}

TEST_F(RulesTest, RulesFireInOrderUntilOneStops) {
  scenario_.AddRule("first");
  scenario_.AddRule("second").set_stop(true);
  scenario_.AddRule("third").mutable_then()->add_exclude_models("large");
  EXPECT_THAT(scenario_.Decide().rules_fired, ElementsAre("first", "second"));
  EXPECT_THAT(scenario_.Decide().rejected, IsEmpty());
}

TEST_F(RulesTest, ARuleThatDoesNotApplyDoesNotStop) {
  v1::Rule& stop = scenario_.AddRule("stop");
  stop.mutable_when()->set_min_input_tokens(100);
  stop.set_stop(true);
  scenario_.AddRule("after");
  EXPECT_THAT(scenario_.Decide().rules_fired, ElementsAre("after"));
}

TEST_F(RulesTest, RequirementsOfRulesAddToThoseOfTheRequest) {
  scenario_.catalogue.mutable_models(0)->add_features("tools");
  scenario_.catalogue.mutable_models(1)->add_tags("region:eu");
  scenario_.Add("both", 0.1, 2).add_features("tools");
  scenario_.catalogue.mutable_models(2)->add_tags("region:eu");
  scenario_.AddRule("tools").mutable_then()->add_require_features("tools");
  scenario_.AddRule("eu").mutable_then()->add_require_tags("region:eu");
  scenario_.Decide();
  EXPECT_THAT(scenario_.Ranking(), ElementsAre("both"));
  EXPECT_EQ(scenario_.RejectionOf("small").reason, v1::REJECTION_REASON_MISSING_TAG);
  EXPECT_EQ(scenario_.RejectionOf("large").reason, v1::REJECTION_REASON_MISSING_FEATURE);
}

TEST_F(RulesTest, OnlyAndExcludeNarrowTogether) {
  scenario_.Add("third", 0.5, 0.5);
  v1::Rule& rule = scenario_.AddRule("narrow");
  rule.mutable_then()->add_only_models("small");
  rule.mutable_then()->add_only_models("large");
  rule.mutable_then()->add_exclude_models("small");
  scenario_.Decide();
  EXPECT_THAT(scenario_.Ranking(), ElementsAre("large"));
}

TEST_F(RulesTest, RulesThatLeaveNothingMakeItInfeasibleAndTheCallerCannotHelp) {
  scenario_.AddRule("a").mutable_then()->add_only_models("small");
  scenario_.AddRule("b").mutable_then()->add_only_models("large");
  const Decision& decision = scenario_.Decide();
  EXPECT_EQ(decision.outcome, v1::OUTCOME_INFEASIBLE);
  EXPECT_EQ(decision.relaxation.model, -1);
  EXPECT_EQ(scenario_.RejectionOf("small").detail, "b");
  EXPECT_EQ(scenario_.RejectionOf("large").detail, "a");
}

TEST_F(RulesTest, APreferredModelGainsItsBonusInUtility) {
  scenario_.Decide();
  const double before = scenario_.CandidateOf("large").utility;
  v1::Rule& rule = scenario_.AddRule("prefer");
  rule.mutable_then()->add_prefer_models("large");
  scenario_.Decide();
  EXPECT_THAT(scenario_.CandidateOf("large").utility, DoubleNear(before + 0.05, 1e-12))
      << "the default";
  rule.mutable_then()->set_prefer_bonus(0.4);
  scenario_.Decide();
  EXPECT_THAT(scenario_.CandidateOf("large").utility, DoubleNear(before + 0.4, 1e-12));
  EXPECT_EQ(scenario_.Chosen(), "large");
}

TEST_F(RulesTest, EachModelGetsTheLargestBonusOfTheRulesThatPreferIt) {
  scenario_.Decide();
  const double small = scenario_.CandidateOf("small").utility;
  const double large = scenario_.CandidateOf("large").utility;
  v1::Rule& weak = scenario_.AddRule("weak");
  weak.mutable_then()->add_prefer_models("small");
  weak.mutable_then()->add_prefer_models("large");
  weak.mutable_then()->set_prefer_bonus(0.01);
  v1::Rule& strong = scenario_.AddRule("strong");
  strong.mutable_then()->add_prefer_models("large");
  strong.mutable_then()->set_prefer_bonus(0.2);
  scenario_.Decide();
  EXPECT_THAT(scenario_.CandidateOf("small").utility, DoubleNear(small + 0.01, 1e-12));
  EXPECT_THAT(scenario_.CandidateOf("large").utility, DoubleNear(large + 0.2, 1e-12));
}

TEST_F(RulesTest, UnderOtherObjectivesPreferenceOnlyBreaksTies) {
  scenario_.policy().set_objective(v1::OBJECTIVE_MOST_CAPABLE_WITHIN);
  v1::Rule& rule = scenario_.AddRule("prefer");
  rule.mutable_then()->add_prefer_models("large");
  rule.mutable_then()->set_prefer_bonus(1);
  scenario_.Believed("small").success = 0.91;
  scenario_.Decide();
  EXPECT_EQ(scenario_.Chosen(), "small");
  scenario_.Believed("small").success = 0.9;
  scenario_.Decide();
  EXPECT_EQ(scenario_.Chosen(), "large") << "although it is dearer";
}

TEST_F(RulesTest, ASwitchTakesObjectiveLimitsAndNameOfTheOtherPolicy) {
  v1::Policy& strict = scenario_.AddPolicy("strict");
  strict.set_objective(v1::OBJECTIVE_MOST_CAPABLE_WITHIN);
  strict.mutable_limits()->set_min_success_probability(0.8);
  scenario_.AddRule("switch").mutable_then()->set_switch_policy("strict");
  const Decision& decision = scenario_.Decide();
  EXPECT_EQ(decision.policy, 1);
  EXPECT_EQ(scenario_.Chosen(), "large");
  EXPECT_EQ(scenario_.RejectionOf("small").reason, v1::REJECTION_REASON_SUCCESS_BELOW_LIMIT);
}

TEST_F(RulesTest, PoliciesThatSwitchToEachOtherDoNotLoop) {
  v1::Policy& other = scenario_.AddPolicy("other");
  v1::Rule& back = *other.add_rules();
  back.set_name("back");
  back.mutable_then()->set_switch_policy("default");
  scenario_.AddRule("there").mutable_then()->set_switch_policy("other");
  const Decision& decision = scenario_.Decide();
  EXPECT_THAT(decision.rules_fired, ElementsAre("there"));
  EXPECT_EQ(decision.policy, 1) << "its own rules are not applied";
}

TEST_F(RulesTest, RulesAfterASwitchStillApply) {
  scenario_.AddPolicy("other");
  scenario_.AddRule("there").mutable_then()->set_switch_policy("other");
  scenario_.AddRule("then").mutable_then()->add_exclude_models("small");
  EXPECT_THAT(scenario_.Decide().rules_fired, ElementsAre("there", "then"));
  EXPECT_EQ(scenario_.Chosen(), "large");
}

TEST_F(RulesTest, TheRequestsOwnObjectiveAndTradeoffOutrankASwitch) {
  v1::Policy& other = scenario_.AddPolicy("other");
  other.set_objective(v1::OBJECTIVE_MOST_CAPABLE_WITHIN);
  scenario_.AddRule("there").mutable_then()->set_switch_policy("other");
  scenario_.terms.objective = v1::OBJECTIVE_BEST_VALUE;
  scenario_.terms.tradeoff = 1;
  scenario_.Decide();
  EXPECT_EQ(scenario_.Chosen(), "small");
}

}  // namespace
}  // namespace pointsman::choose
