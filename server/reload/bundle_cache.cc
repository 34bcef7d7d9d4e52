#include "server/reload/bundle_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace pointsman::server {
namespace {

namespace fs = std::filesystem;

constexpr char kCurrent[] = "current";
constexpr char kPrevious[] = "previous";
constexpr char kIncoming[] = ".incoming-";

bool IsDigest(const std::string& name) {
  return name.size() == 64 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

void RemoveWhere(const std::string& directory,
                 const std::function<bool(const std::string&)>& is_superfluous) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (is_superfluous(it->path().filename())) found.push_back(it->path());
  }
  for (const fs::path& path : found) fs::remove_all(path, error);
}

}  // namespace

BundleCache::BundleCache(std::string directory, int lock)
    : directory_(std::move(directory)), lock_(lock) {}

absl::StatusOr<std::shared_ptr<BundleCache>> BundleCache::Open(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open the bundle cache ", directory));
  }
  std::shared_ptr<BundleCache> cache(new BundleCache(directory, descriptor));
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the bundle cache ", directory, " is used by another process"));
  }
  RemoveWhere(directory, [](const std::string& name) { return name.starts_with(kIncoming); });
  absl::StatusOr<std::string> probe = cache->NewIncoming();  // can it be written to?
  if (!probe.ok()) return probe.status();
  Remove(*probe);
  return cache;
}

std::string BundleCache::LinkTarget(const std::string& link) const {
  std::error_code error;
  const std::string target = fs::read_symlink(fs::path(directory_) / link, error);
  return IsDigest(target) ? target : "";
}

std::optional<std::string> BundleCache::Current() const {
  const std::string target = LinkTarget(kCurrent);
  const fs::path path = fs::path(directory_) / target;
  std::error_code error;
  if (target.empty() || !fs::is_directory(path, error)) return std::nullopt;
  return path.string();
}

absl::StatusOr<std::string> BundleCache::NewIncoming() const {
  std::string path = absl::StrCat(directory_, "/", kIncoming, "XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return absl::ErrnoToStatus(
        errno, absl::StrCat("cannot create a directory in the bundle cache ", directory_));
  }
  return path;
}

void BundleCache::Remove(const std::string& incoming) {
  std::error_code error;
  fs::remove_all(incoming, error);
}

absl::Status BundleCache::PointLink(const std::string& link, const std::string& target) const {
  const fs::path path = fs::path(directory_) / link;
  const std::string next = absl::StrCat(directory_, "/", kIncoming, link);
  std::error_code error;
  fs::remove(next, error);
  fs::create_symlink(target, next, error);
  if (!error) fs::rename(next, path, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot point ", path.string(), " to ", target, ": ", error.message()));
}

absl::StatusOr<std::string> BundleCache::Keep(const std::string& path,
                                              const std::string& digest) const {
  if (!IsDigest(digest)) {
    return absl::InvalidArgumentError(absl::StrCat("`", digest, "` is no digest of 64 hex digits"));
  }
  const std::string target = absl::StrCat(directory_, "/", digest);
  // One of that name was verified once, but may have been damaged since: the new one takes its
  // place.
  std::error_code error;
  fs::remove_all(target, error);
  if (rename(path.c_str(), target.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot move a bundle to ", target));
  }
  const std::string last = LinkTarget(kCurrent);
  if (last != digest) {
    absl::Status status = last.empty() ? absl::OkStatus() : PointLink(kPrevious, last);
    if (status.ok()) status = PointLink(kCurrent, digest);
    if (!status.ok()) return status;
  }
  const absl::Status synced = SyncDirectory(directory_);
  if (!synced.ok()) return synced;
  const std::string previous = LinkTarget(kPrevious);
  RemoveWhere(directory_, [&](const std::string& name) {
    return IsDigest(name) && name != digest && name != previous;
  });
  return target;
}

}  // namespace pointsman::server
