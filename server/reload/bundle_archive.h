// A downloaded archive -> a directory of files. The archive is a tar, plain or compressed with gzip
// or zstd, and as hostile as whoever wrote it: names, kinds, number and sizes are all bounded, and
// nothing is written outside of the directory. What the files hold is not looked at.
#ifndef POINTSMAN_SERVER_RELOAD_BUNDLE_ARCHIVE_H_
#define POINTSMAN_SERVER_RELOAD_BUNDLE_ARCHIVE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"

namespace pointsman::server {

struct ArchiveBounds {
  int64_t max_bytes = int64_t{4} << 30;       // of all files together, unpacked
  int64_t max_file_bytes = int64_t{2} << 30;  // of one
  int max_files = 64;                         // a bundle has some ten
};

// Unpacks into `directory`, which must be empty, and syncs the files. The archive holds regular
// files only, at its top or all below one directory there, with names of 1 to 128 of
// [A-Za-z0-9._-]; `.`, `..`, links, other kinds and names that come twice are refused. Messages
// start with `name`.
//   INVALID_ARGUMENT  what is in the archive is not allowed
//   DATA_LOSS         it is truncated or no archive
//   CANCELLED         `stopped` said so
// or the error of the file system. On failure some files may have been written.
absl::Status UnpackBundleArchive(const std::string& archive_path, const std::string& name,
                                 const std::string& directory, const ArchiveBounds& bounds,
                                 const std::function<bool()>& stopped);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_BUNDLE_ARCHIVE_H_
