#include "server/ext_proc/preferences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace pointsman::server {
namespace {

using ::testing::ElementsAre;

v1::RouteRequest Read(const Headers& headers) {
  v1::RouteRequest request;
  const auto failure = ReadPreferences(headers, &request);
  EXPECT_FALSE(failure) << failure->message;
  return request;
}

std::string Problem(const Headers& headers) {
  v1::RouteRequest request;
  const auto failure = ReadPreferences(headers, &request);
  if (!failure) return "none";
  EXPECT_EQ(failure->reason, FailureReason::kInvalidHeader);
  EXPECT_EQ(failure->message.substr(0, failure->param.size()), failure->param);
  return failure->message;
}

TEST(ReadPreferences, EveryHeaderSetsItsField) {
  const v1::RouteRequest request = Read({{"x-pointsman-policy", "economy"},
                                         {"x-pointsman-tradeoff", " 0.25 "},
                                         {"x-pointsman-max-cost-usd", "1e-3"},
                                         {"x-pointsman-max-latency-ms", "1500"},
                                         {"x-pointsman-min-success-probability", "1"},
                                         {"x-pointsman-allow-models", "a, b"},
                                         {"x-pointsman-allow-models", "c"},
                                         {"x-pointsman-deny-models", "d"},
                                         {"x-pointsman-features", "tools,vision"},
                                         {"x-pointsman-tags", "region:eu"},
                                         {"x-pointsman-incumbent", "e"},
                                         {"x-pointsman-assignment-key", "user 7"},
                                         {"x-pointsman-correlation-id", "c-1"},
                                         {"x-request-id", "r-1"},
                                         {"authorization", "Bearer x"}});
  EXPECT_EQ(request.policy(), "economy");
  EXPECT_EQ(request.tradeoff(), 0.25);
  EXPECT_EQ(request.limits().max_cost_usd(), 1e-3);
  EXPECT_EQ(request.limits().max_latency_ms(), 1500);
  EXPECT_EQ(request.limits().min_success_probability(), 1);
  EXPECT_THAT(request.requirements().allow_models(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(request.requirements().deny_models(), ElementsAre("d"));
  EXPECT_THAT(request.requirements().features(), ElementsAre("tools", "vision"));
  EXPECT_THAT(request.requirements().tags(), ElementsAre("region:eu"));
  EXPECT_EQ(request.incumbent().model(), "e");
  EXPECT_EQ(request.assignment_key(), "user 7");
  EXPECT_EQ(request.correlation_id(), "c-1");
}

TEST(ReadPreferences, WithoutHeadersNothingIsSet) {
  EXPECT_EQ(Read({{":path", "/"}, {"accept", "*/*"}}).ByteSizeLong(), 0);
}

TEST(ReadPreferences, ARequestIdStandsInForACorrelationId) {
  EXPECT_EQ(Read({{"x-request-id", "r-1"}}).correlation_id(), "r-1");
  EXPECT_EQ(Read({{"x-request-id", std::string(257, 'r')}}).correlation_id(), "");
  EXPECT_EQ(Read({{"x-request-id", "\xff"}}).correlation_id(), "");
}

TEST(ReadPreferences, AnswerHeadersAreNotBelievedAndNoError) {
  EXPECT_EQ(
      Read({{"x-pointsman-model", "large"}, {"x-pointsman-outcome", "chosen"}}).ByteSizeLong(), 0);
}

TEST(ReadPreferences, NonsenseNamesHeaderBoundAndValue) {
  EXPECT_EQ(Problem({{"x-pointsman-tradeoff", "1.01"}}),
            "x-pointsman-tradeoff: must be a number from 0 to 1; is `1.01`");
  EXPECT_EQ(Problem({{"x-pointsman-max-latency-ms", "0"}}),
            "x-pointsman-max-latency-ms: must be a number above 0; is `0`");
  EXPECT_EQ(Problem({{"x-pointsman-max-cost-usd", "-1"}}),
            "x-pointsman-max-cost-usd: must be a number of at least 0; is `-1`");
  EXPECT_EQ(Problem({{"x-pointsman-max-cost-usd", ""}}),
            "x-pointsman-max-cost-usd: must be a number of at least 0; is empty");
  EXPECT_EQ(Problem({{"x-pointsman-tags", "a,,b"}}),
            "x-pointsman-tags: must be names with commas between them; is `a,,b`");
  EXPECT_EQ(Problem({{"x-pointsman-policy", ""}}),
            "x-pointsman-policy: must not be empty; leave the header out");
  EXPECT_EQ(Problem({{"x-pointsman-policy", "a"}, {"x-pointsman-policy", "a"}}),
            "x-pointsman-policy: must be given once; is given twice");
  EXPECT_EQ(Problem({{"x-pointsman-assignment-key", std::string(257, 'k')}}),
            "x-pointsman-assignment-key: must be at most 256 bytes; is 257");
  EXPECT_EQ(Problem({{"x-pointsman-features", "\xc3"}}),
            "x-pointsman-features: must be valid UTF-8");
  EXPECT_EQ(Problem({{"x-pointsman-max-cost", "1"}}),
            "x-pointsman-max-cost: not known; do you mean x-pointsman-max-cost-usd?");
  for (const char* value : {"nan", "inf", "1e999", "0x1", "1,5", "0.5 usd", "--1", "1e"}) {
    EXPECT_NE(Problem({{"x-pointsman-max-cost-usd", value}}), "none") << value;
  }
}

TEST(HeaderOfField, IsTheHeaderThatSetsIt) {
  EXPECT_EQ(HeaderOfField("limits.max_cost_usd"), "x-pointsman-max-cost-usd");
  EXPECT_EQ(HeaderOfField("requirements.deny_models[2]"), "x-pointsman-deny-models");
  EXPECT_EQ(HeaderOfField("conversation.turns"), "");
}

}  // namespace
}  // namespace pointsman::server
