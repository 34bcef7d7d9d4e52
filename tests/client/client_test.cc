// The client against a scripted router: deadlines, retries, health, and what is left when no router
// answers.
#include "pointsman/client/client.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pointsman/client/status.h"
#include "tests/client/scripted_router.h"

namespace pointsman::client {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using testing::DeadAddress;
using testing::ErrorWithDetail;
using ::testing::Pair;
using testing::ScriptedRouter;
using ::testing::StartsWith;

v1::RouteRequest Query(const std::string& text = "hello") {
  v1::RouteRequest request;
  request.set_text(text);
  return request;
}

std::unique_ptr<Client> ClientOf(const std::string& target, ConnectOptions options = {}) {
  options.target = target;
  options.retry.initial_backoff = 5ms;
  options.retry.max_backoff = 20ms;
  return Client::Create(options).value();
}

TEST(Client, RouteReturnsTheDecisionOfTheRouter) {
  ScriptedRouter router;
  const auto response = ClientOf(router.address())->Route(Query());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->model(), "scripted");
}

TEST(Client, OneClientServesManyCalls) {
  ScriptedRouter router;
  const auto client = ClientOf(router.address());
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&client] {
      for (int i = 0; i < 25; ++i) (void)client->RouteOrDefault(Query(), RankIds({"fallback"}));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(router.calls(), 100);
  EXPECT_EQ(client->default_counts().by_router, 100);
  EXPECT_EQ(client->default_counts().by_default, 0);
}

TEST(Client, SendsTheKeyAsBearerAndNamesItself) {
  ScriptedRouter router;
  ConnectOptions options;
  options.api_key = "s3cret";
  const auto response = ClientOf(router.address(), options)->Route(Query());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(router.metadata(), Contains(Pair("authorization", "Bearer s3cret")));
  EXPECT_THAT(router.metadata(), Contains(Pair("user-agent", StartsWith("pointsman-cpp/"))));
}

TEST(Client, RetriesUnavailableUntilItWorks) {
  ScriptedRouter router;
  router.on_route = [](int call, const auto&, v1::RouteResponse* response, const auto&) {
    if (call <= 2) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "draining");
    response->set_model("third time");
    return grpc::Status::OK;
  };
  const auto response = ClientOf(router.address())->Route(Query());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->model(), "third time");
  EXPECT_EQ(router.calls(), 3);
}

TEST(Client, GivesUpAfterTheLastAttempt) {
  ScriptedRouter router;
  router.on_route = [](const auto&...) {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "draining");
  };
  ConnectOptions options;
  options.retry.max_attempts = 3;
  const auto response = ClientOf(router.address(), options)->Route(Query());
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(router.calls(), 3);
}

TEST(Client, DoesNotRetryOverloadAndTellsTheDelay) {
  ScriptedRouter router;
  router.on_route = [](const auto&...) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_nanos(250'000'000);
    return ErrorWithDetail(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many in flight", retry);
  };
  const auto response = ClientOf(router.address())->Route(Query());
  EXPECT_EQ(response.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryDelay(response.status()), 250ms);
  EXPECT_EQ(router.calls(), 1);
}

TEST(Client, KeepsTheFieldViolationsOfARefusal) {
  ScriptedRouter router;
  router.on_route = [](const auto&...) {
    google::rpc::BadRequest details;
    auto* violation = details.add_field_violations();
    violation->set_field("tradeoff");
    violation->set_description("must be within 0 to 1; is 7");
    return ErrorWithDetail(grpc::StatusCode::INVALID_ARGUMENT, "bad request", details);
  };
  const absl::Status status = ClientOf(router.address())->Route(Query()).status();
  ASSERT_EQ(FieldViolations(status).size(), 1U);
  EXPECT_EQ(FieldViolations(status)[0].field, "tradeoff");
  EXPECT_EQ(Sentence(status),
            "the request is invalid: bad request; tradeoff: must be within 0 to 1; is 7");
}

