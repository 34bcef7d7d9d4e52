#include "server/reload/path_watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/reload/path_fingerprint.h"

namespace pointsman::server {
namespace {

using Clock = std::chrono::steady_clock;

// What may change an entry of a directory. Not IN_MODIFY: a busy log in the same directory would
// wake us with every line, and a writer's end is seen as IN_CLOSE_WRITE.
constexpr uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE |
                             IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

// However busy a watched directory is, fingerprints are taken at most this often.
constexpr std::chrono::milliseconds kLeastPause{10};

// Paths that are watched together.
struct Group {
  std::vector<std::string> paths;
  std::function<void()> on_change;
  std::string known;  // fingerprint when last reported
  // A change that has not been quiet for long enough.
  struct Change {
    std::string fingerprint;
    Clock::time_point due;
    Clock::time_point latest;
  };
  std::optional<Change> change;
};

std::string FingerprintOfAll(const std::vector<std::string>& paths) {
  std::string all;
  for (const std::string& path : paths) absl::StrAppend(&all, FingerprintOf(path), "\n\n");
  return all;
}

}  // namespace

class PathWatcher::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {}

  ~Impl() {
    if (thread_.joinable()) {
      Wake(/*stop=*/true);
      thread_.join();
    }
    if (inotify_ >= 0) close(inotify_);
    if (wake_ >= 0) close(wake_);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  absl::Status Start() {
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_ < 0) return absl::ErrnoToStatus(errno, "cannot create an eventfd to watch paths");
    inotify_ =
        options_.open_inotify ? options_.open_inotify() : inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (inotify_ < 0) FallBack(absl::ErrnoToStatus(errno, "inotify is not available"));
    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  void Watch(std::vector<std::string> paths, std::function<void()> on_change) {
    Group group{std::move(paths), std::move(on_change), {}, {}};
    group.known = FingerprintOfAll(group.paths);
    {
      const std::lock_guard lock(mutex_);
      added_.push_back(std::move(group));
    }
    Wake(/*stop=*/false);
  }

 private:
  void Wake(bool stop) {
    if (stop) {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    const uint64_t one = 1;
    // Fails only when the counter is full, and then the thread is awake anyway.
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
  }

  void FallBack(const absl::Status& status) {
    if (fell_back_) return;
    fell_back_ = true;
    if (options_.on_polling_only) options_.on_polling_only(status);
  }

  void Run() {
    while (TakeAdded()) {
      // Watches first: what changes after the fingerprint then wakes us.
      RefreshWatches();
      const Clock::time_point now = Clock::now();
      for (Group& group : groups_) Look(now, &group);
      WaitUntil(NextLook(now));
    }
  }

  // False: stop.
  bool TakeAdded() {
    const std::lock_guard lock(mutex_);
    std::move(added_.begin(), added_.end(), std::back_inserter(groups_));
    added_.clear();
    return !stopping_;
  }

  // inotify watches inodes, so names are looked up anew each time: the same inode gives the same
  // watch again, and what no name leads to any more is let go.
  void RefreshWatches() {
    if (inotify_ < 0) return;
    std::set<int> wanted;
    for (const Group& group : groups_) {
      for (const std::string& path : group.paths) {
        for (const std::string& directory : DirectoriesAlong(path)) {
          const int watch = inotify_add_watch(inotify_, directory.c_str(), kEvents);
          if (watch >= 0) {
            wanted.insert(watch);
          } else if (errno != ENOENT && errno != ENOTDIR) {  // those: it has just gone
            FallBack(absl::ErrnoToStatus(errno, absl::StrCat("cannot watch ", directory)));
          }
        }
      }
    }
    for (const int watch : watches_) {
      if (!wanted.contains(watch)) inotify_rm_watch(inotify_, watch);
    }
    watches_ = std::move(wanted);
  }

  void Look(Clock::time_point now, Group* group) {
    std::string found = FingerprintOfAll(group->paths);
    std::optional<Group::Change>& change = group->change;
    if (found == group->known) {
      change.reset();
      return;
    }
    if (!change.has_value()) {
      change = {std::move(found), now + options_.quiet_time, now + options_.max_delay};
    } else if (change->fingerprint != found) {
      change->fingerprint = std::move(found);
      change->due = now + options_.quiet_time;
    }
    if (now < std::min(change->due, change->latest)) return;
    group->known = std::move(change->fingerprint);
    change.reset();
    group->on_change();
  }

  Clock::time_point NextLook(Clock::time_point now) const {
    Clock::time_point next = now + options_.poll_interval;
    for (const Group& group : groups_) {
      if (group.change) next = std::min({next, group.change->due, group.change->latest});
    }
    return std::max(next, now + kLeastPause);
  }

  // Until then, or until something wakes us.
  void WaitUntil(Clock::time_point time) {
    const Clock::time_point least = Clock::now() + kLeastPause;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now()).count();
    pollfd sources[] = {{wake_, POLLIN, 0}, {inotify_, POLLIN, 0}};  // poll skips negative ones
    poll(sources, 2, static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX)));
    if ((sources[1].revents & POLLIN) != 0) {
      // Let events gather, unless we are to stop.
      const auto pause = std::chrono::ceil<std::chrono::milliseconds>(least - Clock::now()).count();
      poll(sources, 1, static_cast<int>(std::clamp<int64_t>(pause, 0, INT_MAX)));
    }
    Drain(wake_);
    if (inotify_ >= 0) Drain(inotify_);
  }

  // What the events say does not matter.
  static void Drain(int descriptor) {
    alignas(inotify_event) char bytes[4096];
    while (read(descriptor, bytes, sizeof bytes) > 0) {
    }
  }

  const Options options_;
  int wake_ = -1;
  int inotify_ = -1;

  std::mutex mutex_;
  std::vector<Group> added_;  // not yet seen by the thread; guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_

  // Of the thread alone.
  std::vector<Group> groups_;
  std::set<int> watches_;
  bool fell_back_ = false;  // also Start, before there is a thread

  std::thread thread_;
};

PathWatcher::PathWatcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PathWatcher::~PathWatcher() = default;

absl::StatusOr<std::unique_ptr<PathWatcher>> PathWatcher::Start(Options options) {
  using std::chrono::milliseconds;
  if (options.poll_interval < milliseconds(1) || options.quiet_time < milliseconds(0) ||
      options.max_delay < options.quiet_time) {
    return absl::InvalidArgumentError(absl::StrCat(
        "watching paths needs a poll interval of at least 1 ms (", options.poll_interval.count(),
        "), a quiet time of at least 0 ms (", options.quiet_time.count(),
        ") and a delay of at least the quiet time (", options.max_delay.count(), ")"));
  }
  auto impl = std::make_unique<Impl>(std::move(options));
  const absl::Status status = impl->Start();
  if (!status.ok()) return status;
  return std::unique_ptr<PathWatcher>(new PathWatcher(std::move(impl)));
}

void PathWatcher::Watch(std::vector<std::string> paths, std::function<void()> on_change) {
  impl_->Watch(std::move(paths), std::move(on_change));
}

}  // namespace pointsman::server
