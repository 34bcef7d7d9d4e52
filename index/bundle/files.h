// Whole files in and out, with errors that name them.
#ifndef POINTSMAN_INDEX_BUNDLE_FILES_H_
#define POINTSMAN_INDEX_BUNDLE_FILES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pointsman::bundle {

// Reads a regular file (through symbolic links) of at most `max_bytes`. Messages start with `name`.
// NOT_FOUND, or INVALID_ARGUMENT if it is too large or no regular file, or the error of the read.
absl::StatusOr<std::string> ReadFile(const std::string& path, std::string_view name,
                                     int64_t max_bytes);

// Writes a new file and syncs it to the disk. It must not exist.
absl::Status WriteNewFile(const std::string& path, std::string_view bytes);

// Syncs a directory, so that names created or renamed in it survive a crash.
absl::Status SyncDirectory(const std::string& path);

// An open file descriptor, closed at the end of the scope.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  const int fd_;
};

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_FILES_H_
