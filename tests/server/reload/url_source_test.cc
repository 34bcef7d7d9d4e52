#include "server/reload/url_source.h"

#include <filesystem>
#include <future>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/metrics.h"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/index/engine/tiny_bundle.h"
#include "tests/server/reload/eventually.h"
#include "tests/server/reload/scripted_https_server.h"
#include "tests/server/reload/tar_writer.h"

namespace pointsman::server {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kDigest[] = "0123456789012345678901234567890123456789012345678901234567890123";

class UrlSourceTest : public testing::Test {
 protected:
  UrlSourceTest() {
    options_.cache_directory = scratch_ / "cache";
    options_.has_trusted_keys = true;
    options_.loopback_http = true;
    options_.poll_interval = milliseconds(5);
    options_.first_back_off = milliseconds(1);
    options_.longest_back_off = milliseconds(4);
    answer_.headers = "ETag: \"1\"\r\n";
    answer_.body = Tar({{"file", "1"}}, Compression::kGzip);
    // A manager that takes everything, unless told otherwise.
    options_.request = [this](BundleWish wish, const BundleManager::Done& done) {
      offered_.push_back(wish);
      absl::Status status = refusal_;
      if (status.ok()) status = wish.settle(kDigest).status();
      if (!status.ok()) {
        done(status);
      } else {
        done(v1::ActivateBundleResponse());
      }
    };
    options_.on_poll = [this](PollResult result, const absl::Status& status, bool) {
      const std::lock_guard lock(mutex_);
      polls_.push_back(result);
      last_status_ = status;
      polled_.Add();
    };
  }

  void Serve(bool tls = false) {
    server_ = std::make_unique<ScriptedHttpsServer>(tls, [this](const std::string& request) {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      return answer_;
    });
    options_.fetch.url = server_->Url();
  }
  void Create() {
    auto source = UrlSource::Create(options_);
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
  }
  void Answer(ScriptedAnswer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  std::string LastRequest() {
    const std::lock_guard lock(mutex_);
    return requests_.back();
  }

  bundle::ScratchDirectory scratch_;
  UrlSource::Options options_;
  std::mutex mutex_;
  ScriptedAnswer answer_;
  std::vector<std::string> requests_;
  std::vector<BundleWish> offered_;
  absl::Status refusal_;
  std::vector<PollResult> polls_;
  absl::Status last_status_;
  CallCounter polled_;
  std::unique_ptr<ScriptedHttpsServer> server_;
  std::unique_ptr<UrlSource> source_;
};

TEST_F(UrlSourceTest, OffersABundleAndKeepsItOnceItIsInService) {
  Serve();
  Create();
  EXPECT_FALSE(source_->CachedBundle().has_value());
  const absl::Status status = source_->PollOnce();
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(offered_.size(), 1);
  EXPECT_EQ(offered_[0].source, server_->Url());
  EXPECT_FALSE(offered_[0].may_be_incomplete);
  EXPECT_EQ(source_->CachedBundle(), scratch_ / "cache/" + kDigest);
  EXPECT_EQ(scratch_.Read(std::string("cache/") + kDigest + "/file"), "1");
  EXPECT_THAT(scratch_.List("cache"), ElementsAre(kDigest, "current"));
  EXPECT_EQ(source_->stats().updated, 1);
  EXPECT_GT(source_->stats().last_success, absl::Now() - absl::Minutes(10));
}

TEST_F(UrlSourceTest, PassesTheExpectedDigestOn) {
  options_.has_trusted_keys = false;
  options_.expected_digest = kDigest;
  Serve();
  Create();
  ASSERT_TRUE(source_->PollOnce().ok());
  EXPECT_EQ(offered_[0].expected_digest, kDigest);
}

TEST_F(UrlSourceTest, AsksOnlyForWhatIsNewerThanWhatWasActivated) {
  Serve();
  Create();
  ASSERT_TRUE(source_->PollOnce().ok());
  EXPECT_THAT(LastRequest(), Not(HasSubstr("If-None-Match")));
  Answer({.status = 304});
  ASSERT_TRUE(source_->PollOnce().ok());
  EXPECT_THAT(LastRequest(), HasSubstr("If-None-Match: \"1\"\r\n"));
  EXPECT_EQ(offered_.size(), 1);
  EXPECT_EQ(source_->stats().not_modified, 1);
}

TEST_F(UrlSourceTest, NoticesAKnownEtagFromAServerThatAlwaysSendsTheBody) {
  Serve();
  Create();
  ASSERT_TRUE(source_->PollOnce().ok());
  ASSERT_TRUE(source_->PollOnce().ok());
  EXPECT_EQ(offered_.size(), 1);
  EXPECT_EQ(source_->stats().not_modified, 1);
}

TEST_F(UrlSourceTest, NoticesEqualBytesFromAServerWithoutEtags) {
  answer_.headers.clear();
  Serve();
  Create();
  ASSERT_TRUE(source_->PollOnce().ok());
  ASSERT_TRUE(source_->PollOnce().ok());
  EXPECT_EQ(offered_.size(), 1);
}

TEST_F(UrlSourceTest, DoesNotFetchAgainWhatTheManagerRefused) {
  refusal_ = absl::FailedPreconditionError("golden query `g` now chooses `small`");
  Serve();
  Create();
  EXPECT_EQ(source_->PollOnce(), refusal_);
  EXPECT_TRUE(source_->PollOnce().ok());  // not modified
  EXPECT_EQ(offered_.size(), 1);
  EXPECT_FALSE(source_->CachedBundle().has_value());
  EXPECT_THAT(scratch_.List("cache"), ElementsAre());
}

TEST_F(UrlSourceTest, OffersAgainWhatWasSuperseded) {
  refusal_ = absl::AbortedError("superseded by a newer request");
  Serve();
  Create();
  EXPECT_TRUE(absl::IsAborted(source_->PollOnce()));
  refusal_ = absl::OkStatus();
  EXPECT_TRUE(source_->PollOnce().ok());
  EXPECT_EQ(offered_.size(), 2);
}

TEST_F(UrlSourceTest, RefusesABadArchiveWithoutAskingTheManagerAndOnlyOnce) {
  answer_.body = Tar({{"../evil", "1"}}, Compression::kGzip);
  Serve();
  Create();
  EXPECT_TRUE(absl::IsInvalidArgument(source_->PollOnce()));
  EXPECT_TRUE(source_->PollOnce().ok());
  EXPECT_TRUE(offered_.empty());
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "evil"));
  EXPECT_THAT(scratch_.List("cache"), ElementsAre());
}

