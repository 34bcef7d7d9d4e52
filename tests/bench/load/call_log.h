// What became of every call: kept whole until the end, so that the report is exact, not sampled.
#ifndef POINTSMAN_TESTS_BENCH_LOAD_CALL_LOG_H_
#define POINTSMAN_TESTS_BENCH_LOAD_CALL_LOG_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace pointsman::bench {

// Nanoseconds of CLOCK_MONOTONIC, which Python's time.monotonic() reads as well.
int64_t Now();

struct CallRecord {
  int64_t due_ns = 0;   // when the call should have started; latency counts from here
  int64_t sent_ns = 0;  // when it did
  int64_t received_ns = 0;
  int32_t code = 0;     // gRPC status code
  int32_t digest = -1;  // index into CallLog::digests(); -1: the answer has none
};

// The bundle digest in a serialised RouteResponse; empty if there is none. Skips over the rest of
// the message, since parsing it whole would cost more than sending the call did.
std::string BundleDigest(const grpc::ByteBuffer& response);

// Not thread-safe.
class CallLog {
 public:
  // `response` is looked at if `status` is OK.
  void Add(int64_t due_ns, int64_t sent_ns, int64_t received_ns, const grpc::Status& status,
           const grpc::ByteBuffer& response);

  const std::vector<CallRecord>& records() const { return records_; }  // in order of their end
  const std::vector<std::string>& digests() const { return digests_; }

  // The first few messages of each code but OK.
  const std::map<int, std::set<std::string>>& messages() const { return messages_; }

  // By code: errors that carried a google.rpc.RetryInfo, and their shortest and longest delay.
  struct RetryDelays {
    int64_t count = 0;
    double shortest_ms = 0;
    double longest_ms = 0;
  };
  const std::map<int, RetryDelays>& retry_delays() const { return retry_delays_; }

 private:
  int32_t IndexOf(std::string_view digest);
  void NoteError(const grpc::Status& status);

  std::vector<CallRecord> records_;
  std::vector<std::string> digests_;
  int32_t last_digest_ = -1;
  std::map<int, std::set<std::string>> messages_;
  std::map<int, RetryDelays> retry_delays_;
};

}  // namespace pointsman::bench

#endif  // POINTSMAN_TESTS_BENCH_LOAD_CALL_LOG_H_
