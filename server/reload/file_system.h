// The few system calls on files that fetching bundles needs, with errors that name the file.
#ifndef POINTSMAN_SERVER_RELOAD_FILE_SYSTEM_H_
#define POINTSMAN_SERVER_RELOAD_FILE_SYSTEM_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace pointsman::server {

// An open file descriptor, closed at the end of the scope.
class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  const int descriptor_;
};

// Writes all of `bytes`; messages name `name`.
absl::Status WriteAll(int descriptor, std::string_view bytes, const std::string& name);

// Syncs a directory, so that names created or renamed in it survive a crash.
absl::Status SyncDirectory(const std::string& path);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_FILE_SYSTEM_H_
