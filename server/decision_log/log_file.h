// Where lines end up: a file that is rotated, or standard output, a pipe or a device as they are.
// Promises that a file never holds half a line in its middle: a write that fails half way is cut
// back to the last whole line, and the torn last line of a crashed process is cut off at the start.
//
// Used by one thread at a time. Failures come back as a Status with path and reason; nothing here
// tries again.
#ifndef POINTSMAN_SERVER_DECISION_LOG_LOG_FILE_H_
#define POINTSMAN_SERVER_DECISION_LOG_LOG_FILE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pointsman::server {

class LogFile {
 public:
  // `path` "-" is standard output; a symbolic link is followed, once. A file is made where there is
  // none (mode 0640); its directory is not. FAILED_PRECONDITION if it is not a decision log (does
  // not start with '{') or another process writes it; NOT_FOUND, PERMISSION_DENIED and the like as
  // the system says.
  static absl::StatusOr<LogFile> Open(const std::string& path);

  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&& other) noexcept;
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  struct Written {
    size_t bytes;  // that stay in the file: whole lines
    absl::Status status;
  };
  // Appends whole lines, in two parts as a ring has them. Unless the status is OK, the first
  // `bytes` were written and the rest was not. While the reader of a full pipe does not read,
  // `keep_waiting` is asked several times a second; once it says no, the rest is not written.
  Written Write(std::array<std::string_view, 2> parts, const std::function<bool()>& keep_waiting);

  // Renames the file to `rotated_name` and goes on in a new one. On failure the old one stays.
  absl::Status Rotate(const std::string& rotated_name);
  // Opens the path again, for when somebody else has renamed the file. On failure the old one
  // stays.
  absl::Status Reopen();
  // Has the system write everything to the disk.
  absl::Status Sync();
  // The same for the names of files.
  absl::Status SyncDirectory();

  // False for standard output, pipes and devices.
  bool is_regular() const { return is_regular_; }
  // Bytes of a regular file, whoever wrote them or cut them off; 0 otherwise.
  size_t Size() const;
  const std::string& path() const { return path_; }

 private:
  LogFile() = default;
  void CloseFile();

  std::string path_;
  int file_ = -1;
  bool is_regular_ = false;
  bool ends_in_torn_line_ = false;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_LOG_FILE_H_
