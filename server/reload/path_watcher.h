// Watches sets of paths and calls back when what they resolve to has changed: a bundle directory,
// the files of a certificate. In go paths, out come calls.
//
// The truth is a fingerprint (path_fingerprint.h) taken every `poll_interval`; inotify only wakes
// the watcher earlier. So it works, later, where inotify does not: on network file systems, and
// when the limit on watches is reached. A change is reported once it has been quiet for
// `quiet_time`, so that a copy in progress is read late rather than early, but after `max_delay` in
// any case. What changes and changes back in between is not reported.
#ifndef POINTSMAN_SERVER_RELOAD_PATH_WATCHER_H_
#define POINTSMAN_SERVER_RELOAD_PATH_WATCHER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pointsman::server {

class PathWatcher {
 public:
  struct Options {
    std::chrono::milliseconds poll_interval{5000};  // >= 1
    std::chrono::milliseconds quiet_time{50};       // without a further change before the call
    std::chrono::milliseconds max_delay{2000};      // of the call, however long changes go on
    // Called once, on the watcher's thread or in Start, if inotify cannot be used for some or all
    // paths and polling alone must do. May be empty.
    std::function<void(const absl::Status&)> on_polling_only;
    // Opens inotify's descriptor; a seam for tests. Empty: the system's.
    std::function<int()> open_inotify;
  };

  // Starts the watcher's thread. INVALID_ARGUMENT for durations out of range, or the error of the
  // system.
  static absl::StatusOr<std::unique_ptr<PathWatcher>> Start(Options options);

  // Waits for a callback in progress, but for nothing else.
  ~PathWatcher();
  PathWatcher(const PathWatcher&) = delete;
  PathWatcher& operator=(const PathWatcher&) = delete;

  // Calls `on_change` whenever any of `paths` changes, once for changes that come together. The
  // state at this call counts as known: watch first, then read, and no change is missed. Callbacks
  // run on the watcher's thread, never two at once, and must not destroy the watcher; what they use
  // must outlive it. Thread-safe, also from a callback. Paths need not exist.
  void Watch(std::vector<std::string> paths, std::function<void()> on_change);

 private:
  class Impl;
  explicit PathWatcher(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_PATH_WATCHER_H_