TEST_F(UrlSourceTest, RefusesAnAnnouncedAndAnUnannouncedOversize) {
  options_.fetch.max_bytes = 1000;
  answer_.body = std::string(100'000, 'x');
  Serve();
  Create();
  EXPECT_TRUE(absl::IsResourceExhausted(source_->PollOnce()));
  answer_.without_length = true;
  EXPECT_TRUE(absl::IsResourceExhausted(source_->PollOnce()));
  EXPECT_TRUE(offered_.empty());
}

TEST_F(UrlSourceTest, FetchesAgainWhatWasCutOff) {
  answer_.missing_bytes = 10;
  Serve();
  Create();
  EXPECT_TRUE(absl::IsUnavailable(source_->PollOnce()));
  Answer({.headers = answer_.headers, .body = answer_.body});
  EXPECT_TRUE(source_->PollOnce().ok());
  EXPECT_EQ(offered_.size(), 1);
}

TEST_F(UrlSourceTest, TellsErrorsOfTheServerApart) {
  Serve();
  Create();
  Answer({.status = 500});
  EXPECT_TRUE(absl::IsUnavailable(source_->PollOnce()));
  Answer({.status = 404, .body = "no such page"});
  const absl::Status missing = source_->PollOnce();
  EXPECT_TRUE(absl::IsNotFound(missing));
  EXPECT_THAT(missing.message(), HasSubstr("status 404"));
  Answer({.status = 403});
  EXPECT_TRUE(absl::IsPermissionDenied(source_->PollOnce()));
  EXPECT_EQ(source_->stats().failed, 3);
}

TEST_F(UrlSourceTest, GoesOnPollingThroughFailures) {
  answer_.status = 500;
  Serve();
  Create();
  source_->Start();
  ASSERT_TRUE(polled_.WaitFor(4));
  EXPECT_EQ(source_->stats().updated, 0);
  Answer({.headers = "ETag: \"2\"\r\n", .body = Tar({{"file", "2"}})});
  EXPECT_TRUE(Eventually([&] { return source_->stats().updated == 1; }));
  EXPECT_TRUE(Eventually([&] { return source_->stats().not_modified >= 2; }));
}

TEST_F(UrlSourceTest, StopsAtOnceWhileAServerDoesNotAnswer) {
  answer_.hang = true;
  Serve();
  Create();
  source_->Start();
  ASSERT_TRUE(Eventually([&] { return server_->requests() == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  source_->Stop();
  // Far below the time after which a stalled transfer ends by itself.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, options_.fetch.stall_timeout / 2);
  EXPECT_EQ(polled_.count(), 0);
}

TEST_F(UrlSourceTest, StopsAtOnceWhileTheManagerLoads) {
  BundleManager::Done pending;
  options_.request = [&](BundleWish wish, BundleManager::Done done) {
    const std::lock_guard lock(mutex_);
    offered_.push_back(std::move(wish));
    pending = std::move(done);
  };
  Serve();
  Create();
  source_->Start();
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex_);
    return !offered_.empty();
  }));
  source_->Stop();
  EXPECT_TRUE(std::filesystem::exists(offered_[0].path));  // the manager may be reading it
  source_.reset();
  pending(absl::CancelledError("the server is shutting down"));
}

