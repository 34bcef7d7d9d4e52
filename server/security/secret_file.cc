#include "server/security/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/string_view.h"

namespace pointsman::server {
namespace {

class OpenFile {
 public:
  // Non-blocking, so that a pipe in place of a file does not hang.
  explicit OpenFile(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace

absl::StatusOr<SecretFile> ReadSecretFile(const std::string& path, std::string_view what,
                                          size_t max_bytes) {
  const auto cannot_read = [&](int error) {
    return absl::ErrnoToStatus(error, absl::StrCat(path, ": ", ToAbsl(what), " cannot be read"));
  };
  const OpenFile file(path);
  if (file.fd() < 0) return cannot_read(errno);
  struct stat info;
  if (fstat(file.fd(), &info) != 0) return cannot_read(errno);
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", ToAbsl(what), " must be a regular file"));
  }
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", ToAbsl(what), " is an empty file"));
  }
  if (size > max_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", ToAbsl(what), " must be at most ",
                                                   max_bytes, " bytes, is ", size));
  }
  SecretFile secret;
  secret.permissions = info.st_mode & 0777U;
  secret.readable_by_group = (info.st_mode & S_IRGRP) != 0;
  secret.readable_by_others = (info.st_mode & S_IROTH) != 0;
  secret.bytes.resize(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(file.fd(), secret.bytes.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(errno);
    if (got == 0) break;  // it was truncated meanwhile; whoever parses it will say so
    done += static_cast<size_t>(got);
  }
  secret.bytes.resize(done);
  return secret;
}

}  // namespace pointsman::server
