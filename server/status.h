// absl::Status of the engine -> what a gRPC client receives.
//
// Payloads of the absl::Status (google.rpc.BadRequest and the like, see index/errors.h) become the
// details of a google.rpc.Status. Everything is bounded: the whole must fit into the 8 KiB that
// clients accept as trailing metadata, whatever long name a request held.
#ifndef POINTSMAN_SERVER_STATUS_H_
#define POINTSMAN_SERVER_STATUS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace pointsman::server {

// Longer messages and descriptions are cut at a character and end in "...".
inline constexpr size_t kMaxMessageBytes = 1024;
// Details that are longer after cutting are left out; code and message remain.
inline constexpr size_t kMaxDetailsBytes = 3072;

google::rpc::Status ToRpcStatus(const absl::Status& status);

// The google.rpc.Status travels in the trailer `grpc-status-details-bin` where there are details.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_STATUS_H_
