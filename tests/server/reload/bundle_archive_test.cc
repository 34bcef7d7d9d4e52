#include "server/reload/bundle_archive.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/server/reload/tar_writer.h"

namespace pointsman::server {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = TarEntry::Kind;

class BundleArchiveTest : public testing::Test {
 protected:
  BundleArchiveTest() { fs::create_directory(scratch_ / "out"); }

  absl::Status Unpack(const std::string& archive, const ArchiveBounds& bounds = {}) {
    scratch_.Write("archive", archive);
    return UnpackBundleArchive(scratch_ / "archive", "https://b", scratch_ / "out", bounds,
                               [] { return false; });
  }

  bundle::ScratchDirectory scratch_;
};

TEST_F(BundleArchiveTest, UnpacksFilesAtTheTopInEveryCompression) {
  for (const Compression compression :
       {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
    fs::remove_all(scratch_ / "out");
    fs::create_directory(scratch_ / "out");
    const absl::Status status = Unpack(Tar({{"a.json", "1"}, {"b", ""}}, compression));
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_THAT(scratch_.List("out"), ElementsAre("a.json", "b"));
    EXPECT_EQ(scratch_.Read("out/a.json"), "1");
  }
}

TEST_F(BundleArchiveTest, UnpacksFilesBelowOneDirectory) {
  ASSERT_TRUE(Unpack(Tar({{"bundle/", "", Kind::kDirectory}, {"bundle/a", "1"}})).ok());
  EXPECT_THAT(scratch_.List("out"), ElementsAre("a"));
}

TEST_F(BundleArchiveTest, UnpacksWhatTarMakesOfADot) {
  const absl::Status status = Unpack(Tar({{"./", "", Kind::kDirectory}, {"./a", "1"}}));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(scratch_.List("out"), ElementsAre("a"));
}

TEST_F(BundleArchiveTest, RefusesNamesThatLeadElsewhere) {
  for (const char* name : {"../a", "/a", "x/../../a", "x/..", "x/y/a", "..", "x//a", "a b", "a\\b",
                           "./../a", "x/./a"}) {
    const absl::Status status = Unpack(Tar({{name, "1"}}));
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << name << ": " << status;
    EXPECT_THAT(std::string(status.message()), testing::StartsWith("https://b: ")) << name;
    EXPECT_THAT(scratch_.List("out"), ElementsAre()) << name;
  }
  EXPECT_THAT(scratch_.List(), ElementsAre("archive", "out"));
}

TEST_F(BundleArchiveTest, RefusesFilesInDifferentDirectories) {
  EXPECT_TRUE(absl::IsInvalidArgument(Unpack(Tar({{"x/a", "1"}, {"b", "1"}}))));
}

TEST_F(BundleArchiveTest, RefusesLinksAndSpecialFiles) {
  for (const Kind kind : {Kind::kSymbolicLink, Kind::kHardLink, Kind::kFifo}) {
    const absl::Status status = Unpack(Tar({{"a", "/etc/passwd", kind}}));
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr("no regular file"));
  }
}

TEST_F(BundleArchiveTest, RefusesANameThatComesTwice) {
  const absl::Status status = Unpack(Tar({{"a", "1"}, {"a", "2"}}));
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(scratch_.Read("out/a"), "1");
}

TEST_F(BundleArchiveTest, RefusesAFileThatUnpacksTooLarge) {
  ArchiveBounds bounds;
  bounds.max_file_bytes = 1000;
  const std::string bomb = Tar({{"a", std::string(1'000'000, '0')}}, Compression::kGzip);
  ASSERT_LT(bomb.size(), 3000);
  EXPECT_TRUE(absl::IsInvalidArgument(Unpack(bomb, bounds)));
}

TEST_F(BundleArchiveTest, RefusesFilesThatAreTooLargeTogether) {
  ArchiveBounds bounds;
  bounds.max_bytes = 1000;
  const std::string part(600, '0');
  EXPECT_TRUE(absl::IsInvalidArgument(Unpack(Tar({{"a", part}, {"b", part}}), bounds)));
}

TEST_F(BundleArchiveTest, RefusesTooManyFiles) {
  std::vector<TarEntry> entries;
  for (int i = 0; i < 65; ++i) entries.push_back({"file" + std::to_string(i), "1"});
  EXPECT_TRUE(absl::IsInvalidArgument(Unpack(Tar(entries))));
}

TEST_F(BundleArchiveTest, RefusesAnEmptyArchive) {
  EXPECT_TRUE(absl::IsInvalidArgument(Unpack(Tar({}))));
}

TEST_F(BundleArchiveTest, FindsEveryTruncationOfACompressedArchive) {
  const std::string whole = Tar({{"a", "some bytes"}, {"b", "and more"}}, Compression::kGzip);
  for (size_t size = 0; size < whole.size() - 8; size += 7) {
    fs::remove_all(scratch_ / "out");
    fs::create_directory(scratch_ / "out");
    EXPECT_FALSE(Unpack(whole.substr(0, size)).ok()) << size;
  }
}

TEST_F(BundleArchiveTest, FindsCorruptCompression) {
  std::string archive = Tar({{"a", std::string(10'000, 'x')}}, Compression::kGzip);
  for (size_t i = 20; i < 40; ++i) archive[i] = static_cast<char>(~archive[i]);
  EXPECT_TRUE(absl::IsDataLoss(Unpack(archive)));
}

TEST_F(BundleArchiveTest, RefusesWhatIsNoArchive) {
  EXPECT_TRUE(absl::IsDataLoss(Unpack("<html>not found</html>")));
}

TEST_F(BundleArchiveTest, StopsWhenTold) {
  scratch_.Write("archive", Tar({{"a", "1"}}));
  EXPECT_TRUE(absl::IsCancelled(
      UnpackBundleArchive(scratch_ / "archive", "b", scratch_ / "out", {}, [] { return true; })));
}

}  // namespace
}  // namespace pointsman::server
