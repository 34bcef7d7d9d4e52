// The decision log: every decision as one JSON line, in a file that is rotated or on standard
// output. Threads that answer requests format their line and copy it into a bounded ring, which
// takes a microsecond or two and never waits for a disk; one thread writes. What cannot be logged
// is dropped and counted by reason, and decisions go on.
//
// The format is pointsman/v1/decision_log.proto; settings, privacy and what is lost when are in
// README.md of this folder.
#ifndef POINTSMAN_SERVER_DECISION_LOG_DECISION_LOG_H_
#define POINTSMAN_SERVER_DECISION_LOG_DECISION_LOG_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "pointsman/v1/router.pb.h"
#include "server/decision_log/record_line.h"
#include "server/decision_log/writer.h"

namespace pointsman::server {

// What of a request is logged: its size and a keyed hash, or all of it.
enum class LogContent { kHash, kText };

// For labels of metrics: "ring_full", "too_large", "write_failed", "closed".
std::string_view Name(DropReason reason);

class DecisionLog {
 public:
  struct Options {
    std::string destination;              // path of a file, or "-": standard output
    size_t ring_bytes = size_t{8} << 20;  // 512 KiB to 1 GiB
    size_t max_candidates = 5;            // logged of each decision, 0 to 256
    LogContent content = LogContent::kHash;
    std::string hash_key_file;         // empty: a random key, so hashes compare within this process
    std::string redact_patterns_file;  // empty: nothing is redacted
    size_t max_file_bytes = size_t{256} << 20;     // 256 KiB to 1 TiB
    size_t max_files = 8;                          // rotated ones that are kept, 1 to 10,000
    std::chrono::milliseconds rotate_interval{0};  // since the file was opened; 0: never by time
    FsyncPolicy fsync = FsyncPolicy::kNever;
    std::chrono::milliseconds fsync_interval{1000};  // > 0
    std::chrono::milliseconds flush_interval{50};    // > 0: a line is this late at most
    std::chrono::milliseconds retry_interval{1000};  // > 0: between tries after a failed write
  };

  // Counts since Open. Every recorded decision is in `records` or in `dropped` once the log is
  // closed; until then it may be in the ring.
  struct Stats {
    uint64_t records = 0;                          // written
    uint64_t bytes = 0;                            // written
    std::array<uint64_t, kDropReasons> dropped{};  // by DropReason
    uint64_t rotations = 0;
    uint64_t write_errors = 0;  // failed writes, syncs, rotations; a failing disk counts each try
    size_t ring_bytes_used = 0;
    size_t ring_bytes = 0;
    std::chrono::nanoseconds writer_cpu{0};  // CPU time of the writing thread
  };

  // Checks everything before the first decision: INVALID_ARGUMENT names the option, its bound and
  // its value, or file:line of a pattern; NOT_FOUND and PERMISSION_DENIED what the system says of a
  // path; FAILED_PRECONDITION a file that is none of ours or that another process writes.
  static absl::StatusOr<std::unique_ptr<DecisionLog>> Open(const Options& options);

  // Closes with a timeout of 5 s.
  ~DecisionLog();
  DecisionLog(const DecisionLog&) = delete;
  DecisionLog& operator=(const DecisionLog&) = delete;

  // Thread-safe; allocates nothing after the first calls of a thread, unless contents are logged.
  void Record(const v1::RouteRequest& request, const v1::RouteResponse& response,
              const RecordFacts& facts);

  // Thread-safe. Has the writer open the path again within flush_interval, for logrotate and its
  // like: lines that are in the ring at the call may still go to the old file.
  void Reopen();

  // Thread-safe.
  Stats stats() const;

  // Drops what is recorded from now on, and waits until everything before is written and synced as
  // the policy says. False if that took longer than `timeout` (a disk that hangs): then the rest is
  // lost and counted as `closed`. Thread-safe; later calls return the same at once.
  bool Close(std::chrono::milliseconds timeout);

 private:
  struct Shared;

  DecisionLog(const Options& options, InputHasher hasher, Redactor redactor, LogFile file);

  const size_t max_candidates_;
  const LogContent content_;
  const InputHasher hasher_;
  const Redactor redactor_;
  // Also the thread's, so that one which hangs in the system does not hold up the end.
  const std::shared_ptr<Shared> shared_;

  std::mutex close_mutex_;
  bool is_closed_ = false;
  bool closed_whole_ = false;
  std::thread thread_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_DECISION_LOG_H_
