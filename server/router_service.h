// pointsman.v1.RouterService over gRPC's callback API: bytes in, decision, bytes out.
//
// A call is authenticated, then admitted or refused, on the thread that gRPC calls on; then it is
// decided there or on a worker (admission/work_queue.h), with the working memory of that thread.
#ifndef POINTSMAN_SERVER_ROUTER_SERVICE_H_
#define POINTSMAN_SERVER_ROUTER_SERVICE_H_

#include <cstddef>
#include <string>

#include "pointsman/v1/router.grpc.pb.h"
#include "server/admission/work_queue.h"
#include "server/decider.h"
#include "server/load_report.h"

namespace pointsman::server {

using RawRouterService = v1::RouterService::WithRawCallbackMethod_Route<
    v1::RouterService::WithRawCallbackMethod_BatchRoute<
        v1::RouterService::WithRawCallbackMethod_GetCatalogue<v1::RouterService::Service>>>;

class RouterService final : public RawRouterService {
 public:
  struct Options {
    size_t max_batch_items;
    std::string version;    // shown with the catalogue
    bool orca_load_report;  // in the trailer of each answer
  };

  // Both must outlive it.
  RouterService(Decider& decider, WorkQueue& queue, Options options);

  grpc::ServerUnaryReactor* Route(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* BatchRoute(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetCatalogue(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;

 private:
  class Call;
  class RouteCall;
  class BatchCall;
  class CatalogueCall;

  // Authenticates, admits and begins `call`, or finishes it with the reason why not.
  grpc::ServerUnaryReactor* Begin(Call* call);

  Decider& decider_;
  WorkQueue& queue_;
  const Options options_;
  LoadReporter load_reporter_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_ROUTER_SERVICE_H_
