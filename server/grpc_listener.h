// A gRPC server on one address, with health and reflection, on connections that we accept
// ourselves.
#ifndef POINTSMAN_SERVER_GRPC_LISTENER_H_
#define POINTSMAN_SERVER_GRPC_LISTENER_H_

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/impl/service_type.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "server/config.h"
#include "server/transport/connection_listener.h"

namespace pointsman::server {

// Health names for probes, beside "" and the services' own, which go with readiness.
inline constexpr char kLivenessName[] = "liveness";    // SERVING as long as the process answers
inline constexpr char kReadinessName[] = "readiness";  // SERVING until it drains

class GrpcListener {
 public:
  // Begins to accept calls on `address`, the value of `setting`, with the bounds of `config`.
  // Health is SERVING from the start, since gRPC's own health service does so: have a bundle first.
  // `services` must outlive the listener. UNAVAILABLE names setting and address.
  static absl::StatusOr<std::unique_ptr<GrpcListener>> Start(
      const std::string& setting, const std::string& address, const Config& config,
      const std::shared_ptr<grpc::ServerCredentials>& credentials,
      std::span<grpc::Service* const> services);

  ~GrpcListener();

  int port() const { return connections_->port(); }
  ConnectionListener::Counts connections() const { return connections_->counts(); }

  // Readiness becomes NOT_SERVING for good; calls are still answered.
  void SetNotServing();

  // The kernel refuses new connections from now on; open ones go on.
  void StopAccepting() { connections_->StopAccepting(); }

  // Ends connections, on which nothing should be in flight any more, and stops. Calls that still
  // run after `patience` are cancelled.
  void Shutdown(std::chrono::milliseconds patience);

 private:
  explicit GrpcListener(std::unique_ptr<ConnectionListener> connections)
      : connections_(std::move(connections)) {}

  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<ConnectionListener> connections_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_GRPC_LISTENER_H_
