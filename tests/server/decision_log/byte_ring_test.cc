#include "server/decision_log/byte_ring.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

using PushResult = ByteRing::PushResult;

std::string Everything(const ByteRing& ring) {
  const ByteRing::Parts parts = ring.Peek();
  return std::string(parts[0]) + std::string(parts[1]);
}

TEST(ByteRingTest, GivesLinesBackInOrderAlsoRoundItsEnd) {
  ByteRing ring(10);
  EXPECT_EQ(ring.Push("abcd\n"), PushResult::kPushed);
  EXPECT_EQ(ring.Push("ef\n"), PushResult::kPushed);
  EXPECT_TRUE(ring.Release(5, 1));
  EXPECT_EQ(ring.Push("ghijk\n"), PushResult::kPushed);
  EXPECT_FALSE(ring.Peek()[1].empty());
  EXPECT_EQ(Everything(ring), "ef\nghijk\n");
  EXPECT_EQ(ring.used_bytes(), 9U);
}

TEST(ByteRingTest, TakesALineWholeOrNotAtAll) {
  ByteRing ring(10);
  EXPECT_EQ(ring.Push("12345678\n"), PushResult::kPushed);
  EXPECT_EQ(ring.Push("9\n"), PushResult::kFull);
  EXPECT_EQ(Everything(ring), "12345678\n");
  EXPECT_EQ(ring.Push("\n"), PushResult::kPushed);
  EXPECT_EQ(ring.used_bytes(), 10U);
}

TEST(ByteRingTest, StartsOverAtTheFrontWhenEmpty) {
  ByteRing ring(100);
  ring.Push("a\n");
  const char* const front = ring.Peek()[0].data();
  ring.Release(2, 1);
  ring.Push("b\n");
  EXPECT_EQ(ring.Peek()[0].data(), front);
}

TEST(ByteRingTest, WakesTheReaderWhenHalfFull) {
  ByteRing ring(100);
  std::thread writer([&] { ring.Push(std::string(60, 'x')); });
  EXPECT_FALSE(ring.Wait(std::chrono::minutes(1)));
  EXPECT_EQ(ring.used_bytes(), 60U);
  writer.join();
}

TEST(ByteRingTest, WakesTheReaderWhenClosed) {
  ByteRing ring(100);
  std::thread closer([&] { ring.Close(); });
  EXPECT_TRUE(ring.Wait(std::chrono::minutes(1)));
  closer.join();
  EXPECT_EQ(ring.Push("x\n"), PushResult::kClosed);
}

TEST(ByteRingTest, WhatIsAbandonedCannotBeReleased) {
  ByteRing ring(100);
  ring.Push("a\n");
  ring.Push("b\n");
  ring.Release(2, 1);
  EXPECT_EQ(ring.Abandon(), 1U);
  EXPECT_FALSE(ring.Release(2, 1));
  EXPECT_EQ(ring.Push("x\n"), PushResult::kClosed);
}

TEST(ByteRingTest, LinesOfManyThreadsStayWhole) {
  ByteRing ring(1000);
  constexpr int kThreads = 4;
  constexpr int kLines = 5000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLines; ++i) {
        const std::string line = absl::StrCat(
            t, std::string(static_cast<size_t>(i % 20), static_cast<char>('a' + t)), "\n");
        while (ring.Push(line) != PushResult::kPushed) std::this_thread::yield();
      }
    });
  }
  int seen = 0;
  while (seen < kThreads * kLines) {
    const std::string lines = Everything(ring);
    uint64_t count = 0;
    for (size_t begin = 0; begin < lines.size(); ++count) {
      const size_t end = lines.find('\n', begin);
      ASSERT_NE(end, std::string::npos);
      const char letter = static_cast<char>('a' + (lines[begin] - '0'));
      ASSERT_EQ(lines.find_first_not_of(letter, begin + 1), end);
      begin = end + 1;
    }
    ring.Release(lines.size(), count);
    seen += static_cast<int>(count);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ring.used_bytes(), 0U);
}

}  // namespace
}  // namespace pointsman::server
