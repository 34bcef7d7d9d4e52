// The engine in service. A request takes a handle once and keeps it to its end, so that all it
// reports (decision, digest, policy) is of one bundle, and a swap neither waits for requests nor
// frees an engine that one still uses.
#ifndef POINTSMAN_SERVER_SNAPSHOT_H_
#define POINTSMAN_SERVER_SNAPSHOT_H_

#include <memory>
#include <mutex>
#include <utility>

#include "index/engine.h"
#include "server/bundle_metrics.h"

namespace pointsman::server {

// An engine and what is resolved against its bundle. Immutable.
struct Snapshot {
  std::shared_ptr<const Engine> engine;
  BundleMetrics metrics;
};

using SnapshotHandle = std::shared_ptr<const Snapshot>;

// Thread-safe. The lock is held while a pointer is copied, never while anything is freed. It is a
// mutex, since std::atomic<std::shared_ptr> of libstdc++ 12 is a spin lock whose readers release it
// with relaxed order.
class SnapshotHolder {
 public:
  // Null before the first Set.
  SnapshotHandle Get() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  // Whoever does not want to free the last snapshot here keeps a handle of it.
  void Set(SnapshotHandle next) {
    const std::lock_guard lock(mutex_);
    current_.swap(next);
  }  // `next`, now the last one, ends after the lock

 private:
  mutable std::mutex mutex_;
  SnapshotHandle current_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SNAPSHOT_H_
