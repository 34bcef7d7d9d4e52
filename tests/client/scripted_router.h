// A router that answers as a test says, over a real socket on a port of the system's choice.
#ifndef POINTSMAN_TESTS_CLIENT_SCRIPTED_ROUTER_H_
#define POINTSMAN_TESTS_CLIENT_SCRIPTED_ROUTER_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "pointsman/v1/router.grpc.pb.h"

namespace pointsman::testing {

class ScriptedRouter final : public v1::RouterService::Service {
 public:
  // `call` counts from 1.
  using Script =
      std::function<grpc::Status(int call, const v1::RouteRequest& request,
                                 v1::RouteResponse* response, const grpc::ServerContext& context)>;
  using BatchScript = std::function<grpc::Status(int call, const v1::BatchRouteRequest& request,
                                                 v1::BatchRouteResponse* response)>;

  explicit ScriptedRouter(
      std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials()) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    // With SO_REUSEPORT two tests that run at once could be given the same free port.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort("127.0.0.1:0", std::move(credentials), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~ScriptedRouter() override {
    server_->Shutdown();
    server_->Wait();
  }

  // Set before the first call.
  Script on_route = [](int, const v1::RouteRequest&, v1::RouteResponse* response,
                       const grpc::ServerContext&) {
    response->set_outcome(v1::OUTCOME_CHOSEN);
    response->set_model("scripted");
    return grpc::Status::OK;
  };
  BatchScript on_batch;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int calls() const { return calls_; }
  void SetServing(bool serving) { server_->GetHealthCheckService()->SetServingStatus(serving); }

  // Metadata of the last Route call.
  std::multimap<std::string, std::string> metadata() const {
    const std::lock_guard lock(mutex_);
    return metadata_;
  }

  grpc::Status Route(grpc::ServerContext* context, const v1::RouteRequest* request,
                     v1::RouteResponse* response) override {
    {
      const std::lock_guard lock(mutex_);
      metadata_.clear();
      for (const auto& [key, value] : context->client_metadata()) {
        metadata_.emplace(std::string(key.data(), key.size()),
                          std::string(value.data(), value.size()));
      }
    }
    return on_route(++calls_, *request, response, *context);
  }

  grpc::Status BatchRoute(grpc::ServerContext*, const v1::BatchRouteRequest* request,
                          v1::BatchRouteResponse* response) override {
    return on_batch(++calls_, *request, response);
  }

  grpc::Status GetCatalogue(grpc::ServerContext*, const v1::GetCatalogueRequest*,
                            v1::GetCatalogueResponse* response) override {
    response->set_bundle_digest("d1");
    response->mutable_catalogue()->add_models()->set_id("scripted");
    return grpc::Status::OK;
  }

 private:
  int port_ = 0;
  std::atomic<int> calls_ = 0;
  mutable std::mutex mutex_;
  std::multimap<std::string, std::string> metadata_;
  std::unique_ptr<grpc::Server> server_;
};

// An address at which nobody listens: it was free a moment ago.
inline std::string DeadAddress() { return ScriptedRouter().address(); }

// An error that carries a google.rpc detail, as servers send it.
template <typename Detail>
grpc::Status ErrorWithDetail(grpc::StatusCode code, const std::string& message,
                             const Detail& detail) {
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(detail);
  return {code, message, status.SerializeAsString()};
}

}  // namespace pointsman::testing

#endif  // POINTSMAN_TESTS_CLIENT_SCRIPTED_ROUTER_H_
