// "I do not know": unfamiliar queries, too little confidence, and what is said about weak evidence.
#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenario.h"

namespace pointsman::choose {
namespace {

using ::testing::ElementsAre;

class UnsureTest : public ::testing::Test {
 protected:
  UnsureTest() {
    scenario_.Add("small", 0.6, 0.1);
    scenario_.Add("large", 0.9, 1.0);
    scenario_.policy().set_familiarity_floor(0.05);
  }
  Scenario scenario_;
};

TEST_F(UnsureTest, AFamiliarQueryIsNotDegraded) {
  scenario_.familiarity = 0.05;
  const Decision& decision = scenario_.Decide();
  EXPECT_EQ(decision.outcome, v1::OUTCOME_CHOSEN);
  EXPECT_TRUE(decision.degradations.empty());
}

TEST_F(UnsureTest, AnUnfamiliarQueryIsRankedAsUsualAndSaysSo) {
  scenario_.familiarity = 0.049;
  const Decision& decision = scenario_.Decide();
  EXPECT_EQ(scenario_.Chosen(), "small");
  ASSERT_EQ(decision.degradations.size(), 1u);
  EXPECT_EQ(decision.degradations[0].kind, v1::DEGRADATION_KIND_UNFAMILIAR);
  EXPECT_EQ(decision.degradations[0].value, 0.049);
  EXPECT_EQ(decision.degradations[0].bound, 0.05);
}

TEST_F(UnsureTest, APolicyMayAbstainWhenUnfamiliar) {
  scenario_.policy().set_on_unfamiliar(v1::UNFAMILIAR_ACTION_ABSTAIN);
  EXPECT_EQ(scenario_.Decide().outcome, v1::OUTCOME_CHOSEN) << "familiar";
  scenario_.familiarity = 0;
  const Decision& decision = scenario_.Decide();
  EXPECT_EQ(decision.outcome, v1::OUTCOME_ABSTAINED);
  EXPECT_EQ(decision.model, -1);
  EXPECT_EQ(decision.confidence, 0);
  EXPECT_EQ(decision.margin, 0);
  EXPECT_THAT(scenario_.Ranking(), ElementsAre("small", "large")) << "still ranked";
  EXPECT_TRUE(scenario_.Degraded(v1::DEGRADATION_KIND_UNFAMILIAR));
}

TEST_F(UnsureTest, APolicyMayFallBackWhenUnfamiliar) {
  scenario_.policy().set_on_unfamiliar(v1::UNFAMILIAR_ACTION_FALLBACK);
  scenario_.policy().set_fallback_model("large");
  scenario_.Decide();
  EXPECT_EQ(scenario_.Chosen(), "small") << "familiar";
  scenario_.familiarity = 0;
  const Decision& decision = scenario_.Decide();
  EXPECT_EQ(scenario_.Chosen(), "large");
  EXPECT_EQ(decision.confidence, 0.9);
  EXPECT_THAT(scenario_.Ranking(), ElementsAre("small", "large")) << "whatever the ranking says";
}

TEST_F(UnsureTest, AFallbackThatMissesAHardLimitIsNotTaken) {
  scenario_.policy().set_on_unfamiliar(v1::UNFAMILIAR_ACTION_FALLBACK);
  scenario_.policy().set_fallback_model("large");
  scenario_.familiarity = 0;
  scenario_.terms.limits.max_cost_usd = 0.5;
  scenario_.Decide();
  EXPECT_EQ(scenario_.Chosen(), "small");
}

TEST_F(UnsureTest, AFallbackIsNotExploredAwayFrom) {
  scenario_.policy().set_on_unfamiliar(v1::UNFAMILIAR_ACTION_FALLBACK);
  scenario_.policy().set_fallback_model("large");
  scenario_.policy().mutable_exploration()->set_rate(0.5);
  scenario_.policy().mutable_exploration()->set_max_probability_loss(1);
  scenario_.familiarity = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string key = std::to_string(i);
    scenario_.terms.assignment_key = key;
    const Decision& decision = scenario_.Decide();
    EXPECT_EQ(scenario_.Chosen(), "large");
    EXPECT_EQ(decision.propensity, 1);
  }
}

TEST_F(UnsureTest, AbstainsBelowTheLeastConfidence) {
  scenario_.policy().set_min_confidence(0.61);
  const Decision& decision = scenario_.Decide();
  EXPECT_EQ(decision.outcome, v1::OUTCOME_ABSTAINED);
  EXPECT_EQ(decision.model, -1);
  EXPECT_EQ(decision.candidates.size(), 2u);
  scenario_.policy().set_min_confidence(0.6);
  EXPECT_EQ(scenario_.Decide().outcome, v1::OUTCOME_CHOSEN);
}

TEST_F(UnsureTest, InfeasibleOutranksAbstaining) {
  scenario_.policy().set_on_unfamiliar(v1::UNFAMILIAR_ACTION_ABSTAIN);
  scenario_.familiarity = 0;
  scenario_.terms.limits.max_cost_usd = 0;
  EXPECT_EQ(scenario_.Decide().outcome, v1::OUTCOME_INFEASIBLE);
}

TEST_F(UnsureTest, SaysWhenTheChoiceHasNoMeasuredOutcome) {
  scenario_.Believed("large").has_outcomes = false;
  scenario_.Decide();
  EXPECT_FALSE(scenario_.Degraded(v1::DEGRADATION_KIND_NO_OUTCOMES)) << "not the choice";
  scenario_.Believed("small").has_outcomes = false;
  scenario_.Decide();
  EXPECT_TRUE(scenario_.Degraded(v1::DEGRADATION_KIND_NO_OUTCOMES));
}

TEST_F(UnsureTest, SaysWhenACandidateHasNeitherOutcomesNorSkill) {
  scenario_.Believed("large").has_skill = false;
  scenario_.Decide();
  EXPECT_FALSE(scenario_.Degraded(v1::DEGRADATION_KIND_NO_SKILL)) << "outcomes are enough";
  scenario_.Believed("large").has_outcomes = false;
  const Decision& decision = scenario_.Decide();
  const auto said =
      std::find_if(decision.degradations.begin(), decision.degradations.end(),
                   [](const Degraded& d) { return d.kind == v1::DEGRADATION_KIND_NO_SKILL; });
  ASSERT_NE(said, decision.degradations.end());
  EXPECT_EQ(scenario_.NameOf(said->model), "large");
}

TEST_F(UnsureTest, ADecisionThatIsReusedForgetsTheLastOne) {
  scenario_.terms.limits.max_cost_usd = 0.05;
  scenario_.familiarity = 0;
  scenario_.AddRule("rule");
  ASSERT_EQ(scenario_.Decide().outcome, v1::OUTCOME_INFEASIBLE);
  scenario_.terms.limits = Bounds();
  scenario_.familiarity = 1;
  scenario_.policy().clear_rules();
  const Decision& decision = scenario_.Decide();
  EXPECT_EQ(decision.outcome, v1::OUTCOME_CHOSEN);
  EXPECT_TRUE(decision.rejected.empty());
  EXPECT_TRUE(decision.degradations.empty());
  EXPECT_TRUE(decision.rules_fired.empty());
  EXPECT_EQ(decision.relaxation.model, -1);
}

}  // namespace
}  // namespace pointsman::choose
