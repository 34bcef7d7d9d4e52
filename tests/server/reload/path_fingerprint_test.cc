#include "server/reload/path_fingerprint.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/bundle/scratch_directory.h"

namespace pointsman::server {
namespace {

namespace fs = std::filesystem;
using ::testing::UnorderedElementsAre;

class PathFingerprintTest : public testing::Test {
 protected:
  // The scratch directory without links on the way.
  std::string Real(std::string_view name) const {
    return fs::canonical(scratch_.path()) / fs::path(name);
  }

  bundle::ScratchDirectory scratch_;
};

TEST_F(PathFingerprintTest, IsEqualWhileNothingChanges) {
  scratch_.Write("bundle/a", "1");
  EXPECT_EQ(FingerprintOf(scratch_ / "bundle"), FingerprintOf(scratch_ / "bundle"));
}

TEST_F(PathFingerprintTest, TellsSizesOfFilesInADirectoryApart) {
  scratch_.Write("bundle/a", "1");
  const std::string before = FingerprintOf(scratch_ / "bundle");
  scratch_.Write("bundle/a", "22");
  EXPECT_NE(FingerprintOf(scratch_ / "bundle"), before);
}

TEST_F(PathFingerprintTest, SeesAnotherTimeOfAFileOfEqualSize) {
  const fs::path file = scratch_.Write("file", "1");
  const std::string before = FingerprintOf(file);
  fs::last_write_time(file, fs::last_write_time(file) + std::chrono::nanoseconds(1));
  EXPECT_NE(FingerprintOf(file), before);
}

TEST_F(PathFingerprintTest, LeavesOutDirectoriesInADirectory) {
  scratch_.Write("bundle/a", "1");
  const std::string before = FingerprintOf(scratch_ / "bundle");
  scratch_.Write("bundle/inner/b", "1");
  EXPECT_EQ(FingerprintOf(scratch_ / "bundle"), before);
}

TEST_F(PathFingerprintTest, SaysThatAPathIsAbsent) {
  EXPECT_THAT(FingerprintOf(scratch_ / "nothing"), testing::StartsWith("absent"));
}

TEST_F(PathFingerprintTest, EndsWithALoopOfLinks) {
  fs::create_symlink("b", scratch_ / "a");
  fs::create_symlink("a", scratch_ / "b");
  EXPECT_THAT(FingerprintOf(scratch_ / "a"), testing::StartsWith("absent"));
  EXPECT_FALSE(DirectoriesAlong(scratch_ / "a").empty());
}

TEST_F(PathFingerprintTest, NamesTheDirectoryOfEveryLinkOnTheWay) {
  scratch_.Write("volume/..2026_1/bundle/a", "1");
  fs::create_symlink("..2026_1", scratch_ / "volume/..data");
  fs::create_symlink("..data/bundle", scratch_ / "volume/bundle");
  fs::create_symlink(Real("volume"), scratch_ / "mount");
  EXPECT_THAT(DirectoriesAlong(Real("mount/bundle")),
              UnorderedElementsAre(fs::canonical(scratch_.path()), Real("volume"),
                                   Real("volume/..2026_1"), Real("volume/..2026_1/bundle")));
}

TEST_F(PathFingerprintTest, NamesTheDirectoryWhereAMissingNameWouldAppear) {
  EXPECT_THAT(DirectoriesAlong(Real("a/b/c")),
              UnorderedElementsAre(fs::canonical(scratch_.path())));
}

}  // namespace
}  // namespace pointsman::server
