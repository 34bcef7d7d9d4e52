#include "server/decision_log/log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/decision_log/small_file.h"
#include "server/log.h"

namespace pointsman::server {
namespace {

constexpr mode_t kFileMode = 0640;

// Offset behind the last line feed of a file of `size` bytes; 0 if it has none.
absl::StatusOr<off_t> EndOfLastLine(int file, off_t size, const std::string& path) {
  std::array<char, 4096> block;
  while (size > 0) {
    const off_t begin = std::max<off_t>(0, size - static_cast<off_t>(block.size()));
    const ssize_t got = pread(file, block.data(), static_cast<size_t>(size - begin), begin);
    if (got <= 0) return SystemError("cannot read the decision log", path, got < 0 ? errno : EIO);
    const size_t end = std::string_view(block.data(), static_cast<size_t>(got)).rfind('\n');
    if (end != std::string_view::npos) return begin + static_cast<off_t>(end) + 1;
    size = begin;
  }
  return 0;
}

// Cuts off what a crash left behind the last line, after a look at whose file this is.
absl::Status MendEnd(int file, const std::string& path) {
  struct stat info{};
  if (fstat(file, &info) != 0) return SystemError("cannot examine the decision log", path, errno);
  if (info.st_size == 0) return absl::OkStatus();
  char first = 0;
  if (pread(file, &first, 1, 0) != 1) {
    return SystemError("cannot read the decision log", path, errno);
  }
  if (first != '{') {
    return absl::FailedPreconditionError(absl::StrCat(
        path,
        " holds something that is not a decision log: its first byte is not '{'; it is left "
        "as it is, choose another path"));
  }
  const absl::StatusOr<off_t> end = EndOfLastLine(file, info.st_size, path);
  if (!end.ok()) return end.status();
  if (*end == info.st_size) return absl::OkStatus();
  if (ftruncate(file, *end) != 0) {
    return SystemError("cannot cut the torn last line off the decision log", path, errno);
  }
  Log(Severity::kWarning, "cut a torn last line, left by a crash, off the decision log",
      {{"path", std::string_view(path)}, {"bytes", int64_t{info.st_size - *end}}});
  return absl::OkStatus();
}

struct OpenFile {
  int file;
  bool is_regular;
};

absl::StatusOr<OpenFile> OpenAt(const std::string& path) {
  // A pipe without a reader fails at once (O_NONBLOCK) instead of holding up the start; reading,
  // too, is for the look at a regular file's end.
  int file = open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                  kFileMode);
  if (file < 0) return SystemError("cannot open the decision log", path, errno);
  struct stat info{};
  if (fstat(file, &info) != 0) {
    const int error = errno;
    close(file);
    return SystemError("cannot examine the decision log", path, error);
  }
  if (!S_ISREG(info.st_mode)) {
    // Write only: a process that held the reading end of its own pipe would never see it break.
    close(file);
    file = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0) return SystemError("cannot open the decision log", path, errno);
    return OpenFile{file, false};
  }
  absl::Status status;
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    status = errno == EWOULDBLOCK
                 ? absl::FailedPreconditionError(absl::StrCat(
                       path, " is the decision log of another process; each needs its own"))
                 : SystemError("cannot lock the decision log", path, errno);
  } else {
    status = MendEnd(file, path);
  }
  if (status.ok()) return OpenFile{file, true};
  close(file);
  return status;
}

}  // namespace

absl::StatusOr<LogFile> LogFile::Open(const std::string& path) {
  LogFile log;
  log.path_ = path;
  if (path == "-") {
    log.file_ = STDOUT_FILENO;
    return log;
  }
  const absl::StatusOr<OpenFile> opened = OpenAt(path);
  if (!opened.ok()) return opened.status();
  log.file_ = opened->file;
  log.is_regular_ = opened->is_regular;
  if (log.is_regular_) {
    // Rotation renames the file itself, not a symbolic link to it.
    std::error_code error;
    const std::filesystem::path canonical = std::filesystem::canonical(path, error);
    if (!error) log.path_ = canonical.string();
  }
  return log;
}

