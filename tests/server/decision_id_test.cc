#include "server/decision_id.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

constexpr uint64_t kSomeTimeMs = 1'790'000'000'000;

TEST(DecisionIdTest, Has26CharactersOfBase32) {
  DecisionIdGenerator ids;
  const std::string id(ids.Next(kSomeTimeMs));
  EXPECT_EQ(id.size(), 26u);
  EXPECT_EQ(id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), std::string::npos) << id;
}

TEST(DecisionIdTest, BeginsWithTheTime) {
  DecisionIdGenerator ids;
  // 2016-07-30T23:54:10.259Z, from the ULID specification's example.
  EXPECT_EQ(ids.Next(1469922850259).substr(0, 10), "01ARZ3NDEK");
}

TEST(DecisionIdTest, SortsByTime) {
  DecisionIdGenerator first;
  DecisionIdGenerator second;
  EXPECT_LT(std::string(first.Next(kSomeTimeMs)), std::string(second.Next(kSomeTimeMs + 1)));
}

TEST(DecisionIdTest, GrowsStrictlyWithinAMillisecondAndWhenTheClockJumpsBack) {
  DecisionIdGenerator ids;
  std::string last(ids.Next(kSomeTimeMs));
  for (int i = 0; i < 1000; ++i) {
    const std::string next(ids.Next(kSomeTimeMs - static_cast<uint64_t>(i)));
    ASSERT_LT(last, next);
    last = next;
  }
}

TEST(DecisionIdTest, DiffersBetweenThreadsInTheSameMillisecond) {
  constexpr int kThreads = 8;
  constexpr int kIds = 1000;
  std::vector<std::vector<std::string>> made(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (auto& mine : made) {
    threads.emplace_back([&mine] {
      DecisionIdGenerator ids;
      mine.reserve(kIds);
      for (int i = 0; i < kIds; ++i) mine.emplace_back(ids.Next(kSomeTimeMs));
    });
  }
  std::set<std::string> all;
  for (int i = 0; i < kThreads; ++i) {
    threads[static_cast<size_t>(i)].join();
    all.insert(made[static_cast<size_t>(i)].begin(), made[static_cast<size_t>(i)].end());
  }
  EXPECT_EQ(all.size(), static_cast<size_t>(kThreads * kIds));
}

}  // namespace
}  // namespace pointsman::server
