// One question to the standard gRPC health service. Not installed.
#ifndef POINTSMAN_CLIENT_HEALTH_H_
#define POINTSMAN_CLIENT_HEALTH_H_

#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace pointsman::client {

// Whether the server as a whole ("") is SERVING. Blocks until the context's deadline.
absl::StatusOr<bool> AskHealth(const std::shared_ptr<grpc::Channel>& channel,
                               grpc::ClientContext* context);

}  // namespace pointsman::client

#endif  // POINTSMAN_CLIENT_HEALTH_H_
