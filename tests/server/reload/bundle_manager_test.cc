#include "server/reload/bundle_manager.h"

#include <atomic>
#include <future>
#include <map>
#include <new>
#include <set>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/metrics.h"
#include "tests/index/engine/tiny_bundle.h"
#include "tests/server/reload/eventually.h"

namespace pointsman::server {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Response = absl::StatusOr<v1::ActivateBundleResponse>;

// Three real engines, made once. Their bundles differ in their version and digest alone.
const Engine& EngineNamed(const std::string& version) {
  static const auto& engines = *new std::map<std::string, std::unique_ptr<const Engine>>([] {
    std::map<std::string, std::unique_ptr<const Engine>> built;
    for (const char* name : {"a", "b", "c"}) {
      BuildOptions options;
      options.version = name;
      built[name] = BuiltEngine(TinySources(), options);
    }
    return built;
  }());
  return *engines.at(version);
}

std::string DigestOf(const std::string& version) {
  return EngineNamed(version).manifest().digest();
}

// Stands in for reading bundles. The last letter of a path tells the engine it loads.
class FakeLoader {
 public:
  using Result = absl::StatusOr<std::shared_ptr<const Engine>>;

  Result Load(const std::string& path) {
    EXPECT_EQ(++running_, 1) << "two loads at once";
    std::unique_lock lock(mutex_);
    loaded_.push_back(path);
    threads_.insert(std::this_thread::get_id());
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_.contains(path); });
    Result result = absl::NotFoundError(path + ": no such bundle");
    if (auto it = failures_.find(path); it != failures_.end() && !it->second.empty()) {
      result = it->second.front();
      it->second.erase(it->second.begin());
    } else if (const char name = path.back(); name >= 'a' && name <= 'c') {
      result = Tracked(std::string(1, name));
    }
    --running_;
    return result;
  }

  // Loads of `path` do not end until it is released.
  void Hold(const std::string& path) {
    const std::lock_guard lock(mutex_);
    held_.insert(path);
  }
  void Release(const std::string& path) {
    const std::lock_guard lock(mutex_);
    held_.erase(path);
    changed_.notify_all();
  }
  // The next load of `path` ends so.
  void FailNext(const std::string& path, absl::Status failure) {
    const std::lock_guard lock(mutex_);
    failures_[path].push_back(std::move(failure));
  }
  bool WaitForLoads(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return loaded_.size() >= count; });
  }
  std::vector<std::string> loaded() {
    const std::lock_guard lock(mutex_);
    return loaded_;
  }
  std::set<std::thread::id> threads() {
    const std::lock_guard lock(mutex_);
    return threads_;
  }
  // Versions of engines freed so far, and the threads that freed them.
  std::vector<std::pair<std::string, std::thread::id>> freed() {
    const std::lock_guard lock(mutex_);
    return freed_;
  }

 private:
  // An engine that tells when it is freed.
  std::shared_ptr<const Engine> Tracked(const std::string& version) {
    return {&EngineNamed(version), [this, version](const Engine*) {
              const std::lock_guard lock(mutex_);
              freed_.emplace_back(version, std::this_thread::get_id());
            }};
  }

  std::atomic<int> running_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> loaded_;
  std::set<std::thread::id> threads_;
  std::set<std::string> held_;
  std::map<std::string, std::vector<absl::Status>> failures_;
  std::vector<std::pair<std::string, std::thread::id>> freed_;
};

// The answer to a request, to wait for.
class Answer {
 public:
  BundleManager::Done Done() {
    return [promise = promise_](Response response) { promise->set_value(std::move(response)); };
  }
  Response Get() {
    if (future_.wait_for(kPatience) != std::future_status::ready) {
      return absl::DeadlineExceededError("no answer");
    }
    return future_.get();
  }

 private:
  std::shared_ptr<std::promise<Response>> promise_ = std::make_shared<std::promise<Response>>();
  std::future<Response> future_ = promise_->get_future();
};

class BundleManagerTest : public testing::Test {
 protected:
  BundleManagerTest() {
    options_.load_in_background = false;
    options_.retry_delay = milliseconds(10);
    options_.on_attempt = [this](const AttemptReport& report) {
      const std::lock_guard lock(mutex_);
      reports_.push_back(report);
    };
  }
  ~BundleManagerTest() override { manager_.reset(); }

