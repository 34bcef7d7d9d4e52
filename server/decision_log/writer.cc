#include "server/decision_log/writer.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "server/decision_log/rotated_files.h"
#include "server/log.h"

namespace pointsman::server {
namespace {

// Most bytes of one write; longer than any line.
constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr int kChunksPerRound = 64;
// Of lines in the server's own log.
constexpr std::chrono::minutes kReportInterval(1);

void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

int64_t ThreadCpuNanos() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

int64_t UnixMillis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

size_t Size(const ByteRing::Parts& parts) { return parts[0].size() + parts[1].size(); }

ByteRing::Parts Prefix(const ByteRing::Parts& parts, size_t bytes) {
  const size_t first = std::min(bytes, parts[0].size());
  return {parts[0].substr(0, first), parts[1].substr(0, bytes - first)};
}

// The most whole lines of `parts` within `bytes`; 0 if not even one fits.
size_t WholeLines(const ByteRing::Parts& parts, size_t bytes) {
  if (bytes >= Size(parts)) return Size(parts);  // the ring holds whole lines only
  const ByteRing::Parts within = Prefix(parts, bytes);
  size_t end = within[1].rfind('\n');
  if (end != std::string_view::npos) return within[0].size() + end + 1;
  end = within[0].rfind('\n');
  return end == std::string_view::npos ? 0 : end + 1;
}

// By memchr, which looks at 32 bytes at a time: std::count would take as long as the write.
uint64_t CountLines(std::string_view lines) {
  uint64_t count = 0;
  for (size_t end; (end = lines.find('\n')) != std::string_view::npos; ++count) {
    lines.remove_prefix(end + 1);
  }
  return count;
}

uint64_t CountLines(const ByteRing::Parts& parts) {
  return CountLines(parts[0]) + CountLines(parts[1]);
}

}  // namespace

LogWriter::LogWriter(WriterOptions options, LogFile file, ByteRing& ring, LogCounters& counters)
    : options_(options),
      file_(std::move(file)),
      ring_(ring),
      counters_(counters),
      file_since_(Clock::now()),
      last_sync_(file_since_) {}

void LogWriter::Run() {
  BlockSignals();
  bool closed = false;
  while (!closed) {
    closed = ring_.Wait(options_.flush_interval);
    const Clock::time_point now = Clock::now();
    ReopenIfAsked(now);
    if (now >= next_try_) {
      RotateIfDue(now);
      // Bounded, so that syncs get their turn however fast lines come in.
      for (int chunks = 0; chunks < kChunksPerRound && WriteChunk(); ++chunks) {
      }
    }
    SyncIfDue(now);
    ReportFullRing(now);
    cpu_ns_.store(ThreadCpuNanos(), std::memory_order_relaxed);
  }
  // There is no later: what cannot be written now is lost, and counted, chunk by chunk.
  while (!abandoned_ && Size(ring_.Peek()) > 0) WriteChunk();
  if (options_.fsync != FsyncPolicy::kNever && is_dirty_) NoteFailure(file_.Sync());
  cpu_ns_.store(ThreadCpuNanos(), std::memory_order_relaxed);
}

bool LogWriter::WriteChunk() {
  const ByteRing::Parts waiting = ring_.Peek();
  if (Size(waiting) == 0) return false;
  size_t bytes = WholeLines(waiting, kChunkBytes);
  if (file_.is_regular()) {
    const size_t size = file_.Size();
    const size_t room = options_.max_file_bytes - std::min(size, options_.max_file_bytes);
    const size_t fitting = WholeLines(waiting, std::min(room, kChunkBytes));
    const Clock::time_point now = Clock::now();
    if (fitting == 0 && size > 0 && now >= next_rotation_try_) {
      Rotate(now);
      return true;
    }
    // A file that cannot be rotated grows on: better too long than not at all.
    if (fitting > 0) bytes = fitting;
  }
  const ByteRing::Parts chunk = Prefix(waiting, bytes);
  // Counted first: after Release the bytes belong to the threads that push.
  const uint64_t lines = CountLines(chunk);
  // Who waits for a reader that does not read has something to say meanwhile.
  const LogFile::Written written = file_.Write(chunk, [this] {
    ReportFullRing(Clock::now());
    return !give_up_.load(std::memory_order_relaxed);
  });
  const uint64_t kept = written.bytes == bytes ? lines : CountLines(Prefix(chunk, written.bytes));
  if (!ring_.Release(bytes, lines)) {  // counted as lost already
    abandoned_ = true;
    return false;
  }
  counters_.records.fetch_add(kept, std::memory_order_relaxed);
  counters_.bytes.fetch_add(written.bytes, std::memory_order_relaxed);
  if (written.bytes > 0) is_dirty_ = true;
  if (!written.status.ok()) {
    counters_.Drop(DropReason::kWriteFailed, lines - kept);
    next_try_ = Clock::now() + options_.retry_interval;
    NoteFailure(written.status);
    return false;
  }
  ReportRecovery();
  return true;
}

void LogWriter::RotateIfDue(Clock::time_point now) {
  if (options_.rotate_interval.count() == 0 || !file_.is_regular()) return;
  if (now - file_since_ < options_.rotate_interval || now < next_rotation_try_) return;
  if (file_.Size() > 0) {
    Rotate(now);
  } else {
    file_since_ = now;
  }
}

void LogWriter::Rotate(Clock::time_point now) {
  const bool syncs = options_.fsync != FsyncPolicy::kNever;
  if (syncs) NoteFailure(file_.Sync());
  const std::vector<std::string> rotated = RotatedFiles(file_.path());
  const absl::Status status = file_.Rotate(NextRotatedName(file_.path(), rotated, UnixMillis()));
  NoteFailure(status);
  if (!status.ok()) {
    next_rotation_try_ = now + options_.retry_interval;
    return;
  }
  counters_.rotations.fetch_add(1, std::memory_order_relaxed);
  file_since_ = now;
  is_dirty_ = false;
  NoteFailure(RemoveOldest(file_.path(), options_.max_files));
  if (syncs) NoteFailure(file_.SyncDirectory());
}

void LogWriter::ReopenIfAsked(Clock::time_point now) {
  if (now < next_reopen_try_ || !reopen_.exchange(false, std::memory_order_relaxed)) return;
  const absl::Status status = file_.Reopen();
  NoteFailure(status);
  if (status.ok()) {
    file_since_ = now;
  } else {
    RequestReopen();
    next_reopen_try_ = now + options_.retry_interval;
  }
}

void LogWriter::SyncIfDue(Clock::time_point now) {
  if (options_.fsync != FsyncPolicy::kInterval || !is_dirty_) return;
  if (now - last_sync_ < options_.fsync_interval) return;
  last_sync_ = now;
  is_dirty_ = false;
  NoteFailure(file_.Sync());
}

void LogWriter::NoteFailure(const absl::Status& status) {
  if (status.ok()) return;
  counters_.write_errors.fetch_add(1, std::memory_order_relaxed);
  const Clock::time_point now = Clock::now();
  if (now < next_report_) return;
  next_report_ = now + kReportInterval;
  is_failure_reported_ = true;
  const std::string reason(status.message());
  Log(Severity::kError, "the decision log is failing; decisions are not affected",
      {{"reason", std::string_view(reason)},
       {"records_lost", static_cast<int64_t>(Lost(DropReason::kWriteFailed))}});
}

void LogWriter::ReportRecovery() {
  if (!is_failure_reported_) return;
  is_failure_reported_ = false;
  Log(Severity::kInfo, "the decision log is written again",
      {{"records_lost", static_cast<int64_t>(Lost(DropReason::kWriteFailed))}});
}

void LogWriter::ReportFullRing(Clock::time_point now) {
  const uint64_t lost = Lost(DropReason::kRingFull);
  if (lost == reported_full_ || now < next_full_report_) return;
  next_full_report_ = now + kReportInterval;
  reported_full_ = lost;
  Log(Severity::kWarning, "the decision log's writer cannot keep up",
      {{"records_lost", static_cast<int64_t>(lost)}});
}

uint64_t LogWriter::Lost(DropReason reason) const {
  return counters_.dropped[static_cast<size_t>(reason)].load(std::memory_order_relaxed);
}

}  // namespace pointsman::server
