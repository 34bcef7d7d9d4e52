#include "server/reload/reload_policy.h"

#include <algorithm>

namespace pointsman::server {
namespace {

void Lower(ReloadTime time, std::optional<ReloadTime>* until) {
  *until = until->has_value() ? std::min(**until, time) : time;
}

}  // namespace

ReloadStep NextStep(const ReloadState& state, ReloadTime now) {
  if (state.stopping) return {ReloadAction::kStop, {}};
  if (state.next_sweep && now >= *state.next_sweep) return {ReloadAction::kSweep, {}};
  const bool has_room = state.retired < state.max_retired;
  ReloadStep wait;
  wait.until = state.next_sweep;
  if (state.change_due.has_value()) {
    const ReloadTime due = *state.change_due;
    if (now >= due && has_room) return {ReloadAction::kChange, {}};
    if (now >= due + state.retired_wait && !has_room) return {ReloadAction::kRefuseChange, {}};
    Lower(now < due ? due : due + state.retired_wait, &wait.until);
  }
  if (state.dry_run_since.has_value()) {
    if (has_room) return {ReloadAction::kDryRun, {}};
    if (now >= *state.dry_run_since + state.retired_wait) return {ReloadAction::kRefuseDryRun, {}};
    Lower(*state.dry_run_since + state.retired_wait, &wait.until);
  }
  return wait;
}

bool ShouldRetry(const absl::Status& failure, bool may_be_incomplete, int loads) {
  return may_be_incomplete && loads == 1 &&
         (absl::IsDataLoss(failure) || absl::IsNotFound(failure));
}

}  // namespace pointsman::server
