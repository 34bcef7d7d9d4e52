#include "server/reload/bundle_manager.h"

#include <malloc.h>

#include <algorithm>
#include <exception>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/reload/dry_run.h"

namespace pointsman::server {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kMaxAttempts = 16;  // bound of GetStatusResponse.reloads

// Requests take microseconds, so the first look at a retired snapshot nearly always frees it.
constexpr milliseconds kFirstSweepPause{2};
constexpr milliseconds kLongestSweepPause{250};

google::protobuf::Timestamp WallTime() {
  const int64_t nanos = absl::ToUnixNanos(absl::Now());
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(nanos / 1'000'000'000);
  timestamp.set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  return timestamp;
}

std::string Shown(const BundleWish& wish) { return wish.source.empty() ? wish.path : wish.source; }

std::string TextOf(const absl::Status& status) {
  return status.message().empty() ? absl::StatusCodeToString(status.code())
                                  : std::string(status.message());
}

absl::Status Superseded() { return absl::AbortedError("superseded by a newer request"); }
absl::Status Stopping() { return absl::CancelledError("the server is shutting down"); }

}  // namespace

BundleManager::BundleManager(SnapshotHolder& snapshots, BundleLoader loader,
                             SnapshotPublisher publish, Options options)
    : snapshots_(snapshots),
      loader_(std::move(loader)),
      publish_(std::move(publish)),
      options_(std::move(options)),
      thread_([this] { Run(); }) {}

BundleManager::~BundleManager() {
  std::optional<Pending> change;
  std::optional<Pending> dry_run;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    change.swap(change_);
    dry_run.swap(dry_run_);
  }
  wake_.notify_all();
  for (std::optional<Pending>* pending : {&change, &dry_run}) {
    if (pending->has_value() && (*pending)->done) (*pending)->done(Stopping());
  }
  thread_.join();
}

absl::Status BundleManager::LoadFirst(BundleWish wish) {
  // Shared, so that it outlives the call that sets it.
  const auto result = std::make_shared<std::promise<absl::Status>>();
  Request(std::move(wish), [result](const absl::StatusOr<v1::ActivateBundleResponse>& response) {
    result->set_value(response.status());
  });
  return result->get_future().get();
}

void BundleManager::Request(BundleWish wish, Done done) {
  Add({std::move(wish), /*rollback=*/false, std::move(done), Clock::now(), 0, {}});
}

void BundleManager::Rollback(std::string expected_digest, Done done) {
  BundleWish wish;
  wish.expected_digest = std::move(expected_digest);
  wish.source = "rollback";
  Add({std::move(wish), /*rollback=*/true, std::move(done), Clock::now(), 0, {}});
}

void BundleManager::Add(Pending pending) {
  // The new one takes the place of the other, or stays here if it comes too late.
  std::optional<Pending> other = std::move(pending);
  bool too_late = false;
  {
    const std::lock_guard lock(mutex_);
    too_late = stopping_;
    if (!too_late) other.swap(other->wish.dry_run ? dry_run_ : change_);
  }
  wake_.notify_all();
  if (!other) return;
  if (too_late) {
    if (other->done) other->done(Stopping());
  } else {
    Finish(*other, AttemptResult::kSuperseded, "", Superseded());
  }
}

void BundleManager::RecordFailure(const std::string& source, const absl::Status& failure) {
  v1::ReloadAttempt attempt;
  *attempt.mutable_finished_at() = WallTime();
  attempt.set_source(source);
  attempt.set_error(TextOf(failure));
  const std::lock_guard lock(mutex_);
  if (!attempts_.empty() && attempts_.front().source() == source &&
      attempts_.front().error() == attempt.error()) {
    attempts_.pop_front();
  }
  RememberLocked(std::move(attempt));
}

void BundleManager::RememberLocked(v1::ReloadAttempt attempt) {
  attempts_.push_front(std::move(attempt));
  if (attempts_.size() > kMaxAttempts) attempts_.pop_back();
}

void BundleManager::FillStatus(v1::GetStatusResponse* status) const {
  const std::lock_guard lock(mutex_);
  if (current_) *status->mutable_bundle() = current_->status;
  if (previous_) *status->mutable_previous_bundle() = previous_->status;
  for (const v1::ReloadAttempt& attempt : attempts_) *status->add_reloads() = attempt;
  if (!loading_.empty()) {
    status->set_loading(loading_);
  } else if (change_ && change_->loads > 0) {
    status->set_loading(Shown(change_->wish));  // about to be tried once more
  }
}

bool BundleManager::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

ReloadState BundleManager::StateLocked() const {
  ReloadState state;
  state.stopping = stopping_;
  if (change_) state.change_due = change_->due;
  if (dry_run_) state.dry_run_since = dry_run_->due;
  state.retired = retired_.size();
  state.max_retired = options_.max_retired;
  state.retired_wait = options_.retired_wait;
  state.next_sweep = next_sweep_;
  return state;
}

