// Archives for tests, good and bad, as bytes.
#ifndef POINTSMAN_TESTS_SERVER_RELOAD_TAR_WRITER_H_
#define POINTSMAN_TESTS_SERVER_RELOAD_TAR_WRITER_H_

#include <string>
#include <vector>

namespace pointsman::server {

struct TarEntry {
  std::string name;
  std::string bytes;
  enum class Kind { kFile, kDirectory, kSymbolicLink, kHardLink, kFifo } kind = Kind::kFile;
};

enum class Compression { kNone, kGzip, kZstd };

std::string Tar(const std::vector<TarEntry>& entries, Compression compression = Compression::kNone);

// Every file of a directory, below `prefix`.
std::string TarOfDirectory(const std::string& directory, const std::string& prefix,
                           Compression compression = Compression::kGzip);

}  // namespace pointsman::server

#endif  // POINTSMAN_TESTS_SERVER_RELOAD_TAR_WRITER_H_
