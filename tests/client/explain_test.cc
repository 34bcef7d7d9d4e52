// A decision as people read it.
#include "pointsman/client/explain.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

v1::Candidate* AddCandidate(const std::string& model, double lower, double upper,
                            v1::RouteResponse* response) {
  v1::Candidate* candidate = response->add_candidates();
  candidate->set_model(model);
  candidate->set_success_probability(0.875);
  candidate->set_cost_usd(0.00125);
  candidate->mutable_tradeoff_interval()->set_lower(lower);
  candidate->mutable_tradeoff_interval()->set_upper(upper);
  return candidate;
}

v1::RouteResponse Chosen() {
  v1::RouteResponse response;
  response.set_outcome(v1::OUTCOME_CHOSEN);
  response.set_model("medium");
  response.set_confidence(0.875);
  response.set_margin(0.7);
  AddCandidate("medium", 0.25, 0.75, &response);
  AddCandidate("large", 0, 0.25, &response);
  AddCandidate("tiny", 0.75, 1, &response);
  v1::Rejection* rejection = response.add_rejected();
  rejection->set_model("huge");
  rejection->set_reason(v1::REJECTION_REASON_COST_ABOVE_LIMIT);
  rejection->set_limit(0.01);
  rejection->set_value(0.034);
  v1::CapabilityWeight* need = response.add_capabilities();
  need->set_capability("debugging");
  need->set_weight(0.8);
  return response;
}

TEST(ExplainText, ShowsChoiceCandidatesAndRejections) {
  EXPECT_THAT(ExplainText(Chosen()),
              AllOf(HasSubstr("medium  confidence 0.88, margin 0.70"), HasSubstr("debugging 0.80"),
                    HasSubstr("0.001250"), HasSubstr("cost above limit")));
}

TEST(ExplainText, UnknownCostAndLatencyAreSaidToBeUnknown) {
  v1::RouteResponse response = Chosen();
  response.mutable_candidates(0)->clear_cost_usd();
  EXPECT_THAT(ExplainText(response), HasSubstr("unknown"));
}

TEST(ExplainText, TellsWhatWouldChangeTheDecision) {
  EXPECT_THAT(ExplainText(Chosen()),
              AllOf(HasSubstr("0.00 to 0.25 large, 0.25 to 0.75 medium (this choice), 0.75 to 1.00 "
                              "tiny"),
                    HasSubstr("probability of 0.30 the runner-up large"),
                    HasSubstr("huge needs limits.max_cost_usd at 0.034 instead of 0.01")));
  EXPECT_THAT(ExplainText(Chosen(), {.reasons = false}), Not(HasSubstr("would change")));
}

TEST(ExplainText, ShowsEvidenceAndRules) {
  v1::RouteResponse response = Chosen();
  response.add_rules_fired("legal-needs-eu");
  v1::Evidence* evidence = response.add_evidence();
  evidence->set_exemplar_id("debugging-0007");
  evidence->set_text("why does my loop never end?");
  evidence->set_similarity(0.83);
  EXPECT_THAT(ExplainText(response),
              AllOf(HasSubstr("legal-needs-eu"), HasSubstr("debugging-0007"), HasSubstr("0.83"),
                    HasSubstr("why does my loop never end?")));
}

