#include "server/decision_log/decision_log.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/decision_log/rotated_files.h"
#include "tests/server/decision_log/samples.h"

namespace pointsman::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

uint64_t Dropped(const DecisionLog::Stats& stats) {
  return std::accumulate(stats.dropped.begin(), stats.dropped.end(), uint64_t{0});
}

class DecisionLogTest : public testing::Test {
 protected:
  std::unique_ptr<DecisionLog> Open() {
    auto log = DecisionLog::Open(options_);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  void ExpectRefused(absl::StatusCode code, const std::string& reason) {
    const auto log = DecisionLog::Open(options_);
    EXPECT_EQ(log.status().code(), code) << log.status();
    EXPECT_THAT(std::string(log.status().message()), HasSubstr(reason));
  }

  void Record(DecisionLog& log, const std::string& id = "id") {
    response_.set_decision_id(id);
    log.Record(request_, response_, {.method = "Route"});
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "decisions.jsonl";
  DecisionLog::Options options_ = {.destination = path_};
  v1::RouteRequest request_ = UsualRequest();
  v1::RouteResponse response_ = UsualResponse(18);
};

TEST_F(DecisionLogTest, EveryDecisionIsALine) {
  const auto log = Open();
  for (int i = 0; i < 100; ++i) Record(*log, absl::StrCat("decision ", i));
  EXPECT_TRUE(log->Close(seconds(10)));
  const auto lines = ReadLines(path_);
  ASSERT_EQ(lines.size(), 100U);
  for (size_t i = 0; i < 100; ++i) {
    const v1::DecisionRecord record = ParseRecord(lines[i]);
    EXPECT_EQ(record.decision_id(), absl::StrCat("decision ", i));
    EXPECT_EQ(record.candidates_size(), 5);
    EXPECT_EQ(record.candidates_omitted(), 13);
  }
  const DecisionLog::Stats stats = log->stats();
  EXPECT_EQ(stats.records, 100U);
  EXPECT_EQ(stats.bytes, std::filesystem::file_size(path_));
  EXPECT_EQ(Dropped(stats), 0U);
  EXPECT_EQ(stats.ring_bytes_used, 0U);
}

TEST_F(DecisionLogTest, ALineIsWrittenSoonWithoutBeingAskedFor) {
  const auto log = Open();
  Record(*log);
  EXPECT_TRUE(Eventually([&] { return log->stats().records == 1; }));
  EXPECT_EQ(ReadLines(path_).size(), 1U);
}

TEST_F(DecisionLogTest, PromptsAreInNoByteOfTheFileUnlessOptedIn) {
  request_.set_text("what would zanzibar do");
  {
    const auto log = Open();
    Record(*log);
  }
  EXPECT_THAT(ReadFile(path_), Not(HasSubstr("zanzibar")));
  options_.content = LogContent::kText;
  {
    const auto log = Open();
    Record(*log);
  }
  EXPECT_THAT(ReadFile(path_), HasSubstr("zanzibar"));
}

TEST_F(DecisionLogTest, HashesOfAConfiguredKeyCompareBetweenProcesses) {
  WriteFile(directory_ / "key", std::string(32, 'k'));
  const auto hash_of = [&] {
    {
      const auto log = Open();
      Record(*log);
    }
    return ParseRecord(ReadLines(path_).back()).input_hash();
  };
  EXPECT_NE(hash_of(), hash_of());
  options_.hash_key_file = directory_ / "key";
  EXPECT_EQ(hash_of(), hash_of());
}

TEST_F(DecisionLogTest, PatternsOfAFileAreRedacted) {
  WriteFile(directory_ / "patterns", "\\d+ km/h\n");
  options_.redact_patterns_file = directory_ / "patterns";
  options_.content = LogContent::kText;
  {
    const auto log = Open();
    Record(*log);
  }
  const v1::DecisionRecord record = ParseRecord(ReadLines(path_).back());
  EXPECT_TRUE(record.redacted());
  EXPECT_THAT(record.request().text(), HasSubstr("at [redacted], and another"));
  EXPECT_THAT(ReadFile(path_), Not(HasSubstr("60 km")));
}

TEST_F(DecisionLogTest, OptionsOutOfTheirBoundsAreNamed) {
  options_.destination = "";
  ExpectRefused(absl::StatusCode::kInvalidArgument, "no destination");
  options_ = {.destination = path_, .ring_bytes = 1000};
  ExpectRefused(absl::StatusCode::kInvalidArgument, "ring_bytes is 524288 to 1073741824, not 1000");
  options_ = {.destination = path_, .max_candidates = 257};
  ExpectRefused(absl::StatusCode::kInvalidArgument, "max_candidates is 0 to 256, not 257");
  options_ = {.destination = path_, .max_file_bytes = 1000};
  ExpectRefused(absl::StatusCode::kInvalidArgument, "max_file_bytes is 262144 to");
  options_ = {.destination = path_, .max_files = 0};
  ExpectRefused(absl::StatusCode::kInvalidArgument, "max_files is 1 to 10000, not 0");
  options_ = {.destination = path_, .rotate_interval = milliseconds(-1)};
  ExpectRefused(absl::StatusCode::kInvalidArgument, "rotate_interval is at least 0 ms, not -1");
  options_ = {.destination = path_, .fsync_interval = milliseconds(0)};
  ExpectRefused(absl::StatusCode::kInvalidArgument, "fsync_interval is above 0 ms, not 0");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(DecisionLogTest, ADecisionThatIsTooLargeIsCounted) {
  const auto log = Open();
  response_.set_model(std::string(kMaxLineBytes, 'm'));
  Record(*log);
  EXPECT_TRUE(log->Close(seconds(10)));
  EXPECT_EQ(log->stats().dropped[static_cast<size_t>(DropReason::kTooLarge)], 1U);
  EXPECT_EQ(log->stats().records, 0U);
}

TEST_F(DecisionLogTest, WhatIsRecordedAfterTheCloseIsCounted) {
  const auto log = Open();
  Record(*log);
  EXPECT_TRUE(log->Close(seconds(10)));
  Record(*log);
  EXPECT_TRUE(log->Close(seconds(10)));
  EXPECT_EQ(log->stats().records, 1U);
  EXPECT_EQ(log->stats().dropped[static_cast<size_t>(DropReason::kClosed)], 1U);
}

TEST_F(DecisionLogTest, FilesAreRotatedBySizeAndTheOldestRemoved) {
  options_.max_file_bytes = kMaxLineBytes;
  options_.max_files = 2;
  // Two that an earlier process left behind.
  WriteFile(path_ + ".20200101T000000.000Z", "{}\n");
  WriteFile(path_ + ".20200101T000000.001Z", "{}\n");
  const auto log = Open();
  constexpr int kRecords = 2000;
  for (int i = 0; i < kRecords; ++i) Record(*log, absl::StrCat(i));
  EXPECT_TRUE(log->Close(seconds(10)));
  EXPECT_EQ(log->stats().records, kRecords);
  EXPECT_GE(log->stats().rotations, 3U);
  const auto rotated = RotatedFiles(path_);
  ASSERT_EQ(rotated.size(), 2U);
  for (const std::string& file : rotated) {
    EXPECT_LE(std::filesystem::file_size(file), options_.max_file_bytes);
    EXPECT_GT(std::filesystem::file_size(file), options_.max_file_bytes - 4096);
    EXPECT_EQ(file.find("2020"), std::string::npos);
  }
  // The last lines are there, in order and without a gap.
  const auto lines = ReadAllLines(path_);
  for (size_t i = 0; i < lines.size(); ++i) {
    ASSERT_EQ(ParseRecord(lines[i]).decision_id(), absl::StrCat(kRecords - lines.size() + i));
  }
}

TEST_F(DecisionLogTest, FilesAreRotatedByTime) {
  options_.rotate_interval = milliseconds(50);
  options_.flush_interval = milliseconds(5);
  const auto log = Open();
  for (uint64_t rotation = 0; rotation < 3; ++rotation) {
    Record(*log, absl::StrCat(rotation));
    EXPECT_TRUE(Eventually([&] { return log->stats().rotations == rotation + 1; }));
  }
  EXPECT_TRUE(log->Close(seconds(10)));
  EXPECT_EQ(RotatedFiles(path_).size(), 3U);
  EXPECT_EQ(ReadAllLines(path_).size(), 3U);
}

TEST_F(DecisionLogTest, AnEmptyFileIsNotRotated) {
  options_.rotate_interval = milliseconds(1);
  options_.flush_interval = milliseconds(1);
  const auto log = Open();
  std::this_thread::sleep_for(milliseconds(30));  // some thirty chances to do wrong
  EXPECT_EQ(log->stats().rotations, 0U);
}

TEST_F(DecisionLogTest, AfterReopenLinesGoToANewFile) {
  const auto log = Open();
  Record(*log, "before");
  ASSERT_TRUE(Eventually([&] { return log->stats().records == 1; }));
  std::filesystem::rename(path_, path_ + ".1");
  log->Reopen();
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(path_); }));
  Record(*log, "after");
  EXPECT_TRUE(log->Close(seconds(10)));
  EXPECT_EQ(ParseRecord(ReadLines(path_ + ".1").at(0)).decision_id(), "before");
  EXPECT_EQ(ParseRecord(ReadLines(path_).at(0)).decision_id(), "after");
}

