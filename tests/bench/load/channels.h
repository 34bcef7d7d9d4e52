// Options -> gRPC channels, each a connection of its own to every target.
#ifndef POINTSMAN_TESTS_BENCH_LOAD_CHANNELS_H_
#define POINTSMAN_TESTS_BENCH_LOAD_CHANNELS_H_

#include <chrono>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "tests/bench/load/options.h"

namespace pointsman::bench {

// `options.connections` channels that are not connected yet. NOT_FOUND names a certificate file
// that is missing, INVALID_ARGUMENT what the shipped client does not accept.
absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> MakeChannels(
    const LoadOptions& options);

// Waits until all are ready; UNAVAILABLE says how many were in time.
absl::Status Connect(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                     std::chrono::milliseconds time_limit);

}  // namespace pointsman::bench

#endif  // POINTSMAN_TESTS_BENCH_LOAD_CHANNELS_H_
