#include "server/decision_log/record_line.h"

#include <algorithm>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "tests/server/decision_log/samples.h"

namespace pointsman::server {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kMicros = 1795530600123456;  // 2026-11-24T14:30:00.123456Z

class RecordLineTest : public testing::Test {
 protected:
  std::string Line(const v1::RouteRequest& request, const v1::RouteResponse& response,
                   bool with_request = false, size_t max_candidates = 5) {
    EXPECT_TRUE(FormatLine({hasher_, redactor_, max_candidates, with_request}, request, response,
                           facts_, buffer_));
    EXPECT_EQ(buffer_.view().back(), '\n');
    return std::string(buffer_.view().substr(0, buffer_.size() - 1));
  }

  void Redact(const std::string& patterns) {
    WriteFile(directory_ / "patterns", patterns);
    redactor_ = *Redactor::Read(directory_ / "patterns");
  }

  TemporaryDirectory directory_;
  const InputHasher hasher_ = *InputHasher::Create(std::string(32, 'k'));
  Redactor redactor_;
  RecordFacts facts_ = {.trace_id = "0af7651916cd43dd8448eb211c80319c",
                        .client = "team-a",
                        .method = "Route",
                        .batch_index = std::nullopt,
                        .unix_micros = kMicros};
  JsonBuffer buffer_;
};

// What the line should hold, set field by field.
v1::DecisionRecord Expected(const v1::RouteRequest& request, const v1::RouteResponse& response,
                            const RecordFacts& facts, int max_candidates) {
  v1::DecisionRecord record;
  record.mutable_time()->set_seconds(facts.unix_micros / 1'000'000);
  record.mutable_time()->set_nanos(static_cast<int>(facts.unix_micros % 1'000'000 * 1000));
  record.set_decision_id(response.decision_id());
  record.set_method(std::string(facts.method));
  if (facts.batch_index.has_value()) record.set_batch_index(*facts.batch_index);
  record.set_correlation_id(request.correlation_id());
  record.set_trace_id(std::string(facts.trace_id));
  record.set_client(std::string(facts.client));
  record.set_bundle_digest(response.provenance().bundle_digest());
  record.set_bundle_version(response.provenance().bundle_version());
  record.set_server_version(response.provenance().server_version());
  record.set_policy(response.provenance().policy());
  record.set_policy_digest(response.provenance().policy_digest());
  if (request.has_text()) {
    record.set_input_kind(v1::INPUT_KIND_TEXT);
    record.set_input_bytes(static_cast<int>(request.text().size()));
  } else if (request.has_conversation()) {
    record.set_input_kind(v1::INPUT_KIND_CONVERSATION);
    record.set_input_turns(request.conversation().turns_size());
    size_t bytes = 0;
    for (const auto& turn : request.conversation().turns()) bytes += turn.content().size();
    record.set_input_bytes(static_cast<int>(bytes));
  } else if (request.has_embedding()) {
    record.set_input_kind(v1::INPUT_KIND_EMBEDDING);
    record.set_input_bytes(4 * request.embedding().values_size());
  }
  record.set_input_tokens(static_cast<int>(response.input_tokens()));
  record.set_outcome(response.outcome());
  record.set_model(response.model());
  record.set_confidence(response.confidence());
  record.set_margin(response.margin());
  record.set_familiarity(response.familiarity());
  const int logged = std::min(max_candidates, response.candidates_size());
  for (int i = 0; i < logged; ++i) {
    const v1::Candidate& from = response.candidates(i);
    v1::DecisionCandidate* to = record.add_candidates();
    to->set_model(from.model());
    to->set_success_probability(from.success_probability());
    if (from.has_cost_usd()) to->set_cost_usd(from.cost_usd());
    if (from.has_latency_ms()) to->set_latency_ms(from.latency_ms());
    to->set_output_tokens(from.output_tokens());
    to->set_utility(from.utility());
  }
  record.set_candidates_omitted(response.candidates_size() - logged);
  for (const v1::Rejection& rejection : response.rejected()) {
    *record.add_rejected() = rejection;
    record.mutable_rejected()->rbegin()->clear_detail();
  }
  *record.mutable_capabilities() = response.capabilities();
  if (response.has_difficulty()) record.set_difficulty(response.difficulty());
  for (const auto& degradation : response.degradations()) {
    record.add_degradations(degradation.kind());
  }
  *record.mutable_rules_fired() = response.rules_fired();
  record.set_exploration_propensity(response.provenance().exploration_propensity());
  record.set_explored(response.provenance().explored());
  if (response.has_baseline()) *record.mutable_baseline() = response.baseline();
  record.set_total_us(response.timings().total_us());
  return record;
}

TEST_F(RecordLineTest, ProtobufReadsEveryFieldOfAnyDecisionBack) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    const v1::RouteRequest request = OddRequest(random);
    const v1::RouteResponse response = OddResponse(random);
    const std::string client = OddString(random);
    facts_.client = client;
    facts_.batch_index = i % 2 == 0 ? std::nullopt : std::optional<int>(i / 2);
    v1::DecisionRecord record = ParseRecord(Line(request, response, false, 2));
    EXPECT_EQ(record.input_hash().size(), kInputHashDigits);
    record.clear_input_hash();
    const v1::DecisionRecord expected = Expected(request, response, facts_, 2);
    std::string difference;
    MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&difference);
    ASSERT_TRUE(differencer.Compare(record, expected)) << difference;
  }
}

