#include "server/reload/path_fingerprint.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/string_view.h"

namespace pointsman::server {
namespace {

// As many as Linux follows before ELOOP.
constexpr int kMaxLinks = 40;

void AppendIdentity(const struct stat& file, std::string* fingerprint) {
  absl::StrAppend(fingerprint, file.st_dev, ":", file.st_ino, ":", file.st_size, ":",
                  file.st_mtim.tv_sec, ".", file.st_mtim.tv_nsec);
}

void AppendEntries(const std::string& directory, std::string* fingerprint) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(directory.c_str()), closedir);
  if (listing == nullptr) {
    absl::StrAppend(fingerprint, "\nunreadable ", errno);
    return;
  }
  std::vector<std::string> names;
  // Each thread has a listing of its own, so readdir is safe.
  while (const dirent* entry = readdir(listing.get())) {  // NOLINT(concurrency-mt-unsafe)
    if (static_cast<int>(names.size()) == kMaxFingerprintedEntries) break;
    names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    struct stat file{};
    if (fstatat(dirfd(listing.get()), name.c_str(), &file, 0) != 0 || !S_ISREG(file.st_mode)) {
      continue;
    }
    absl::StrAppend(fingerprint, "\n", name, " ");
    AppendIdentity(file, fingerprint);
  }
}

// The names of a path in order, without empty ones and `.`.
std::deque<std::string> NamesOf(std::string_view path) {
  std::deque<std::string> names;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, slash);
    if (!name.empty() && name != ".") names.emplace_back(name);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return names;
}

std::string Absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  char current[PATH_MAX];
  if (getcwd(current, sizeof current) == nullptr) return absl::StrCat("/", path);
  return absl::StrCat(current, "/", path);
}

std::string Parent(const std::string& directory) {
  const size_t slash = directory.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : directory.substr(0, slash);
}

std::string Join(const std::string& directory, const std::string& name) {
  return directory == "/" ? absl::StrCat("/", name) : absl::StrCat(directory, "/", name);
}

}  // namespace

std::string FingerprintOf(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), free);
  struct stat found{};
  if (real == nullptr || stat(real.get(), &found) != 0) return absl::StrCat("absent ", errno);
  std::string fingerprint = absl::StrCat(real.get(), "\n");
  if (!S_ISDIR(found.st_mode)) {
    AppendIdentity(found, &fingerprint);
    return fingerprint;
  }
  absl::StrAppend(&fingerprint, found.st_dev, ":", found.st_ino);
  AppendEntries(real.get(), &fingerprint);
  return fingerprint;
}

std::set<std::string> DirectoriesAlong(const std::string& path) {
  std::set<std::string> directories;
  std::deque<std::string> names = NamesOf(Absolute(path));
  std::string current = "/";
  int links = 0;
  while (!names.empty()) {
    const std::string name = std::move(names.front());
    names.pop_front();
    if (name == "..") {
      current = Parent(current);
      continue;
    }
    const std::string next = Join(current, name);
    struct stat found{};
    if (lstat(next.c_str(), &found) != 0) {
      directories.insert(current);
      return directories;
    }
    if (S_ISLNK(found.st_mode)) {
      directories.insert(current);
      char target[PATH_MAX];
      const ssize_t length = readlink(next.c_str(), target, sizeof target);
      if (length <= 0 || ++links > kMaxLinks) return directories;
      const std::string_view text(target, static_cast<size_t>(length));
      if (text.starts_with('/')) current = "/";
      std::deque<std::string> expanded = NamesOf(text);
      names.insert(names.begin(), std::make_move_iterator(expanded.begin()),
                   std::make_move_iterator(expanded.end()));
      continue;
    }
    if (names.empty()) {
      directories.insert(current);
      if (S_ISDIR(found.st_mode)) directories.insert(next);
      return directories;
    }
    current = next;
  }
  directories.insert(current);
  return directories;
}

}  // namespace pointsman::server
