// The watcher and the manager together over real bundles on disk, as the server joins them.
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/metrics.h"
#include "server/reload/bundle_manager.h"
#include "server/reload/path_watcher.h"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/index/engine/tiny_bundle.h"
#include "tests/server/reload/eventually.h"

namespace pointsman::server {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class ReloadRealBundlesTest : public testing::Test {
 protected:
  ReloadRealBundlesTest() {
    BundleManager::Options options;
    options.load_in_background = false;
    options.retry_delay = milliseconds(20);
    options.on_attempt = [this](const AttemptReport& report) {
      if (report.result == AttemptResult::kFailed) failed_.Add();
    };
    manager_ = std::make_unique<BundleManager>(
        holder_,
        [](const std::string& path,
           const std::string&) -> absl::StatusOr<std::shared_ptr<const Engine>> {
          auto engine = Engine::Load(path);
          if (!engine.ok()) return engine.status();
          return std::shared_ptr<const Engine>(*std::move(engine));
        },
        [this](std::shared_ptr<const Engine> engine) {
          BundleMetrics metrics(engine->catalogue(), engine->policies(), metrics_);
          return std::make_shared<const Snapshot>(Snapshot{std::move(engine), std::move(metrics)});
        },
        options);
  }

  void BuildVersion(const std::string& version, const std::string& name) {
    BuildOptions options;
    options.version = version;
    ASSERT_TRUE(Build(TinySources(), scratch_ / name, options).ok());
  }
  void PointLink(const std::string& target, const std::string& link) {
    fs::create_symlink(target, scratch_ / (link + ".new"));
    fs::rename(scratch_ / (link + ".new"), scratch_ / link);
  }
  void ServeAndWatch(const std::string& name) {
    PathWatcher::Options options;
    options.quiet_time = milliseconds(20);
    options.poll_interval = milliseconds(200);
    auto watcher = PathWatcher::Start(options);
    ASSERT_TRUE(watcher.ok());
    watcher_ = *std::move(watcher);
    const std::string path = scratch_ / name;
    watcher_->Watch({path},
                    [this, path] { manager_->Request({.path = path, .may_be_incomplete = true}); });
    const absl::Status first = manager_->LoadFirst({.path = path});
    ASSERT_TRUE(first.ok()) << first;
  }
  std::string InService() const { return holder_.Get()->engine->manifest().version(); }
  bool Serves(const std::string& version) {
    return Eventually([&] { return InService() == version; });
  }

  bundle::ScratchDirectory scratch_;
  SnapshotHolder holder_;
  Metrics metrics_{"test"};
  CallCounter failed_;
  std::unique_ptr<BundleManager> manager_;
  std::unique_ptr<PathWatcher> watcher_;  // ends before the manager that it calls
};

TEST_F(ReloadRealBundlesTest, FollowsALinkToAnotherBundle) {
  BuildVersion("1", "one");
  BuildVersion("2", "two");
  PointLink("one", "bundle");
  ServeAndWatch("bundle");
  EXPECT_EQ(InService(), "1");
  PointLink("two", "bundle");
  EXPECT_TRUE(Serves("2"));
}

TEST_F(ReloadRealBundlesTest, FollowsAKubernetesVolume) {
  BuildVersion("1", "..2026_1/bundle");
  BuildVersion("2", "..2026_2/bundle");
  PointLink("..2026_1", "..data");
  PointLink("..data/bundle", "bundle");
  ServeAndWatch("bundle");
  PointLink("..2026_2", "..data");
  fs::remove_all(scratch_ / "..2026_1");
  EXPECT_TRUE(Serves("2"));
}

TEST_F(ReloadRealBundlesTest, KeepsServingWhenAFileIsDamagedAndTakesTheNextGoodBundle) {
  BuildVersion("1", "bundle");
  ServeAndWatch("bundle");
  std::ofstream(scratch_ / "bundle/vectors.faiss", std::ios::app) << "x";
  ASSERT_TRUE(failed_.WaitFor(1));
  EXPECT_EQ(InService(), "1");
  v1::GetStatusResponse status;
  manager_->FillStatus(&status);
  EXPECT_THAT(status.reloads(0).error(), testing::HasSubstr("vectors.faiss"));
  fs::remove_all(scratch_ / "bundle");
  BuildVersion("2", "bundle");
  EXPECT_TRUE(Serves("2"));
}

TEST_F(ReloadRealBundlesTest, KeepsServingWhenTheBundleIsDeleted) {
  BuildVersion("1", "bundle");
  ServeAndWatch("bundle");
  fs::remove_all(scratch_ / "bundle");
  ASSERT_TRUE(failed_.WaitFor(1));
  EXPECT_EQ(InService(), "1");
  EXPECT_EQ(Decide(*holder_.Get()->engine, TextRequest("hello friend")).model(), "small");
}

}  // namespace
}  // namespace pointsman::server
