#include "server/deadline.h"

#include <limits>

#include "absl/strings/str_cat.h"

namespace pointsman::server {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kNanosPerMicrosecond = 1'000;
// Weight of the newest decision in the mean: 1/16.
constexpr int64_t kMeanWeight = 16;

}  // namespace

void DeadlineGuard::RecordDecision(int64_t decision_ns) {
  const int64_t mean = mean_ns();
  mean_ns_.store(mean + (decision_ns - mean) / kMeanWeight, std::memory_order_relaxed);
}

absl::Status DeadlineGuard::Check(int64_t remaining_ns) {
  if (remaining_ns <= 0) {
    return absl::DeadlineExceededError("the deadline had passed before work began");
  }
  const int64_t mean = mean_ns();
  if (remaining_ns >= kDecisionTimes * mean) return absl::OkStatus();
  mean_ns_.store(mean - mean / kMeanWeight, std::memory_order_relaxed);
  return absl::DeadlineExceededError(
      absl::StrCat("the deadline leaves ", remaining_ns / kNanosPerMicrosecond,
                   " us; a decision takes about ", mean / kNanosPerMicrosecond, " us"));
}

int64_t RemainingNanos(gpr_timespec deadline) {
  constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) return kForever;
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  if (left.tv_sec >= kForever / kNanosPerSecond) return kForever;
  return left.tv_sec * kNanosPerSecond + left.tv_nsec;
}

}  // namespace pointsman::server