LogFile::LogFile(LogFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      is_regular_(other.is_regular_),
      ends_in_torn_line_(other.ends_in_torn_line_) {}

LogFile& LogFile::operator=(LogFile&& other) noexcept {
  if (this == &other) return *this;
  CloseFile();
  path_ = std::move(other.path_);
  file_ = std::exchange(other.file_, -1);
  is_regular_ = other.is_regular_;
  ends_in_torn_line_ = other.ends_in_torn_line_;
  return *this;
}

LogFile::~LogFile() { CloseFile(); }

void LogFile::CloseFile() {
  if (file_ >= 0 && file_ != STDOUT_FILENO) close(file_);
  file_ = -1;
}

size_t LogFile::Size() const {
  struct stat info{};
  if (!is_regular_ || fstat(file_, &info) != 0) return 0;
  return static_cast<size_t>(info.st_size);
}

LogFile::Written LogFile::Write(std::array<std::string_view, 2> parts,
                                const std::function<bool()>& keep_waiting) {
  constexpr int kPollMs = 200;
  // Ends a line that a pipe took half of; best effort, since the pipe may be gone.
  if (ends_in_torn_line_ && write(file_, "\n", 1) == 1) ends_in_torn_line_ = false;
  const size_t size_before = Size();
  const size_t total = parts[0].size() + parts[1].size();
  size_t done = 0;
  int error = 0;
  while (done < total) {
    const size_t skip0 = std::min(done, parts[0].size());
    const size_t skip1 = done - skip0;
    // writev takes no pointers to const, but only reads.
    const std::array<iovec, 2> rest = {{
        {const_cast<char*>(parts[0].data()) + skip0, parts[0].size() - skip0},
        {const_cast<char*>(parts[1].data()) + skip1, parts[1].size() - skip1},
    }};
    const ssize_t wrote = writev(file_, rest.data(), static_cast<int>(rest.size()));
    if (wrote >= 0) {
      done += static_cast<size_t>(wrote);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN && keep_waiting()) {
      pollfd wait = {file_, POLLOUT, 0};
      poll(&wait, 1, kPollMs);
      continue;
    }
    error = errno;
    break;
  }
  if (error == 0) return {total, absl::OkStatus()};

  // Only whole lines count as written.
  size_t whole = 0;
  if (done > parts[0].size()) {
    const size_t end = parts[1].substr(0, done - parts[0].size()).rfind('\n');
    if (end != std::string_view::npos) whole = parts[0].size() + end + 1;
  }
  if (whole == 0) {
    const size_t end = parts[0].substr(0, done).rfind('\n');
    if (end != std::string_view::npos) whole = end + 1;
  }
  if (whole < done &&
      (!is_regular_ || ftruncate(file_, static_cast<off_t>(size_before + whole)) != 0)) {
    ends_in_torn_line_ = true;
  }
  return {whole, SystemError("cannot write the decision log", path_, error)};
}

absl::Status LogFile::Rotate(const std::string& rotated_name) {
  if (std::rename(path_.c_str(), rotated_name.c_str()) != 0) {
    return SystemError("cannot rename the decision log", path_, errno);
  }
  absl::Status status = Reopen();
  // What could not be replaced goes back to where it was.
  if (!status.ok()) std::rename(rotated_name.c_str(), path_.c_str());
  return status;
}

absl::Status LogFile::Reopen() {
  if (path_ == "-") return absl::OkStatus();
  if (is_regular_) {
    struct stat here{};
    struct stat there{};
    if (fstat(file_, &here) == 0 && stat(path_.c_str(), &there) == 0 &&
        here.st_dev == there.st_dev && here.st_ino == there.st_ino) {
      return absl::OkStatus();  // nobody has renamed it; a second lock of our own would fail
    }
  }
  const absl::StatusOr<OpenFile> opened = OpenAt(path_);
  if (!opened.ok()) return opened.status();
  CloseFile();
  file_ = opened->file;
  is_regular_ = opened->is_regular;
  ends_in_torn_line_ = false;
  return absl::OkStatus();
}

absl::Status LogFile::Sync() {
  if (!is_regular_ || fdatasync(file_) == 0) return absl::OkStatus();
  return SystemError("cannot have the disk take the decision log", path_, errno);
}

absl::Status LogFile::SyncDirectory() {
  if (!is_regular_) return absl::OkStatus();
  const std::filesystem::path parent = std::filesystem::path(path_).parent_path();
  const std::string directory = parent.empty() ? "." : parent.string();
  const int file = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  const int error = errno;
  if (file >= 0) close(file);
  return synced ? absl::OkStatus()
                : SystemError("cannot have the disk take the directory", directory, error);
}

}  // namespace pointsman::server
