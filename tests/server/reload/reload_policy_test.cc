#include "server/reload/reload_policy.h"

#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

using std::chrono::milliseconds;

const ReloadTime kNow = ReloadTime() + std::chrono::hours(1);

ReloadState Idle() {
  ReloadState state;
  state.max_retired = 2;
  state.retired_wait = milliseconds(100);
  return state;
}

TEST(ReloadPolicyTest, WaitsForARequestWhenNothingIsPending) {
  const ReloadStep step = NextStep(Idle(), kNow);
  EXPECT_EQ(step.action, ReloadAction::kWait);
  EXPECT_FALSE(step.until.has_value());
}

TEST(ReloadPolicyTest, StopsBeforeAnythingElse) {
  ReloadState state = Idle();
  state.stopping = true;
  state.change_due = state.dry_run_since = state.next_sweep = kNow;
  EXPECT_EQ(NextStep(state, kNow).action, ReloadAction::kStop);
}

TEST(ReloadPolicyTest, FreesBeforeItLoads) {
  ReloadState state = Idle();
  state.change_due = state.next_sweep = kNow;
  EXPECT_EQ(NextStep(state, kNow).action, ReloadAction::kSweep);
}

TEST(ReloadPolicyTest, ChangesBeforeItRunsDry) {
  ReloadState state = Idle();
  state.change_due = state.dry_run_since = kNow;
  EXPECT_EQ(NextStep(state, kNow).action, ReloadAction::kChange);
}

TEST(ReloadPolicyTest, WaitsForTheNearestOfWhatIsDueLater) {
  ReloadState state = Idle();
  state.change_due = kNow + milliseconds(20);
  state.next_sweep = kNow + milliseconds(10);
  const ReloadStep step = NextStep(state, kNow);
  EXPECT_EQ(step.action, ReloadAction::kWait);
  EXPECT_EQ(step.until, kNow + milliseconds(10));
}

TEST(ReloadPolicyTest, RunsDryWhileAChangeIsNotYetDue) {
  ReloadState state = Idle();
  state.change_due = kNow + milliseconds(20);
  state.dry_run_since = kNow;
  EXPECT_EQ(NextStep(state, kNow).action, ReloadAction::kDryRun);
}

TEST(ReloadPolicyTest, WaitsWhileTooManyAreRetiredAndThenRefuses) {
  ReloadState state = Idle();
  state.retired = 2;
  state.next_sweep = kNow + std::chrono::hours(1);
  state.change_due = kNow;
  const ReloadStep step = NextStep(state, kNow);
  EXPECT_EQ(step.action, ReloadAction::kWait);
  EXPECT_EQ(step.until, kNow + milliseconds(100));
  EXPECT_EQ(NextStep(state, *step.until).action, ReloadAction::kRefuseChange);
  state.change_due.reset();
  state.dry_run_since = kNow;
  EXPECT_EQ(NextStep(state, kNow).action, ReloadAction::kWait);
  EXPECT_EQ(NextStep(state, kNow + milliseconds(100)).action, ReloadAction::kRefuseDryRun);
}

TEST(ReloadPolicyTest, RetriesOnceWhatACopyInProgressExplains) {
  EXPECT_TRUE(ShouldRetry(absl::DataLossError("cut"), true, 1));
  EXPECT_TRUE(ShouldRetry(absl::NotFoundError("absent"), true, 1));
  EXPECT_FALSE(ShouldRetry(absl::DataLossError("cut"), true, 2));
  EXPECT_FALSE(ShouldRetry(absl::DataLossError("cut"), false, 1));
  EXPECT_FALSE(ShouldRetry(absl::FailedPreconditionError("golden"), true, 1));
}

}  // namespace
}  // namespace pointsman::server
