// The disk is full, too slow, or gone: decisions go on, and what is lost is counted.

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/decision_log/decision_log.h"
#include "tests/server/decision_log/samples.h"

namespace pointsman::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

uint64_t Dropped(const DecisionLog& log, DropReason reason) {
  return log.stats().dropped[static_cast<size_t>(reason)];
}

class FailingDiskTest : public testing::Test {
 protected:
  std::unique_ptr<DecisionLog> Open(const std::string& destination) {
    options_.destination = destination;
    auto log = DecisionLog::Open(options_);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  void Record(DecisionLog& log, uint64_t times = 1) {
    for (; times > 0; --times) {
      response_.set_decision_id(absl::StrCat(recorded_));
      log.Record(request_, response_, {.method = "Route"});
      ++recorded_;
    }
  }

  TemporaryDirectory directory_;
  DecisionLog::Options options_ = {.ring_bytes = size_t{512} << 10,
                                   .flush_interval = milliseconds(2),
                                   .retry_interval = milliseconds(20)};
  const v1::RouteRequest request_ = UsualRequest();
  v1::RouteResponse response_ = UsualResponse(18);
  uint64_t recorded_ = 0;
};

// A file system of 64 KiB, for as long as the test runs.
class SmallDiskTest : public FailingDiskTest {
 protected:
  void SetUp() override {
    if (mount("none", directory_.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
      GTEST_SKIP() << "no tmpfs can be mounted here (errno " << errno << "): needs CAP_SYS_ADMIN";
    }
    is_mounted_ = true;
  }
  void TearDown() override {
    if (is_mounted_) {
      EXPECT_EQ(umount2(directory_.path().c_str(), MNT_DETACH), 0);
    }
  }
  bool is_mounted_ = false;
};

TEST_F(SmallDiskTest, AFullDiskLosesCountedLinesOnlyAndIsWrittenAgainOnceThereIsRoom) {
  const std::string path = directory_ / "decisions.jsonl";
  std::ofstream(directory_ / "ballast") << std::string(40'000, 'x');
  const auto log = Open(path);
  Record(*log, 100);
  ASSERT_TRUE(Eventually([&] { return Dropped(*log, DropReason::kWriteFailed) > 0; }));
  Record(*log, 10);
  ASSERT_TRUE(Eventually([&] { return log->stats().write_errors >= 2; }));
  const uint64_t written_while_full = log->stats().records;
  EXPECT_GT(written_while_full, 0U);
  for (const std::string& line : ReadLines(path)) ParseRecord(line);

  std::filesystem::remove(directory_ / "ballast");
  ASSERT_TRUE(Eventually([&] {
    Record(*log);
    return log->stats().records > written_while_full;
  }));
  EXPECT_TRUE(log->Close(seconds(10)));
  EXPECT_EQ(log->stats().records + Dropped(*log, DropReason::kWriteFailed) +
                Dropped(*log, DropReason::kRingFull),
            recorded_);
  const auto lines = ReadLines(path);
  EXPECT_EQ(lines.size(), log->stats().records);
  for (const std::string& line : lines) ParseRecord(line);
}

TEST_F(SmallDiskTest, AFullDiskDoesNotHoldUpTheClose) {
  const auto log = Open(directory_ / "decisions.jsonl");
  options_.retry_interval = seconds(60);
  Record(*log, 200);
  EXPECT_TRUE(log->Close(seconds(10)));
  EXPECT_EQ(log->stats().records + Dropped(*log, DropReason::kWriteFailed), recorded_);
  EXPECT_EQ(ReadLines(directory_ / "decisions.jsonl").size(), log->stats().records);
}

TEST_F(FailingDiskTest, ADeviceThatTakesNothingLosesEverythingCounted) {
  const auto log = Open("/dev/full");
  Record(*log, 10);
  ASSERT_TRUE(Eventually([&] { return Dropped(*log, DropReason::kWriteFailed) == 10; }));
  EXPECT_GE(log->stats().write_errors, 1U);
  EXPECT_EQ(log->stats().records, 0U);
}

TEST_F(FailingDiskTest, ALimitOfTheFileSizeIsAnErrorNotTheEndOfTheProcess) {
  const std::string path = directory_ / "decisions.jsonl";
  const auto log = Open(path);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {10'000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Record(*log, 50);
  EXPECT_TRUE(log->Close(seconds(10)));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_GT(log->stats().records, 0U);
  EXPECT_GT(Dropped(*log, DropReason::kWriteFailed), 0U);
  EXPECT_EQ(log->stats().records + Dropped(*log, DropReason::kWriteFailed), 50U);
  EXPECT_EQ(ReadLines(path).size(), log->stats().records);
}

// A pipe that nobody empties is a disk that hangs.
class SlowDiskTest : public FailingDiskTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(mkfifo(pipe_.c_str(), 0600), 0);
    reader_ = open(pipe_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(reader_, 0);
  }
  void TearDown() override {
    if (reader_ >= 0) close(reader_);
  }

  // Reads until every writer has closed the pipe.
  std::string ReadToEnd() {
    std::string all;
    std::array<char, 65536> block;
    for (;;) {
      const ssize_t got = read(reader_, block.data(), block.size());
      if (got > 0) all.append(block.data(), static_cast<size_t>(got));
      if (got == 0) return all;
      if (got < 0) std::this_thread::sleep_for(milliseconds(1));
    }
  }

  const std::string pipe_ = directory_ / "pipe";
  int reader_ = -1;
};

TEST_F(SlowDiskTest, AnOverflowIsCountedExactlyAndTheRestArrives) {
  auto log = Open(pipe_);
  Record(*log, 2000);
  // Nobody reads, so what the ring does not hold is lost, at once.
  const uint64_t lost = Dropped(*log, DropReason::kRingFull);
  EXPECT_GT(lost, 0U);
  EXPECT_GT(log->stats().ring_bytes_used, options_.ring_bytes - 4096);
  std::string all;
  std::thread reader([&] { all = ReadToEnd(); });
  // The pipe ends for the reader when the log is gone.
  EXPECT_TRUE(log->Close(seconds(30)));
  EXPECT_EQ(log->stats().records, 2000 - lost);
  log.reset();
  reader.join();
  WriteFile(directory_ / "all", all);
  const auto lines = ReadLines(directory_ / "all");
  EXPECT_EQ(lines.size(), 2000 - lost);
  for (size_t i = 0; i < lines.size(); i += 20) ParseRecord(lines[i]);
}

TEST_F(SlowDiskTest, ADiskThatHangsDoesNotHoldUpTheClose) {
  const auto log = Open(pipe_);
  Record(*log, 200);  // more than the pipe holds, less than the ring does
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(log->Close(milliseconds(100)));
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(5));
  EXPECT_FALSE(log->Close(milliseconds(100)));
  Record(*log);
  // The writer finds out within its poll; by then every line is accounted for.
  EXPECT_TRUE(Eventually([&] {
    return log->stats().records + Dropped(*log, DropReason::kClosed) +
               Dropped(*log, DropReason::kWriteFailed) ==
           recorded_;
  }));
}

TEST_F(SlowDiskTest, ABrokenPipeIsAnErrorNotTheEndOfTheProcess) {
  const auto log = Open(pipe_);
  close(reader_);
  reader_ = -1;
  Record(*log, 5);
  EXPECT_TRUE(Eventually([&] { return Dropped(*log, DropReason::kWriteFailed) == 5; }));
}

TEST_F(FailingDiskTest, APipeWithoutAReaderIsRefusedAtTheStart) {
  ASSERT_EQ(mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  options_.destination = directory_ / "pipe";
  EXPECT_FALSE(DecisionLog::Open(options_).ok());
}

}  // namespace
}  // namespace pointsman::server
