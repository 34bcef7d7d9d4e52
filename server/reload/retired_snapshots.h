// Snapshots that are out of service but may still be in use. It keeps a handle of each until that
// is the last one, so that an engine is freed here, by whoever sweeps, and never at the end of a
// request. Not thread-safe: of the thread that swaps.
#ifndef POINTSMAN_SERVER_RELOAD_RETIRED_SNAPSHOTS_H_
#define POINTSMAN_SERVER_RELOAD_RETIRED_SNAPSHOTS_H_

#include <utility>
#include <vector>

#include "server/snapshot.h"

namespace pointsman::server {

class RetiredSnapshots {
 public:
  // Takes over a snapshot that nobody can get from the holder any more. Null is ignored.
  void Add(SnapshotHandle snapshot) {
    if (snapshot != nullptr) snapshots_.push_back(std::move(snapshot));
  }

  // Lets go of every snapshot that nobody else holds. Returns how many those were.
  int Sweep() {
    // Handles are copied only from the holder or from another handle, so a count of one stays one.
    return static_cast<int>(std::erase_if(
        snapshots_, [](const SnapshotHandle& snapshot) { return snapshot.use_count() == 1; }));
  }

  int size() const { return static_cast<int>(snapshots_.size()); }

 private:
  std::vector<SnapshotHandle> snapshots_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_RETIRED_SNAPSHOTS_H_
