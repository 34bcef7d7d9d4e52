#include "index/evaluate/replay.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "index/evaluate/replay_log.h"
#include "nlohmann/json.hpp"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/index/engine/tiny_bundle.h"
#include "tests/index/evaluate/decision_records.h"

namespace pointsman::evaluate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::DecisionRecord Record() { return RecordOf(TinyEngine(), TextRequest("prove the lemma"), "D1"); }

Replayed Replay(const v1::DecisionRecord& record, std::vector<Difference>* differences) {
  Replayer replayer(TinyEngine());
  return replayer.Replay(record, differences);
}

TEST(ReplayTest, WhatTheEngineDecidedReplaysEqualThroughJsonAndBack) {
  Replayer replayer(TinyEngine());
  for (const v1::RouteRequest& request : VariedRequests(1000)) {
    v1::DecisionRecord read;
    const std::string line = ToLine(RecordOf(TinyEngine(), request, "D"));
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(line, &read).ok()) << line;
    std::vector<Difference> differences;
    EXPECT_EQ(replayer.Replay(read, &differences), Replayed::kEqual)
        << line << (differences.empty() ? "" : differences[0].field);
  }
}

// One field that was altered, and how it is reported.
struct Alteration {
  const char* field;
  std::function<void(v1::DecisionRecord*)> alter;
};

TEST(ReplayTest, EachAlteredFieldIsReportedAlone) {
  const std::vector<Alteration> alterations = {
      {"outcome", [](auto* r) { r->set_outcome(v1::OUTCOME_ABSTAINED); }},
      {"model", [](auto* r) { r->set_model("medium"); }},
      {"policy", [](auto* r) { r->set_policy("thrift"); }},
      {"policy_digest", [](auto* r) { r->set_policy_digest("0000000000000000"); }},
      {"confidence", [](auto* r) { r->set_confidence(r->confidence() - 0.001); }},
      {"margin", [](auto* r) { r->set_margin(r->margin() - 0.001); }},
      {"familiarity", [](auto* r) { r->set_familiarity(r->familiarity() + 0.001); }},
      {"explored", [](auto* r) { r->set_explored(true); }},
      {"candidates", [](auto* r) { r->set_candidates_omitted(4); }},
      {"candidates[1].model", [](auto* r) { r->mutable_candidates(1)->set_model("medium"); }},
      {"candidates[0].success_probability",
       [](auto* r) { r->mutable_candidates(0)->set_success_probability(0.123); }},
      {"rejected", [](auto* r) { r->set_rejected_omitted(1); }},
  };
  for (const Alteration& alteration : alterations) {
    v1::DecisionRecord record = Record();
    alteration.alter(&record);
    std::vector<Difference> differences;
    EXPECT_EQ(Replay(record, &differences), Replayed::kDifferent) << alteration.field;
    ASSERT_THAT(differences, SizeIs(1)) << alteration.field;
    EXPECT_EQ(differences[0].field, alteration.field);
    EXPECT_NE(differences[0].logged, differences[0].recomputed);
  }
}

TEST(ReplayTest, ReasonsOfRejectionsAreCompared) {
  v1::RouteRequest request = TextRequest("hello friend");
  request.mutable_requirements()->add_deny_models("large");
  v1::DecisionRecord record = RecordOf(TinyEngine(), request, "D");
  ASSERT_THAT(record.rejected(), SizeIs(1));
  record.mutable_rejected(0)->set_reason(v1::REJECTION_REASON_RULE);
  std::vector<Difference> differences;
  EXPECT_EQ(Replay(record, &differences), Replayed::kDifferent);
  ASSERT_THAT(differences, SizeIs(1));
  EXPECT_EQ(differences[0].field, "rejected[0].reason");
  EXPECT_EQ(differences[0].recomputed, "REJECTION_REASON_DENIED");
}

TEST(ReplayTest, LastDigitsDoNotCount) {
  v1::DecisionRecord record = Record();
  record.set_confidence(record.confidence() + 0.5e-4);
  std::vector<Difference> differences;
  EXPECT_EQ(Replay(record, &differences), Replayed::kEqual);
}

