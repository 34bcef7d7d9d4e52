// The rules of reloading, as pure functions of the state: no clock, no lock, no effect. The manager
// (bundle_manager.h) asks what comes next, does it, and asks again.
#ifndef POINTSMAN_SERVER_RELOAD_RELOAD_POLICY_H_
#define POINTSMAN_SERVER_RELOAD_RELOAD_POLICY_H_

#include <chrono>
#include <optional>

#include "absl/status/status.h"

namespace pointsman::server {

using ReloadTime = std::chrono::steady_clock::time_point;

// What the manager knows when it asks.
struct ReloadState {
  bool stopping = false;
  // When the pending change of the bundle is due; absent if there is none.
  std::optional<ReloadTime> change_due;
  // When the pending dry run was asked for; absent if there is none.
  std::optional<ReloadTime> dry_run_since;
  int retired = 0;      // snapshots out of service that requests still use
  int max_retired = 0;  // with so many, nothing more is loaded
  // How long a change or dry run waits for them before it is refused.
  std::chrono::milliseconds retired_wait{0};
  // When the retired are to be looked at again; absent if there is nothing to free.
  std::optional<ReloadTime> next_sweep;
};

enum class ReloadAction {
  kStop,
  kSweep,         // free what no request uses any more
  kChange,        // load and activate
  kRefuseChange,  // too many retired snapshots, for too long
  kDryRun,
  kRefuseDryRun,
  kWait,  // for a request, or until `until`
};

struct ReloadStep {
  ReloadAction action = ReloadAction::kWait;
  std::optional<ReloadTime> until;  // absent: for a request only
};

// Stopping comes first, then freeing, then changes, then dry runs. The same state always gives the
// same step.
ReloadStep NextStep(const ReloadState& state, ReloadTime now);

// Whether one more attempt may succeed though nothing new has been asked for: files are missing or
// do not fit together, as while they are copied, and this was the first attempt at a place where
// that may be so.
bool ShouldRetry(const absl::Status& failure, bool may_be_incomplete, int loads);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_RELOAD_POLICY_H_
