#include "server/admission/admission.h"

#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

constexpr int64_t kMs = 1'000'000;

// Clients by number: far apart in the table.
auto Client(uint64_t number) {
  return [number] { return number * 7; };
}

class Crowd {
 public:
  explicit Crowd(Admission& admission, int64_t pause_ns = 200 * kMs)
      : admission_(admission), pause_ns_(pause_ns) {}

  void Wait(int64_t nanos) { now_ns_ += nanos; }

  // Enters as `client` until refused; how many were let in.
  int EnterUntilRefused(uint64_t client, int at_most = 10'000) {
    for (int entered = 0; entered < at_most; ++entered) {
      if (Enter(client) != Overload::kNone) return entered;
    }
    return at_most;
  }

  Overload Enter(uint64_t client, int64_t weight = 1) {
    now_ns_ += pause_ns_;
    auto ticket = std::make_unique<Ticket>();
    const Overload overload = admission_.Enter(weight, now_ns_, Client(client), ticket.get());
    if (overload == Overload::kNone) tickets_.push_back(std::move(ticket));
    return overload;
  }

  void LeaveOne() { tickets_.erase(tickets_.begin()); }
  void LeaveAll() { tickets_.clear(); }

 private:
  Admission& admission_;
  const int64_t pause_ns_;
  int64_t now_ns_ = 3'600'000 * kMs;
  std::vector<std::unique_ptr<Ticket>> tickets_;
};

TEST(Admission, LetsInUpToTheLimitOfRequestsInFlight) {
  Admission admission({.max_in_flight = 10, .max_queue_delay_ns = 1000 * kMs, .workers = 1});
  Crowd crowd(admission);
  EXPECT_EQ(crowd.EnterUntilRefused(1), 10);
  EXPECT_EQ(admission.in_flight(), 10);
  EXPECT_EQ(crowd.Enter(1), Overload::kInFlight);
  crowd.LeaveOne();
  EXPECT_EQ(crowd.Enter(1), Overload::kNone);
}

TEST(Admission, LetsInWhatCanBeginWithinTheQueueDelay) {
  Admission admission({.max_in_flight = 1000, .max_queue_delay_ns = 5 * kMs, .workers = 2});
  admission.RecordServiceTime(kMs);
  Crowd crowd(admission, /*pause_ns=*/0);
  crowd.EnterUntilRefused(1);  // a burst
  crowd.LeaveAll();
  crowd.Wait(200 * kMs);
  // Two are worked on, and ten wait 5 ms at most for the two workers.
  EXPECT_EQ(crowd.EnterUntilRefused(1), 12);
  EXPECT_EQ(crowd.Enter(1), Overload::kQueueDelay);
}

TEST(Admission, LetsABurstIntoAQueueThatWasCalm) {
  Admission admission({.max_in_flight = 1000, .max_queue_delay_ns = 5 * kMs, .workers = 1});
  admission.RecordServiceTime(kMs);
  Crowd crowd(admission, /*pause_ns=*/0);
  EXPECT_EQ(crowd.EnterUntilRefused(1), 51);  // ten times 5 ms, and the one that is worked on
  // A tenth of a second later it is a standing queue, and has to shrink first.
  crowd.Wait(100 * kMs);
  for (int i = 0; i < 45; ++i) crowd.LeaveOne();
  EXPECT_EQ(crowd.Enter(1), Overload::kQueueDelay);
  crowd.LeaveOne();
  EXPECT_EQ(crowd.Enter(1), Overload::kNone);
}

TEST(Admission, LetsNoOtherBurstInBeforeItHasBeenCalm) {
  Admission admission({.max_in_flight = 1000, .max_queue_delay_ns = 5 * kMs, .workers = 1});
  admission.RecordServiceTime(kMs);
  Crowd crowd(admission, /*pause_ns=*/0);
  crowd.EnterUntilRefused(1);
  crowd.LeaveAll();
  crowd.Wait(200 * kMs);
  EXPECT_EQ(crowd.EnterUntilRefused(1), 6);
  crowd.LeaveAll();
  crowd.Wait(301 * kMs);
  EXPECT_EQ(crowd.EnterUntilRefused(1), 51);
}

TEST(Admission, LetsInMoreWhenDecisionsBecomeFaster) {
  Admission admission({.max_in_flight = 1000, .max_queue_delay_ns = 5 * kMs, .workers = 1});
  admission.RecordServiceTime(5 * kMs);
  Crowd slow(admission);
  const int before = slow.EnterUntilRefused(1);
  slow.LeaveAll();
  for (int i = 0; i < 200; ++i) admission.RecordServiceTime(kMs / 10);
  Crowd fast(admission);
  EXPECT_GT(fast.EnterUntilRefused(1), 10 * before);
}