TEST_F(DecisionLogTest, AReopenThatFailsKeepsTheOldFileAndIsTriedAgain) {
  std::filesystem::create_directory(directory_ / "logs");
  options_.destination = directory_ / "logs/decisions.jsonl";
  options_.retry_interval = milliseconds(20);
  const auto log = Open();
  std::filesystem::rename(directory_ / "logs", directory_ / "moved");
  log->Reopen();
  Record(*log, "to the old file");
  ASSERT_TRUE(
      Eventually([&] { return log->stats().records == 1 && log->stats().write_errors >= 2; }));
  EXPECT_EQ(ReadLines(directory_ / "moved/decisions.jsonl").size(), 1U);
  std::filesystem::create_directory(directory_ / "logs");
  EXPECT_TRUE(Eventually([&] { return std::filesystem::exists(options_.destination); }));
  EXPECT_EQ(Dropped(log->stats()), 0U);
}

TEST_F(DecisionLogTest, EveryFsyncPolicyWritesEveryLine) {
  for (const FsyncPolicy policy :
       {FsyncPolicy::kNever, FsyncPolicy::kRotate, FsyncPolicy::kInterval}) {
    options_.destination = directory_ / absl::StrCat("log", static_cast<int>(policy));
    options_.fsync = policy;
    options_.fsync_interval = milliseconds(1);
    options_.max_file_bytes = kMaxLineBytes;
    const auto log = Open();
    for (int i = 0; i < 1000; ++i) Record(*log);
    EXPECT_TRUE(log->Close(seconds(30)));
    EXPECT_EQ(log->stats().write_errors, 0U);
    EXPECT_EQ(ReadAllLines(options_.destination).size(), 1000U);
  }
}