void BundleManager::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const ReloadStep step = NextStep(StateLocked(), Clock::now());
    switch (step.action) {
      case ReloadAction::kStop:
        return;
      case ReloadAction::kWait:
        if (step.until) {
          wake_.wait_until(lock, *step.until);
        } else {
          wake_.wait(lock);
        }
        continue;
      case ReloadAction::kSweep:
        lock.unlock();
        Sweep();
        lock.lock();
        continue;
      case ReloadAction::kChange:
      case ReloadAction::kRefuseChange:
      case ReloadAction::kDryRun:
      case ReloadAction::kRefuseDryRun:
        break;
    }
    const bool is_change =
        step.action == ReloadAction::kChange || step.action == ReloadAction::kRefuseChange;
    std::optional<Pending> taken;
    taken.swap(is_change ? change_ : dry_run_);
    if (!taken) continue;  // never: the step was made of what is pending
    Pending pending = *std::move(taken);
    loading_ = Shown(pending.wish);
    lock.unlock();
    if (pending.loads == 0) pending.started = Clock::now();
    if (step.action == ReloadAction::kChange || step.action == ReloadAction::kDryRun) {
      Carry(std::move(pending));
    } else {
      Finish(pending, is_change ? AttemptResult::kFailed : AttemptResult::kDryRun, "",
             absl::ResourceExhaustedError(
                 absl::StrCat(retired_.size(),
                              " bundles that are out of service are still used by requests, of "
                              "at most ",
                              options_.max_retired, "; try again when those have ended")));
    }
    sweep_pause_ = kFirstSweepPause;
    next_sweep_ = Clock::now() + sweep_pause_;
    lock.lock();
    loading_.clear();
  }
}

void BundleManager::Sweep() {
  retired_.Sweep();
  if (retired_.size() > 0) {
    sweep_pause_ = std::min(2 * sweep_pause_, kLongestSweepPause);
    next_sweep_ = Clock::now() + sweep_pause_;
    return;
  }
  next_sweep_.reset();
  // Gives free pages back to the system: without it a process that loaded a bundle keeps looking as
  // if it held two. Takes the allocator's locks, so once for each attempt, not for each engine.
  malloc_trim(0);
}

void BundleManager::Carry(Pending pending) {
  ++pending.loads;
  const AttemptResult failed =
      pending.wish.dry_run ? AttemptResult::kDryRun : AttemptResult::kFailed;
  absl::StatusOr<std::shared_ptr<const Engine>> loaded =
      pending.rollback ? FindPrevious(&pending) : Load(pending.wish);
  if (stopping()) {
    if (pending.done) pending.done(Stopping());
    return;
  }
  if (!loaded.ok()) {
    if (!pending.wish.dry_run &&
        ShouldRetry(loaded.status(), pending.wish.may_be_incomplete, pending.loads) &&
        RetryLater(&pending)) {
      return;
    }
    Finish(pending, failed, "", loaded.status());
    return;
  }
  const std::shared_ptr<const Engine> engine = *std::move(loaded);
  const std::string digest = engine->manifest().digest();
  if (!pending.wish.expected_digest.empty() && digest != pending.wish.expected_digest) {
    Finish(pending, failed, digest,
           absl::FailedPreconditionError(
               absl::StrCat(pending.wish.path, ": the bundle has digest ", digest, ", not ",
                            pending.wish.expected_digest, " as expected")));
    return;
  }
  if (pending.wish.dry_run) {
    DryRun(pending, engine);
    return;
  }
  std::string path = pending.wish.path;
  if (pending.wish.settle) {
    absl::StatusOr<std::string> settled = pending.wish.settle(digest);
    if (!settled.ok()) {
      Finish(pending, failed, digest, settled.status());
      return;
    }
    path = *std::move(settled);
  }

  v1::ActivateBundleResponse response;
  response.set_activated(true);
  AttemptResult result = pending.rollback ? AttemptResult::kRolledBack : AttemptResult::kActivated;
  bool unchanged = false;
  {
    const std::lock_guard lock(mutex_);
    unchanged = current_ && current_->status.digest() == digest;
    if (unchanged) {
      current_->status.set_path(path);
      *response.mutable_bundle() = current_->status;
    }
  }
  if (unchanged) {
    result = AttemptResult::kUnchanged;
  } else {
    v1::BundleStatus status = Describe(*engine, path);
    *status.mutable_activated_at() = WallTime();
    *response.mutable_bundle() = status;
    Activate(engine, std::move(status));
  }
  Finish(pending, result, digest, std::move(response));
}

