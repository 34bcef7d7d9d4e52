// Errors keep their details on the way from the wire to a sentence.
#include "pointsman/client/status.h"

#include <chrono>

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "tests/client/scripted_router.h"

namespace pointsman::client {
namespace {

using namespace std::chrono_literals;
using testing::ErrorWithDetail;
using ::testing::IsEmpty;

google::rpc::BadRequest Violation(const std::string& field, const std::string& problem) {
  google::rpc::BadRequest details;
  details.add_field_violations()->set_field(field);
  details.mutable_field_violations(0)->set_description(problem);
  return details;
}

TEST(Status, DetailsSurviveTheWayThereAndBack) {
  const absl::Status status = FromGrpc(ErrorWithDetail(grpc::StatusCode::INVALID_ARGUMENT,
                                                       "tradeoff", Violation("tradeoff", "is 7")));
  const absl::Status again = FromProto(ToProto(status));
  EXPECT_EQ(again, status);
  EXPECT_EQ(FieldViolations(again)[0].problem, "is 7");
}

TEST(Status, TheTrailerOutranksTheDetails) {
  google::rpc::Status details;
  details.set_code(3);
  details.set_message("stale");
  const absl::Status status =
      FromGrpc({grpc::StatusCode::UNAVAILABLE, "draining", details.SerializeAsString()});
  EXPECT_EQ(status, absl::UnavailableError("draining"));
}

TEST(Status, UnreadableDetailsLeaveCodeAndMessage) {
  EXPECT_EQ(FromGrpc({grpc::StatusCode::INTERNAL, "broken", "\xFF\xFF"}),
            absl::InternalError("broken"));
  absl::Status status = absl::InvalidArgumentError("broken");
  status.SetPayload("type.googleapis.com/google.rpc.BadRequest", absl::Cord("\xFF\xFF"));
  EXPECT_THAT(FieldViolations(status), IsEmpty());
}

TEST(Status, ACodeThatNobodyKnowsIsUnknown) {
  google::rpc::Status proto;
  proto.set_code(99);
  EXPECT_EQ(FromProto(proto).code(), absl::StatusCode::kUnknown);
}

TEST(Sentence, DoesNotSayAViolationTwice) {
  EXPECT_EQ(Sentence(FromGrpc(ErrorWithDetail(grpc::StatusCode::INVALID_ARGUMENT, "tradeoff: is 7",
                                              Violation("tradeoff", "is 7")))),
            "the request is invalid: tradeoff: is 7");
}

TEST(Sentence, SaysWhenToTryAgain) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(1);
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  const absl::Status status =
      FromGrpc(ErrorWithDetail(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many", retry));
  EXPECT_EQ(RetryDelay(status), 1500ms);
  EXPECT_EQ(Sentence(status), "the router is at a limit: too many; try again in 1500 ms");
}

TEST(Sentence, OfOkIsEmptyAndOfSilenceIsNot) {
  EXPECT_EQ(Sentence(absl::OkStatus()), "");
  EXPECT_EQ(Sentence(absl::UnknownError("")), "the call failed (UNKNOWN): no reason was given");
}

}  // namespace
}  // namespace pointsman::client
