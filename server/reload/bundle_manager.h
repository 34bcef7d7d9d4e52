// Owns the swap of bundles: one thread that loads a bundle aside, verifies it, replays its golden
// queries (all that is the loader's work), activates it by one pointer, and frees what is out of
// service. Wishes come from a watched path, a URL or a person; never two are carried out at once,
// and a pending one gives way to a newer one. Whatever fails, the bundle in service stays.
//
// Memory: at most the bundle in service, the one before it (Options::keep_previous), the one that
// is being loaded, and Options::max_retired more that running requests still use. An engine is
// freed on the manager's thread, never by a request.
//
//   BundleManager manager(snapshots, loader, publish, options);
//   absl::Status first = manager.LoadFirst({.path = "bundle/"});
//   manager.Request({.path = "bundle/", .may_be_incomplete = true});
#ifndef POINTSMAN_SERVER_RELOAD_BUNDLE_MANAGER_H_
#define POINTSMAN_SERVER_RELOAD_BUNDLE_MANAGER_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/engine.h"
#include "pointsman/v1/admin.pb.h"
#include "server/reload/background_thread.h"
#include "server/reload/reload_policy.h"
#include "server/reload/retired_snapshots.h"
#include "server/snapshot.h"

namespace pointsman::server {

// A bundle that somebody wants served.
struct BundleWish {
  std::string path = {};             // directory
  std::string source = {};           // what people are shown: a path or URL; empty: `path`
  std::string expected_digest = {};  // hex; empty: any that verifies
  bool dry_run = false;              // verify and compare, but do not activate
  // Somebody may still be copying there. DATA_LOSS and NOT_FOUND are then tried once more after
  // Options::retry_delay, and only the second result counts. Not for dry runs.
  bool may_be_incomplete = false;
  // Called on the manager's thread once the bundle is verified and before it goes into service, not
  // in a dry run: moves the directory to where it will stay and returns that path. May be empty.
  std::function<absl::StatusOr<std::string>(const std::string& digest)> settle = {};
};

enum class AttemptResult { kActivated, kUnchanged, kFailed, kDryRun, kRolledBack, kSuperseded };
inline constexpr int kAttemptResultCount = 6;

// For metrics and log.
struct AttemptReport {
  v1::ReloadAttempt attempt;  // as in the status; a failed dry run has result kDryRun and an error
  AttemptResult result = AttemptResult::kFailed;
  std::chrono::nanoseconds duration{0};  // from the start of the first load
};

// Reads and verifies the bundle at `path`; a bundle without `expected_digest`, if that is not
// empty, is an error.
using BundleLoader = std::function<absl::StatusOr<std::shared_ptr<const Engine>>(
    const std::string& path, const std::string& expected_digest)>;

// Makes the snapshot that goes into service. Called right before each activation.
using SnapshotPublisher = std::function<SnapshotHandle(std::shared_ptr<const Engine>)>;

class BundleManager {
 public:
  // Errors: what the loader said; ABORTED if a newer request came first; CANCELLED if the manager
  // is being destroyed; FAILED_PRECONDITION if there is nothing to roll back to, or it is not what
  // was expected; RESOURCE_EXHAUSTED if too many old bundles are still in use.
  using Done = std::function<void(absl::StatusOr<v1::ActivateBundleResponse>)>;

  // All callbacks but `on_attempt` and Done run on the manager's thread only, and the loader on a
  // thread that it waits for. None may destroy the manager or call LoadFirst.
  struct Options {
    // Keep the bundle that was in service before in memory. If not, Rollback loads it anew.
    bool keep_previous = true;
    int max_retired = 4;                             // >= 1; bundles out of service but in use
    std::chrono::milliseconds retired_wait{10'000};  // for one of them to be free, then refuse
    std::chrono::milliseconds retry_delay{1000};
    // Load in the background (SCHED_IDLE) once a bundle is in service: requests come first.
    bool load_in_background = true;
    // Never called twice at once, without locks of the manager held. On the manager's thread, or
    // for kSuperseded on that of the newer request. May be empty.
    std::function<void(const AttemptReport&)> on_attempt;
    // Serialised RouteRequests of late, for dry runs. May be empty.
    std::function<std::vector<std::string>()> sampled_requests;
    // Adds to a status what only the caller knows, such as `signed_by`. May be empty.
    std::function<void(const Engine&, v1::BundleStatus*)> describe;
  };