  void Start() {
    const auto load = [this](const std::string& path, const std::string&) -> FakeLoader::Result {
      // Outside of the fake, which holds a lock.
      if (path == "out of memory") throw std::bad_alloc();
      return loader_.Load(path);
    };
    manager_ = std::make_unique<BundleManager>(
        holder_, load,
        [this](std::shared_ptr<const Engine> engine) {
          BundleMetrics metrics(engine->catalogue(), engine->policies(), metrics_);
          return std::make_shared<const Snapshot>(Snapshot{std::move(engine), std::move(metrics)});
        },
        options_);
  }

  void StartWith(const std::string& path) {
    Start();
    const absl::Status status = manager_->LoadFirst({.path = path});
    ASSERT_TRUE(status.ok()) << status;
  }

  Response Request(BundleWish wish) {
    Answer answer;
    manager_->Request(std::move(wish), answer.Done());
    return answer.Get();
  }
  Response Rollback(const std::string& expected_digest = "") {
    Answer answer;
    manager_->Rollback(expected_digest, answer.Done());
    return answer.Get();
  }

  std::string InService() const {
    const SnapshotHandle snapshot = holder_.Get();
    return snapshot == nullptr ? "none" : snapshot->engine->manifest().version();
  }
  v1::GetStatusResponse Status() const {
    v1::GetStatusResponse status;
    manager_->FillStatus(&status);
    return status;
  }
  std::vector<AttemptResult> Results() {
    const std::lock_guard lock(mutex_);
    std::vector<AttemptResult> results;
    for (const AttemptReport& report : reports_) results.push_back(report.result);
    return results;
  }

  FakeLoader loader_;  // told of every engine that ends, so it ends last
  Metrics metrics_{"test"};
  SnapshotHolder holder_;
  BundleManager::Options options_;
  std::mutex mutex_;
  std::vector<AttemptReport> reports_;
  std::unique_ptr<BundleManager> manager_;
};

TEST_F(BundleManagerTest, LoadsTheFirstBundleAndShowsIt) {
  StartWith("at/a");
  EXPECT_EQ(InService(), "a");
  const v1::GetStatusResponse status = Status();
  EXPECT_EQ(status.bundle().digest(), DigestOf("a"));
  EXPECT_EQ(status.bundle().version(), "a");
  EXPECT_EQ(status.bundle().path(), "at/a");
  EXPECT_EQ(status.bundle().exemplar_count(), 60);
  EXPECT_FALSE(status.bundle().embedder_id().empty());
  EXPECT_GT(status.bundle().activated_at().seconds(), 1'700'000'000);
  EXPECT_FALSE(status.has_previous_bundle());
  ASSERT_EQ(status.reloads_size(), 1);
  EXPECT_EQ(status.reloads(0).source(), "at/a");
  EXPECT_EQ(status.reloads(0).error(), "");
  EXPECT_EQ(status.loading(), "");
}

TEST_F(BundleManagerTest, ReturnsTheErrorOfTheFirstBundle) {
  Start();
  EXPECT_TRUE(absl::IsNotFound(manager_->LoadFirst({.path = "nothing/"})));
  EXPECT_EQ(InService(), "none");
  EXPECT_FALSE(Status().has_bundle());
}

TEST_F(BundleManagerTest, ActivatesABundleAndRemembersTheOneBefore) {
  StartWith("a");
  const Response response = Request({.path = "b", .source = "https://bundles/b"});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->activated());
  EXPECT_EQ(response->bundle().digest(), DigestOf("b"));
  EXPECT_EQ(response->decisions_compared(), 0);
  EXPECT_EQ(InService(), "b");
  EXPECT_EQ(Status().previous_bundle().digest(), DigestOf("a"));
  EXPECT_EQ(Status().reloads(0).source(), "https://bundles/b");
  EXPECT_THAT(Results(), ElementsAre(AttemptResult::kActivated, AttemptResult::kActivated));
}

