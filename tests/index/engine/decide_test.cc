// Decisions end to end, from a request to the response, through a bundle that was built and loaded.
#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tiny_bundle.h"

namespace pointsman {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::RouteRequest VectorRequest(const Engine& engine, std::vector<float> values) {
  v1::RouteRequest request;
  request.mutable_embedding()->set_embedder_id(engine.manifest().embedder_id());
  for (const float value : values) request.mutable_embedding()->add_values(value);
  return request;
}

void AddTurn(v1::Role role, const std::string& content, v1::RouteRequest* request) {
  v1::Turn* turn = request->mutable_conversation()->add_turns();
  turn->set_role(role);
  turn->set_content(content);
}

TEST(DecideTest, TwoEnginesOfOneBundleGiveTheSameBytes) {
  const auto first = BuiltEngine(TinySources());
  const auto second = BuiltEngine(TinySources());
  Engine::Scratch reused;
  for (const char* text : {"hello friend", "prove the theorem?", "python bug", "", "unknown zzz"}) {
    v1::RouteRequest request = TextRequest(text);
    request.set_explain(true);
    request.set_assignment_key("user");
    v1::RouteResponse a;
    v1::RouteResponse b;
    Engine::Scratch fresh;
    ASSERT_TRUE(first->Decide(request, reused, &a).ok());
    ASSERT_TRUE(second->Decide(request, fresh, &b).ok());
    EXPECT_EQ(a.DebugString(), b.DebugString());
  }
}

TEST(DecideTest, AnEasyQueryGoesToTheCheapModelAndAHardOneToTheGoodOne) {
  v1::RouteRequest easy = TextRequest("hello friend");
  v1::RouteRequest hard = TextRequest("prove the theorem");
  // Up to which tradeoff the good model is worth its price.
  const auto corner = [](const v1::RouteRequest& request) {
    const v1::RouteResponse response = Decide(TinyEngine(), request);
    for (const v1::Candidate& candidate : response.candidates()) {
      if (candidate.model() == "large") return candidate.tradeoff_interval().upper();
    }
    return 0.0;
  };
  ASSERT_GT(corner(hard), corner(easy) + 0.1);
  const double between = (corner(hard) + corner(easy)) / 2;
  easy.set_tradeoff(between);
  hard.set_tradeoff(between);
  EXPECT_EQ(Decide(TinyEngine(), easy).model(), "small");
  EXPECT_EQ(Decide(TinyEngine(), hard).model(), "large");
}

TEST(DecideTest, AResponseIsCompleteAndConsistent) {
  v1::RouteRequest request = TextRequest("prove the theorem");
  request.set_correlation_id("abc");
  const v1::RouteResponse response = Decide(TinyEngine(), request);
  EXPECT_EQ(response.outcome(), v1::OUTCOME_CHOSEN);
  ASSERT_THAT(response.candidates(), SizeIs(2));
  EXPECT_EQ(response.candidates(0).model(), response.model());
  EXPECT_EQ(response.candidates(0).success_probability(), response.confidence());
  for (const v1::Candidate& candidate : response.candidates()) {
    EXPECT_LE(candidate.success_interval().lower(), candidate.success_probability());
    EXPECT_GE(candidate.success_interval().upper(), candidate.success_probability());
    EXPECT_GT(candidate.cost_usd(), 0);
    EXPECT_GT(candidate.latency_ms(), 200);
    EXPECT_GT(candidate.output_tokens(), 0);
    EXPECT_GT(candidate.effective_evidence(), 0);
  }
  EXPECT_GE(response.candidates(0).utility(), response.candidates(1).utility());
  EXPECT_EQ(response.capabilities(0).capability(), "proof");
  EXPECT_GT(response.difficulty(), 0.5);
  EXPECT_GE(response.margin(), 0.5);
  EXPECT_GT(response.familiarity(), 0.02);
  EXPECT_EQ(response.correlation_id(), "abc");
  EXPECT_EQ(response.provenance().bundle_digest(), TinyEngine().manifest().digest());
  EXPECT_EQ(response.provenance().policy(), "balanced");
  EXPECT_THAT(response.provenance().policy_digest(), SizeIs(16));
  EXPECT_EQ(response.provenance().exploration_propensity(), 1);
  EXPECT_EQ(response.baseline().model(), "large");
  EXPECT_GT(response.baseline().cost_usd(), 0);
  EXPECT_EQ(response.input_tokens(), 8) << "17 characters by four, and four around the turn";
}

TEST(DecideTest, TheCallersTokenCountsAreUsed) {
  v1::RouteRequest request = TextRequest("hello friend");
  request.set_input_tokens(1'000'000 / 2);
  request.set_expected_output_tokens(0);
  request.mutable_requirements()->set_context_tokens(10);
  const v1::RouteResponse response = Decide(TinyEngine(), request);
  EXPECT_EQ(response.input_tokens(), 500'000);
  for (const v1::Candidate& candidate : response.candidates()) {
    EXPECT_EQ(candidate.output_tokens(), 0);
    EXPECT_NEAR(candidate.cost_usd(), candidate.model() == "small" ? 0.25 : 2.5, 1e-12);
  }
}

TEST(DecideTest, MaxCandidatesCutsTheListAndNotTheChoice) {
  v1::RouteRequest request = TextRequest("hello friend");
  request.set_max_candidates(1);
  const v1::RouteResponse response = Decide(TinyEngine(), request);
  ASSERT_THAT(response.candidates(), SizeIs(1));
  EXPECT_EQ(response.candidates(0).model(), response.model());
  EXPECT_LT(response.margin(), 1) << "there is a runner-up all the same";
}

TEST(DecideTest, EmptyBlankAndUnknownTextIsDecidedFromThePriorAndSaysSo) {
  const v1::RouteResponse empty = Decide(TinyEngine(), TextRequest(""));
  EXPECT_TRUE(IsDegraded(empty, v1::DEGRADATION_KIND_EMPTY_INPUT));
  EXPECT_EQ(empty.outcome(), v1::OUTCOME_CHOSEN);
  EXPECT_EQ(empty.familiarity(), 0);
  for (const char* text : {" \n\t ", "zzz qqq", "\x01\x02", "🙂"}) {
    const v1::RouteResponse response = Decide(TinyEngine(), TextRequest(text));
    EXPECT_TRUE(IsDegraded(response, v1::DEGRADATION_KIND_EMPTY_INPUT)) << text;
    for (int i = 0; i < response.candidates_size(); ++i) {
      EXPECT_EQ(response.candidates(i).success_probability(),
                empty.candidates(i).success_probability());
    }
  }
  EXPECT_FALSE(
      IsDegraded(Decide(TinyEngine(), TextRequest("hello")), v1::DEGRADATION_KIND_EMPTY_INPUT));
}

TEST(DecideTest, AnEmptyQueryHasNoEvidence) {
  v1::RouteRequest request = TextRequest("");
  request.set_explain(true);
  EXPECT_THAT(Decide(TinyEngine(), request).evidence(), IsEmpty());
}

TEST(DecideTest, AVectorIsJudgedAsTheTextItCameFromButForTheText) {
  v1::RouteRequest text = TextRequest("prove the theorem");
  text.set_explain(true);
  v1::RouteRequest vector = VectorRequest(TinyEngine(), VectorOf("prove the theorem"));
  vector.set_explain(true);
  const v1::RouteResponse a = Decide(TinyEngine(), text);
  const v1::RouteResponse b = Decide(TinyEngine(), vector);
  EXPECT_TRUE(IsDegraded(b, v1::DEGRADATION_KIND_NO_TEXT));
  EXPECT_FALSE(IsDegraded(a, v1::DEGRADATION_KIND_NO_TEXT));
  ASSERT_EQ(a.evidence_size(), b.evidence_size());
  for (int i = 0; i < a.evidence_size(); ++i) {
    EXPECT_EQ(a.evidence(i).DebugString(), b.evidence(i).DebugString());
  }
  ASSERT_EQ(a.capabilities_size(), b.capabilities_size());
  for (int c = 0; c < a.capabilities_size(); ++c) {
    EXPECT_EQ(a.capabilities(c).weight(), b.capabilities(c).weight());
  }
}

TEST(DecideTest, TheLengthOfAVectorDoesNotMatter) {
  const std::vector<float> unit = VectorOf("python bug");
  v1::RouteResponse expected = Decide(TinyEngine(), VectorRequest(TinyEngine(), unit));
  for (const float scale : {0x1p-120F, 0x1p-20F, 0x1p20F, 0x1p120F}) {
    std::vector<float> scaled = unit;
    for (float& x : scaled) x *= scale;
    const v1::RouteResponse response = Decide(TinyEngine(), VectorRequest(TinyEngine(), scaled));
    ASSERT_EQ(response.candidates_size(), expected.candidates_size());
    for (int i = 0; i < response.candidates_size(); ++i) {
      EXPECT_NEAR(response.candidates(i).success_probability(),
                  expected.candidates(i).success_probability(), 1e-5)
          << scale;
    }
  }
}

TEST(DecideTest, RulesOnTextDoNotApplyToAVector) {
  v1::RouteRequest text = TextRequest("python bug");
  text.set_policy("guarded");
  text.set_explain(true);
  EXPECT_THAT(Decide(TinyEngine(), text).rules_fired(), SizeIs(1));
  EXPECT_EQ(Decide(TinyEngine(), text).model(), "large");
  v1::RouteRequest vector = VectorRequest(TinyEngine(), VectorOf("python bug"));
  vector.set_policy("guarded");
  vector.set_explain(true);
  EXPECT_THAT(Decide(TinyEngine(), vector).rules_fired(), IsEmpty());
}

TEST(DecideTest, AMebibyteIsJudgedByHeadAndTailAndSaysSo) {
  std::string text = "prove the theorem ";
  while (text.size() + 6 <= (1 << 20)) text += "prime ";
  const v1::RouteResponse response = Decide(TinyEngine(), TextRequest(text));
  EXPECT_TRUE(IsDegraded(response, v1::DEGRADATION_KIND_TRUNCATED));
  EXPECT_EQ(response.outcome(), v1::OUTCOME_INFEASIBLE) << "a quarter of a million tokens";
  EXPECT_EQ(response.capabilities(0).capability(), "proof");
  EXPECT_FALSE(
      IsDegraded(Decide(TinyEngine(), TextRequest("prove")), v1::DEGRADATION_KIND_TRUNCATED));
}

TEST(DecideTest, AConversationOfOneUserTurnIsItsText) {
  v1::RouteRequest conversation;
  AddTurn(v1::ROLE_USER, "prove the theorem", &conversation);
  EXPECT_EQ(Decide(TinyEngine(), conversation).DebugString(),
            Decide(TinyEngine(), TextRequest("prove the theorem")).DebugString());
}

TEST(DecideTest, TheLastUserTurnIsWhatIsJudged) {
  v1::RouteRequest conversation;
  AddTurn(v1::ROLE_SYSTEM, "what is the list", &conversation);
  AddTurn(v1::ROLE_USER, "hello friend", &conversation);
  AddTurn(v1::ROLE_ASSISTANT, "python function loop error python function", &conversation);
  AddTurn(v1::ROLE_USER, "prove the theorem", &conversation);
  AddTurn(v1::ROLE_TOOL, "error error error", &conversation);
  const v1::RouteResponse response = Decide(TinyEngine(), conversation);
  EXPECT_EQ(response.capabilities(0).capability(), "proof");
  EXPECT_GT(response.input_tokens(), 30) << "of the whole prompt";
}

TEST(DecideTest, LimitsThatNobodyMeetsAreADecisionWithTheWayOut) {
  v1::RouteRequest request = TextRequest("hello friend");
  request.mutable_limits()->set_max_cost_usd(1e-9);
  const v1::RouteResponse response = Decide(TinyEngine(), request);
  EXPECT_EQ(response.outcome(), v1::OUTCOME_INFEASIBLE);
  EXPECT_THAT(response.model(), IsEmpty());
  ASSERT_THAT(response.rejected(), SizeIs(2));
  EXPECT_EQ(response.rejected(0).reason(), v1::REJECTION_REASON_COST_ABOVE_LIMIT);
  EXPECT_EQ(response.rejected(0).limit(), 1e-9);
  EXPECT_EQ(response.relaxation().field(), "limits.max_cost_usd");
  EXPECT_EQ(response.relaxation().model(), "small");
  request.mutable_limits()->set_max_cost_usd(response.relaxation().needed());
  EXPECT_EQ(Decide(TinyEngine(), request).model(), "small");
}

TEST(DecideTest, TheWayOutOfAListNamesTheModelAndThatOfAFeatureTheFeature) {
  v1::RouteRequest request = TextRequest("hello friend");
  request.mutable_requirements()->add_features("tools");
  request.mutable_requirements()->add_deny_models("large");
  const v1::RouteResponse response = Decide(TinyEngine(), request);
  ASSERT_EQ(response.outcome(), v1::OUTCOME_INFEASIBLE);
  EXPECT_FALSE(response.relaxation().has_needed());
  EXPECT_FALSE(response.relaxation().has_current());
  EXPECT_EQ(response.relaxation().model(), "large") << "by name, since both changes are a drop";
  EXPECT_EQ(response.relaxation().field(), "requirements.deny_models");
  EXPECT_EQ(response.relaxation().detail(), "large");
}

TEST(DecideTest, AnUnfamiliarQueryAbstainsWhereThePolicySaysSo) {
  v1::RouteRequest request = TextRequest("");
  request.set_policy("guarded");
  const v1::RouteResponse response = Decide(TinyEngine(), request);
  EXPECT_EQ(response.outcome(), v1::OUTCOME_ABSTAINED);
  EXPECT_THAT(response.model(), IsEmpty());
  EXPECT_TRUE(IsDegraded(response, v1::DEGRADATION_KIND_UNFAMILIAR));
  EXPECT_THAT(response.candidates(), SizeIs(2));
}

TEST(DecideTest, DegradationsAreSentences) {
  bundle::BundleSources sources = TinySources();
  sources.catalogue.mutable_models(0)->clear_input_usd_per_mtok();
  sources.catalogue.mutable_models(0)->clear_output_tokens_per_second();
  sources.policies.mutable_policies(0)->set_latency_target_ms(1000);
  const v1::RouteResponse response = Decide(*BuiltEngine(sources), TextRequest("hello friend"));
  ASSERT_TRUE(IsDegraded(response, v1::DEGRADATION_KIND_COST_UNKNOWN));
  ASSERT_TRUE(IsDegraded(response, v1::DEGRADATION_KIND_LATENCY_UNKNOWN));
  for (const v1::Degradation& degradation : response.degradations()) {
    EXPECT_THAT(degradation.detail(), HasSubstr("small"));
  }
  for (const v1::Candidate& candidate : response.candidates()) {
    EXPECT_EQ(candidate.has_cost_usd(), candidate.model() == "large");
    EXPECT_EQ(candidate.has_latency_ms(), candidate.model() == "large");
  }
}

TEST(DecideTest, TimingsAreThereExactlyIfThereIsAClock) {
  Engine::Scratch scratch;
  v1::RouteResponse without;
  ASSERT_TRUE(TinyEngine().Decide(TextRequest("hello"), scratch, &without).ok());
  EXPECT_FALSE(without.has_timings());

  static int64_t now = 0;
  v1::RouteResponse with;
  ASSERT_TRUE(
      TinyEngine().Decide(TextRequest("hello"), scratch, &with, [] { return now += 2000; }).ok());
  EXPECT_EQ(with.timings().embed_us(), 2);
  EXPECT_EQ(with.timings().search_us(), 2);
  EXPECT_EQ(with.timings().estimate_us(), 2);
  EXPECT_EQ(with.timings().choose_us(), 2);
  EXPECT_EQ(with.timings().total_us(), 10);
}

}  // namespace
}  // namespace pointsman
