#include "server/reload/url_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <random>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace pointsman::server {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxDoublings = 30;

bool IsHexDigest(const std::string& text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Whether the same bytes would fail in the same way again.
bool IsLasting(const absl::Status& failure) {
  return absl::IsInvalidArgument(failure) || absl::IsDataLoss(failure) ||
         absl::IsFailedPrecondition(failure) || absl::IsNotFound(failure) ||
         absl::IsPermissionDenied(failure) || absl::IsUnauthenticated(failure) ||
         absl::IsUnimplemented(failure);
}

absl::Status CheckOptions(const UrlSource::Options& options) {
  const absl::Status url = CheckFetchUrl(options.fetch.url, options.loopback_http);
  if (!url.ok()) return url;
  if (options.expected_digest.empty() && !options.has_trusted_keys) {
    return absl::InvalidArgumentError(
        absl::StrCat(ShownUrl(options.fetch.url),
                     ": a bundle from a URL needs an expected digest "
                     "or trusted keys, since anyone who can write there could replace it"));
  }
  if (!options.expected_digest.empty() && !IsHexDigest(options.expected_digest)) {
    return absl::InvalidArgumentError(absl::StrCat("the expected digest `", options.expected_digest,
                                                   "` is not of 64 lower-case hex digits"));
  }
  if (options.poll_interval < milliseconds(1) || options.first_back_off < milliseconds(1) ||
      options.longest_back_off < options.first_back_off) {
    return absl::InvalidArgumentError(absl::StrCat(
        ShownUrl(options.fetch.url), ": polling needs an interval (", options.poll_interval.count(),
        " ms) and a back-off (", options.first_back_off.count(), " to ",
        options.longest_back_off.count(), " ms) of at least 1 ms"));
  }
  return absl::OkStatus();
}

// The manager's answer, kept by both sides, since the source may stop before it comes.
struct Answer {
  std::mutex mutex;
  std::condition_variable changed;
  bool came = false;
  absl::Status status;
};

}  // namespace

milliseconds BackOff(int failures, milliseconds first, milliseconds longest, double uniform) {
  const int doublings = std::clamp(failures - 1, 0, kMaxDoublings);
  const double full = std::min(std::ldexp(static_cast<double>(first.count()), doublings),
                               static_cast<double>(longest.count()));
  return milliseconds(std::llround(full * (0.5 + 0.5 * uniform)));
}

absl::StatusOr<std::unique_ptr<UrlSource>> UrlSource::Create(Options options) {
  const absl::Status status = CheckOptions(options);
  if (!status.ok()) return status;
  absl::StatusOr<std::shared_ptr<BundleCache>> cache = BundleCache::Open(options.cache_directory);
  if (!cache.ok()) return cache.status();
  return std::unique_ptr<UrlSource>(new UrlSource(std::move(options), *std::move(cache)));
}

UrlSource::UrlSource(Options options, std::shared_ptr<BundleCache> cache)
    : options_(std::move(options)), cache_(std::move(cache)) {}

UrlSource::~UrlSource() { Stop(); }

absl::Status UrlSource::PollOnce() {
  const Poll poll = DoPoll();
  Record(poll);
  return poll.status;
}

void UrlSource::Start() {
  thread_ = std::thread([this] { Run(); });
}

void UrlSource::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

UrlSourceStats UrlSource::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

bool UrlSource::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void UrlSource::Run() {
  std::mt19937_64 random(std::random_device{}());
  std::uniform_real_distribution<double> uniform(0, 1);
  int failures = 0;
  while (!stopping()) {
    const Poll poll = DoPoll();
    if (stopping()) return;  // what the stop made fail is no failure
    Record(poll);
    failures = poll.result == PollResult::kFailed ? failures + 1 : 0;
    milliseconds pause = options_.poll_interval;
    pause += milliseconds(std::llround(static_cast<double>(pause.count()) * 0.1 * uniform(random)));
    if (failures > 0) {
      // A bundle that was refused is not fetched again, so a short pause would only ask again.
      const milliseconds back_off =
          BackOff(failures, options_.first_back_off, options_.longest_back_off, uniform(random));
      pause = IsLasting(poll.status) ? std::max(pause, back_off) : back_off;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, pause, [this] { return stopping_; });
  }
}

