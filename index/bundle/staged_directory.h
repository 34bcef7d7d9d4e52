// A directory of files that appears whole or not at all: filled under a temporary name beside its
// target, synced, and renamed at the end.
#ifndef POINTSMAN_INDEX_BUNDLE_STAGED_DIRECTORY_H_
#define POINTSMAN_INDEX_BUNDLE_STAGED_DIRECTORY_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/files.h"

namespace pointsman::bundle {

class StagedDirectory {
 public:
  // Makes the temporary directory, and missing parents of `target`. First removes those for the
  // same target whose process has died; a lock tells them from those of a build that is running.
  static absl::StatusOr<std::unique_ptr<StagedDirectory>> Create(const std::string& target);

  // Removes what has not been published.
  ~StagedDirectory();
  StagedDirectory(const StagedDirectory&) = delete;
  StagedDirectory& operator=(const StagedDirectory&) = delete;

  absl::Status Add(std::string_view name, std::string_view bytes);

  // Puts the directory in its place; what was there is removed. Readers see the old or the new one
  // where the file system can exchange names; elsewhere neither, for an instant.
  absl::Status Publish();

 private:
  StagedDirectory(std::string target, std::string path, int lock);

  const std::string target_;
  const std::string path_;
  const FileDescriptor lock_;
};

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_STAGED_DIRECTORY_H_
