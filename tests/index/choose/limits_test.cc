// Hard limits and requirements: which models are rejected, and with which reason, limit and value.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenario.h"

namespace pointsman::choose {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::IsNan;

// `a` fails whatever the test asks for, `b` never does.
class LimitsTest : public ::testing::Test {
 protected:
  LimitsTest() {
    scenario_.Add("a", 0.6, 0.8);
    scenario_.Add("b", 0.9, 0.1);
    b().add_features("tools");
    b().add_tags("region:eu");
  }
  v1::Model& a() { return *scenario_.catalogue.mutable_models(0); }
  v1::Model& b() { return *scenario_.catalogue.mutable_models(1); }

  // Decides, checks that only `a` was rejected, and returns why.
  Rejection RejectionOfA() {
    const Decision& decision = scenario_.Decide();
    EXPECT_EQ(decision.outcome, v1::OUTCOME_CHOSEN);
    EXPECT_EQ(scenario_.Chosen(), "b");
    EXPECT_EQ(decision.rejected.size(), 1u);
    EXPECT_EQ(decision.relaxation.model, -1) << "nothing to relax where there is a choice";
    return scenario_.RejectionOf("a");
  }

  Scenario scenario_;
};

TEST_F(LimitsTest, WithoutLimitsNothingIsRejected) {
  EXPECT_TRUE(scenario_.Decide().rejected.empty());
}

TEST_F(LimitsTest, NotAllowed) {
  scenario_.allow = {"b"};
  EXPECT_EQ(RejectionOfA().reason, v1::REJECTION_REASON_NOT_ALLOWED);
}

TEST_F(LimitsTest, Denied) {
  scenario_.deny = {"a"};
  EXPECT_EQ(RejectionOfA().reason, v1::REJECTION_REASON_DENIED);
}

TEST_F(LimitsTest, ExcludedByTheRuleThatIsNamed) {
  v1::Rule& harmless = scenario_.AddRule("harmless");
  harmless.mutable_then()->add_only_models("a");
  harmless.mutable_then()->add_only_models("b");
  scenario_.AddRule("culprit").mutable_then()->add_exclude_models("a");
  scenario_.AddRule("late").mutable_then()->add_exclude_models("a");
  const Rejection rejection = RejectionOfA();
  EXPECT_EQ(rejection.reason, v1::REJECTION_REASON_RULE);
  EXPECT_EQ(rejection.detail, "culprit") << "the first rule that excludes it";
}

TEST_F(LimitsTest, MissingFeature) {
  scenario_.features = {"tools"};
  const Rejection rejection = RejectionOfA();
  EXPECT_EQ(rejection.reason, v1::REJECTION_REASON_MISSING_FEATURE);
  EXPECT_EQ(rejection.detail, "tools");
}

TEST_F(LimitsTest, MissingTag) {
  scenario_.tags = {"region:eu"};
  const Rejection rejection = RejectionOfA();
  EXPECT_EQ(rejection.reason, v1::REJECTION_REASON_MISSING_TAG);
  EXPECT_EQ(rejection.detail, "region:eu");
}

TEST_F(LimitsTest, ContextTooSmallForTheTokensAskedFor) {
  a().set_context_window_tokens(8000);
  scenario_.terms.context_tokens = 8001;
  const Rejection rejection = RejectionOfA();
  EXPECT_EQ(rejection.reason, v1::REJECTION_REASON_CONTEXT_TOO_SMALL);
  EXPECT_EQ(rejection.limit, 8001);
  EXPECT_EQ(rejection.value, 8000);
}

TEST_F(LimitsTest, ContextTooSmallForInputAndAnswer) {
  a().set_context_window_tokens(8000);
  scenario_.terms.input_tokens = 7500;
  const Rejection rejection = RejectionOfA();
  EXPECT_EQ(rejection.reason, v1::REJECTION_REASON_CONTEXT_TOO_SMALL);
  EXPECT_EQ(rejection.limit, 7500 + Scenario::kAnswerTokens);
  EXPECT_EQ(rejection.value, 8000);
}

TEST_F(LimitsTest, AContextThatFitsExactlyIsEnough) {
  a().set_context_window_tokens(8000);
  scenario_.terms.context_tokens = 8000;
  EXPECT_TRUE(scenario_.Decide().rejected.empty());
}

TEST_F(LimitsTest, AnUnknownContextFailsWhereOneIsRequired) {
  a().clear_context_window_tokens();
  EXPECT_TRUE(scenario_.Decide().rejected.empty()) << "none required";
  scenario_.terms.context_tokens = 1;
  const Rejection rejection = RejectionOfA();
  EXPECT_EQ(rejection.reason, v1::REJECTION_REASON_CONTEXT_UNKNOWN);
  EXPECT_EQ(rejection.limit, 1);
  EXPECT_THAT(rejection.value, IsNan());
}

TEST_F(LimitsTest, CostAboveLimit) {
  scenario_.terms.limits.max_cost_usd = 0.5;
  const Rejection rejection = RejectionOfA();
  EXPECT_EQ(rejection.reason, v1::REJECTION_REASON_COST_ABOVE_LIMIT);
  EXPECT_EQ(rejection.limit, 0.5);
  EXPECT_THAT(rejection.value, DoubleEq(0.8));
}

TEST_F(LimitsTest, AnUnknownCostNeverSatisfiesALimit) {
  a().clear_input_usd_per_mtok();
  scenario_.terms.limits.max_cost_usd = 1e9;
  const Rejection rejection = RejectionOfA();
  EXPECT_EQ(rejection.reason, v1::REJECTION_REASON_COST_UNKNOWN);
  EXPECT_EQ(rejection.limit, 1e9);
  EXPECT_THAT(rejection.value, IsNan());
}

TEST_F(LimitsTest, LatencyAboveLimit) {
  b().set_output_tokens_per_second(1000);
  scenario_.terms.limits.max_latency_ms = 2000;
  const Rejection rejection = RejectionOfA();
  EXPECT_EQ(rejection.reason, v1::REJECTION_REASON_LATENCY_ABOVE_LIMIT);
  EXPECT_EQ(rejection.limit, 2000);
  EXPECT_THAT(rejection.value, DoubleEq(10'000));
}

TEST_F(LimitsTest, AnUnknownLatencyNeverSatisfiesALimit) {
  a().clear_output_tokens_per_second();
  scenario_.terms.limits.max_latency_ms = 1e9;
  EXPECT_EQ(RejectionOfA().reason, v1::REJECTION_REASON_LATENCY_UNKNOWN);
}

TEST_F(LimitsTest, SuccessBelowLimit) {
  scenario_.terms.limits.min_success_probability = 0.7;
  const Rejection rejection = RejectionOfA();
  EXPECT_EQ(rejection.reason, v1::REJECTION_REASON_SUCCESS_BELOW_LIMIT);
  EXPECT_EQ(rejection.limit, 0.7);
  EXPECT_EQ(rejection.value, 0.6);
}

TEST_F(LimitsTest, AValueAtTheLimitIsWithinIt) {
  const Decision& decision = scenario_.Decide();
  ASSERT_TRUE(decision.rejected.empty());
  scenario_.terms.limits.max_cost_usd = scenario_.CandidateOf("a").cost_usd;
  scenario_.terms.limits.max_latency_ms = scenario_.CandidateOf("a").latency_ms;
  scenario_.terms.limits.min_success_probability = 0.6;
  EXPECT_TRUE(scenario_.Decide().rejected.empty());
}

TEST_F(LimitsTest, TheFirstReasonInTheOrderOfTheEnumIsTold) {
  // Everything is wrong with `a`; mending one thing after the other walks through the enum.
  scenario_.allow = {"b"};
  scenario_.deny = {"a"};
  scenario_.AddRule("rule").mutable_then()->add_exclude_models("a");
  scenario_.features = {"tools"};
  scenario_.tags = {"region:eu"};
  scenario_.terms.context_tokens = 50'000;
  a().set_context_window_tokens(100);
  b().set_output_tokens_per_second(1000);
  scenario_.terms.limits = {0.5, 2000, 0.7};

  std::vector<int> reasons;
  const auto look = [&] { reasons.push_back(RejectionOfA().reason); };
  look();
  scenario_.allow.clear();
  look();
  scenario_.deny.clear();
  look();
  scenario_.policy().clear_rules();
  look();
  a().add_features("tools");
  look();
  a().add_tags("region:eu");
  look();
  a().clear_context_window_tokens();
  look();
  a().set_context_window_tokens(50'000);
  look();
  a().clear_output_usd_per_mtok();
  look();
  a().set_output_usd_per_mtok(1);
  look();
  a().clear_output_tokens_per_second();
  look();
  a().set_output_tokens_per_second(1000);
  look();
  EXPECT_THAT(reasons, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
}

TEST_F(LimitsTest, RejectionsComeInTheOrderOfTheCatalogue) {
  scenario_.Add("c", 0.5, 0.1);
  scenario_.terms.limits.min_success_probability = 0.7;
  const Decision& decision = scenario_.Decide();
  ASSERT_EQ(decision.rejected.size(), 2u);
  EXPECT_EQ(scenario_.NameOf(decision.rejected[0].model), "a");
  EXPECT_EQ(scenario_.NameOf(decision.rejected[1].model), "c");
}

TEST_F(LimitsTest, ARequestTightensThePolicysLimitsAndCannotLoosenThem) {
  scenario_.policy().mutable_limits()->set_max_cost_usd(0.5);
  scenario_.terms.limits.max_cost_usd = 2;
  EXPECT_EQ(RejectionOfA().limit, 0.5) << "the policy's";
  scenario_.terms.limits.max_cost_usd = 0.3;
  EXPECT_EQ(RejectionOfA().limit, 0.3) << "the caller's";

  scenario_.terms.limits.max_cost_usd = kNoLimit;
  scenario_.policy().clear_limits();
  scenario_.policy().mutable_limits()->set_min_success_probability(0.7);
  scenario_.terms.limits.min_success_probability = 0.1;
  EXPECT_EQ(RejectionOfA().limit, 0.7);
  scenario_.policy().clear_limits();
  scenario_.terms.limits.min_success_probability = 0;
  scenario_.policy().mutable_limits()->set_max_latency_ms(5000);
  b().set_output_tokens_per_second(1000);
  EXPECT_EQ(RejectionOfA().limit, 5000);
}

TEST_F(LimitsTest, TheLongestAnswerOfAModelBoundsItsTokens) {
  a().set_max_output_tokens(200);
  scenario_.Decide();
  EXPECT_EQ(scenario_.CandidateOf("a").output_tokens, 200);
  EXPECT_THAT(scenario_.CandidateOf("a").cost_usd, DoubleEq(0.8 * 0.2));
  EXPECT_EQ(scenario_.CandidateOf("b").output_tokens, Scenario::kAnswerTokens);
}

TEST_F(LimitsTest, ExpectedOutputTokensOfTheCallerReplaceTheEstimate) {
  scenario_.terms.expected_output_tokens = 10;
  scenario_.Decide();
  EXPECT_EQ(scenario_.CandidateOf("a").output_tokens, 10);
  EXPECT_THAT(scenario_.CandidateOf("a").latency_ms, DoubleEq(100));
}

}  // namespace
}  // namespace pointsman::choose
