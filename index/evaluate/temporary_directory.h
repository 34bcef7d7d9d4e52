// A directory below the system's place for temporary files, removed with all it holds at the end of
// the scope.
#ifndef POINTSMAN_INDEX_EVALUATE_TEMPORARY_DIRECTORY_H_
#define POINTSMAN_INDEX_EVALUATE_TEMPORARY_DIRECTORY_H_

#include <string>

#include "absl/status/statusor.h"

namespace pointsman::evaluate {

class TemporaryDirectory {
 public:
  static absl::StatusOr<TemporaryDirectory> Create();

  ~TemporaryDirectory();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;  // empty: moved from
};

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_TEMPORARY_DIRECTORY_H_
