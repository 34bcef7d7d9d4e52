#include "server/grpc_listener.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "pointsman/v1/router.grpc.pb.h"

namespace pointsman::server {

absl::StatusOr<GrpcListener> GrpcListener::Start(const Config& config,
                                                 std::span<grpc::Service* const> services) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(config.listen_address, grpc::InsecureServerCredentials(), &port);
  // With SO_REUSEPORT a second server on the same port would start, and take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(static_cast<int>(config.max_message_bytes));
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat("listen_address: cannot listen on ",
                                               config.listen_address, "; is the port in use?"));
  }
  server->GetHealthCheckService()->SetServingStatus(v1::RouterService::service_full_name(), true);
  return GrpcListener(std::move(server), port);
}

void GrpcListener::SetNotServing() { server_->GetHealthCheckService()->Shutdown(); }

void GrpcListener::Shutdown(std::chrono::milliseconds grace_period) {
  server_->Shutdown(std::chrono::system_clock::now() + grace_period);
  server_->Wait();
}

}  // namespace pointsman::server