absl::StatusOr<std::shared_ptr<const Engine>> BundleManager::Load(const BundleWish& wish) {
  if (!options_.load_in_background || snapshots_.Get() == nullptr) return LoadHere(wish);
  // The manager itself is not idle work: it frees engines and trims the heap, and whoever is held
  // up with an allocator's lock in hand holds up requests.
  absl::StatusOr<std::shared_ptr<const Engine>> engine = absl::UnknownError("");
  background_.RunAndWait([&] { engine = LoadHere(wish); });
  return engine;
}

absl::StatusOr<std::shared_ptr<const Engine>> BundleManager::LoadHere(
    const BundleWish& wish) const {
  // The loader parses what others wrote, and may run out of memory. That must not end a server that
  // has a bundle to serve from.
  try {
    absl::StatusOr<std::shared_ptr<const Engine>> engine = loader_(wish.path, wish.expected_digest);
    if (engine.ok() && *engine == nullptr) {
      return absl::InternalError(absl::StrCat(wish.path, ": the loader gave no engine"));
    }
    return engine;
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(wish.path, ": not enough memory to load it"));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(wish.path, ": cannot be loaded: ", error.what()));
  }
}

absl::StatusOr<std::shared_ptr<const Engine>> BundleManager::FindPrevious(Pending* pending) {
  Served previous;
  {
    const std::lock_guard lock(mutex_);
    if (!previous_) {
      return absl::FailedPreconditionError("no bundle was in service before this one");
    }
    previous = *previous_;
  }
  const std::string& digest = previous.status.digest();
  std::string& expected = pending->wish.expected_digest;
  if (!expected.empty() && expected != digest) {
    return absl::FailedPreconditionError(absl::StrCat("the bundle that was in service before has ",
                                                      "digest ", digest, ", not ", expected,
                                                      " as expected"));
  }
  pending->wish.path = previous.status.path();
  expected = digest;
  if (previous.engine != nullptr) return previous.engine;
  return Load(pending->wish);
}

// False: somebody has asked for something newer.
bool BundleManager::RetryLater(Pending* pending) {
  pending->due = Clock::now() + options_.retry_delay;
  const std::lock_guard lock(mutex_);
  if (change_ || stopping_) return false;
  change_ = std::move(*pending);
  return true;
}

void BundleManager::DryRun(const Pending& pending, const std::shared_ptr<const Engine>& engine) {
  v1::ActivateBundleResponse response;
  *response.mutable_bundle() = Describe(*engine, pending.wish.path);
  if (const SnapshotHandle current = snapshots_.Get(); current != nullptr) {
    const std::vector<std::string> samples =
        options_.sampled_requests ? options_.sampled_requests() : std::vector<std::string>();
    CompareDecisions(*current->engine, *engine, samples, [this] { return stopping(); }, &response);
  }
  const std::string digest = response.bundle().digest();
  Finish(pending, AttemptResult::kDryRun, digest, std::move(response));
}

void BundleManager::Activate(const std::shared_ptr<const Engine>& engine, v1::BundleStatus status) {
  SnapshotHandle next = publish_(engine);
  SnapshotHandle last = snapshots_.Get();
  std::optional<Served> dropped;  // freed here, after the swap and without the lock
  {
    const std::lock_guard lock(mutex_);
    dropped = std::exchange(previous_, std::move(current_));
    if (previous_ && !options_.keep_previous) previous_->engine.reset();
    current_ = Served{engine, std::move(status)};
    snapshots_.Set(std::move(next));
  }
  retired_.Add(std::move(last));
}

v1::BundleStatus BundleManager::Describe(const Engine& engine, const std::string& path) const {
  v1::BundleStatus status;
  status.set_digest(engine.manifest().digest());
  status.set_version(engine.manifest().version());
  status.set_path(path);
  status.set_exemplar_count(engine.manifest().exemplar_count());
  status.set_embedder_id(engine.manifest().embedder_id());
  if (options_.describe) options_.describe(engine, &status);
  return status;
}

void BundleManager::Finish(const Pending& pending, AttemptResult result, const std::string& digest,
                           absl::StatusOr<v1::ActivateBundleResponse> response) {
  Report(pending, result, digest, response.status());
  if (pending.done) pending.done(std::move(response));
}

void BundleManager::Report(const Pending& pending, AttemptResult result, const std::string& digest,
                           const absl::Status& status) {
  AttemptReport report;
  report.result = result;
  if (pending.loads > 0) report.duration = Clock::now() - pending.started;
  *report.attempt.mutable_finished_at() = WallTime();
  report.attempt.set_source(Shown(pending.wish));
  report.attempt.set_digest(digest);
  if (!status.ok()) report.attempt.set_error(TextOf(status));
  if (result != AttemptResult::kSuperseded) {
    const std::lock_guard lock(mutex_);
    loading_.clear();
    if (result != AttemptResult::kDryRun) RememberLocked(report.attempt);
  }
  if (!options_.on_attempt) return;
  const std::lock_guard lock(report_mutex_);
  options_.on_attempt(report);
}

}  // namespace pointsman::server
