// The gRPC server with its standard services: health and reflection.
#ifndef POINTSMAN_SERVER_GRPC_LISTENER_H_
#define POINTSMAN_SERVER_GRPC_LISTENER_H_

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/impl/service_type.h"
#include "grpcpp/server.h"
#include "server/config.h"

namespace pointsman::server {

class GrpcListener {
 public:
  // Begins to accept calls on `config.listen_address`. Health is SERVING for "" and for
  // pointsman.v1.RouterService from the start, since gRPC's own health service does so: have a
  // bundle first. `services` must outlive the listener. UNAVAILABLE names the address.
  static absl::StatusOr<GrpcListener> Start(const Config& config,
                                            std::span<grpc::Service* const> services);

  int port() const { return port_; }

  // Health becomes NOT_SERVING for good; calls are still answered.
  void SetNotServing();

  // Accepts no more calls, waits for those in flight up to `grace_period`, then cancels them.
  void Shutdown(std::chrono::milliseconds grace_period);

 private:
  GrpcListener(std::unique_ptr<grpc::Server> server, int port)
      : server_(std::move(server)), port_(port) {}

  std::unique_ptr<grpc::Server> server_;
  int port_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_GRPC_LISTENER_H_
