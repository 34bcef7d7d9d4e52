#include "index/bundle/staged_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/string_view.h"

namespace pointsman::bundle {
namespace {

namespace fs = std::filesystem;

int OpenDirectory(const std::string& path) {
  return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// The target without symbolic links, `.`, `..` and a trailing slash.
absl::StatusOr<std::string> Resolve(const std::string& target) {
  std::error_code error;
  fs::path path = fs::weakly_canonical(fs::absolute(target, error), error);
  if (error) {
    return absl::InvalidArgumentError(absl::StrCat(target, ": ", error.message()));
  }
  if (!path.has_filename()) path = path.parent_path();
  if (!path.has_filename()) {
    return absl::InvalidArgumentError(absl::StrCat(target, ": cannot be a bundle"));
  }
  return path.string();
}

// Removes directories in `parent` whose names start with `prefix` and that no process has locked.
void RemoveAbandoned(const fs::path& parent, const std::string& prefix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(parent, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with(prefix)) found.push_back(it->path());
  }
  for (const fs::path& path : found) {
    const FileDescriptor directory(OpenDirectory(path));
    if (directory.is_open() && flock(directory.get(), LOCK_EX | LOCK_NB) == 0) {
      fs::remove_all(path, error);
    }
  }
}

}  // namespace

StagedDirectory::StagedDirectory(std::string target, std::string path, int lock)
    : target_(std::move(target)), path_(std::move(path)), lock_(lock) {}

StagedDirectory::~StagedDirectory() {
  std::error_code error;
  fs::remove_all(path_, error);  // nothing is there once it has been published
}

absl::StatusOr<std::unique_ptr<StagedDirectory>> StagedDirectory::Create(
    const std::string& target) {
  absl::StatusOr<std::string> resolved = Resolve(target);
  if (!resolved.ok()) return resolved.status();
  const fs::path parent = fs::path(*resolved).parent_path();
  std::error_code error;
  fs::create_directories(parent, error);
  // One process at a time cleans up and creates, so that nobody removes what is not yet locked.
  const FileDescriptor parent_lock(OpenDirectory(parent));
  if (!parent_lock.is_open() || flock(parent_lock.get(), LOCK_EX) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", parent.string()));
  }
  const std::string prefix =
      absl::StrCat(".", fs::path(*resolved).filename().string(), ".building-");
  RemoveAbandoned(parent, prefix);
  std::string path = parent / (prefix + "XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", path));
  }
  std::unique_ptr<StagedDirectory> staged(
      new StagedDirectory(*resolved, path, OpenDirectory(path)));
  constexpr mode_t kReadableByAll = S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH;
  if (!staged->lock_.is_open() || flock(staged->lock_.get(), LOCK_EX | LOCK_NB) != 0 ||
      fchmod(staged->lock_.get(), kReadableByAll) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot prepare ", path));
  }
  return staged;
}

absl::Status StagedDirectory::Add(std::string_view name, std::string_view bytes) {
  return WriteNewFile(absl::StrCat(path_, "/", ToAbsl(name)), bytes);
}

absl::Status StagedDirectory::Publish() {
  absl::Status status = SyncDirectory(path_);
  if (!status.ok()) return status;
  const auto failed = [this] {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot put the bundle at ", target_));
  };
  std::error_code error;
  if (!fs::exists(target_, error)) {
    if (rename(path_.c_str(), target_.c_str()) != 0) return failed();
  } else if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(path_, error);  // the old one, now under our name
  } else {
    // The file system cannot exchange names.
    const std::string aside = path_ + ".old";
    if (rename(target_.c_str(), aside.c_str()) != 0) return failed();
    if (rename(path_.c_str(), target_.c_str()) != 0) {
      status = failed();
      rename(aside.c_str(), target_.c_str());
      return status;
    }
    fs::remove_all(aside, error);
  }
  return SyncDirectory(fs::path(target_).parent_path());
}

}  // namespace pointsman::bundle
