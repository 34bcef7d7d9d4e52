#include "server/ext_proc/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "nlohmann/json.hpp"

namespace pointsman::server {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;
using Next = Exchange::Next;
using HeaderList = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kBody =
    R"({"model":"auto","messages":[{"role":"user","content":"hello"}]})";

EnvoyRequest RequestHeaders(const HeaderList& more = {}, bool end_of_stream = false) {
  EnvoyRequest message;
  HeaderList headers = {{":method", "POST"},
                        {":path", "/v1/chat/completions"},
                        {"content-type", "application/json; charset=utf-8"}};
  for (const auto& header : more) {
    std::erase_if(headers, [&](const auto& known) {
      return known.first == header.first && !header.first.starts_with("x-");
    });
    headers.push_back(header);
  }
  for (const auto& [name, value] : headers) {
    auto* header = message.mutable_request_headers()->mutable_headers()->add_headers();
    header->set_key(name);
    header->set_raw_value(value);
  }
  message.mutable_request_headers()->set_end_of_stream(end_of_stream);
  return message;
}

EnvoyRequest Body(std::string_view body, bool end_of_stream = true) {
  EnvoyRequest message;
  message.mutable_request_body()->set_body(std::string(body));
  message.mutable_request_body()->set_end_of_stream(end_of_stream);
  return message;
}

EnvoyRequest ResponseHeaders() {
  EnvoyRequest message;
  message.mutable_response_headers();
  return message;
}

std::map<std::string, std::string> SetBy(
    const envoy::service::ext_proc::v3::HeaderMutation& mutation) {
  std::map<std::string, std::string> headers;
  for (const auto& option : mutation.set_headers()) {
    EXPECT_EQ(option.append_action(),
              envoy::config::core::v3::HeaderValueOption::OVERWRITE_IF_EXISTS_OR_ADD);
    EXPECT_TRUE(headers.emplace(option.header().key(), option.header().raw_value()).second);
    EXPECT_EQ(std::ranges::count(mutation.remove_headers(), option.header().key()), 0);
  }
  return headers;
}

v1::RouteResponse Chosen() {
  v1::RouteResponse decision;
  decision.set_decision_id("01ABC");
  decision.set_outcome(v1::OUTCOME_CHOSEN);
  decision.set_model("large");
  decision.set_confidence(0.87654);
  decision.mutable_provenance()->set_policy("quality");
  for (const auto kind : {v1::DEGRADATION_KIND_TRUNCATED, v1::DEGRADATION_KIND_NO_SKILL,
                          v1::DEGRADATION_KIND_NO_SKILL}) {
    decision.add_degradations()->set_kind(kind);
  }
  return decision;
}

v1::Catalogue WithFeatures(std::vector<std::string> features) {
  v1::Catalogue catalogue;
  v1::Model* model = catalogue.add_models();
  for (const std::string& feature : features) model->add_features(feature);
  return catalogue;
}

// An exchange whose request is complete and waits for its decision.
class ReadyExchange : public ::testing::Test {
 protected:
  void Begin(std::string_view body = kBody, const HeaderList& headers = {}) {
    EnvoyAnswer first;
    ASSERT_EQ(exchange_.Take(RequestHeaders(headers), &first).value(), Next::kAnswer);
    ASSERT_EQ(exchange_.Take(Body(body), &answer_).value(), Next::kDecide);
    ASSERT_FALSE(exchange_.result());
    const auto failure = exchange_.Read(WithFeatures({"tools"}));
    ASSERT_FALSE(failure) << failure->message;
  }
  std::map<std::string, std::string> Told() {
    EnvoyAnswer answer;
    EXPECT_EQ(exchange_.Take(ResponseHeaders(), &answer).value(), Next::kAnswerAndEnd);
    return SetBy(answer.response_headers().response().header_mutation());
  }

