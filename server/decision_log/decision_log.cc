#include "server/decision_log/decision_log.h"

#include <condition_variable>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/string_view.h"
#include "server/decision_log/byte_ring.h"
#include "server/decision_log/json_buffer.h"

namespace pointsman::server {
namespace {

constexpr size_t kMinRingBytes = size_t{512} << 10;  // a few of the longest lines
constexpr size_t kMaxRingBytes = size_t{1} << 30;
constexpr size_t kMaxCandidates = 256;
constexpr size_t kMinFileBytes = kMaxLineBytes;  // every line fits into an empty file
constexpr size_t kMaxFileBytes = size_t{1} << 40;
constexpr size_t kMaxFiles = 10'000;
// A thread's buffer that a huge request has blown up beyond this is given back.
constexpr size_t kKeptBufferBytes = size_t{512} << 10;
constexpr std::chrono::seconds kCloseTimeout(5);

absl::Status CheckRange(std::string_view option, size_t value, size_t lowest, size_t highest) {
  if (value >= lowest && value <= highest) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("decision log: ", ToAbsl(option), " is ", lowest,
                                                 " to ", highest, ", not ", value));
}

absl::Status CheckPositive(std::string_view option, std::chrono::milliseconds value) {
  if (value.count() > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("decision log: ", ToAbsl(option), " is above 0 ms, not ", value.count()));
}

absl::Status Check(const DecisionLog::Options& options) {
  if (options.destination.empty()) {
    return absl::InvalidArgumentError(
        "decision log: no destination; give the path of a file, or \"-\" for standard output");
  }
  if (options.rotate_interval.count() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("decision log: rotate_interval is at least 0 ms, "
                     "not ",
                     options.rotate_interval.count()));
  }
  for (const absl::Status& status :
       {CheckRange("ring_bytes", options.ring_bytes, kMinRingBytes, kMaxRingBytes),
        CheckRange("max_candidates", options.max_candidates, 0, kMaxCandidates),
        CheckRange("max_file_bytes", options.max_file_bytes, kMinFileBytes, kMaxFileBytes),
        CheckRange("max_files", options.max_files, 1, kMaxFiles),
        CheckPositive("fsync_interval", options.fsync_interval),
        CheckPositive("flush_interval", options.flush_interval),
        CheckPositive("retry_interval", options.retry_interval)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<InputHasher> MakeHasher(const std::string& key_file) {
  const absl::StatusOr<std::string> key = key_file.empty() ? MakeHashKey() : ReadHashKey(key_file);
  if (!key.ok()) return key.status();
  return InputHasher::Create(*key);
}

WriterOptions ForWriter(const DecisionLog::Options& options) {
  return {.max_file_bytes = options.max_file_bytes,
          .max_files = options.max_files,
          .rotate_interval = options.rotate_interval,
          .fsync = options.fsync,
          .fsync_interval = options.fsync_interval,
          .flush_interval = options.flush_interval,
          .retry_interval = options.retry_interval};
}

}  // namespace

std::string_view Name(DropReason reason) {
  switch (reason) {
    case DropReason::kRingFull:
      return "ring_full";
    case DropReason::kTooLarge:
      return "too_large";
    case DropReason::kWriteFailed:
      return "write_failed";
    case DropReason::kClosed:
      return "closed";
  }
  return "";
}

struct DecisionLog::Shared {
  Shared(const Options& options, LogFile file)
      : ring(options.ring_bytes), writer(ForWriter(options), std::move(file), ring, counters) {}

  LogCounters counters;
  ByteRing ring;
  LogWriter writer;
  std::mutex mutex;
  std::condition_variable finished;
  bool is_finished = false;
};

absl::StatusOr<std::unique_ptr<DecisionLog>> DecisionLog::Open(const Options& options) {
  absl::Status status = Check(options);
  if (!status.ok()) return status;
  absl::StatusOr<InputHasher> hasher = MakeHasher(options.hash_key_file);
  if (!hasher.ok()) return hasher.status();
  Redactor redactor;
  if (!options.redact_patterns_file.empty()) {
    absl::StatusOr<Redactor> read = Redactor::Read(options.redact_patterns_file);
    if (!read.ok()) return read.status();
    redactor = *std::move(read);
  }
  absl::StatusOr<LogFile> file = LogFile::Open(options.destination);
  if (!file.ok()) return file.status();
  return std::unique_ptr<DecisionLog>(
      new DecisionLog(options, *std::move(hasher), std::move(redactor), *std::move(file)));
}

DecisionLog::DecisionLog(const Options& options, InputHasher hasher, Redactor redactor,
                         LogFile file)
    : max_candidates_(options.max_candidates),
      content_(options.content),
      hasher_(std::move(hasher)),
      redactor_(std::move(redactor)),
      shared_(std::make_shared<Shared>(options, std::move(file))),
      thread_([shared = shared_] {
        shared->writer.Run();
        const std::lock_guard lock(shared->mutex);
        shared->is_finished = true;
        shared->finished.notify_all();
      }) {}

DecisionLog::~DecisionLog() { Close(kCloseTimeout); }

void DecisionLog::Record(const v1::RouteRequest& request, const v1::RouteResponse& response,
                         const RecordFacts& facts) {
  thread_local JsonBuffer line;
  const LineFormat format = {.hasher = hasher_,
                             .redactor = redactor_,
                             .max_candidates = max_candidates_,
                             .with_request = content_ == LogContent::kText};
  if (!FormatLine(format, request, response, facts, line)) {
    shared_->counters.Drop(DropReason::kTooLarge);
  } else {
    switch (shared_->ring.Push(line.view())) {
      case ByteRing::PushResult::kPushed:
        break;
      case ByteRing::PushResult::kFull:
        shared_->counters.Drop(DropReason::kRingFull);
        break;
      case ByteRing::PushResult::kClosed:
        shared_->counters.Drop(DropReason::kClosed);
        break;
    }
  }
  if (line.capacity() > kKeptBufferBytes) line.Free();
}

void DecisionLog::Reopen() {
  shared_->writer.RequestReopen();
  shared_->ring.Poke();
}

DecisionLog::Stats DecisionLog::stats() const {
  const LogCounters& counters = shared_->counters;
  Stats stats;
  stats.records = counters.records.load(std::memory_order_relaxed);
  stats.bytes = counters.bytes.load(std::memory_order_relaxed);
  for (size_t i = 0; i < kDropReasons; ++i) {
    stats.dropped[i] = counters.dropped[i].load(std::memory_order_relaxed);
  }
  stats.rotations = counters.rotations.load(std::memory_order_relaxed);
  stats.write_errors = counters.write_errors.load(std::memory_order_relaxed);
  stats.ring_bytes_used = shared_->ring.used_bytes();
  stats.ring_bytes = shared_->ring.capacity();
  stats.writer_cpu = shared_->writer.cpu_time();
  return stats;
}

bool DecisionLog::Close(std::chrono::milliseconds timeout) {
  const std::lock_guard closing(close_mutex_);
  if (is_closed_) return closed_whole_;
  is_closed_ = true;
  shared_->ring.Close();
  {
    std::unique_lock lock(shared_->mutex);
    closed_whole_ = shared_->finished.wait_for(lock, timeout, [&] { return shared_->is_finished; });
  }
  if (closed_whole_) {
    thread_.join();
    return true;
  }
  shared_->writer.GiveUp();
  shared_->counters.Drop(DropReason::kClosed, shared_->ring.Abandon());
  thread_.detach();
  return false;
}

}  // namespace pointsman::server
