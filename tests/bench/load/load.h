// Makes the calls: in closed loop from one thread, in open loop with a second one that only sends,
// on time. Every call that was sent ends in the log, or is counted as unanswered.
#ifndef POINTSMAN_TESTS_BENCH_LOAD_LOAD_H_
#define POINTSMAN_TESTS_BENCH_LOAD_LOAD_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "grpcpp/support/byte_buffer.h"
#include "tests/bench/load/call_log.h"
#include "tests/bench/load/options.h"

namespace pointsman::bench {

struct LoadResult {
  CallLog log;
  int64_t sent = 0;
  int64_t not_sent = 0;    // too many calls were under way (LoadOptions::max_outstanding)
  int64_t unanswered = 0;  // had not ended long after their deadline: then the process must exit
                           // without destructors, since gRPC still holds them
  int64_t started_ns = 0;
  int64_t ended_ns = 0;            // no call was sent after this
  int64_t closed_connections = 0;  // with until_closed: given up
};

// Blocks until every call has ended. `stop` becoming true ends the sending early.
LoadResult RunLoad(const LoadOptions& options, const std::vector<grpc::ByteBuffer>& requests,
                   const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                   const std::atomic<bool>& stop);

}  // namespace pointsman::bench

#endif  // POINTSMAN_TESTS_BENCH_LOAD_LOAD_H_
