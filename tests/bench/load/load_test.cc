// The accounting of load_client: what it reports must be what happened.

#include <string>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "pointsman/v1/router.pb.h"
#include "tests/bench/load/call_log.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/report.h"
#include "tests/bench/load/requests.h"

namespace pointsman::bench {
namespace {

constexpr int64_t kMs = 1'000'000;

grpc::ByteBuffer Buffer(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

grpc::ByteBuffer Answer(const std::string& digest) {
  v1::RouteResponse response;
  response.set_decision_id("d");
  response.add_candidates()->set_model("m");
  response.mutable_provenance()->set_bundle_digest(digest);
  response.mutable_provenance()->set_policy("balanced");
  response.set_input_tokens(7);
  return Buffer(response);
}

TEST(BundleDigest, IsFoundAmongTheOtherFields) { EXPECT_EQ(BundleDigest(Answer("abc")), "abc"); }

TEST(BundleDigest, IsFoundInAnAnswerOfSeveralSlices) {
  grpc::Slice whole;
  ASSERT_TRUE(Answer("abcdef").DumpToSingleSlice(&whole).ok());
  const grpc::Slice halves[] = {
      grpc::Slice(whole.begin(), whole.size() / 2),
      grpc::Slice(whole.begin() + whole.size() / 2, whole.size() - whole.size() / 2)};
  EXPECT_EQ(BundleDigest(grpc::ByteBuffer(halves, 2)), "abcdef");
}

TEST(BundleDigest, IsEmptyWhereThereIsNone) {
  EXPECT_EQ(BundleDigest(Buffer(v1::RouteResponse())), "");
  const grpc::Slice garbage("\x7a\xff\xff");
  EXPECT_EQ(BundleDigest(grpc::ByteBuffer(&garbage, 1)), "");
}

TEST(Report, CountsEveryCallByItsCode) {
  LoadResult result;
  result.log.Add(0, 0, kMs, grpc::Status::OK, Answer("a"));
  result.log.Add(0, 0, kMs, grpc::Status::OK, Answer("b"));
  result.log.Add(0, 0, kMs, grpc::Status::OK, Answer("a"));
  result.log.Add(0, 0, kMs, {grpc::StatusCode::CANCELLED, "gone"}, {});
  result.sent = 5;
  result.unanswered = 1;
  const auto report = nlohmann::json::parse(FormatReport(result));
  EXPECT_EQ(report["codes"], nlohmann::json({{"OK", 3}, {"CANCELLED", 1}}));
  EXPECT_EQ(report["ok"], 3);
  EXPECT_EQ(report["unanswered"], 1);
  EXPECT_EQ(report["messages"]["CANCELLED"][0], "gone");
  EXPECT_EQ(report["digests"][0]["digest"], "a");
  EXPECT_EQ(report["digests"][0]["count"], 2);
  EXPECT_EQ(report["digests"][1]["count"], 1);
}

TEST(Report, MeasuresLatencyFromTheMomentTheCallWasDue) {
  LoadResult result;
  for (int64_t i = 1; i <= 100; ++i) {
    result.log.Add(0, i * kMs / 2, i * kMs, grpc::Status::OK, Answer("a"));
  }
  const auto report = nlohmann::json::parse(FormatReport(result));
  EXPECT_EQ(report["latency_us"]["p50"], 50'000.0);
  EXPECT_EQ(report["latency_us"]["p99"], 99'000.0);
  EXPECT_EQ(report["latency_us"]["max"], 100'000.0);
  EXPECT_EQ(report["send_lag_us"]["max"], 50'000.0);
}

TEST(Report, TellsWhichRefusalsCarryARetryDelay) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(250'000'000);
  google::rpc::Status details;
  details.add_details()->PackFrom(retry);
  LoadResult result;
  const auto code = grpc::StatusCode::RESOURCE_EXHAUSTED;
  result.log.Add(0, 0, kMs, {code, "full", details.SerializeAsString()}, {});
  result.log.Add(0, 0, kMs, {code, "full"}, {});
  const auto report = nlohmann::json::parse(FormatReport(result));
  EXPECT_EQ(report["codes"]["RESOURCE_EXHAUSTED"], 2);
  EXPECT_EQ(report["retry_info"]["RESOURCE_EXHAUSTED"]["count"], 1);
  EXPECT_EQ(report["retry_info"]["RESOURCE_EXHAUSTED"]["shortest_ms"], 250.0);
}

TEST(Trace, HasALineForEveryCall) {
  LoadResult result;
  result.log.Add(1, 2, 3, grpc::Status::OK, Answer("a"));
  result.log.Add(4, 5, 6, {grpc::StatusCode::UNAVAILABLE, ""}, {});
  EXPECT_EQ(FormatTrace(result.log),
            "due_ns,sent_ns,received_ns,code,digest\n1,2,3,0,0\n4,5,6,14,-1\n");
}

TEST(Requests, NameTheLineThatIsNoRequest) {
  const std::string path = testing::TempDir() + "/load_test_requests.jsonl";
  ASSERT_TRUE(WriteFile(path, "{\"text\":\"a\"}\n{\"txt\":\"b\"}\n").ok());
  const auto requests = ReadRequests(path);
  ASSERT_FALSE(requests.ok());
  EXPECT_TRUE(absl::StrContains(requests.status().message(), "load_test_requests.jsonl:2: "));
}

TEST(CommandLine, NeedsSomethingToSend) {
  const char* const argv[] = {"load_client", "--target", "127.0.0.1:1"};
  EXPECT_FALSE(ParseCommandLine(3, argv).ok());
}

TEST(CommandLine, SplitsTargetsAtCommas) {
  const char* const argv[] = {"load_client", "--target", "127.0.0.1:1,127.0.0.1:2", "--noop"};
  const auto invocation = ParseCommandLine(4, argv);
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_THAT(invocation->options.targets, testing::ElementsAre("127.0.0.1:1", "127.0.0.1:2"));
}

}  // namespace
}  // namespace pointsman::bench
