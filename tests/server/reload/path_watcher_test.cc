#include "server/reload/path_watcher.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/server/reload/eventually.h"

namespace pointsman::server {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kNever{3'600'000};

// Every behaviour holds with inotify alone (polls hourly) and with polling alone.
class PathWatcherTest : public testing::TestWithParam<bool> {
 protected:
  void Start() {
    PathWatcher::Options options;
    options.poll_interval = GetParam() ? kNever : milliseconds(10);
    options.quiet_time = milliseconds(20);
    if (!GetParam()) {
      options.open_inotify = [] {
        errno = ENOSPC;
        return -1;
      };
    }
    auto started = PathWatcher::Start(options);
    ASSERT_TRUE(started.ok()) << started.status();
    watcher_ = *std::move(started);
  }

  void Watch(const std::vector<std::string>& paths) {
    watcher_->Watch(paths, [this] { calls_.Add(); });
  }

  // As `ln -sfn` does it where nobody may see the link missing.
  void PointLink(const std::string& target, const std::string& link) {
    fs::create_symlink(target, scratch_ / (link + ".new"));
    fs::rename(scratch_ / (link + ".new"), scratch_ / link);
  }

  bundle::ScratchDirectory scratch_;
  CallCounter calls_;
  std::unique_ptr<PathWatcher> watcher_;  // ends first
};

TEST_P(PathWatcherTest, SeesALinkPointElsewhereAgainAndAgain) {
  for (const char* name : {"1", "2", "3"}) scratch_.Write(std::string(name) + "/file", name);
  PointLink("1", "bundle");
  Start();
  Watch({scratch_ / "bundle"});
  PointLink("2", "bundle");
  EXPECT_TRUE(calls_.WaitFor(1));
  PointLink("3", "bundle");
  EXPECT_TRUE(calls_.WaitFor(2));
}

TEST_P(PathWatcherTest, SeesAKubernetesVolumeSwapItsData) {
  scratch_.Write("..2026_1/bundle/file", "1");
  scratch_.Write("..2026_2/bundle/file", "2");
  PointLink("..2026_1", "..data");
  PointLink("..data/bundle", "bundle");
  Start();
  Watch({scratch_ / "bundle"});
  PointLink("..2026_2", "..data");
  fs::remove_all(scratch_ / "..2026_1");
  EXPECT_TRUE(calls_.WaitFor(1));
}

TEST_P(PathWatcherTest, SeesTheDirectoryOfAMountSwapItsLinkedFiles) {
  scratch_.Write("..2026_1/file", "1");
  scratch_.Write("..2026_2/file", "2");
  PointLink("..2026_1", "..data");
  PointLink("..data/file", "file");
  Start();
  Watch({scratch_.path()});
  PointLink("..2026_2", "..data");
  EXPECT_TRUE(calls_.WaitFor(1));
}

TEST_P(PathWatcherTest, SeesAFileRewrittenInPlace) {
  scratch_.Write("bundle/file", "before");
  Start();
  Watch({scratch_ / "bundle"});
  scratch_.Write("bundle/file", "afterwards");
  EXPECT_TRUE(calls_.WaitFor(1));
}

TEST_P(PathWatcherTest, SeesADirectoryGoAndComeBack) {
  scratch_.Write("bundle/file", "1");
  Start();
  Watch({scratch_ / "bundle"});
  fs::remove_all(scratch_ / "bundle");
  EXPECT_TRUE(calls_.WaitFor(1));
  scratch_.Write("bundle/file", "1");
  EXPECT_TRUE(calls_.WaitFor(2));
  scratch_.Write("bundle/file", "22");
  EXPECT_TRUE(calls_.WaitFor(3));
}

TEST_P(PathWatcherTest, SeesADirectoryReplacedByRename) {
  scratch_.Write("bundle/file", "1");
  scratch_.Write("next/file", "2");
  Start();
  Watch({scratch_ / "bundle"});
  fs::rename(scratch_ / "bundle", scratch_ / "last");
  fs::rename(scratch_ / "next", scratch_ / "bundle");
  EXPECT_TRUE(calls_.WaitFor(1));
  scratch_.Write("bundle/file", "33");
  EXPECT_TRUE(calls_.WaitFor(2));
}

TEST_P(PathWatcherTest, SeesAPathAppearSeveralDirectoriesDeep) {
  Start();
  Watch({scratch_ / "a/b/bundle"});
  scratch_.Write("a/b/bundle/file", "1");
  EXPECT_TRUE(calls_.WaitFor(1));
}

TEST_P(PathWatcherTest, ReportsFilesThatChangeTogetherOnce) {
  scratch_.Write("tls.crt", "1");
  scratch_.Write("tls.key", "1");
  scratch_.Write("end", "1");
  CallCounter ended;
  Start();
  Watch({scratch_ / "tls.crt", scratch_ / "tls.key"});
  watcher_->Watch({scratch_ / "end"}, [&] { ended.Add(); });
  scratch_.Write("tls.crt", "22");
  scratch_.Write("tls.key", "22");
  ASSERT_TRUE(calls_.WaitFor(1));
  scratch_.Write("end", "22");  // a later change, as a sign that all before it was seen
  ASSERT_TRUE(ended.WaitFor(1));
  EXPECT_EQ(calls_.count(), 1);
}

TEST_P(PathWatcherTest, DoesNotReportWhatIsBesideThePath) {
  scratch_.Write("file", "1");
  scratch_.Write("end", "1");
  CallCounter ended;
  Start();
  Watch({scratch_ / "file"});
  watcher_->Watch({scratch_ / "end"}, [&] { ended.Add(); });
  scratch_.Write("other", "1");
  scratch_.Write("end", "22");
  ASSERT_TRUE(ended.WaitFor(1));
  EXPECT_EQ(calls_.count(), 0);
}

TEST_P(PathWatcherTest, CallsForAFileThatNeverStopsGrowing) {
  scratch_.Write("file", "");
  Start();
  Watch({scratch_ / "file"});
  ASSERT_TRUE(Eventually([&] {
    std::ofstream(scratch_ / "file", std::ios::app) << "more";
    return calls_.count() > 0;
  }));
}

TEST_P(PathWatcherTest, TakesANewWatchFromACallback) {
  scratch_.Write("first", "1");
  scratch_.Write("second", "1");
  CallCounter second;
  Start();
  watcher_->Watch({scratch_ / "first"}, [&] {
    watcher_->Watch({scratch_ / "second"}, [&] { second.Add(); });
    calls_.Add();
  });
  scratch_.Write("first", "22");
  ASSERT_TRUE(calls_.WaitFor(1));
  scratch_.Write("second", "22");
  EXPECT_TRUE(second.WaitFor(1));
}

INSTANTIATE_TEST_SUITE_P(Ways, PathWatcherTest, testing::Bool(),
                         [](const auto& way) { return way.param ? "Inotify" : "Polling"; });

TEST(PathWatcherStartTest, EndsAtOnceWhilePollsAreHoursAway) {
  PathWatcher::Options options;
  options.poll_interval = kNever;
  auto watcher = PathWatcher::Start(options);
  ASSERT_TRUE(watcher.ok());
  (*watcher)->Watch({"/nowhere"}, [] {});
  const auto begin = std::chrono::steady_clock::now();
  watcher->reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kPatience);
}