TEST_F(BundleManagerTest, KeepsTheBundleInServiceWhenALoadFails) {
  StartWith("a");
  loader_.FailNext("b", absl::FailedPreconditionError("golden query `g` now chooses `small`"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Request({.path = "b"}).status()));
  EXPECT_EQ(InService(), "a");
  EXPECT_EQ(Status().reloads(0).error(), "golden query `g` now chooses `small`");
  EXPECT_EQ(Status().reloads(1).error(), "");
  EXPECT_THAT(Results(), ElementsAre(AttemptResult::kActivated, AttemptResult::kFailed));
}

TEST_F(BundleManagerTest, SurvivesALoaderThatRunsOutOfMemory) {
  StartWith("a");
  EXPECT_TRUE(absl::IsResourceExhausted(Request({.path = "out of memory"}).status()));
  EXPECT_EQ(InService(), "a");
  EXPECT_TRUE(Request({.path = "b"}).ok());
}

TEST_F(BundleManagerTest, RefusesAnotherDigestThanTheExpected) {
  StartWith("a");
  const Response response = Request({.path = "b", .expected_digest = DigestOf("c")});
  EXPECT_TRUE(absl::IsFailedPrecondition(response.status()));
  EXPECT_THAT(response.status().message(), HasSubstr(DigestOf("c")));
  EXPECT_EQ(InService(), "a");
  EXPECT_EQ(Status().reloads(0).digest(), DigestOf("b"));
  EXPECT_TRUE(Request({.path = "b", .expected_digest = DigestOf("b")}).ok());
}

TEST_F(BundleManagerTest, CallsTheSameDigestUnchangedAndShowsItsNewPath) {
  StartWith("a");
  const SnapshotHandle before = holder_.Get();
  const Response response = Request({.path = "elsewhere/a"});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->activated());
  EXPECT_EQ(holder_.Get(), before);
  EXPECT_EQ(Status().bundle().path(), "elsewhere/a");
  EXPECT_FALSE(Status().has_previous_bundle());
  EXPECT_THAT(Results(), ElementsAre(AttemptResult::kActivated, AttemptResult::kUnchanged));
}

TEST_F(BundleManagerTest, LetsTheNewestOfSeveralRequestsWin) {
  StartWith("c");
  loader_.Hold("slow/a");
  Answer first;
  Answer second;
  Answer third;
  manager_->Request({.path = "slow/a"}, first.Done());
  ASSERT_TRUE(loader_.WaitForLoads(2));
  EXPECT_EQ(Status().loading(), "slow/a");
  manager_->Request({.path = "c"}, second.Done());
  manager_->Request({.path = "b"}, third.Done());
  // Told at once, though another load is running.
  const absl::Status superseded = second.Get().status();
  EXPECT_TRUE(absl::IsAborted(superseded));
  EXPECT_EQ(superseded.message(), "superseded by a newer request");
  loader_.Release("slow/a");
  EXPECT_TRUE(first.Get().ok());
  EXPECT_TRUE(third.Get().ok());
  EXPECT_EQ(InService(), "b");
  EXPECT_THAT(loader_.loaded(), ElementsAre("c", "slow/a", "b"));
  EXPECT_EQ(Status().reloads_size(), 3);
}

