// A directory of a test's own, removed at its end, and files in it.
#ifndef POINTSMAN_TESTS_INDEX_BUNDLE_SCRATCH_DIRECTORY_H_
#define POINTSMAN_TESTS_INDEX_BUNDLE_SCRATCH_DIRECTORY_H_

#include <string>
#include <string_view>
#include <vector>

namespace pointsman::bundle {

class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const;

  // Creates or replaces a file, and the directories it needs; returns its path.
  std::string Write(std::string_view name, std::string_view bytes) const;
  // The same, compressed with gzip.
  std::string WriteGzip(std::string_view name, std::string_view bytes) const;
  std::string Read(std::string_view name) const;
  // Names of what is in `directory`, sorted.
  std::vector<std::string> List(std::string_view directory = "") const;

 private:
  std::string path_;
};

}  // namespace pointsman::bundle

#endif  // POINTSMAN_TESTS_INDEX_BUNDLE_SCRATCH_DIRECTORY_H_