TEST_F(DecisionLogTest, ManyThreadsLoseNothingUncounted) {
  options_.ring_bytes = size_t{1} << 20;  // small, so that it also overflows
  options_.max_file_bytes = size_t{8} << 20;
  options_.max_files = 1000;
  const auto log = Open();
  constexpr int kThreads = 8;
  constexpr int kRecords = 10'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      v1::RouteResponse response = UsualResponse(18);
      for (int i = 0; i < kRecords; ++i) {
        response.set_decision_id(absl::StrCat(t, "-", i));
        log->Record(request_, response, {.method = "Route"});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(log->Close(seconds(30)));
  const DecisionLog::Stats stats = log->stats();
  EXPECT_EQ(stats.records + Dropped(stats), uint64_t{kThreads} * kRecords);
  EXPECT_EQ(Dropped(stats), stats.dropped[static_cast<size_t>(DropReason::kRingFull)]);
  std::set<std::string> ids;
  for (const std::string& line : ReadAllLines(path_)) {
    // One in ten by protobuf's slow parser; all by their shape.
    ASSERT_TRUE(line.starts_with("{\"time\":") && line.ends_with("}"));
    if (ids.size() % 10 == 0) ParseRecord(line);
    const size_t begin = line.find("\"decision_id\":\"") + 15;
    ids.insert(line.substr(begin, line.find('"', begin) - begin));
  }
  EXPECT_EQ(ids.size(), stats.records);
}

TEST_F(DecisionLogTest, AnyThreadMayReadStatsReopenAndCloseUnderLoad) {
  const auto log = Open();
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> recorded = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const v1::RouteResponse response = UsualResponse(5);
      while (!stop) {
        log->Record(request_, response, {.method = "Route"});
        ++recorded;
      }
    });
  }
  ASSERT_TRUE(Eventually([&] {
    log->Reopen();
    return log->stats().records > 1000;
  }));
  EXPECT_TRUE(log->Close(seconds(30)));
  EXPECT_TRUE(Eventually(
      [&] { return log->stats().dropped[static_cast<size_t>(DropReason::kClosed)] > 0; }));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(log->stats().records + Dropped(log->stats()), recorded);
  EXPECT_EQ(ReadLines(path_).size(), log->stats().records);
}

TEST_F(DecisionLogTest, ADashIsStandardOutput) {
  const int saved = dup(STDOUT_FILENO);
  const std::string captured = directory_ / "stdout";
  ASSERT_NE(std::freopen(captured.c_str(), "w", stdout), nullptr);
  options_.destination = "-";
  options_.max_file_bytes = kMaxLineBytes;
  {
    const auto log = Open();
    for (int i = 0; i < 1000; ++i) Record(*log);
    EXPECT_TRUE(log->Close(seconds(10)));
    EXPECT_EQ(log->stats().rotations, 0U);
  }
  std::fflush(stdout);
  ASSERT_GE(dup2(saved, STDOUT_FILENO), 0);
  close(saved);
  EXPECT_EQ(ReadLines(captured).size(), 1000U);
}

TEST(DropReasonTest, NamesAreThoseOfTheMetric) {
  EXPECT_EQ(Name(DropReason::kRingFull), "ring_full");
  EXPECT_EQ(Name(DropReason::kTooLarge), "too_large");
  EXPECT_EQ(Name(DropReason::kWriteFailed), "write_failed");
  EXPECT_EQ(Name(DropReason::kClosed), "closed");
}

}  // namespace
}  // namespace pointsman::server
