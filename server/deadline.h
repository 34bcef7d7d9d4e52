// Refusing work whose answer would come too late.
#ifndef POINTSMAN_SERVER_DEADLINE_H_
#define POINTSMAN_SERVER_DEADLINE_H_

#include <grpc/support/time.h>

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"

namespace pointsman::server {

// What a decision took lately, shared by all threads: an exponentially weighted mean. Two threads
// may overwrite one another's update; a mean does not mind.
class DeadlineGuard {
 public:
  // A decision is begun only if its deadline leaves this many times what one took lately: the
  // request is still to be parsed and the answer to be sent.
  static constexpr int64_t kDecisionTimes = 3;

  void RecordDecision(int64_t decision_ns);

  // DEADLINE_EXCEEDED if `remaining_ns` is used up, or less than kDecisionTimes needs. A refusal
  // for the latter reason lowers the mean a little: without decisions nothing else would, and one
  // stall could refuse every short deadline for ever.
  absl::Status Check(int64_t remaining_ns);

  int64_t mean_ns() const { return mean_ns_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> mean_ns_{0};
};

// Nanoseconds until `deadline`, by the clock it was taken from (gRPC's is monotonic, so a jump of
// the wall clock expires nothing); INT64_MAX where there is none.
int64_t RemainingNanos(gpr_timespec deadline);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DEADLINE_H_