  ExchangeOptions options_;
  Exchange exchange_{options_};
  EnvoyAnswer answer_;
};

TEST_F(ReadyExchange, ARoutedRequestHasEveryHeaderAndANewRoute) {
  Begin();
  EXPECT_EQ(exchange_.Route(Chosen(), &answer_), Next::kAnswer);
  EXPECT_EQ(exchange_.result(), ExchangeResult::kRouted);
  const auto& response = answer_.request_body().response();
  const std::map<std::string, std::string> headers = {
      {"x-pointsman-model", "large"},      {"x-pointsman-decision-id", "01ABC"},
      {"x-pointsman-confidence", "0.877"}, {"x-pointsman-outcome", "chosen"},
      {"x-pointsman-policy", "quality"},   {"x-pointsman-degradations", "truncated,no_skill"}};
  EXPECT_EQ(SetBy(response.header_mutation()), headers);
  EXPECT_TRUE(response.clear_route_cache());
  EXPECT_FALSE(response.has_body_mutation());
  EXPECT_EQ(Told(), headers);
}

TEST_F(ReadyExchange, RewritingSetsTheModelAndTheLength) {
  options_.mode = ExtProcMode::kRewrite;
  Begin();
  exchange_.Route(Chosen(), &answer_);
  const auto& response = answer_.request_body().response();
  const std::string& body = response.body_mutation().body();
  EXPECT_EQ(body, R"({"model":"large","messages":[{"role":"user","content":"hello"}]})");
  EXPECT_EQ(SetBy(response.header_mutation())["content-length"], std::to_string(body.size()));
  EXPECT_FALSE(Told().contains("content-length"));
}

TEST_F(ReadyExchange, AShadowChangesNothing) {
  options_.mode = ExtProcMode::kShadow;
  Begin();
  exchange_.Route(Chosen(), &answer_);
  EXPECT_EQ(exchange_.result(), ExchangeResult::kShadowed);
  const auto& response = answer_.request_body().response();
  EXPECT_EQ(SetBy(response.header_mutation())["x-pointsman-shadow"], "true");
  EXPECT_FALSE(response.clear_route_cache() || response.has_body_mutation());
}

TEST_F(ReadyExchange, WhatNoModelOfTheCatalogueHasIsSaidAndNotRequired) {
  Begin(R"({"messages":[{"role":"user","content":[{"type":"image_url"},{"type":"file"}]}],)"
        R"("tools":[{}],"response_format":{"type":"json_schema"}})");
  EXPECT_THAT(exchange_.request().requirements().features(), ::testing::ElementsAre("tools"));
  v1::RouteResponse decision = Chosen();
  decision.clear_degradations();
  exchange_.Route(decision, &answer_);
  EXPECT_EQ(Told()["x-pointsman-degradations"],
            "feature_unknown:vision,feature_unknown:json_schema,content_not_judged");
}

TEST_F(ReadyExchange, AFeatureThatIsAskedForIsRequiredEvenIfUnknown) {
  Begin(R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
        {{"x-pointsman-features", "vision"}});
  EXPECT_THAT(exchange_.request().requirements().features(), ::testing::ElementsAre("vision"));
}

TEST_F(ReadyExchange, ADecisionThatChoosesNothingIsAFailureWithItsId) {
  Begin();
  v1::RouteResponse decision = Chosen();
  decision.set_outcome(v1::OUTCOME_INFEASIBLE);
  decision.clear_model();
  auto* relaxation = decision.mutable_relaxation();
  relaxation->set_field("limits.max_cost_usd");
  relaxation->set_current(0.001);
  relaxation->set_needed(0.002);
  relaxation->set_model("tiny");
  exchange_.Route(decision, &answer_);
  EXPECT_EQ(exchange_.result(), ExchangeResult::kFailedOpen);
  EXPECT_EQ(exchange_.reason(), FailureReason::kInfeasible);
  auto headers = SetBy(answer_.request_body().response().header_mutation());
  EXPECT_EQ(headers["x-pointsman-outcome"], "failed-open");
  EXPECT_EQ(headers["x-pointsman-reason"], "infeasible");
  EXPECT_EQ(headers["x-pointsman-decision-id"], "01ABC");
  EXPECT_FALSE(headers.contains("x-pointsman-model"));
  EXPECT_EQ(Told()["x-pointsman-explanation"],
            "no model meets every limit and requirement; the smallest change that would help: "
            "x-pointsman-max-cost-usd of 0.002 instead of 0.001, for tiny");
}

TEST_F(ReadyExchange, AFailureIsClosedWithAnErrorAndWhenToTryAgain) {
  options_.fail_closed = true;
  Begin();
  EXPECT_EQ(exchange_.Fail({FailureReason::kOverloaded, "later", ""}, 2'500'000, &answer_),
            Next::kAnswerAndEnd);
  EXPECT_EQ(exchange_.result(), ExchangeResult::kFailedClosed);
  const auto& response = answer_.immediate_response();
  EXPECT_EQ(response.status().code(), envoy::type::v3::TooManyRequests);
  auto headers = SetBy(response.headers());
  EXPECT_EQ(headers["retry-after"], "1");
  EXPECT_EQ(headers["retry-after-ms"], "2");
  EXPECT_EQ(headers["x-pointsman-outcome"], "failed-closed");
  EXPECT_EQ(nlohmann::json::parse(response.body())["error"]["code"], "overloaded");
}

TEST_F(ReadyExchange, AnExplanationIsFitForAHeader) {
  Begin();
  exchange_.Fail({FailureReason::kInvalidRequest, "a\r\nb\x01é" + std::string(2000, 'x'), ""}, 0,
                 &answer_);
  const std::string explanation = Told()["x-pointsman-explanation"];
  EXPECT_EQ(explanation.substr(0, 8), "a??b???x");
  EXPECT_EQ(explanation.size(), 512);
}

TEST_F(ReadyExchange, TraceAndCorrelationAreTaken) {
  Begin(kBody, {{"traceparent", "00-abc"}, {"x-request-id", "r-1"}});
  EXPECT_EQ(exchange_.traceparent(), "00-abc");
  EXPECT_EQ(exchange_.request().correlation_id(), "r-1");
}

TEST_F(ReadyExchange, WhatComesAfterTheAnswerGoesOn) {
  Begin();
  exchange_.Route(Chosen(), &answer_);
  EnvoyAnswer answer;
  EnvoyRequest message;
  message.mutable_request_trailers();
  EXPECT_EQ(exchange_.Take(message, &answer).value(), Next::kAnswer);
  EXPECT_TRUE(answer.has_request_trailers());
  answer.Clear();
  EXPECT_EQ(exchange_.Take(Body("rest", false), &answer).value(), Next::kAnswer);
  EXPECT_TRUE(answer.has_request_body() && !answer.request_body().has_response());
  answer.Clear();
  message.mutable_response_body();
  EXPECT_EQ(exchange_.Take(message, &answer).value(), Next::kAnswerAndEnd);
  EXPECT_TRUE(answer.has_response_body());
  answer.Clear();
  message.mutable_response_trailers();
  EXPECT_EQ(exchange_.Take(message, &answer).value(), Next::kAnswerAndEnd);
  EXPECT_TRUE(answer.has_response_trailers());
}

TEST(Exchange, WhatIsNoneOfOurApisPassesWithoutHeadersOfOurs) {
  const ExchangeOptions options{.fail_closed = true};
  for (const HeaderList& headers :
       {HeaderList{{":path", "/v1/embeddings"}}, HeaderList{{":method", "GET"}},
        HeaderList{{":path", "/x?y=/v1/chat/completions"}}}) {
    Exchange exchange(options);
    EnvoyAnswer answer;
    EXPECT_EQ(exchange.Take(RequestHeaders(headers, true), &answer).value(), Next::kAnswerAndEnd);
    EXPECT_EQ(exchange.result(), ExchangeResult::kPassed);
    const auto& mutation = answer.request_headers().response().header_mutation();
    EXPECT_THAT(mutation.remove_headers(), UnorderedElementsAreArray(kAnswerHeaders));
    EXPECT_THAT(mutation.set_headers(), IsEmpty());
    EXPECT_FALSE(answer.request_headers().response().clear_route_cache());
  }
}

TEST(Exchange, HeadersOfOursThatACallerSendsAreRemovedBeforeARouteIsChosen) {
  const ExchangeOptions options;
  for (const std::string_view name : kAnswerHeaders) {
    Exchange exchange(options);
    EnvoyAnswer answer;
    EXPECT_EQ(exchange.Take(RequestHeaders({{std::string(name), "x"}}), &answer).value(),
              Next::kAnswer);
    const auto& response = answer.request_headers().response();
    EXPECT_THAT(response.header_mutation().remove_headers(), Contains(name));
    EXPECT_TRUE(response.clear_route_cache()) << name;
  }
}

TEST(Exchange, AFailureThatHeadersShowIsToldBeforeTheBody) {
  const ExchangeOptions options;
  Exchange exchange(options);
  EnvoyAnswer answer;
  const auto headers = RequestHeaders({{"x-pointsman-tradeoff", "2"}, {"x-pointsman-model", "m"}});
  EXPECT_EQ(exchange.Take(headers, &answer).value(), Next::kAnswer);
  EXPECT_EQ(exchange.reason(), FailureReason::kInvalidHeader);
  const auto& mutation = answer.request_headers().response().header_mutation();
  EXPECT_EQ(SetBy(mutation)["x-pointsman-reason"], "invalid_header");
  EXPECT_THAT(mutation.remove_headers(), Contains("x-pointsman-model"));
}

TEST(Exchange, MessagesOutOfOrderAreThePeersFault) {
  const ExchangeOptions options;
  EnvoyAnswer answer;
  const auto refused = [&](Exchange& exchange, const EnvoyRequest& message) {
    const auto next = exchange.Take(message, &answer);
    EXPECT_EQ(next.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(next.status().message());
  };
  Exchange fresh(options);
  EXPECT_THAT(refused(fresh, EnvoyRequest()), HasSubstr("nothing of these is set"));
  EXPECT_THAT(refused(fresh, Body("{}")), HasSubstr("request_header_mode"));
  EXPECT_THAT(refused(fresh, ResponseHeaders()), HasSubstr("request_header_mode"));
  ASSERT_TRUE(fresh.Take(RequestHeaders(), &answer).ok());
  EXPECT_THAT(refused(fresh, RequestHeaders()), HasSubstr("must follow request_headers"));
  Exchange passed(options);
  ASSERT_TRUE(passed.Take(RequestHeaders({{":method", "GET"}}), &answer).ok());
  EXPECT_THAT(refused(passed, RequestHeaders()), HasSubstr("came twice"));
}

}  // namespace
}  // namespace pointsman::server
