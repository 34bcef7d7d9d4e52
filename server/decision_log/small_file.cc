#include "server/decision_log/small_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "index/string_view.h"

namespace pointsman::server {

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes,
                                          std::string_view what) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return SystemError(absl::StrCat("cannot open ", ToAbsl(what)), path, errno);
  std::string bytes(max_bytes + 1, '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = read(file, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      close(file);
      return SystemError(absl::StrCat("cannot read ", ToAbsl(what)), path, error);
    }
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  close(file);
  if (size > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", ToAbsl(what), " is larger than ", max_bytes, " bytes"));
  }
  bytes.resize(size);
  return bytes;
}

absl::Status SystemError(std::string_view what, std::string_view path, int error) {
  const std::string message =
      absl::StrCat(ToAbsl(what), " ", ToAbsl(path), ": ", std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace pointsman::server