TEST(PathWatcherStartTest, SaysOnceThatInotifyIsNotAvailable) {
  std::vector<absl::Status> told;
  PathWatcher::Options options;
  options.open_inotify = [] {
    errno = EMFILE;
    return -1;
  };
  options.on_polling_only = [&](const absl::Status& status) { told.push_back(status); };
  ASSERT_TRUE(PathWatcher::Start(options).ok());
  ASSERT_EQ(told.size(), 1);
  EXPECT_FALSE(told[0].ok());
}

TEST(PathWatcherStartTest, SaysOnceThatADirectoryCannotBeWatched) {
  std::vector<absl::Status> told;
  const bundle::ScratchDirectory scratch;
  CallCounter calls;
  PathWatcher::Options options;
  options.poll_interval = milliseconds(5);
  // A descriptor, but not one of inotify: adding a watch fails.
  options.open_inotify = [&] { return dup(fileno(std::tmpfile())); };
  options.on_polling_only = [&](const absl::Status& status) { told.push_back(status); };
  auto watcher = PathWatcher::Start(options);
  ASSERT_TRUE(watcher.ok());
  (*watcher)->Watch({scratch / "file"}, [&] { calls.Add(); });
  scratch.Write("file", "1");
  EXPECT_TRUE(calls.WaitFor(1));
  watcher->reset();
  EXPECT_EQ(told.size(), 1);
}

TEST(PathWatcherStartTest, RefusesADelayShorterThanTheQuietTime) {
  PathWatcher::Options options;
  options.quiet_time = milliseconds(10);
  options.max_delay = milliseconds(5);
  EXPECT_EQ(PathWatcher::Start(options).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace pointsman::server
