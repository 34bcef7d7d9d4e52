#include "server/reload/bundle_cache.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/bundle/scratch_directory.h"

namespace pointsman::server {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

std::string Digest(char digit) { return std::string(64, digit); }

class BundleCacheTest : public testing::Test {
 protected:
  std::shared_ptr<BundleCache> Open() {
    auto cache = BundleCache::Open(scratch_ / "cache");
    EXPECT_TRUE(cache.ok()) << cache.status();
    return *cache;
  }
  // Fetches a bundle of one file.
  absl::StatusOr<std::string> Keep(const BundleCache& cache, char digit,
                                   const std::string& bytes = "1") {
    const std::string incoming = *cache.NewIncoming();
    fs::create_directory(incoming + "/bundle");
    scratch_.Write(fs::relative(incoming + "/bundle/file", scratch_.path()).string(), bytes);
    auto kept = cache.Keep(incoming + "/bundle", Digest(digit));
    BundleCache::Remove(incoming);
    return kept;
  }

  bundle::ScratchDirectory scratch_;
};

TEST_F(BundleCacheTest, HasNothingAtFirst) { EXPECT_FALSE(Open()->Current().has_value()); }

TEST_F(BundleCacheTest, KeepsTheLastTwoBundles) {
  const auto cache = Open();
  for (const char digit : {'1', '2', '3'}) ASSERT_TRUE(Keep(*cache, digit).ok());
  EXPECT_EQ(cache->Current(), scratch_ / "cache/" + Digest('3'));
  EXPECT_THAT(scratch_.List("cache"), ElementsAre(Digest('2'), Digest('3'), "current", "previous"));
}

TEST_F(BundleCacheTest, ReplacesABundleOfTheSameDigest) {
  const auto cache = Open();
  ASSERT_TRUE(Keep(*cache, '1', "damaged").ok());
  ASSERT_TRUE(Keep(*cache, '1', "good").ok());
  EXPECT_EQ(scratch_.Read("cache/" + Digest('1') + "/file"), "good");
}

TEST_F(BundleCacheTest, RemembersTheCurrentBundleAcrossRestartsAndRemovesWhatWasBeingFetched) {
  ASSERT_TRUE(Keep(*Open(), '1').ok());
  ASSERT_TRUE(Open()->NewIncoming().ok());
  scratch_.Write("cache/notes.txt", "of a person");
  EXPECT_EQ(Open()->Current(), scratch_ / "cache/" + Digest('1'));
  EXPECT_THAT(scratch_.List("cache"), ElementsAre(Digest('1'), "current", "notes.txt"));
}

TEST_F(BundleCacheTest, BelongsToOneAtATime) {
  const auto first = Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(BundleCache::Open(scratch_ / "cache").status()));
}

TEST_F(BundleCacheTest, DoesNotFollowALinkThatSomebodyElseMade) {
  const auto cache = Open();
  fs::create_symlink("/etc", scratch_ / "cache/current");
  EXPECT_FALSE(cache->Current().has_value());
}

TEST_F(BundleCacheTest, RefusesADigestThatIsNone) {
  const auto cache = Open();
  EXPECT_TRUE(absl::IsInvalidArgument(cache->Keep(*cache->NewIncoming(), "../x").status()));
}

TEST_F(BundleCacheTest, SaysThatTheDirectoryCannotBeMade) {
  scratch_.Write("cache", "a file");
  EXPECT_FALSE(BundleCache::Open(scratch_ / "cache").ok());
}

}  // namespace
}  // namespace pointsman::server