TEST_F(UrlSourceTest, TrustsOnlyTheGivenCertificateAuthority) {
  Serve(/*tls=*/true);
  Create();
  const absl::Status untrusted = source_->PollOnce();
  EXPECT_TRUE(absl::IsUnavailable(untrusted));
  EXPECT_THAT(untrusted.message(), HasSubstr("certificate"));
  EXPECT_TRUE(offered_.empty());
  source_.reset();
  options_.fetch.ca_file = scratch_.Write("ca.pem", server_->certificate());
  Create();
  const absl::Status trusted = source_->PollOnce();
  EXPECT_TRUE(trusted.ok()) << trusted;
}

TEST_F(UrlSourceTest, DoesNotFollowARedirectToPlainHttp) {
  Serve(/*tls=*/true);
  options_.fetch.ca_file = scratch_.Write("ca.pem", server_->certificate());
  ScriptedHttpsServer plain(false, [](const std::string&) { return ScriptedAnswer(); });
  Answer({.status = 302, .headers = "Location: " + plain.Url() + "\r\n"});
  Create();
  EXPECT_FALSE(source_->PollOnce().ok());
  EXPECT_EQ(plain.requests(), 0);
}

TEST_F(UrlSourceTest, ShowsNoSecretsOfTheUrl) {
  EXPECT_EQ(ShownUrl("https://user:secret@host/bundle.tar?token=secret#x"),
            "https://host/bundle.tar");
}

TEST_F(UrlSourceTest, RefusesUrlsThatAreNotHttps) {
  for (const char* url : {"http://bundles.example/b.tar", "file:///etc/passwd", "ftp://h/b", "",
                          "http://127.0.0.1.example/b", "http://localhost/b", "not a url"}) {
    options_.fetch.url = url;
    EXPECT_TRUE(absl::IsInvalidArgument(UrlSource::Create(options_).status())) << url;
  }
  options_.fetch.url = "http://127.0.0.1/b";
  options_.loopback_http = false;
  EXPECT_TRUE(absl::IsInvalidArgument(UrlSource::Create(options_).status()));
}

TEST_F(UrlSourceTest, DemandsADigestOrTrustedKeys) {
  options_.fetch.url = "https://bundles.example/b.tar";
  options_.has_trusted_keys = false;
  EXPECT_TRUE(absl::IsInvalidArgument(UrlSource::Create(options_).status()));
  options_.expected_digest = "abc";
  EXPECT_TRUE(absl::IsInvalidArgument(UrlSource::Create(options_).status()));
  options_.expected_digest = kDigest;
  EXPECT_TRUE(UrlSource::Create(options_).ok());
}

TEST_F(UrlSourceTest, ServesARealBundleAndKeepsItWhenAnotherDigestComes) {
  BuildOptions build;
  build.version = "1";
  const auto first = Build(TinySources(), scratch_ / "one", build);
  ASSERT_TRUE(first.ok());
  build.version = "2";
  ASSERT_TRUE(Build(TinySources(), scratch_ / "two", build).ok());
  SnapshotHolder holder;
  Metrics metrics("test");
  BundleManager manager(
      holder,
      [](const std::string& path,
         const std::string&) -> absl::StatusOr<std::shared_ptr<const Engine>> {
        auto engine = Engine::Load(path);
        if (!engine.ok()) return engine.status();
        return std::shared_ptr<const Engine>(*std::move(engine));
      },
      [&](std::shared_ptr<const Engine> engine) {
        BundleMetrics resolved(engine->catalogue(), engine->policies(), metrics);
        return std::make_shared<const Snapshot>(Snapshot{std::move(engine), std::move(resolved)});
      },
      {});
  options_.expected_digest = first->digest();
  options_.request = [&](BundleWish wish, BundleManager::Done done) {
    manager.Request(std::move(wish), std::move(done));
  };
  answer_.body = TarOfDirectory(scratch_ / "one", "one/");
  Serve();
  Create();
  const absl::Status status = source_->PollOnce();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(holder.Get()->engine->manifest().digest(), first->digest());
  EXPECT_TRUE(Engine::Load(*source_->CachedBundle()).ok());

  Answer({.headers = "ETag: \"2\"\r\n", .body = TarOfDirectory(scratch_ / "two", "./")});
  EXPECT_TRUE(absl::IsFailedPrecondition(source_->PollOnce()));
  EXPECT_EQ(holder.Get()->engine->manifest().version(), "1");
  EXPECT_EQ(source_->CachedBundle(), scratch_ / "cache/" + first->digest());
  source_.reset();
}

TEST(BackOffTest, DoublesUpToTheLongestAndKeepsHalfAtLeast) {
  const milliseconds first(1000);
  const milliseconds longest(300'000);
  EXPECT_EQ(BackOff(1, first, longest, 1), milliseconds(1000));
  EXPECT_EQ(BackOff(1, first, longest, 0), milliseconds(500));
  EXPECT_EQ(BackOff(4, first, longest, 1), milliseconds(8000));
  EXPECT_EQ(BackOff(12, first, longest, 1), longest);
  EXPECT_EQ(BackOff(1'000'000, first, longest, 0), longest / 2);
}

}  // namespace
}  // namespace pointsman::server
