// Bundles from an HTTPS URL: polls an archive of a bundle directory, and hands each new one to the
// manager as a wish. It verifies nothing itself, so it demands that the loader does: by an expected
// digest or by trusted keys.
//
// What was activated or refused is not fetched again as long as its ETag (or, without one, the
// archive's SHA-256) stays the same. Failures of the network, and of the disk, are tried again
// after a growing pause. Nothing is remembered across restarts but the bundles themselves.
#ifndef POINTSMAN_SERVER_RELOAD_URL_SOURCE_H_
#define POINTSMAN_SERVER_RELOAD_URL_SOURCE_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/reload/bundle_archive.h"
#include "server/reload/bundle_cache.h"
#include "server/reload/bundle_manager.h"
#include "server/reload/https_fetch.h"

namespace pointsman::server {

// How a poll ended. kFailed also when the archive or its bundle was refused.
enum class PollResult { kUpdated, kNotModified, kFailed };
inline constexpr int kPollResultCount = 3;

struct UrlSourceStats {
  int64_t updated = 0;
  int64_t not_modified = 0;
  int64_t failed = 0;
  absl::Time last_success = absl::InfinitePast();  // updated or not modified
};

// The pause after so many failures in a row (>= 1): `first`, doubled with each, at most `longest`,
// of which the share `uniform` in 0..1 of the upper half is random, so that servers that failed
// together do not come back together.
std::chrono::milliseconds BackOff(int failures, std::chrono::milliseconds first,
                                  std::chrono::milliseconds longest, double uniform);

class UrlSource {
 public:
  struct Options {
    FetchRequest fetch;             // url, ca_file, bounds; the etag is the source's own
    std::string cache_directory;    // see bundle_cache.h
    std::string expected_digest;    // hex; empty: any bundle that a trusted key has signed
    bool has_trusted_keys = false;  // the loader refuses bundles without a trusted signature
    bool loopback_http = false;     // for tests: allow http to 127.0.0.0/8 and [::1]
    ArchiveBounds archive;
    std::chrono::milliseconds poll_interval{60'000};  // up to a tenth more at random
    std::chrono::milliseconds first_back_off{1'000};
    std::chrono::milliseconds longest_back_off{300'000};
    // BundleManager::Request. The manager must outlive the source.
    std::function<void(BundleWish, BundleManager::Done)> request;
    // After each poll, on its thread. The status of a failure says what failed. `seen_by_manager`:
    // the failure is the manager's, which told of it already; see BundleManager::RecordFailure for
    // the others. May be empty.
    std::function<void(PollResult, const absl::Status&, bool seen_by_manager)> on_poll;
  };

  // INVALID_ARGUMENT for a URL that is not https, a digest that is none, neither a digest nor
  // trusted keys, or durations out of range; else errors of BundleCache::Open.
  static absl::StatusOr<std::unique_ptr<UrlSource>> Create(Options options);

  ~UrlSource();
  UrlSource(const UrlSource&) = delete;
  UrlSource& operator=(const UrlSource&) = delete;

  // The bundle from this source that went into service last, in an earlier life of the server, too.
  // Its path stays readable until two others were activated.
  std::optional<std::string> CachedBundle() const { return cache_->Current(); }

  // Fetches once and waits for the manager's answer. Before Start only, on the caller's thread: the
  // first bundle of a server that has none cached.
  absl::Status PollOnce();

  // Polls from now on, on a thread of its own. Once.
  void Start();

  // Ends a fetch in progress within a second or so and the thread with it. A bundle that the
  // manager is loading stays where it is, and is removed at the next start.
  void Stop();

  // Thread-safe.
  UrlSourceStats stats() const;
  // The URL without what may be secret in it.
  std::string shown_url() const { return ShownUrl(options_.fetch.url); }

 private:
  struct Poll {
    PollResult result = PollResult::kFailed;
    absl::Status status;
    bool seen_by_manager = false;
  };

  UrlSource(Options options, std::shared_ptr<BundleCache> cache);
  void Run();
  Poll DoPoll();
  Poll FetchInto(const std::string& incoming);
  absl::Status Offer(const std::string& bundle);
  void Record(const Poll& poll);
  bool stopping() const;

  const Options options_;
  const std::shared_ptr<BundleCache> cache_;

  // Of the polling thread alone.
  std::string known_etag_;    // of what was activated or refused last
  std::string known_sha256_;  // likewise
  bool offer_pending_ = false;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  UrlSourceStats stats_;   // guarded by mutex_
  std::thread thread_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_URL_SOURCE_H_
