// Lines in, results out in order, whatever single lines and single chunks do.
#include "client/cli/batch_router.h"

#include <sstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/scripted_router.h"

namespace pointsman::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::ErrorWithDetail;
using ::testing::HasSubstr;
using testing::ScriptedRouter;
using ::testing::SizeIs;

// The model it chooses is the text, and the policy after it if there is one.
grpc::Status Echo(int, const v1::BatchRouteRequest& request, v1::BatchRouteResponse* response) {
  for (const v1::RouteRequest& item : request.requests()) {
    const std::string policy = item.policy().empty() ? "" : "/" + item.policy();
    response->add_results()->mutable_response()->set_model(item.text() + policy);
  }
  return grpc::Status::OK;
}

class RouteLinesTest : public ::testing::Test {
 protected:
  RouteLinesTest() {
    router_.on_batch = Echo;
    options_.name = "in.jsonl";
  }

  absl::Status Run(const std::string& input, int64_t stop_after = 1'000'000) {
    std::istringstream in(input);
    LineReader reader(in);
    const auto client = client::Client::Create({.target = router_.address()});
    return RouteLines(reader, **client, options_, [&](const BatchLine& line) {
      const v1::BatchRouteResult& result = line.result;
      results_.push_back(result.has_error() ? "! " + result.error().message()
                                            : result.response().model());
      return static_cast<int64_t>(results_.size()) < stop_after;
    });
  }

  ScriptedRouter router_;
  BatchOptions options_;
  std::vector<std::string> results_;
};

TEST_F(RouteLinesTest, KeepsTheOrderWhenALaterChunkIsFaster) {
  options_.chunk_size = 2;
  router_.on_batch = [](int call, const auto& request, auto* response) {
    if (request.requests(0).text() == "0") std::this_thread::sleep_for(100ms);
    return Echo(call, request, response);
  };
  std::string input;
  for (int i = 0; i < 9; ++i) input += R"({"text": ")" + std::to_string(i) + "\"}\n";
  ASSERT_TRUE(Run(input).ok());
  EXPECT_THAT(results_, ElementsAre("0", "1", "2", "3", "4", "5", "6", "7", "8"));
  EXPECT_EQ(router_.calls(), 5);
}

TEST_F(RouteLinesTest, ABadLineIsAResultThatNamesFileAndLine) {
  ASSERT_TRUE(Run("{\"text\": \"a\"}\n\nnot json\n{\"txt\": \"b\"}\n{\"text\": \"c\"}").ok());
  ASSERT_THAT(results_, SizeIs(4));
  EXPECT_EQ(results_[0], "a");
  EXPECT_THAT(results_[1], HasSubstr("! in.jsonl:3: not a RouteRequest"));
  EXPECT_THAT(results_[2], HasSubstr("! in.jsonl:4: not a RouteRequest"));
  EXPECT_THAT(results_[2], HasSubstr("txt"));
  EXPECT_EQ(results_[3], "c");
}

TEST_F(RouteLinesTest, ARefusedRequestNamesItsLine) {
  router_.on_batch = [](int, const auto&, v1::BatchRouteResponse* response) {
    google::rpc::Status* error = response->add_results()->mutable_error();
    error->set_code(3);
    error->set_message("policy: unknown policy `x`");
    return grpc::Status::OK;
  };
  ASSERT_TRUE(Run("\n{\"text\": \"a\"}\n").ok());
  EXPECT_THAT(results_, ElementsAre("! in.jsonl:2: policy: unknown policy `x`"));
}

TEST_F(RouteLinesTest, ALineOverridesTheDefaults) {
  options_.defaults.set_policy("economy");
  ASSERT_TRUE(Run("{\"text\": \"a\"}\n{\"text\": \"b\", \"policy\": \"quality\"}\n").ok());
  EXPECT_THAT(results_, ElementsAre("a/economy", "b/quality"));
}

TEST_F(RouteLinesTest, WaitsWhileTheServerIsAtItsLimit) {
  router_.on_batch = [](int call, const auto& request, auto* response) {
    if (call > 2) return Echo(call, request, response);
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_nanos(5'000'000);
    return ErrorWithDetail(grpc::StatusCode::RESOURCE_EXHAUSTED, "busy", retry);
  };
  ASSERT_TRUE(Run("{\"text\": \"a\"}\n").ok());
  EXPECT_THAT(results_, ElementsAre("a"));
  EXPECT_EQ(router_.calls(), 3);
}

TEST_F(RouteLinesTest, AFailedChunkEndsTheRunAndNamesItsLines) {
  options_.chunk_size = 2;
  options_.concurrency = 1;
  router_.on_batch = [](int call, const auto& request, auto* response) {
    if (call == 1) return Echo(call, request, response);
    return grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "not for you");
  };
  const absl::Status status =
      Run("{\"text\": \"a\"}\n{\"text\": \"b\"}\n{\"text\": \"c\"}\n{\"text\": \"d\"}\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status.message(), "in.jsonl:3-4: not for you");
  EXPECT_THAT(results_, ElementsAre("a", "b"));
}

TEST_F(RouteLinesTest, AnAnswerOfTheWrongLengthIsAnError) {
  router_.on_batch = [](const auto&...) { return grpc::Status::OK; };
  EXPECT_THAT(std::string(Run("{\"text\": \"a\"}\n").message()),
              HasSubstr("answered 0 of 1 requests"));
}

TEST_F(RouteLinesTest, StopsWhenTheSinkHasEnough) {
  options_.chunk_size = 1;
  ASSERT_TRUE(Run("{\"text\": \"a\"}\n{\"text\": \"b\"}\n{\"text\": \"c\"}\n", 2).ok());
  EXPECT_THAT(results_, ElementsAre("a", "b"));
}

TEST_F(RouteLinesTest, AnEmptyInputAsksNobody) {
  ASSERT_TRUE(Run("\n \n").ok());
  EXPECT_THAT(results_, SizeIs(0));
  EXPECT_EQ(router_.calls(), 0);
}

}  // namespace
}  // namespace pointsman::cli