TEST(ReplayTest, CandidatesThatWereNotLoggedAreCounted) {
  const v1::DecisionRecord record =
      RecordOf(TinyEngine(), TextRequest("prove the lemma"), "D", /*logged=*/1);
  ASSERT_EQ(record.candidates_omitted(), 1);
  std::vector<Difference> differences;
  EXPECT_EQ(Replay(record, &differences), Replayed::kEqual);
}

TEST(ReplayTest, WhatCannotBeDecidedAgainIsToldApart) {
  std::vector<Difference> differences;
  v1::DecisionRecord record = Record();
  record.set_bundle_digest("other");
  EXPECT_EQ(Replay(record, &differences), Replayed::kOtherBundle);
  record = Record();
  record.set_redacted(true);
  EXPECT_EQ(Replay(record, &differences), Replayed::kRedacted);
  record = Record();
  record.clear_request();
  EXPECT_EQ(Replay(record, &differences), Replayed::kNoRequest);
  record.set_request_omission(v1::REQUEST_OMISSION_TOO_LARGE);
  EXPECT_EQ(Replay(record, &differences), Replayed::kTooLarge);
  EXPECT_THAT(differences, IsEmpty());
}

TEST(ReplayTest, ARequestThatTheEngineRefusesDiffers) {
  v1::DecisionRecord record = Record();
  record.mutable_request()->set_policy("nonsense");
  std::vector<Difference> differences;
  EXPECT_EQ(Replay(record, &differences), Replayed::kDifferent);
  ASSERT_THAT(differences, SizeIs(1));
  EXPECT_EQ(differences[0].field, "request");
  EXPECT_THAT(differences[0].recomputed, HasSubstr("unknown policy `nonsense`"));
}

class ReplayLogTest : public ::testing::Test {
 protected:
  ReplaySummary MustReplay(const std::vector<std::string>& logs, size_t most = 100) const {
    ReplaySummary summary;
    const absl::Status status =
        ReplayLogs(logs, TinyEngine(), most, [](int64_t, int64_t) {}, &summary);
    EXPECT_TRUE(status.ok()) << status;
    return summary;
  }

  bundle::ScratchDirectory directory_;
  const std::string line_ = ToLine(Record());
};

TEST_F(ReplayLogTest, FilesAndGzipAreCountedTogether) {
  const ReplaySummary summary = MustReplay({directory_.Write("a.jsonl", line_ + "\n" + line_),
                                            directory_.WriteGzip("b.jsonl.gz", line_)});
  EXPECT_EQ(summary.records, 3);
  EXPECT_EQ(summary.equal, 3);
  EXPECT_TRUE(summary.passed());
  EXPECT_THAT(ReplayText(summary), HasSubstr("all 3 compared decisions are equal\n"));
}

TEST_F(ReplayLogTest, ATornLastLineIsCountedAndNotFatal) {
  const std::string log = directory_.Write("a.jsonl", line_ + line_.substr(0, 100));
  const ReplaySummary summary = MustReplay({log});
  EXPECT_EQ(summary.torn, 1);
  EXPECT_EQ(summary.malformed, 0);
  EXPECT_TRUE(summary.passed());
  EXPECT_THAT(summary.problems, ElementsAre(HasSubstr("a.jsonl:2: torn")));
}

TEST_F(ReplayLogTest, AWholeLastLineWithoutItsEndIsARecord) {
  const ReplaySummary summary =
      MustReplay({directory_.Write("a.jsonl", line_.substr(0, line_.size() - 1))});
  EXPECT_EQ(summary.equal, 1);
  EXPECT_EQ(summary.torn, 0);
}