TEST_F(BundleManagerTest, NeverLoadsTwiceAtOnceAndAnswersEveryRequest) {
  StartWith("a");
  constexpr int kThreads = 4;
  constexpr int kRequests = 50;
  CallCounter answered;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRequests; ++i) {
        BundleWish wish{.path = std::string(1, static_cast<char>('a' + (i + t) % 3))};
        wish.dry_run = i % 5 == 0;
        manager_->Request(wish, [&](const Response&) { answered.Add(); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(answered.WaitFor(kThreads * kRequests));  // the loader checks the rest
  EXPECT_EQ(loader_.threads().size(), 1);
}

TEST_F(BundleManagerTest, RollsBackAndForth) {
  StartWith("a");
  ASSERT_TRUE(Request({.path = "b"}).ok());
  const Response back = Rollback();
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->bundle().digest(), DigestOf("a"));
  EXPECT_EQ(InService(), "a");
  EXPECT_EQ(Status().previous_bundle().digest(), DigestOf("b"));
  ASSERT_TRUE(Rollback(DigestOf("b")).ok());
  EXPECT_EQ(InService(), "b");
  EXPECT_EQ(Status().previous_bundle().path(), "a");
  EXPECT_THAT(loader_.loaded(), ElementsAre("a", "b"));
  EXPECT_THAT(Results(), ElementsAre(AttemptResult::kActivated, AttemptResult::kActivated,
                                     AttemptResult::kRolledBack, AttemptResult::kRolledBack));
}

TEST_F(BundleManagerTest, HasNothingToRollBackToAfterTheFirstBundle) {
  StartWith("a");
  EXPECT_TRUE(absl::IsFailedPrecondition(Rollback().status()));
  EXPECT_EQ(InService(), "a");
}

TEST_F(BundleManagerTest, RefusesToRollBackToAnotherBundleThanTheExpected) {
  StartWith("a");
  ASSERT_TRUE(Request({.path = "b"}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Rollback(DigestOf("c")).status()));
  EXPECT_EQ(InService(), "b");
}

TEST_F(BundleManagerTest, LoadsTheBundleBeforeAnewWhereItIsNotKept) {
  options_.keep_previous = false;
  StartWith("a");
  ASSERT_TRUE(Request({.path = "b"}).ok());
  EXPECT_TRUE(Eventually([&] { return loader_.freed().size() == 1; }));
  ASSERT_TRUE(Rollback().ok());
  EXPECT_EQ(InService(), "a");
  EXPECT_THAT(loader_.loaded(), ElementsAre("a", "b", "a"));
}

TEST_F(BundleManagerTest, ActivatesNothingInADryRun) {
  options_.sampled_requests = [] {
    return std::vector<std::string>{TextRequest("hello").SerializeAsString()};
  };
  StartWith("a");
  loader_.FailNext("c", absl::DataLossError("cut"));
  EXPECT_TRUE(absl::IsDataLoss(Request({.path = "c", .dry_run = true}).status()));
  const Response response = Request({.path = "b", .dry_run = true});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_FALSE(response->activated());
  EXPECT_EQ(response->decisions_compared(), 1);  // the sample: there are no golden queries
  EXPECT_EQ(response->decisions_changed(), 0);
  EXPECT_EQ(response->bundle().digest(), DigestOf("b"));
  EXPECT_FALSE(response->bundle().has_activated_at());
  EXPECT_EQ(InService(), "a");
  EXPECT_EQ(Status().reloads_size(), 1);
  EXPECT_THAT(Results(), ElementsAre(AttemptResult::kActivated, AttemptResult::kDryRun,
                                     AttemptResult::kDryRun));
  EXPECT_TRUE(Eventually([&] { return loader_.freed().size() == 1; }));
}

TEST_F(BundleManagerTest, DoesNotLetADryRunReplaceAChange) {
  StartWith("a");
  loader_.Hold("slow/b");
  manager_->Request({.path = "slow/b"});
  ASSERT_TRUE(loader_.WaitForLoads(2));
  Answer change;
  Answer dry_run;
  manager_->Request({.path = "c"}, change.Done());
  manager_->Request({.path = "a", .dry_run = true}, dry_run.Done());
  loader_.Release("slow/b");
  EXPECT_TRUE(change.Get().ok());
  EXPECT_TRUE(dry_run.Get().ok());
  EXPECT_EQ(InService(), "c");
}

TEST_F(BundleManagerTest, FreesAnEngineOnItsOwnThreadAfterTheLastRequest) {
  options_.keep_previous = false;
  StartWith("a");
  SnapshotHandle of_a_request = holder_.Get();
  ASSERT_TRUE(Request({.path = "b"}).ok());
  ASSERT_TRUE(Request({.path = "c"}).ok());
  // b goes, since nobody uses it; a stays for its request.
  ASSERT_TRUE(Eventually([&] { return loader_.freed().size() == 1; }));
  EXPECT_EQ(loader_.freed()[0].first, "b");
  EXPECT_EQ(of_a_request->engine->manifest().version(), "a");
  of_a_request.reset();
  ASSERT_TRUE(Eventually([&] { return loader_.freed().size() == 2; }));
  EXPECT_EQ(loader_.freed()[1].first, "a");
  for (const auto& [version, thread] : loader_.freed()) {
    EXPECT_TRUE(loader_.threads().contains(thread)) << version;
  }
}

TEST_F(BundleManagerTest, KeepsAtMostTheBundleInServiceAndTheOneBefore) {
  StartWith("a");
  for (const char* path : {"b", "c", "a", "b"}) ASSERT_TRUE(Request({.path = path}).ok());
  EXPECT_TRUE(Eventually([&] { return loader_.freed().size() == 3; }));
  EXPECT_EQ(Status().previous_bundle().version(), "a");
}

TEST_F(BundleManagerTest, RefusesToLoadWhileTooManyOldBundlesAreInUse) {
  options_.max_retired = 1;
  options_.retired_wait = milliseconds(20);
  StartWith("a");
  SnapshotHandle of_a_request = holder_.Get();
  ASSERT_TRUE(Request({.path = "b"}).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Request({.path = "c"}).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(Request({.path = "c", .dry_run = true}).status()));
  EXPECT_EQ(InService(), "b");
  EXPECT_THAT(loader_.loaded(), ElementsAre("a", "b"));
  of_a_request.reset();
  EXPECT_TRUE(Eventually([&] { return Request({.path = "c"}).ok(); }));
}

TEST_F(BundleManagerTest, WaitsForAnOldBundleToBeFree) {
  options_.max_retired = 1;
  options_.retired_wait = kPatience;
  StartWith("a");
  SnapshotHandle of_a_request = holder_.Get();
  ASSERT_TRUE(Request({.path = "b"}).ok());
  Answer answer;
  manager_->Request({.path = "c"}, answer.Done());
  of_a_request.reset();
  EXPECT_TRUE(answer.Get().ok());
}

TEST_F(BundleManagerTest, TriesAnIncompleteBundleOnceMore) {
  StartWith("a");
  loader_.FailNext("b", absl::DataLossError("vectors.faiss is cut"));
  ASSERT_TRUE(Request({.path = "b", .may_be_incomplete = true}).ok());
  EXPECT_EQ(InService(), "b");
  EXPECT_THAT(loader_.loaded(), ElementsAre("a", "b", "b"));
  EXPECT_THAT(Results(), ElementsAre(AttemptResult::kActivated, AttemptResult::kActivated));
}

TEST_F(BundleManagerTest, DoesNotTryAThirdTime) {
  StartWith("a");
  for (int i = 0; i < 3; ++i) loader_.FailNext("b", absl::DataLossError("vectors.faiss is cut"));
  EXPECT_TRUE(absl::IsDataLoss(Request({.path = "b", .may_be_incomplete = true}).status()));
  ASSERT_TRUE(Request({.path = "c"}).ok());
  EXPECT_THAT(loader_.loaded(), ElementsAre("a", "b", "b", "c"));
}

TEST_F(BundleManagerTest, DoesNotRetryWhatAPersonAskedFor) {
  StartWith("a");
  loader_.FailNext("b", absl::DataLossError("vectors.faiss is cut"));
  EXPECT_TRUE(absl::IsDataLoss(Request({.path = "b"}).status()));
  EXPECT_THAT(loader_.loaded(), ElementsAre("a", "b"));
}

TEST_F(BundleManagerTest, LetsANewerRequestReplaceARetry) {
  options_.retry_delay = std::chrono::hours(1);
  StartWith("a");
  loader_.FailNext("b", absl::NotFoundError("no manifest"));
  Answer retried;
  manager_->Request({.path = "b", .may_be_incomplete = true}, retried.Done());
  ASSERT_TRUE(loader_.WaitForLoads(2));
  ASSERT_TRUE(Request({.path = "c"}).ok());
  // Superseded while it waited, or failed if the newer request came before it could wait.
  EXPECT_FALSE(retried.Get().ok());
  EXPECT_THAT(loader_.loaded(), ElementsAre("a", "b", "c"));
}

TEST_F(BundleManagerTest, SettlesABundleBeforeItGoesIntoService) {
  StartWith("a");
  BundleWish wish{.path = "incoming/b"};
  wish.settle = [&](const std::string& digest) {
    EXPECT_EQ(InService(), "a");
    return "cache/" + digest;
  };
  const Response response = Request(wish);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->bundle().path(), "cache/" + DigestOf("b"));
  EXPECT_EQ(Status().bundle().path(), "cache/" + DigestOf("b"));
}