TEST(Client, ASlowAnswerEndsAtTheDeadline) {
  ScriptedRouter router;
  router.on_route = [](int, const auto&, auto*, const grpc::ServerContext& context) {
    for (int i = 0; i < 200 && !context.IsCancelled(); ++i) std::this_thread::sleep_for(10ms);
    return grpc::Status::OK;
  };
  const auto client = ClientOf(router.address());
  const auto start = std::chrono::steady_clock::now();
  const auto response = client->Route(Query(), {.deadline = 50ms});
  EXPECT_EQ(response.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
}

TEST(Client, TheDefaultDeadlineHoldsForCallsThatNameNone) {
  ScriptedRouter router;
  router.on_route = [](int, const auto&, auto*, const grpc::ServerContext& context) {
    const auto left = context.deadline() - std::chrono::system_clock::now();
    EXPECT_LT(left, 701ms);
    EXPECT_GT(left, 100ms);
    return grpc::Status::OK;
  };
  ConnectOptions options;
  options.deadline = 700ms;
  EXPECT_TRUE(ClientOf(router.address(), options)->Route(Query()).ok());
}

TEST(Client, InvalidUtf8IsRefusedBeforeItIsSent) {
  ScriptedRouter router;
  const auto client = ClientOf(router.address());
  v1::BatchRouteRequest batch;
  *batch.add_requests() = Query();
  auto* turn = batch.add_requests()->mutable_conversation()->add_turns();
  turn->set_content("ab\xED\xA0\x80");  // a surrogate

  EXPECT_EQ(client->Route(Query("caf\xE9")).status().message(),
            "text: must be valid UTF-8; byte 3 (0xe9) is not");
  EXPECT_EQ(client->BatchRoute(batch).status().message(),
            "requests[1].conversation.turns[0].content: must be valid UTF-8; byte 2 (0xed) is not");
  EXPECT_EQ(router.calls(), 0);
}

TEST(Client, BatchKeepsOrderAndErrorsOfItems) {
  ScriptedRouter router;
  router.on_batch = [](int, const v1::BatchRouteRequest& request,
                       v1::BatchRouteResponse* response) {
    response->add_results()->mutable_response()->set_model(request.requests(0).text());
    response->add_results()->mutable_error()->set_code(3);
    return grpc::Status::OK;
  };
  v1::BatchRouteRequest batch;
  *batch.add_requests() = Query("first");
  *batch.add_requests() = Query("second");
  const auto response = ClientOf(router.address())->BatchRoute(batch);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->results(0).response().model(), "first");
  EXPECT_EQ(FromProto(response->results(1).error()).code(), absl::StatusCode::kInvalidArgument);
}

TEST(Client, FetchesTheCatalogue) {
  ScriptedRouter router;
  const auto response = ClientOf(router.address())->GetCatalogue();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->bundle_digest(), "d1");
}

TEST(RouteOrDefault, ADeadRouterGivesTheLabelledDefault) {
  const auto client = ClientOf(DeadAddress());
  const Routed routed = client->RouteOrDefault(Query(), RankIds({"first", "second"}));
  EXPECT_EQ(routed.source, Source::kDefaultRanking);
  EXPECT_EQ(routed.response.model(), "first");
  EXPECT_EQ(routed.response.confidence(), 0);
  EXPECT_EQ(routed.router_error.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client->default_counts().by_default, 1);
  EXPECT_EQ(client->default_counts().by_router, 0);
}

TEST(RouteOrDefault, ARefusedRequestIsDefaultedAndCountedByItsCode) {
  ScriptedRouter router;
  router.on_route = [](const auto&...) {
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "unknown model");
  };
  const auto client = ClientOf(router.address());
  const Routed routed = client->RouteOrDefault(Query(), RankIds({"first"}));
  EXPECT_EQ(routed.source, Source::kDefaultRanking);
  EXPECT_EQ(routed.router_error.message(), "unknown model");
  EXPECT_THAT(client->default_counts().by_default_per_code,
              Contains(Pair(absl::StatusCode::kInvalidArgument, 1)));
}

TEST(RouteOrDefault, ADecisionWithoutAModelIsNotReplaced) {
  ScriptedRouter router;
  router.on_route = [](int, const auto&, v1::RouteResponse* response, const auto&) {
    response->set_outcome(v1::OUTCOME_ABSTAINED);
    return grpc::Status::OK;
  };
  const Routed routed = ClientOf(router.address())->RouteOrDefault(Query(), RankIds({"first"}));
  EXPECT_EQ(routed.source, Source::kRouter);
  EXPECT_EQ(routed.response.outcome(), v1::OUTCOME_ABSTAINED);
  EXPECT_EQ(routed.response.model(), "");
}

TEST(Health, FollowsTheServer) {
  ScriptedRouter router;
  const auto client = ClientOf(router.address());
  EXPECT_EQ(client->CheckHealth().value(), Health::kServing);
  router.SetServing(false);
  EXPECT_EQ(client->CheckHealth().value(), Health::kNotServing);
}

TEST(Health, OfADeadServerIsUnavailable) {
  EXPECT_EQ(ClientOf(DeadAddress())->CheckHealth().status().code(), absl::StatusCode::kUnavailable);
}

TEST(Health, CallsGoRoundAReplicaThatIsNotServing) {
  ScriptedRouter draining;
  ScriptedRouter serving;
  draining.SetServing(false);
  const auto client = ClientOf("ipv4:" + draining.address() + "," + serving.address());
  for (int i = 0; i < 20; ++i) {
    const auto response = client->Route(Query());
    ASSERT_TRUE(response.ok()) << response.status();
  }
  EXPECT_EQ(serving.calls(), 20);
  EXPECT_EQ(draining.calls(), 0);
}

}  // namespace
}  // namespace pointsman::client
