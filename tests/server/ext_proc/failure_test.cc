#include "server/ext_proc/failure.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "index/errors.h"
#include "nlohmann/json.hpp"
#include "server/ext_proc/exchange.h"

namespace pointsman::server {
namespace {

TEST(FailureReason, EachHasANameOfItsOwnAndAStatusOfAnError) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kFailureReasonCount; ++i) {
    const auto reason = static_cast<FailureReason>(i);
    EXPECT_TRUE(names.insert(FailureReasonName(reason)).second);
    EXPECT_EQ(FailureReasonName(reason).find_first_not_of("abcdefghijklmnopqrstuvwxyz_"),
              std::string_view::npos);
    // Known to the enum that Envoy reads.
    EXPECT_TRUE(envoy::type::v3::StatusCode_IsValid(HttpStatusOf(reason)));
    EXPECT_GE(HttpStatusOf(reason), 400);
  }
}

TEST(ErrorBody, IsOfOpenAisForm) {
  EXPECT_EQ(ErrorBody({FailureReason::kInvalidHeader, "x: \"bad\"", "x"}),
            R"({"error":{"message":"x: \"bad\"","type":"invalid_request_error","param":"x",)"
            R"("code":"invalid_header"}})");
  const auto overloaded =
      nlohmann::json::parse(ErrorBody({FailureReason::kOverloaded, "later", ""}));
  EXPECT_TRUE(overloaded["error"]["param"].is_null());
  EXPECT_EQ(overloaded["error"]["type"], "rate_limit_error");
  EXPECT_EQ(
      nlohmann::json::parse(ErrorBody({FailureReason::kNoBundle, "no\xff", ""}))["error"]["type"],
      "server_error");
}

TEST(FailureOfStatus, FieldsAreToldAsHeaders) {
  const auto expect = [](const absl::Status& status, FailureReason reason, std::string_view param) {
    const Failure failure = FailureOfStatus(status);
    EXPECT_EQ(FailureReasonName(failure.reason), FailureReasonName(reason)) << status;
    EXPECT_EQ(failure.param, param);
    EXPECT_FALSE(failure.message.empty());
  };
  expect(InvalidField("policy", "unknown"), FailureReason::kUnknownPolicy, "x-pointsman-policy");
  expect(InvalidField("requirements.allow_models[1]", "unknown"), FailureReason::kUnknownModel,
         "x-pointsman-allow-models");
  expect(InvalidField("requirements.deny_models", "too many"), FailureReason::kInvalidHeader,
         "x-pointsman-deny-models");
  expect(InvalidField("requirements.features[0]", "unknown"), FailureReason::kUnknownFeature,
         "x-pointsman-features");
  expect(InvalidField("incumbent.model", "unknown"), FailureReason::kUnknownModel,
         "x-pointsman-incumbent");
  expect(InvalidField("conversation.turns", "none"), FailureReason::kInvalidRequest,
         "conversation.turns");
  expect(absl::ResourceExhaustedError("later"), FailureReason::kOverloaded, "");
  expect(absl::DeadlineExceededError("late"), FailureReason::kDeadlineExceeded, "");
  expect(absl::UnavailableError("no bundle is in service yet"), FailureReason::kNoBundle, "");
  EXPECT_EQ(FailureOfStatus(InvalidField("policy", "unknown `x`")).message,
            "x-pointsman-policy: unknown `x`");
}

}  // namespace
}  // namespace pointsman::server
