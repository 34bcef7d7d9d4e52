// Every way in which a request can be wrong: INVALID_ARGUMENT with a BadRequest that names the
// field, and a sentence that names the bound and the value.
#include <cmath>
#include <functional>
#include <limits>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "index/errors.h"
#include "tests/index/bundle/scratch_directory.h"
#include "tiny_bundle.h"

namespace pointsman {
namespace {

using ::testing::HasSubstr;
using v1::RouteRequest;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Row {
  std::string name;
  std::function<void(RouteRequest*)> spoil;  // of a request that is good
  std::string field;
  std::string says;

  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class BadRequestTest : public ::testing::TestWithParam<Row> {};

TEST_P(BadRequestTest, IsRefusedByFieldBoundAndValue) {
  RouteRequest request = TextRequest("hello friend");
  GetParam().spoil(&request);
  Engine::Scratch scratch;
  v1::RouteResponse response;
  const absl::Status status = TinyEngine().Decide(request, scratch, &response);
  ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  const auto payload = status.GetPayload(kBadRequestTypeUrl);
  ASSERT_TRUE(payload.has_value());
  google::rpc::BadRequest details;
  ASSERT_TRUE(details.ParseFromString(std::string(*payload)));
  ASSERT_EQ(details.field_violations_size(), 1);
  EXPECT_EQ(details.field_violations(0).field(), GetParam().field);
  EXPECT_THAT(details.field_violations(0).description(), HasSubstr(GetParam().says));
  EXPECT_EQ(response.ByteSizeLong(), 0u) << "a refused request has no response";
}

void SetVector(RouteRequest* request, int count, float value) {
  v1::Embedding* embedding = request->mutable_embedding();
  embedding->set_embedder_id(TinyEngine().manifest().embedder_id());
  for (int i = 0; i < count; ++i) embedding->add_values(value);
}

v1::Turn* AddTurn(RouteRequest* request, v1::Role role, const std::string& content) {
  v1::Turn* turn = request->mutable_conversation()->add_turns();
  turn->set_role(role);
  turn->set_content(content);
  return turn;
}

INSTANTIATE_TEST_SUITE_P(
    Input, BadRequestTest,
    ::testing::Values(
        Row{"Nothing", [](RouteRequest* r) { r->clear_text(); }, "input", "none is set"},
        Row{"TextTooLong", [](RouteRequest* r) { r->set_text(std::string((1 << 20) + 1, 'a')); },
            "text", "at most 1048576 bytes; is 1048577"},
        Row{"TextNotUtf8", [](RouteRequest* r) { r->set_text("hello \xC3("); }, "text",
            "byte 6 (0xc3)"},
        Row{"NoTurns", [](RouteRequest* r) { r->mutable_conversation(); }, "conversation.turns",
            "ROLE_USER"},
        Row{"NoUserTurn", [](RouteRequest* r) { AddTurn(r, v1::ROLE_SYSTEM, "be kind"); },
            "conversation.turns", "ROLE_USER"},
        Row{"TurnWithoutRole",
            [](RouteRequest* r) {
              AddTurn(r, v1::ROLE_USER, "hello");
              AddTurn(r, v1::ROLE_UNSPECIFIED, "hello");
            },
            "conversation.turns[1].role", "is 0"},
        Row{"TurnOfUnknownRole",
            [](RouteRequest* r) { AddTurn(r, static_cast<v1::Role>(9), "hello"); },
            "conversation.turns[0].role", "is 9"},
        Row{"TurnNotUtf8", [](RouteRequest* r) { AddTurn(r, v1::ROLE_USER, "\xFF"); },
            "conversation.turns[0].content", "byte 0 (0xff)"},
        Row{"TooManyTurns",
            [](RouteRequest* r) {
              for (int i = 0; i < 1001; ++i) AddTurn(r, v1::ROLE_USER, "hi");
            },
            "conversation.turns", "at most 1000 turns; is 1001"},
        Row{"TurnsTooLong",
            [](RouteRequest* r) {
              for (int i = 0; i < 2; ++i) AddTurn(r, v1::ROLE_USER, std::string(600'000, 'a'));
            },
            "conversation", "at most 1048576 bytes; is 1200000"},
        Row{"VectorOfAnotherEmbedder",
            [](RouteRequest* r) {
              SetVector(r, 8, 1);
              r->mutable_embedding()->set_embedder_id("other-8");
            },
            "embedding.embedder_id", "is `other-8`"},
        Row{"VectorOfAnotherDimension", [](RouteRequest* r) { SetVector(r, 7, 1); },
            "embedding.values", "must hold 8 numbers; holds 7"},
        Row{"VectorOfZeros", [](RouteRequest* r) { SetVector(r, 8, 0); }, "embedding.values",
            "not be all zero"},
        Row{"VectorWithNan",
            [](RouteRequest* r) {
              SetVector(r, 8, 1);
              r->mutable_embedding()->set_values(3, std::numeric_limits<float>::quiet_NaN());
            },
            "embedding.values[3]", "finite"},
        Row{"VectorWithInfinity",
            [](RouteRequest* r) {
              SetVector(r, 8, 1);
              r->mutable_embedding()->set_values(7, std::numeric_limits<float>::infinity());
            },
            "embedding.values[7]", "finite"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Preference, BadRequestTest,
    ::testing::Values(
        Row{"UnknownPolicy", [](RouteRequest* r) { r->set_policy("nobody"); }, "policy",
            "unknown policy `nobody`; known: balanced, quality, guarded"},
        Row{"UnknownObjective",
            [](RouteRequest* r) { r->set_objective(static_cast<v1::Objective>(77)); }, "objective",
            "77"},
        Row{"TradeoffTooLarge", [](RouteRequest* r) { r->set_tradeoff(1.5); }, "tradeoff",
            "within 0 to 1; is 1.5"},
        Row{"TradeoffNegative", [](RouteRequest* r) { r->set_tradeoff(-0.1); }, "tradeoff",
            "is -0.1"},
        Row{"TradeoffNan", [](RouteRequest* r) { r->set_tradeoff(kNan); }, "tradeoff", "nan"},
        Row{"CostNegative", [](RouteRequest* r) { r->mutable_limits()->set_max_cost_usd(-1); },
            "limits.max_cost_usd", ">= 0; is -1"},
        Row{"CostInfinite",
            [](RouteRequest* r) { r->mutable_limits()->set_max_cost_usd(kInfinity); },
            "limits.max_cost_usd", "finite"},
        Row{"LatencyZero", [](RouteRequest* r) { r->mutable_limits()->set_max_latency_ms(0); },
            "limits.max_latency_ms", "> 0; is 0"},
        Row{"LatencyNan", [](RouteRequest* r) { r->mutable_limits()->set_max_latency_ms(kNan); },
            "limits.max_latency_ms", "nan"},
        Row{"SuccessAboveOne",
            [](RouteRequest* r) { r->mutable_limits()->set_min_success_probability(1.01); },
            "limits.min_success_probability", "is 1.01"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Demands, BadRequestTest,
    ::testing::Values(
        Row{"UnknownFeature",
            [](RouteRequest* r) {
              r->mutable_requirements()->add_features("tools");
              r->mutable_requirements()->add_features("wings");
            },
            "requirements.features[1]", "unknown feature `wings`; known: tools"},
        Row{"TooManyFeatures",
            [](RouteRequest* r) {
              for (int i = 0; i < 65; ++i) r->mutable_requirements()->add_features("tools");
            },
            "requirements.features", "at most 64 features; is 65"},
        Row{"TooManyTags",
            [](RouteRequest* r) {
              for (int i = 0; i < 65; ++i) r->mutable_requirements()->add_tags("t");
            },
            "requirements.tags", "at most 64 tags; is 65"},
        Row{"ContextNegative",
            [](RouteRequest* r) { r->mutable_requirements()->set_context_tokens(-1); },
            "requirements.context_tokens", "is -1"},
        Row{"UnknownAllowedModel",
            [](RouteRequest* r) { r->mutable_requirements()->add_allow_models("huge"); },
            "requirements.allow_models[0]", "unknown model `huge`; known: small, large"},
        Row{"UnknownDeniedModel",
            [](RouteRequest* r) {
              r->mutable_requirements()->add_deny_models("small");
              r->mutable_requirements()->add_deny_models("huge");
            },
            "requirements.deny_models[1]", "unknown model `huge`"},
        Row{"TooManyModels",
            [](RouteRequest* r) {
              for (int i = 0; i < 257; ++i) r->mutable_requirements()->add_deny_models("small");
            },
            "requirements.deny_models", "at most 256 models; is 257"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Rest, BadRequestTest,
    ::testing::Values(
        Row{"InputTokensNegative", [](RouteRequest* r) { r->set_input_tokens(-5); }, "input_tokens",
            "is -5"},
        Row{"InputTokensTooMany", [](RouteRequest* r) { r->set_input_tokens(100'000'001); },
            "input_tokens", "within 0 to 100000000; is "},
        Row{"OutputTokensNegative", [](RouteRequest* r) { r->set_expected_output_tokens(-1); },
            "expected_output_tokens", "is -1"},
        Row{"IncumbentWithoutModel", [](RouteRequest* r) { r->mutable_incumbent(); },
            "incumbent.model", "unknown model ``"},
        Row{"UnknownIncumbent", [](RouteRequest* r) { r->mutable_incumbent()->set_model("huge"); },
            "incumbent.model", "unknown model `huge`; known: small, large"},
        Row{"CachedTokensNegative",
            [](RouteRequest* r) {
              r->mutable_incumbent()->set_model("small");
              r->mutable_incumbent()->set_cached_input_tokens(-1);
            },
            "incumbent.cached_input_tokens", "is -1"},
        Row{"MoreCachedThanInputTokens",
            [](RouteRequest* r) {
              r->set_input_tokens(10);
              r->mutable_incumbent()->set_model("small");
              r->mutable_incumbent()->set_cached_input_tokens(11);
            },
            "incumbent.cached_input_tokens", "within 0 to 10; is 11"},
        Row{"AssignmentKeyTooLong",
            [](RouteRequest* r) { r->set_assignment_key(std::string(257, 'k')); }, "assignment_key",
            "at most 256 bytes; is 257"},
        Row{"CorrelationIdTooLong",
            [](RouteRequest* r) { r->set_correlation_id(std::string(257, 'k')); }, "correlation_id",
            "at most 256 bytes; is 257"},
        Row{"CandidatesNegative", [](RouteRequest* r) { r->set_max_candidates(-1); },
            "max_candidates", "is -1"},
        Row{"TooManyCandidates", [](RouteRequest* r) { r->set_max_candidates(257); },
            "max_candidates", "within 0 to 256; is 257"}),
    [](const auto& row) { return row.param.name; });

TEST(RequestTest, ValuesAtTheirBoundsAreGood) {
  RouteRequest request = TextRequest(std::string(1 << 20, 'a'));
  request.set_tradeoff(1);
  request.mutable_limits()->set_max_cost_usd(0);
  request.mutable_limits()->set_min_success_probability(1);
  request.mutable_requirements()->set_context_tokens(0);
  request.set_input_tokens(100'000'000);
  request.set_expected_output_tokens(0);
  request.mutable_incumbent()->set_model("small");
  request.mutable_incumbent()->set_cached_input_tokens(100'000'000);
  request.set_assignment_key(std::string(256, 'k'));
  request.set_correlation_id(std::string(256, 'k'));
  request.set_max_candidates(256);
  EXPECT_EQ(Decide(TinyEngine(), request).outcome(), v1::OUTCOME_INFEASIBLE);
}

TEST(RequestTest, TighterBoundsAreThoseOfTheServer) {
  const bundle::ScratchDirectory directory;
  ASSERT_TRUE(Build(TinySources(), directory / "bundle").ok());
  Engine::LoadOptions options;
  options.bounds.max_text_bytes = 10;
  const auto engine = Engine::Load(directory / "bundle", options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  Engine::Scratch scratch;
  v1::RouteResponse response;
  EXPECT_TRUE((*engine)->Decide(TextRequest("hello hell"), scratch, &response).ok());
  EXPECT_THAT((*engine)->Decide(TextRequest("hello hello"), scratch, &response).ToString(),
              HasSubstr("at most 10 bytes; is 11"));
}

TEST(RequestTest, TagsThatNoModelHasAreNoErrorButNobodyQualifies) {
  RouteRequest request = TextRequest("hello friend");
  request.mutable_requirements()->add_tags("region:mars");
  const v1::RouteResponse response = Decide(TinyEngine(), request);
  EXPECT_EQ(response.outcome(), v1::OUTCOME_INFEASIBLE);
  EXPECT_EQ(response.rejected(0).reason(), v1::REJECTION_REASON_MISSING_TAG);
  EXPECT_EQ(response.rejected(0).detail(), "region:mars");
}

}  // namespace
}  // namespace pointsman