TEST_F(BundleManagerTest, KeepsTheBundleInServiceWhenTheNewOneCannotSettle) {
  StartWith("a");
  BundleWish wish{.path = "incoming/b"};
  wish.settle = [](const std::string&) { return absl::UnavailableError("disk full"); };
  EXPECT_TRUE(absl::IsUnavailable(Request(wish).status()));
  EXPECT_EQ(InService(), "a");
}

TEST_F(BundleManagerTest, ShowsTheLastSixteenAttemptsNewestFirst) {
  StartWith("a");
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(Request({.path = "missing", .source = "try " + std::to_string(i)}).ok());
  }
  ASSERT_EQ(Status().reloads_size(), 16);
  EXPECT_EQ(Status().reloads(0).source(), "try 19");
  EXPECT_EQ(Status().reloads(15).source(), "try 4");
}

TEST_F(BundleManagerTest, RecordsFailuresOfASourceAndRepeatedOnesOnce) {
  StartWith("a");
  manager_->RecordFailure("https://b", absl::UnavailableError("status 500"));
  manager_->RecordFailure("https://b", absl::UnavailableError("status 500"));
  manager_->RecordFailure("https://b", absl::NotFoundError("status 404"));
  ASSERT_EQ(Status().reloads_size(), 3);
  EXPECT_EQ(Status().reloads(0).error(), "status 404");
  EXPECT_EQ(Status().reloads(1).error(), "status 500");
}