UrlSource::Poll UrlSource::DoPoll() {
  Poll poll;
  absl::StatusOr<std::string> incoming = cache_->NewIncoming();
  if (!incoming.ok()) {
    poll.status = incoming.status();
    return poll;
  }
  poll = FetchInto(*incoming);
  if (!offer_pending_) BundleCache::Remove(*incoming);
  return poll;
}

UrlSource::Poll UrlSource::FetchInto(const std::string& incoming) {
  Poll poll;
  const auto stopped = [this] { return stopping(); };
  const std::string archive = absl::StrCat(incoming, "/archive");
  FetchResult fetched;
  {
    const OpenFile file(open(archive.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.is_open()) {
      poll.status = absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", archive));
      return poll;
    }
    FetchRequest request = options_.fetch;
    request.etag = known_etag_;
    absl::StatusOr<FetchResult> result = Fetch(request, file.get(), stopped);
    if (!result.ok()) {
      poll.status = result.status();
      return poll;
    }
    fetched = *std::move(result);
  }
  if (fetched.not_modified || fetched.sha256 == known_sha256_) {
    if (!fetched.not_modified) known_etag_ = fetched.etag;  // the same bytes under a new one
    poll.result = PollResult::kNotModified;
    return poll;
  }
  const std::string bundle = absl::StrCat(incoming, "/bundle");
  if (mkdir(bundle.c_str(), 0755) != 0) {
    poll.status = absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", bundle));
    return poll;
  }
  poll.status = UnpackBundleArchive(archive, shown_url(), bundle, options_.archive, stopped);
  if (poll.status.ok()) {
    BundleCache::Remove(archive);  // its space is better used while the bundle is loaded
    poll.status = Offer(bundle);
    poll.seen_by_manager = true;
  }
  if (poll.status.ok()) poll.result = PollResult::kUpdated;
  if (poll.status.ok() || IsLasting(poll.status)) {
    known_etag_ = std::move(fetched.etag);
    known_sha256_ = std::move(fetched.sha256);
  }
  return poll;
}

absl::Status UrlSource::Offer(const std::string& bundle) {
  const auto answer = std::make_shared<Answer>();
  BundleWish wish;
  wish.path = bundle;
  wish.source = shown_url();
  wish.expected_digest = options_.expected_digest;
  wish.settle = [cache = cache_, bundle](const std::string& digest) {
    return cache->Keep(bundle, digest);
  };
  options_.request(std::move(wish),
                   [answer](const absl::StatusOr<v1::ActivateBundleResponse>& response) {
                     const std::lock_guard lock(answer->mutex);
                     answer->came = true;
                     answer->status = response.status();
                     answer->changed.notify_all();
                   });
  std::unique_lock lock(answer->mutex);
  for (;;) {
    if (answer->came) return answer->status;
    if (stopping()) {
      offer_pending_ = true;
      return absl::CancelledError("stopped while the bundle was being loaded");
    }
    answer->changed.wait_for(lock, milliseconds(50));  // two things may end the wait
  }
}

void UrlSource::Record(const Poll& poll) {
  {
    const std::lock_guard lock(mutex_);
    switch (poll.result) {
      case PollResult::kUpdated:
        ++stats_.updated;
        break;
      case PollResult::kNotModified:
        ++stats_.not_modified;
        break;
      case PollResult::kFailed:
        ++stats_.failed;
        break;
    }
    if (poll.result != PollResult::kFailed) stats_.last_success = absl::Now();
  }
  if (options_.on_poll) options_.on_poll(poll.result, poll.status, poll.seen_by_manager);
}

}  // namespace pointsman::server
