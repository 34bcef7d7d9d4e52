#include "server/ext_proc/idle_streams.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace pointsman::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLong{60'000};

struct Counted final : IdleStreams::Stream {
  void EndIdle() override { ++ended; }
  std::atomic<int> ended{0};
};

TEST(IdleStreams, AStreamIsEndedAfterItsPatienceAndNotBeforeSevenEighths) {
  IdleStreams idle(milliseconds(160));
  Counted stream;
  const auto begin = steady_clock::now();
  ASSERT_TRUE(idle.Add(&stream));
  while (stream.ended == 0 && steady_clock::now() - begin < kLong) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_GE(steady_clock::now() - begin, milliseconds(140));
  EXPECT_FALSE(idle.Remove(&stream));
  EXPECT_EQ(stream.ended, 1);
}

TEST(IdleStreams, AMessageInTimeGoesOn) {
  IdleStreams idle(kLong);
  Counted stream;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(idle.Add(&stream));
    EXPECT_TRUE(idle.Remove(&stream));
  }
  idle.EndAll();
  EXPECT_EQ(stream.ended, 0);
}

TEST(IdleStreams, AMessageMayComeBeforeTheStreamIsAdded) {
  IdleStreams idle(kLong);
  Counted stream;
  EXPECT_TRUE(idle.Remove(&stream));
  EXPECT_TRUE(idle.Remove(&stream));
  EXPECT_TRUE(idle.Add(&stream));  // of each, late
  EXPECT_TRUE(idle.Add(&stream));
  idle.EndAll();
  EXPECT_EQ(stream.ended, 0) << "it does not wait";
}

TEST(IdleStreams, EndAllEndsThoseThatWaitAndThoseThatCome) {
  IdleStreams idle(kLong);
  Counted waiting;
  Counted gone;
  Counted late;
  ASSERT_TRUE(idle.Add(&waiting));
  ASSERT_TRUE(idle.Add(&gone));
  ASSERT_TRUE(idle.Remove(&gone));
  idle.EndAll();
  EXPECT_EQ(waiting.ended, 1);
  EXPECT_EQ(gone.ended, 0);
  EXPECT_FALSE(idle.Add(&late));
  EXPECT_FALSE(idle.Remove(&late));
  EXPECT_EQ(late.ended, 0) << "who added it ends it";
}

// Each stream either goes on or is ended, never both and never neither.
TEST(IdleStreams, EndsRaceWithMessages) {
  IdleStreams idle(milliseconds(1));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        Counted stream;
        if (!idle.Add(&stream)) {
          wrong += stream.ended;
          continue;
        }
        if (i % 3 != 0) std::this_thread::sleep_for(std::chrono::microseconds(i * 5));
        if (idle.Remove(&stream)) {
          wrong += stream.ended;
          continue;
        }
        // It must live until it has been told.
        while (stream.ended == 0) std::this_thread::yield();
        wrong += stream.ended != 1;
      }
    });
  }
  std::this_thread::sleep_for(milliseconds(100));
  idle.EndAll();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace pointsman::server
