// Bytes of a gRPC message <-> protobuf messages.
//
// The service reads raw bytes rather than parsed messages, because gRPC itself answers INTERNAL to
// bytes that do not parse, and bad input must never be INTERNAL.
#ifndef POINTSMAN_SERVER_WIRE_H_
#define POINTSMAN_SERVER_WIRE_H_

#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace pointsman::server {

// The bytes of a received message in one piece; without a copy where they are in one piece already.
class ContiguousBytes {
 public:
  explicit ContiguousBytes(const grpc::ByteBuffer& buffer);
  std::string_view view() const {
    return {reinterpret_cast<const char*>(slice_.begin()), slice_.size()};
  }

 private:
  grpc::Slice slice_;
};

// Parses; INVALID_ARGUMENT as DiagnoseParseFailure says.
absl::Status Parse(std::string_view bytes, google::protobuf::Message* message);

// Deterministic: equal messages give equal bytes in every process, map fields included.
grpc::ByteBuffer Serialise(const google::protobuf::Message& message);

// The bytes of each RouteRequest in a serialised BatchRouteRequest, in order, so that each is
// parsed by itself and a bad one fails alone. INVALID_ARGUMENT if the framing is broken, or beyond
// `max_items` items or with none at all. The views point into `bytes`.
absl::StatusOr<std::vector<std::string_view>> SplitBatch(std::string_view bytes, size_t max_items);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_WIRE_H_