TEST_F(BundleManagerTest, DescribesWhatOnlyItsCallerKnows) {
  options_.describe = [](const Engine&, v1::BundleStatus* status) {
    status->set_signed_by("release");
  };
  StartWith("a");
  EXPECT_EQ(Status().bundle().signed_by(), "release");
}

TEST_F(BundleManagerTest, EndsDuringALoadWithoutActivatingIt) {
  StartWith("a");
  loader_.Hold("slow/b");
  Answer loading;
  Answer pending;
  Answer dry_run;
  manager_->Request({.path = "slow/b"}, loading.Done());
  ASSERT_TRUE(loader_.WaitForLoads(2));
  manager_->Request({.path = "c"}, pending.Done());
  manager_->Request({.path = "c", .dry_run = true}, dry_run.Done());
  std::thread end([&] { manager_.reset(); });
  EXPECT_TRUE(absl::IsCancelled(pending.Get().status()));
  EXPECT_TRUE(absl::IsCancelled(dry_run.Get().status()));
  loader_.Release("slow/b");
  EXPECT_TRUE(absl::IsCancelled(loading.Get().status()));
  end.join();
  EXPECT_EQ(InService(), "a");
  EXPECT_THAT(loader_.loaded(), ElementsAre("a", "slow/b"));
}

TEST_F(BundleManagerTest, GivesReadersKnownBundlesOnlyThroughTwoHundredSwaps) {
  StartWith("a");
  std::atomic<bool> stop = false;
  std::atomic<int> reads = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const SnapshotHandle snapshot = holder_.Get();
        const std::string& version = snapshot->engine->manifest().version();
        if (version != "a" && version != "b" && version != "c") ++wrong;
        ++reads;
        std::this_thread::yield();
      }
    });
  }
  for (int i = 1; i <= 200; ++i) {
    ASSERT_TRUE(Request({.path = std::string(1, static_cast<char>('a' + i % 3))}).ok());
  }
  ASSERT_TRUE(Eventually([&] { return reads > 200; }));
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
  // All but the one in service and the one before, and all by the manager's thread.
  EXPECT_TRUE(Eventually([&] { return loader_.freed().size() == 199; }));
  for (const auto& [version, thread] : loader_.freed()) {
    EXPECT_TRUE(loader_.threads().contains(thread));
  }
}

}  // namespace
}  // namespace pointsman::server
