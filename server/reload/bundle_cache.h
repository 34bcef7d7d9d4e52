// The directory where bundles from a URL are kept, so that a server can start while the URL is
// down:
//   <digest>/            a bundle that went into service
//   current, previous    links to the last two of them
//   .incoming-XXXXXX/    one that is being fetched
// Other names are left alone. Of one process at a time, which holds a lock on the directory.
#ifndef POINTSMAN_SERVER_RELOAD_BUNDLE_CACHE_H_
#define POINTSMAN_SERVER_RELOAD_BUNDLE_CACHE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/reload/file_system.h"

namespace pointsman::server {

class BundleCache {
 public:
  // Makes the directory if it is absent, locks it, and removes what an earlier process was
  // fetching. FAILED_PRECONDITION if another process has it, or the error of the file system.
  static absl::StatusOr<std::shared_ptr<BundleCache>> Open(const std::string& directory);

  // The bundle that was kept last; absent if there is none. It is not verified.
  std::optional<std::string> Current() const;

  // A new, empty directory to fetch into.
  absl::StatusOr<std::string> NewIncoming() const;
  static void Remove(const std::string& incoming);

  // Moves the bundle at `path`, below an incoming directory, to its place, makes it the current
  // one, and removes all but the current and the previous one. Returns its path. Thread-safe
  // against the others of one object.
  absl::StatusOr<std::string> Keep(const std::string& path, const std::string& digest) const;

 private:
  BundleCache(std::string directory, int lock);

  std::string LinkTarget(const std::string& link) const;
  absl::Status PointLink(const std::string& link, const std::string& target) const;

  const std::string directory_;
  const OpenFile lock_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_BUNDLE_CACHE_H_
