#include "server/reload/bundle_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "index/string_view.h"
#include "server/reload/file_system.h"

namespace pointsman::server {
namespace {

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kBlockBytes = size_t{64} << 10;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), IsNameCharacter);
}

// For an error message.
std::string Quoted(std::string_view path) {
  return absl::StrCat("`", absl::CHexEscape(ToAbsl(path.substr(0, 200))), "`");
}

// Decides where each entry goes.
class EntryNames {
 public:
  // The name of the file to write; empty for a directory, which needs no file.
  absl::StatusOr<std::string> Place(std::string_view path, bool is_directory) {
    std::vector<std::string_view> parts;
    std::string_view rest = path;
    while (rest.starts_with("./")) rest.remove_prefix(2);  // as `tar -C bundle .` writes them
    if (is_directory && rest.ends_with('/')) rest.remove_suffix(1);
    if (is_directory && (rest.empty() || rest == ".")) return std::string();
    const size_t slash = rest.find('/');
    if (slash != std::string_view::npos) parts.push_back(rest.substr(0, slash));
    parts.push_back(slash == std::string_view::npos ? rest : rest.substr(slash + 1));
    if (!std::all_of(parts.begin(), parts.end(), IsName) || (is_directory && parts.size() > 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the entry ", Quoted(path),
                       " is not a file at the top or in one directory there, with "
                       "a name of 1 to ",
                       kMaxNameBytes, " of [A-Za-z0-9._-]"));
    }
    const std::string_view top = is_directory || parts.size() == 2 ? parts[0] : "";
    if (top_.value_or(std::string(top)) != top) {
      return absl::InvalidArgumentError(
          absl::StrCat("the entry ", Quoted(path),
                       " is not in the directory of the entries before it; all "
                       "files of a bundle lie side by side"));
    }
    top_ = top;
    return is_directory ? std::string() : std::string(parts.back());
  }

 private:
  std::optional<std::string> top_;
};

class Unpacking {
 public:
  Unpacking(archive* reader, const std::string& directory, const ArchiveBounds& bounds,
            const std::function<bool()>& stopped)
      : reader_(reader), directory_(directory), bounds_(bounds), stopped_(stopped) {}

  absl::Status Run() {
    for (;;) {
      archive_entry* entry = nullptr;
      const int result = archive_read_next_header(reader_, &entry);
      if (result == ARCHIVE_EOF) break;
      if (result != ARCHIVE_OK) return Damaged();
      const absl::Status status = Take(entry);
      if (!status.ok()) return status;
    }
    if (files_ == 0) return absl::InvalidArgumentError("there is no file in it");
    return SyncDirectory(directory_);
  }

 private:
  absl::Status Damaged() const {
    const char* why = archive_error_string(reader_);
    return absl::DataLossError(absl::StrCat("it is no complete tar archive, plain, gzip or zstd: ",
                                            why == nullptr ? "unknown reason" : why));
  }

  absl::Status Take(archive_entry* entry) {
    const char* path = archive_entry_pathname(entry);
    if (path == nullptr) return absl::InvalidArgumentError("an entry has no readable name");
    const bool is_directory = archive_entry_filetype(entry) == AE_IFDIR;
    if (archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr ||
        (!is_directory && archive_entry_filetype(entry) != AE_IFREG)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the entry ", Quoted(path), " is no regular file"));
    }
    absl::StatusOr<std::string> name = names_.Place(path, is_directory);
    if (!name.ok()) return name.status();
    if (name->empty()) return absl::OkStatus();
    if (++files_ > bounds_.max_files) {
      return absl::InvalidArgumentError(
          absl::StrCat("it has more than ", bounds_.max_files, " files"));
    }
    return Write(*name);
  }

  absl::Status Write(const std::string& name) {
    const std::string path = absl::StrCat(directory_, "/", name);
    const OpenFile file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.is_open()) {
      if (errno == EEXIST) {
        return absl::InvalidArgumentError(absl::StrCat("the file `", name, "` comes twice"));
      }
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot create `", name, "`"));
    }
    int64_t bytes = 0;
    std::vector<char> block(kBlockBytes);
    for (;;) {
      if (stopped_()) return absl::CancelledError("stopped while unpacking");
      const la_ssize_t read = archive_read_data(reader_, block.data(), block.size());
      if (read == 0) break;
      if (read < 0) return Damaged();
      bytes += read;
      all_bytes_ += read;
      if (bytes > bounds_.max_file_bytes) {
        return absl::InvalidArgumentError(
            absl::StrCat("the file `", name, "` has more than ", bounds_.max_file_bytes, " bytes"));
      }
      if (all_bytes_ > bounds_.max_bytes) {
        return absl::InvalidArgumentError(
            absl::StrCat("its files have more than ", bounds_.max_bytes, " bytes together"));
      }
      const absl::Status status =
          WriteAll(file.get(), {block.data(), static_cast<size_t>(read)}, name);
      if (!status.ok()) return status;
    }
    if (fsync(file.get()) != 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot sync `", name, "`"));
    }
    return absl::OkStatus();
  }

  archive* const reader_;
  const std::string& directory_;
  const ArchiveBounds& bounds_;
  const std::function<bool()>& stopped_;
  EntryNames names_;
  int files_ = 0;
  int64_t all_bytes_ = 0;
};

}  // namespace

absl::Status UnpackBundleArchive(const std::string& archive_path, const std::string& name,
                                 const std::string& directory, const ArchiveBounds& bounds,
                                 const std::function<bool()>& stopped) {
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), archive_read_free);
  if (reader == nullptr) return absl::ResourceExhaustedError("not enough memory to unpack");
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_format_tar(reader.get());
  absl::Status status;
  if (archive_read_open_filename(reader.get(), archive_path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    const char* why = archive_error_string(reader.get());
    status = absl::DataLossError(absl::StrCat("it is no archive: ", why == nullptr ? "" : why));
  } else {
    status = Unpacking(reader.get(), directory, bounds, stopped).Run();
  }
  if (status.ok()) return status;
  return {status.code(), absl::StrCat(name, ": ", status.message())};
}

}  // namespace pointsman::server
