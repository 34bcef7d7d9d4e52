#include "server/grpc_listener.h"

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "pointsman/v1/router.grpc.pb.h"

namespace pointsman::server {
namespace {

constexpr std::chrono::milliseconds kLookEvery{1};
constexpr int kMinPingIntervalMs = 10'000;

// 0 means never.
int OrNever(int64_t ms) { return ms == 0 ? std::numeric_limits<int>::max() : static_cast<int>(ms); }

void SetBounds(const Config& config, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(config.max_message_bytes));
  const auto set = [builder](const char* name, int64_t value) {
    builder->AddChannelArgument(name, static_cast<int>(value));
  };
  set(GRPC_ARG_MAX_METADATA_SIZE, config.max_metadata_bytes);
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, config.max_concurrent_streams);
  set(GRPC_ARG_MAX_CONNECTION_AGE_MS, OrNever(config.max_connection_age_ms));
  set(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, config.max_connection_age_grace_ms);
  set(GRPC_ARG_MAX_CONNECTION_IDLE_MS, OrNever(config.max_connection_idle_ms));
  set(GRPC_ARG_KEEPALIVE_TIME_MS, config.keepalive_ms);
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, config.handshake_timeout_ms);
  // Meshes ping idle connections more often than gRPC's five minutes.
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingIntervalMs);
  set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcListener>> GrpcListener::Start(
    const std::string& setting, const std::string& address, const Config& config,
    const std::shared_ptr<grpc::ServerCredentials>& credentials,
    std::span<grpc::Service* const> services) {
  auto connections = ConnectionListener::Bind(
      {.name = setting, .address = address, .max_connections = config.max_connections});
  if (!connections.ok()) return connections.status();
  auto listener = std::unique_ptr<GrpcListener>(new GrpcListener(*std::move(connections)));

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetBounds(config, &builder);
  listener->acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  for (grpc::Service* service : services) builder.RegisterService(service);
  listener->server_ = builder.BuildAndStart();
  if (listener->server_ == nullptr) {
    return absl::UnavailableError(absl::StrCat(setting, ": gRPC cannot serve on ", address));
  }
  grpc::HealthCheckServiceInterface* health = listener->server_->GetHealthCheckService();
  health->SetServingStatus(kLivenessName, true);
  for (const char* name : {kReadinessName, v1::RouterService::service_full_name()}) {
    health->SetServingStatus(name, true);
  }
  listener->connections_->Serve([acceptor = listener->acceptor_.get()](int listener_fd, int fd) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.listener_fd = listener_fd;
    connection.fd = fd;
    acceptor->HandleNewConnection(&connection);
  });
  return listener;
}

GrpcListener::~GrpcListener() {
  if (server_ != nullptr) Shutdown(std::chrono::milliseconds(0));
}

void GrpcListener::SetNotServing() {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  for (const char* name : {"", kReadinessName, v1::RouterService::service_full_name()}) {
    health->SetServingStatus(name, false);
  }
}

void GrpcListener::Shutdown(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  StopAccepting();
  // Before gRPC shuts down, which cancels what is on its way: a client that finds its connection at
  // an end knows that nothing after that was worked on.
  connections_->EndConnections();
  while (connections_->counts().open > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kLookEvery);
  }
  server_->Shutdown(std::chrono::system_clock::now() +
                    std::max(deadline - std::chrono::steady_clock::now(),
                             std::chrono::steady_clock::duration::zero()));
  server_->Wait();
  server_.reset();
}

}  // namespace pointsman::server
