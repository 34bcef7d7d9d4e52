// Options -> a gRPC channel. Not installed.
#ifndef POINTSMAN_CLIENT_CHANNEL_H_
#define POINTSMAN_CLIENT_CHANNEL_H_

#include <memory>

#include "grpcpp/channel.h"
#include "pointsman/client/options.h"

namespace pointsman::client {

// `options` must be valid. Does not connect.
std::shared_ptr<grpc::Channel> MakeChannel(const ConnectOptions& options);

}  // namespace pointsman::client

#endif  // POINTSMAN_CLIENT_CHANNEL_H_
