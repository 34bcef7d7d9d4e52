// The engine in service. A request takes a handle once and keeps it to its end, so that all it
// reports (decision, digest, policy) is of one bundle, and a swap neither waits for requests nor
// frees an engine that one still uses.
#ifndef POINTSMAN_SERVER_SNAPSHOT_H_
#define POINTSMAN_SERVER_SNAPSHOT_H_

#include <atomic>
#include <memory>
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

// Thread-safe.
class SnapshotHolder {
 public:
  // Null before the first Set.
  SnapshotHandle Get() const { return current_.load(std::memory_order_acquire); }
  void Set(SnapshotHandle next) { current_.store(std::move(next), std::memory_order_release); }

 private:
  std::atomic<SnapshotHandle> current_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SNAPSHOT_H_
