// The one thread of the decision log: takes whole chunks of lines out of the ring and writes each
// with one system call, rotates, syncs, and outlives a full disk.
//
// A chunk that cannot be written is lost and counted; then the writer backs off, while the ring
// takes what comes, and tries again.
#ifndef POINTSMAN_SERVER_DECISION_LOG_WRITER_H_
#define POINTSMAN_SERVER_DECISION_LOG_WRITER_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "server/decision_log/byte_ring.h"
#include "server/decision_log/log_file.h"

namespace pointsman::server {

enum class FsyncPolicy { kNever, kRotate, kInterval };

// Why a decision is not in the log.
enum class DropReason { kRingFull, kTooLarge, kWriteFailed, kClosed };
inline constexpr size_t kDropReasons = 4;

struct WriterOptions {
  size_t max_file_bytes;
  size_t max_files;                           // rotated ones that are kept
  std::chrono::milliseconds rotate_interval;  // 0: never
  FsyncPolicy fsync;
  std::chrono::milliseconds fsync_interval;
  std::chrono::milliseconds flush_interval;
  std::chrono::milliseconds retry_interval;
};

// Counted by request threads and by the writer, read by anybody.
struct LogCounters {
  std::atomic<uint64_t> records{0};
  std::atomic<uint64_t> bytes{0};
  std::array<std::atomic<uint64_t>, kDropReasons> dropped{};
  std::atomic<uint64_t> rotations{0};
  std::atomic<uint64_t> write_errors{0};

  void Drop(DropReason reason, uint64_t lines = 1) {
    dropped[static_cast<size_t>(reason)].fetch_add(lines, std::memory_order_relaxed);
  }
};

// Not thread-safe but for RequestReopen and GiveUp: Run belongs to the writer's thread.
class LogWriter {
 public:
  LogWriter(WriterOptions options, LogFile file, ByteRing& ring, LogCounters& counters);

  // Until the ring is closed and empty. Blocks every signal of the calling thread, so that a broken
  // pipe or a file size limit is an error of a write.
  void Run();

  // Opens the path again before the next chunk.
  void RequestReopen() { reopen_.store(true, std::memory_order_relaxed); }
  // Stops waiting for a pipe.
  void GiveUp() { give_up_.store(true, std::memory_order_relaxed); }

  // CPU time that the thread has used, updated after each round.
  std::chrono::nanoseconds cpu_time() const {
    return std::chrono::nanoseconds(cpu_ns_.load(std::memory_order_relaxed));
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Writes the oldest lines, or rotates to make room for them; false when nothing is left, or after
  // a failure.
  bool WriteChunk();
  void RotateIfDue(Clock::time_point now);
  void Rotate(Clock::time_point now);
  void ReopenIfAsked(Clock::time_point now);
  void SyncIfDue(Clock::time_point now);
  // Counts it; nothing if the status is OK. In the server's log at most once a minute.
  void NoteFailure(const absl::Status& status);
  void ReportRecovery();
  void ReportFullRing(Clock::time_point now);
  uint64_t Lost(DropReason reason) const;

  const WriterOptions options_;
  LogFile file_;
  ByteRing& ring_;
  LogCounters& counters_;
  std::atomic<bool> reopen_{false};
  std::atomic<bool> give_up_{false};
  std::atomic<int64_t> cpu_ns_{0};

  Clock::time_point file_since_;
  Clock::time_point last_sync_;
  // After failures: of writes, of rotations, of opening again.
  Clock::time_point next_try_;
  Clock::time_point next_rotation_try_;
  Clock::time_point next_reopen_try_;
  bool is_dirty_ = false;  // written to since the last sync
  bool abandoned_ = false;
  bool is_failure_reported_ = false;
  Clock::time_point next_report_;
  uint64_t reported_full_ = 0;
  Clock::time_point next_full_report_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_WRITER_H_