  // `snapshots` must outlive the manager, and nobody else may set it.
  BundleManager(SnapshotHolder& snapshots, BundleLoader loader, SnapshotPublisher publish,
                Options options);

  // Waits for a load in progress, whose bundle is no longer activated. All that is pending ends
  // with CANCELLED.
  ~BundleManager();
  BundleManager(const BundleManager&) = delete;
  BundleManager& operator=(const BundleManager&) = delete;

  // The rest is thread-safe.

  // Loads and activates, and waits for it: at the start, when there is nothing to serve yet.
  absl::Status LoadFirst(BundleWish wish);

  // Asks for a bundle. `done` is called exactly once: on the manager's thread, or on the thread of
  // the newer request or of the destructor that ends it. Dry runs have a place of their own: they
  // give way to newer dry runs only. A bundle with the digest in service is a success and changes
  // nothing but the path shown.
  void Request(BundleWish wish, Done done = {});

  // Asks for the bundle before the one in service; the two then change places. A pending change
  // gives way to it, and it to newer ones.
  void Rollback(std::string expected_digest, Done done = {});

  // Adds to the attempts a failure from before there was a wish, such as a URL that cannot be
  // fetched. One that repeats the newest attempt takes its place, so that it does not drive out the
  // others. Not told to on_attempt.
  void RecordFailure(const std::string& source, const absl::Status& failure);

  // Sets `bundle`, `previous_bundle`, `reloads` and `loading`.
  void FillStatus(v1::GetStatusResponse* status) const;

 private:
  struct Served {
    std::shared_ptr<const Engine> engine;  // null: not kept
    v1::BundleStatus status;
  };
  // A wish on its way.
  struct Pending {
    BundleWish wish;
    bool rollback = false;
    Done done;
    ReloadTime due;
    int loads = 0;
    ReloadTime started;  // of the first load
  };

  void Run();
  ReloadState StateLocked() const;
  void Add(Pending pending);
  void Sweep();
  void Carry(Pending pending);
  absl::StatusOr<std::shared_ptr<const Engine>> Load(const BundleWish& wish);
  absl::StatusOr<std::shared_ptr<const Engine>> LoadHere(const BundleWish& wish) const;
  absl::StatusOr<std::shared_ptr<const Engine>> FindPrevious(Pending* pending);
  bool RetryLater(Pending* pending);
  void DryRun(const Pending& pending, const std::shared_ptr<const Engine>& engine);
  void Activate(const std::shared_ptr<const Engine>& engine, v1::BundleStatus status);
  v1::BundleStatus Describe(const Engine& engine, const std::string& path) const;
  void RememberLocked(v1::ReloadAttempt attempt);
  void Finish(const Pending& pending, AttemptResult result, const std::string& digest,
              absl::StatusOr<v1::ActivateBundleResponse> response);
  void Report(const Pending& pending, AttemptResult result, const std::string& digest,
              const absl::Status& status);
  bool stopping() const;

  SnapshotHolder& snapshots_;
  const BundleLoader loader_;
  const SnapshotPublisher publish_;
  const Options options_;

  std::mutex report_mutex_;  // held while on_attempt runs

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  bool stopping_ = false;
  std::optional<Pending> change_;
  std::optional<Pending> dry_run_;
  std::string loading_;
  std::optional<Served> current_;
  std::optional<Served> previous_;
  std::deque<v1::ReloadAttempt> attempts_;  // newest first

  // Of the thread alone.
  BackgroundThread background_;
  RetiredSnapshots retired_;
  std::optional<ReloadTime> next_sweep_;
  std::chrono::milliseconds sweep_pause_{0};

  std::thread thread_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_BUNDLE_MANAGER_H_