TEST_F(RecordLineTest, ALoggedRequestReadsBackAsItWas) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 2000; ++i) {
    const v1::RouteRequest request = OddRequest(random);
    const v1::DecisionRecord record = ParseRecord(Line(request, UsualResponse(3), true));
    std::string difference;
    MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&difference);
    ASSERT_TRUE(differencer.Compare(record.request(), request)) << difference;
    ASSERT_FALSE(record.redacted());
    ASSERT_EQ(record.input_hash(), "");
  }
}

TEST_F(RecordLineTest, ALineIsOneLineInEveryReader) {
  v1::RouteRequest request;
  request.set_text(
      "one\ntwo\r\nthree\xC2\x85"
      "four\xE2\x80\xA8"
      "five");
  const std::string line = Line(request, UsualResponse(1), true);
  EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos);
  EXPECT_THAT(line, Not(HasSubstr("\xC2\x85")));
  EXPECT_THAT(line, Not(HasSubstr("\xE2\x80\xA8")));
}

TEST_F(RecordLineTest, NoTextOfTheRequestIsInALineUnlessContentsAreLogged) {
  v1::RouteRequest request = UsualRequest();
  request.set_text("the quick brown fox");
  request.set_assignment_key("user 4711");
  v1::RouteResponse response = UsualResponse(3);
  v1::Rejection* rejection = response.add_rejected();
  rejection->set_model("m");
  rejection->set_detail("tag of the request");
  response.add_degradations()->set_detail("detail");
  response.add_evidence()->set_text("an exemplar");
  const std::string line = Line(request, response);
  for (const char* secret : {"quick", "fox", "4711", "tag of", "detail", "exemplar"}) {
    EXPECT_THAT(line, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(Line(request, response, true), HasSubstr("the quick brown fox"));
}

TEST_F(RecordLineTest, NoNumberOfAVectorIsInALineUnlessContentsAreLogged) {
  v1::RouteRequest request;
  request.mutable_embedding()->add_values(0.4711F);
  EXPECT_THAT(Line(request, UsualResponse(1)), Not(HasSubstr("4711")));
  EXPECT_THAT(Line(request, UsualResponse(1), true), HasSubstr("0.4711"));
}

TEST_F(RecordLineTest, RedactionReachesEveryStringOfTheRequestAndSaysSo) {
  Redact("secret\\d");
  v1::RouteRequest request;
  v1::Turn* turn = request.mutable_conversation()->add_turns();
  turn->set_role(v1::ROLE_USER);
  turn->set_content("my secret1 is safe");
  request.set_assignment_key("secret2");
  request.set_correlation_id("secret3");
  const std::string line = Line(request, UsualResponse(1), true);
  EXPECT_THAT(line, Not(HasSubstr("secret")));
  const v1::DecisionRecord record = ParseRecord(line);
  EXPECT_TRUE(record.redacted());
  EXPECT_EQ(record.request().conversation().turns(0).content(), "my [redacted] is safe");
  EXPECT_EQ(record.correlation_id(), "[redacted]");
}

TEST_F(RecordLineTest, ACorrelationIdIsRedactedAlsoWhereContentsAreNotLogged) {
  Redact("secret\\d");
  v1::RouteRequest request = UsualRequest();
  request.set_correlation_id("of secret3");
  EXPECT_EQ(ParseRecord(Line(request, UsualResponse(1))).correlation_id(), "of [redacted]");
}

TEST_F(RecordLineTest, ARequestThatIsTooLargeIsLeftOutAndMarked) {
  // Large itself; large only once it is escaped; and hopeless.
  for (const std::string& text :
       {std::string(kMaxLineBytes, 'x'), std::string(kMaxLineBytes / 5, '\x01'),
        std::string(size_t{1} << 20, 'x')}) {
    v1::RouteRequest request;
    request.set_text(text);
    const v1::DecisionRecord record = ParseRecord(Line(request, UsualResponse(3), true));
    EXPECT_FALSE(record.has_request());
    EXPECT_EQ(record.request_omission(), v1::REQUEST_OMISSION_TOO_LARGE);
    EXPECT_EQ(record.input_hash().size(), kInputHashDigits);
    EXPECT_EQ(record.candidates_size(), 3);
  }
}

TEST_F(RecordLineTest, ALineIsNeverLongerThanItsBound) {
  v1::RouteRequest request;
  for (size_t bytes = kMaxLineBytes - 2000; bytes < kMaxLineBytes; bytes += 7) {
    request.set_text(std::string(bytes, 'x'));
    EXPECT_LE(Line(request, UsualResponse(1), true).size() + 1, kMaxLineBytes);
  }
}

TEST_F(RecordLineTest, ADecisionThatIsTooLargeByItselfIsRefused) {
  v1::RouteResponse response = UsualResponse(1);
  response.mutable_candidates(0)->set_model(std::string(kMaxLineBytes, 'm'));
  EXPECT_FALSE(
      FormatLine({hasher_, redactor_, 5, false}, UsualRequest(), response, facts_, buffer_));
}

TEST_F(RecordLineTest, RejectionsBeyondThirtyTwoAreCountedOnly) {
  v1::RouteResponse response = UsualResponse(1);
  for (int i = 0; i < 40; ++i) {
    response.add_rejected()->set_model("m");
    response.mutable_rejected()->rbegin()->set_reason(v1::REJECTION_REASON_DENIED);
  }
  const v1::DecisionRecord record = ParseRecord(Line(UsualRequest(), response));
  EXPECT_EQ(record.rejected_size(), 32);
  EXPECT_EQ(record.rejected_omitted(), 8);
}

TEST_F(RecordLineTest, AnyTimeIsWrittenAsATimestamp) {
  for (const int64_t micros : {int64_t{0}, int64_t{-1}, int64_t{951782399999999},  // 2000-02-28
                               int64_t{951868799000001}, kMicros}) {
    facts_.unix_micros = micros;
    const auto time = ParseRecord(Line(UsualRequest(), UsualResponse(1))).time();
    EXPECT_EQ(time.seconds() * 1'000'000 + time.nanos() / 1000, micros);
  }
  facts_.unix_micros = std::numeric_limits<int64_t>::max();
  EXPECT_THAT(Line(UsualRequest(), UsualResponse(1)), HasSubstr("9999-12-31T23:59:59.999999Z"));
  facts_.unix_micros = std::numeric_limits<int64_t>::min();
  EXPECT_THAT(Line(UsualRequest(), UsualResponse(1)), HasSubstr("0001-01-01T00:00:00.000000Z"));
}

TEST_F(RecordLineTest, ALineStartsWithTheTime) {
  EXPECT_THAT(Line(UsualRequest(), UsualResponse(1)),
              testing::StartsWith(R"({"time":"2026-11-24T14:30:00.123456Z","decision_id":")"));
}

}  // namespace
}  // namespace pointsman::server