TEST(Admission, AlwaysLetsOneInHoweverSlowDecisionsAre) {
  Admission admission({.max_in_flight = 1000, .max_queue_delay_ns = kMs, .workers = 1});
  admission.RecordServiceTime(10'000 * kMs);
  Crowd crowd(admission);
  EXPECT_EQ(crowd.Enter(1), Overload::kNone);
  crowd.LeaveAll();
  EXPECT_EQ(crowd.Enter(1, /*weight=*/8), Overload::kNone);
}

TEST(Admission, ExpectsTheWaitThatTheQueueMeans) {
  Admission admission({.max_in_flight = 1000, .max_queue_delay_ns = 100 * kMs, .workers = 2});
  admission.RecordServiceTime(kMs);
  Crowd crowd(admission);
  crowd.EnterUntilRefused(1, 2);
  EXPECT_EQ(admission.ExpectedWaitNanos(), 0);
  crowd.EnterUntilRefused(1, 10);
  EXPECT_EQ(admission.ExpectedWaitNanos(), 5 * kMs);
}

TEST(Admission, ANewcomerIsLetInAlthoughAnotherFillsTheQueue) {
  Admission admission({.max_in_flight = 100, .max_queue_delay_ns = 10'000 * kMs, .workers = 1});
  Crowd greedy(admission);
  Crowd modest(admission);
  greedy.EnterUntilRefused(1);
  EXPECT_EQ(modest.Enter(2), Overload::kNone);
  // And the greedy one is told that it is its share that is used up.
  greedy.LeaveOne();
  greedy.LeaveOne();
  EXPECT_EQ(greedy.Enter(1), Overload::kClientShare);
}

TEST(Admission, SharesAreEqualOnceTheGreedyHaveShrunk) {
  Admission admission({.max_in_flight = 90, .max_queue_delay_ns = 10'000 * kMs, .workers = 1});
  std::vector<std::unique_ptr<Crowd>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<Crowd>(admission));
  std::vector<int> inside(3, 0);
  std::vector<int> entered(3, 0);
  // Each asks three times as often as one leaves; client 0 asks nine times as often.
  for (int round = 0; round < 2000; ++round) {
    for (size_t client = 0; client < 3; ++client) {
      for (int i = 0; i < (client == 0 ? 9 : 3); ++i) {
        if (clients[client]->Enter(client + 1) == Overload::kNone)
          ++inside[client], ++entered[client];
      }
    }
    const size_t leaver = static_cast<size_t>(round) % 3;
    if (inside[leaver] > 0) clients[leaver]->LeaveOne(), --inside[leaver];
  }
  EXPECT_NEAR(entered[0], entered[1], 0.15 * entered[1]);
  EXPECT_NEAR(entered[1], entered[2], 0.15 * entered[1]);
}

TEST(Admission, NeverExceedsHalfAsMuchAgainWhateverClientsDo) {
  Admission admission({.max_in_flight = 100, .max_queue_delay_ns = 10'000 * kMs, .workers = 1});
  Crowd crowd(admission);
  for (uint64_t client = 0; client < 1000; ++client) crowd.Enter(client);
  EXPECT_LE(admission.in_flight(), 150);
  EXPECT_GE(admission.in_flight(), 100);
}

TEST(Admission, IsEmptyAgainWhenAllHaveLeft) {
  Admission admission({.max_in_flight = 50, .max_queue_delay_ns = 10'000 * kMs, .workers = 1});
  for (int round = 0; round < 3; ++round) {
    Crowd crowd(admission);
    for (uint64_t client = 0; client < 300; ++client) crowd.Enter(client, client % 8 == 0 ? 2 : 1);
    EXPECT_GT(admission.in_flight(), 0);
    crowd.LeaveAll();
    EXPECT_EQ(admission.in_flight(), 0);
  }
  // No client is remembered: one alone has everything again.
  Crowd alone(admission);
  EXPECT_EQ(alone.EnterUntilRefused(1), 50);
}

TEST(Admission, CountsRightUnderContention) {
  Admission admission({.max_in_flight = 64, .max_queue_delay_ns = 10'000 * kMs, .workers = 4});
  std::vector<std::thread> threads;
  std::atomic<int64_t> most{0};
  for (uint64_t client = 0; client < 4; ++client) {
    threads.emplace_back([&, client] {
      for (int i = 0; i < 2000; ++i) {
        Crowd crowd(admission);
        for (int j = 0; j < 40; ++j) crowd.Enter(client);
        const int64_t now = admission.in_flight();
        if (now > most) most = now;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admission.in_flight(), 0);
  // Those who are about to be refused count for a moment.
  EXPECT_LE(most, 96 + 4);
}

TEST(Admission, ToldToComeBackLaterButNotTomorrow) {
  for (const int64_t delay_ns : {kMs, 50 * kMs, 60'000 * kMs}) {
    const Admission admission({.max_in_flight = 10, .max_queue_delay_ns = delay_ns, .workers = 1});
    EXPECT_GE(admission.RetryDelayNanos(), 10 * kMs);
    EXPECT_LE(admission.RetryDelayNanos(), 1000 * kMs);
  }
}

}  // namespace
}  // namespace pointsman::server