TEST_F(ReplayLogTest, MalformedLinesAreNamedAndTheRestIsReplayed) {
  const ReplaySummary summary = MustReplay({directory_.Write(
      "a.jsonl", line_ + "{\"time\": 3}\nnonsense\n{\"colour\": 1}\n\xFF\n" + line_)});
  EXPECT_EQ(summary.equal, 2);
  EXPECT_EQ(summary.malformed, 4);
  EXPECT_FALSE(summary.passed());
  EXPECT_THAT(summary.problems,
              ElementsAre(HasSubstr("a.jsonl:2: is no DecisionRecord: "),
                          HasSubstr("a.jsonl:3: is no DecisionRecord: "), HasSubstr("colour"),
                          HasSubstr("a.jsonl:5: is no DecisionRecord: ")));
}

TEST_F(ReplayLogTest, AGzipThatBreaksOffIsAProblem) {
  std::string lines;
  for (const v1::RouteRequest& request : VariedRequests(300)) {
    lines += ToLine(RecordOf(TinyEngine(), request, "D"));
  }
  directory_.WriteGzip("a.jsonl.gz", lines);
  const std::string whole = directory_.Read("a.jsonl.gz");
  const ReplaySummary summary =
      MustReplay({directory_.Write("a.jsonl.gz", whole.substr(0, whole.size() / 2))});
  EXPECT_EQ(summary.malformed, 1);
  EXPECT_FALSE(summary.passed());
  ASSERT_THAT(summary.problems, SizeIs(1));
  EXPECT_THAT(summary.problems[0], HasSubstr("the gzip data end too early"));
}

TEST_F(ReplayLogTest, OnlyTheFirstDifferencesAreKeptAndAllCounted) {
  v1::DecisionRecord record = Record();
  record.set_model("medium");
  record.set_confidence(0);
  std::string lines;
  for (int i = 0; i < 10; ++i) lines += ToLine(record);
  const ReplaySummary summary = MustReplay({directory_.Write("a.jsonl", lines)}, 3);
  EXPECT_EQ(summary.different, 10);
  EXPECT_EQ(summary.differing_fields, 20);
  EXPECT_THAT(summary.differences, SizeIs(3));
  EXPECT_THAT(ReplayText(summary),
              HasSubstr("a.jsonl:1: decision D1: model: logged medium, recomputed "));
  EXPECT_THAT(ReplayText(summary), HasSubstr("(17 more differences)\n"));
}

TEST_F(ReplayLogTest, NothingToCompareIsNoSuccess) {
  v1::DecisionRecord record = Record();
  record.set_bundle_digest("other");
  const ReplaySummary summary = MustReplay({directory_.Write("a.jsonl", ToLine(record))});
  EXPECT_EQ(summary.other_bundle, 1);
  EXPECT_FALSE(summary.passed());
  EXPECT_THAT(ReplayText(summary), HasSubstr("no record could be compared with this bundle"));
}

TEST_F(ReplayLogTest, ProgressEndsAtTheSizeOfTheLogs) {
  const std::string log = directory_.Write("a.jsonl", line_ + line_);
  int64_t last_done = 0;
  int64_t last_total = 0;
  ReplaySummary summary;
  ASSERT_TRUE(ReplayLogs(
                  {log, log}, TinyEngine(), 1,
                  [&](int64_t done, int64_t total) {
                    EXPECT_GE(done, last_done);
                    last_done = done;
                    last_total = total;
                  },
                  &summary)
                  .ok());
  EXPECT_EQ(last_total, static_cast<int64_t>(4 * line_.size()));
  EXPECT_EQ(last_done, last_total);
}

TEST_F(ReplayLogTest, ALogThatCannotBeOpenedIsAnErrorBeforeAnythingIsReplayed) {
  ReplaySummary summary;
  const std::string log = directory_.Write("a.jsonl", line_);
  const auto ignore = [](int64_t, int64_t) {};
  EXPECT_TRUE(absl::IsNotFound(ReplayLogs({log, log + "x"}, TinyEngine(), 1, ignore, &summary)));
  EXPECT_TRUE(absl::IsInvalidArgument(
      ReplayLogs({log, directory_.path()}, TinyEngine(), 1, ignore, &summary)));
  EXPECT_EQ(summary.records, 0);
}

}  // namespace
}  // namespace pointsman::evaluate