TEST(ExplainText, TextOfABundleCannotDriveTheTerminal) {
  v1::RouteResponse response = Chosen();
  response.add_evidence()->set_text("line one\nline two\x1b[2J\xC2\x9B");
  const std::string text = ExplainText(response);
  EXPECT_THAT(text, HasSubstr("line one line two [2J\n"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(ExplainText, LongTextIsCutBetweenCharacters) {
  v1::RouteResponse response = Chosen();
  std::string greek;
  for (int i = 0; i < 100; ++i) greek += "λ";
  response.add_evidence()->set_text(greek);
  EXPECT_THAT(ExplainText(response), HasSubstr("λλλ...\n"));
}

TEST(ExplainText, ColoursOnlyWhenAsked) {
  EXPECT_EQ(ExplainText(Chosen()).find('\x1b'), std::string::npos);
  EXPECT_NE(ExplainText(Chosen(), {.colour = true}).find("\x1b["), std::string::npos);
}

TEST(ExplainText, InfeasibleNamesTheSmallestRelaxation) {
  v1::RouteResponse response;
  response.set_outcome(v1::OUTCOME_INFEASIBLE);
  v1::Relaxation* relaxation = response.mutable_relaxation();
  relaxation->set_field("limits.max_cost_usd");
  relaxation->set_current(0.00002);
  relaxation->set_needed(0.0015);
  relaxation->set_model("tiny");
  EXPECT_THAT(ExplainText(response),
              HasSubstr("no model qualifies: raise limits.max_cost_usd from 0.00002 to 0.0015 "
                        "and tiny qualifies"));
}

TEST(ExplainText, ALimitIsNeverRoundedToOneThatJustMisses) {
  v1::RouteResponse response = Chosen();
  response.mutable_rejected(0)->set_limit(0.000001);
  response.mutable_rejected(0)->set_value(0.00000330154);
  EXPECT_THAT(ExplainText(response), HasSubstr("limits.max_cost_usd at 0.000003302 instead of"));
  response.mutable_rejected(0)->set_reason(v1::REJECTION_REASON_SUCCESS_BELOW_LIMIT);
  response.mutable_rejected(0)->set_limit(0.99);
  response.mutable_rejected(0)->set_value(0.87659);
  EXPECT_THAT(ExplainText(response), HasSubstr("limits.min_success_probability at 0.8765 instead"));
}

TEST(ExplainText, ALimitThatMustSinkIsLowered) {
  v1::RouteResponse response;
  response.set_outcome(v1::OUTCOME_INFEASIBLE);
  v1::Relaxation* relaxation = response.mutable_relaxation();
  relaxation->set_field("limits.min_success_probability");
  relaxation->set_current(0.99);
  relaxation->set_needed(0.9);
  relaxation->set_model("large");
  EXPECT_THAT(ExplainText(response),
              HasSubstr("lower limits.min_success_probability from 0.99 to 0.9"));
}

TEST(ExplainText, ARelaxationWithoutANumberDropsAName) {
  v1::RouteResponse response;
  response.set_outcome(v1::OUTCOME_INFEASIBLE);
  v1::Relaxation* relaxation = response.mutable_relaxation();
  relaxation->set_field("requirements.features");
  relaxation->set_detail("vision");
  relaxation->set_model("large");
  EXPECT_THAT(ExplainText(response), HasSubstr("drop `vision` from requirements.features"));
}

TEST(ExplainText, ALimitOnAnUnknownValueMustBeDropped) {
  v1::RouteResponse response;
  response.set_outcome(v1::OUTCOME_INFEASIBLE);
  response.mutable_relaxation()->set_field("limits.max_cost_usd");
  response.mutable_relaxation()->set_current(0);
  response.mutable_relaxation()->set_model("in-house");
  EXPECT_THAT(ExplainText(response), HasSubstr("drop limits.max_cost_usd and in-house qualifies"));
}

TEST(ExplainText, NoTextFromOutsideSteersATerminal) {
  v1::RouteResponse response = Chosen();
  for (std::string* text :
       {response.mutable_model(), response.mutable_candidates(0)->mutable_model(),
        response.mutable_rejected(0)->mutable_model(),
        response.mutable_capabilities(0)->mutable_capability(), response.add_rules_fired(),
        response.add_degradations()->mutable_detail(),
        response.add_evidence()->mutable_exemplar_id(),
        response.mutable_provenance()->mutable_policy(), response.mutable_decision_id()}) {
    text->append("\x1b[2J\a");
  }
  const std::string text = ExplainText(response);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\a")));
}

TEST(ExplainText, ADefaultIsLabelledAsSuch) {
  Routed routed;
  routed.source = Source::kDefaultRanking;
  routed.router_error = absl::UnavailableError("connection refused");
  routed.response.set_model("first");
  routed.unchecked_limits = {"limits.max_cost_usd"};
  EXPECT_THAT(ExplainText(routed),
              AllOf(HasSubstr("default ranking"), HasSubstr("connection refused"),
                    HasSubstr("first"), HasSubstr("not checked: limits.max_cost_usd")));
}

}  // namespace
}  // namespace pointsman::client
