#include "server/deadline.h"

#include <limits>

#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

TEST(DeadlineGuardTest, LetsAnyTimeLeftPassBeforeTheFirstDecision) {
  DeadlineGuard guard;
  EXPECT_TRUE(guard.Check(1).ok());
}

TEST(DeadlineGuardTest, RefusesADeadlineThatHasPassed) {
  DeadlineGuard guard;
  EXPECT_EQ(guard.Check(0).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(guard.Check(-kMillisecond).code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(DeadlineGuardTest, RefusesLessThanAFewDecisionsNeed) {
  DeadlineGuard guard;
  for (int i = 0; i < 200; ++i) guard.RecordDecision(kMillisecond);
  EXPECT_EQ(guard.Check(2 * kMillisecond).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(guard.Check(4 * kMillisecond).ok());
}

TEST(DeadlineGuardTest, FollowsWhatDecisionsTake) {
  DeadlineGuard guard;
  for (int i = 0; i < 200; ++i) guard.RecordDecision(kMillisecond);
  for (int i = 0; i < 200; ++i) guard.RecordDecision(kMillisecond / 100);
  EXPECT_TRUE(guard.Check(kMillisecond / 10).ok());
}

TEST(DeadlineGuardTest, OneStallDoesNotRefuseShortDeadlinesForEver) {
  DeadlineGuard guard;
  guard.RecordDecision(10'000 * kMillisecond);
  int refused = 0;
  while (!guard.Check(10 * kMillisecond).ok() && refused < 1000) ++refused;
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 200);
}

TEST(RemainingNanosTest, IsBoundlessWithoutADeadline) {
  EXPECT_EQ(RemainingNanos(gpr_inf_future(GPR_CLOCK_MONOTONIC)),
            std::numeric_limits<int64_t>::max());
}

TEST(RemainingNanosTest, CountsByTheClockOfTheDeadline) {
  for (const gpr_clock_type clock : {GPR_CLOCK_MONOTONIC, GPR_CLOCK_REALTIME}) {
    const gpr_timespec in_a_minute =
        gpr_time_add(gpr_now(clock), gpr_time_from_seconds(60, GPR_TIMESPAN));
    const int64_t remaining = RemainingNanos(in_a_minute);
    EXPECT_LE(remaining, 60'000 * kMillisecond);
    EXPECT_GT(remaining, 30'000 * kMillisecond);
    EXPECT_LT(RemainingNanos(gpr_time_sub(gpr_now(clock), gpr_time_from_seconds(1, GPR_TIMESPAN))),
              0);
  }
}

}  // namespace
}  // namespace pointsman::server
