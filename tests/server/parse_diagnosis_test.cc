#include "server/parse_diagnosis.h"

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "index/errors.h"
#include "pointsman/v1/router.pb.h"
#include "server/log.h"

namespace pointsman::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kBad[] = "ab\xFF!";

class ParseDiagnosisTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { AdoptLibraryLogs(); }

  // Serialises although a string is not UTF-8, as a careless client would; then expects protobuf to
  // refuse it, and diagnoses.
  static std::string Diagnose(const v1::RouteRequest& request) {
    const std::string bytes = request.SerializePartialAsString();
    EXPECT_FALSE(v1::RouteRequest().ParseFromString(bytes));
    return DiagnoseBytes(bytes);
  }

  static std::string DiagnoseBytes(std::string_view bytes) {
    const absl::Status status = DiagnoseParseFailure(bytes, *v1::RouteRequest::descriptor());
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }
};

TEST_F(ParseDiagnosisTest, NamesTheFieldAndTheByte) {
  v1::RouteRequest request;
  request.set_text(kBad);
  EXPECT_EQ(Diagnose(request), "text: must be valid UTF-8; byte 2 (0xff) is not");
}

TEST_F(ParseDiagnosisTest, CarriesABadRequest) {
  v1::RouteRequest request;
  request.set_policy(kBad);
  const absl::Status status =
      DiagnoseParseFailure(request.SerializePartialAsString(), *v1::RouteRequest::descriptor());
  google::rpc::BadRequest details;
  const auto payload = status.GetPayload(kBadRequestTypeUrl);
  ASSERT_TRUE(payload.has_value());
  ASSERT_TRUE(details.ParseFromString(std::string(*payload)));
  EXPECT_EQ(details.field_violations(0).field(), "policy");
}

TEST_F(ParseDiagnosisTest, NamesThePathOfARepeatedField) {
  v1::RouteRequest request;
  for (int i = 0; i < 4; ++i) request.mutable_conversation()->add_turns()->set_content("good");
  request.mutable_conversation()->mutable_turns(2)->set_content(kBad);
  EXPECT_THAT(Diagnose(request), StartsWith("conversation.turns[2].content: "));
}

TEST_F(ParseDiagnosisTest, CountsEachRepeatedFieldByItself) {
  v1::RouteRequest request;
  request.mutable_requirements()->add_features("tools");
  request.mutable_requirements()->add_tags("region:eu");
  request.mutable_requirements()->add_tags(kBad);
  EXPECT_THAT(Diagnose(request), StartsWith("requirements.tags[1]: "));
}

TEST_F(ParseDiagnosisTest, PassesOverNumbersVectorsAndUnknownFields) {
  v1::RouteRequest request;
  request.mutable_embedding()->add_values(1.5f);
  request.set_tradeoff(0.5);
  request.set_correlation_id(kBad);
  // Field 1000, length-delimited, three bytes that are not UTF-8: no field of ours.
  const std::string unknown("\xC2\x3E\x03\xFF\xFF\xFF", 6);
  EXPECT_THAT(DiagnoseBytes(unknown + request.SerializePartialAsString()),
              StartsWith("correlation_id: "));
}

TEST_F(ParseDiagnosisTest, SaysWhereBrokenFramingEndedTheReading) {
  v1::RouteRequest request;
  request.set_text("a text of some length");
  std::string bytes = request.SerializeAsString();
  bytes.resize(bytes.size() - 5);
  EXPECT_EQ(
      DiagnoseBytes(bytes),
      "request: must be a serialised pointsman.v1.RouteRequest; it cannot be read from byte 2 "
      "on");
}

TEST_F(ParseDiagnosisTest, EveryTruncationThatProtobufRefusesIsExplained) {
  v1::RouteRequest request;
  request.mutable_conversation()->add_turns()->set_content("What is a switch point?");
  request.mutable_requirements()->add_deny_models("large");
  request.mutable_limits()->set_max_cost_usd(0.5);
  const std::string bytes = request.SerializeAsString();
  int refused = 0;
  for (size_t length = 0; length < bytes.size(); ++length) {
    const std::string part = bytes.substr(0, length);
    if (v1::RouteRequest().ParseFromString(part)) continue;
    ++refused;
    EXPECT_THAT(DiagnoseBytes(part), HasSubstr("pointsman.v1.RouteRequest")) << length;
  }
  EXPECT_GT(refused, 20);
}

TEST_F(ParseDiagnosisTest, BytesOfNoKindAreAnswered) {
  uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (int i = 0; i < round % 64; ++i) {
      state = state * 1664525 + 1013904223;
      bytes += static_cast<char>(state >> 24);
    }
    EXPECT_FALSE(DiagnoseBytes(bytes).empty());
  }
}

}  // namespace
}  // namespace pointsman::server
