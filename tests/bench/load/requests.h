// What is sent: the calls' messages, serialised once.
#ifndef POINTSMAN_TESTS_BENCH_LOAD_REQUESTS_H_
#define POINTSMAN_TESTS_BENCH_LOAD_REQUESTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"

namespace pointsman::bench {

// A RouteRequest of each line of `path`, proto3 JSON. INVALID_ARGUMENT names file and line,
// NOT_FOUND the file.
absl::StatusOr<std::vector<grpc::ByteBuffer>> ReadRequests(const std::string& path);

}  // namespace pointsman::bench

#endif  // POINTSMAN_TESTS_BENCH_LOAD_REQUESTS_H_
