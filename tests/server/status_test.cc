#include "server/status.h"

#include "absl/strings/cord.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "index/embed/utf8.h"
#include "index/errors.h"

namespace pointsman::server {
namespace {

google::rpc::BadRequest BadRequestOf(const google::rpc::Status& status) {
  google::rpc::BadRequest details;
  EXPECT_EQ(status.details_size(), 1);
  EXPECT_TRUE(status.details(0).UnpackTo(&details));
  return details;
}

TEST(StatusTest, OkStaysOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(StatusTest, CodeAndMessageAreKept) {
  const grpc::Status status = ToGrpcStatus(absl::UnavailableError("draining"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "draining");
  EXPECT_TRUE(status.error_details().empty());
}

TEST(StatusTest, ABadRequestTravelsInTheDetails) {
  const grpc::Status status = ToGrpcStatus(InvalidField("policy", "unknown policy `x`"));
  google::rpc::Status rpc;
  ASSERT_TRUE(rpc.ParseFromString(status.error_details()));
  EXPECT_EQ(rpc.code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  const auto details = BadRequestOf(rpc);
  EXPECT_EQ(details.field_violations(0).field(), "policy");
  EXPECT_EQ(details.field_violations(0).description(), "unknown policy `x`");
}

TEST(StatusTest, AMessageIsCutAtACharacter) {
  std::string text = "x";
  while (text.size() < 3 * kMaxMessageBytes) text += "\xE8\xBB\x8A";
  const grpc::Status status = ToGrpcStatus(InvalidField(text, text));
  EXPECT_LE(status.error_message().size(), kMaxMessageBytes);
  EXPECT_TRUE(status.error_message().ends_with("..."));
  EXPECT_FALSE(embed::FirstInvalidUtf8(status.error_message()).has_value());
  // What a client accepts as metadata, the encoding of both trailers in ASCII included.
  EXPECT_LT(status.error_message().size() * 3 + status.error_details().size() * 4 / 3, 8192u);
  google::rpc::Status rpc;
  ASSERT_TRUE(rpc.ParseFromString(status.error_details()));
  EXPECT_TRUE(BadRequestOf(rpc).field_violations(0).description().ends_with("..."));
}

TEST(StatusTest, DetailsThatAreTooLongAreLeftOut) {
  absl::Status status = absl::ResourceExhaustedError("later");
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo",
                    absl::Cord(std::string(kMaxDetailsBytes + 1, 'x')));
  const google::rpc::Status rpc = ToRpcStatus(status);
  EXPECT_EQ(rpc.message(), "later");
  EXPECT_EQ(rpc.details_size(), 0);
}

}  // namespace
}  // namespace pointsman::server
