#include "tests/index/bundle/scratch_directory.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "gtest/gtest.h"
#include "zlib.h"

namespace pointsman::bundle {

namespace fs = std::filesystem;

ScratchDirectory::ScratchDirectory() : path_(::testing::TempDir() + "/pointsman_XXXXXX") {
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
}

ScratchDirectory::~ScratchDirectory() { fs::remove_all(path_); }

std::string ScratchDirectory::operator/(std::string_view name) const {
  return fs::path(path_) / name;
}

std::string ScratchDirectory::Write(std::string_view name, std::string_view bytes) const {
  const fs::path path = *this / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string ScratchDirectory::WriteGzip(std::string_view name, std::string_view bytes) const {
  const fs::path path = *this / name;
  fs::create_directories(path.parent_path());
  gzFile file = gzopen(path.c_str(), "wb");
  EXPECT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())),
            static_cast<int>(bytes.size()));
  EXPECT_EQ(gzclose(file), Z_OK);
  return path;
}

std::string ScratchDirectory::Read(std::string_view name) const {
  std::ifstream file(*this / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> ScratchDirectory::List(std::string_view directory) const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(*this / directory)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace pointsman::bundle
