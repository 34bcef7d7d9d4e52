#include "tests/server/reload/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "gtest/gtest.h"

namespace pointsman::server {

std::string Tar(const std::vector<TarEntry>& entries, Compression compression) {
  size_t room = size_t{1} << 20;
  for (const TarEntry& entry : entries) room += entry.bytes.size() + 4096;
  std::string bytes(room, '\0');
  size_t used = 0;
  archive* writer = archive_write_new();
  if (compression == Compression::kGzip) archive_write_add_filter_gzip(writer);
  if (compression == Compression::kZstd) archive_write_add_filter_zstd(writer);
  archive_write_set_format_pax_restricted(writer);
  EXPECT_EQ(archive_write_open_memory(writer, bytes.data(), bytes.size(), &used), ARCHIVE_OK);
  for (const TarEntry& made : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, made.name.c_str());
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_filetype(entry, AE_IFREG);
    switch (made.kind) {
      case TarEntry::Kind::kFile:
        archive_entry_set_size(entry, static_cast<la_int64_t>(made.bytes.size()));
        break;
      case TarEntry::Kind::kDirectory:
        archive_entry_set_filetype(entry, AE_IFDIR);
        break;
      case TarEntry::Kind::kSymbolicLink:
        archive_entry_set_filetype(entry, AE_IFLNK);
        archive_entry_set_symlink(entry, made.bytes.c_str());
        break;
      case TarEntry::Kind::kHardLink:
        archive_entry_set_hardlink(entry, made.bytes.c_str());
        break;
      case TarEntry::Kind::kFifo:
        archive_entry_set_filetype(entry, AE_IFIFO);
        break;
    }
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK) << archive_error_string(writer);
    if (made.kind == TarEntry::Kind::kFile) {
      archive_write_data(writer, made.bytes.data(), made.bytes.size());
    }
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(writer), ARCHIVE_OK);
  archive_write_free(writer);
  bytes.resize(used);
  return bytes;
}

std::string TarOfDirectory(const std::string& directory, const std::string& prefix,
                           Compression compression) {
  std::vector<TarEntry> entries;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    std::ifstream stream(file.path(), std::ios::binary);
    entries.push_back(
        {prefix + file.path().filename().string(), {std::istreambuf_iterator<char>(stream), {}}});
  }
  std::sort(entries.begin(), entries.end(),
            [](const TarEntry& a, const TarEntry& b) { return a.name < b.name; });
  return Tar(entries, compression);
}

}  // namespace pointsman::server
