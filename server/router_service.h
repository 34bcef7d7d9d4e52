// pointsman.v1.RouterService over gRPC's callback API: bytes in, decision, bytes out.
//
// A decision takes microseconds, so it runs inline on the thread that gRPC calls on, with that
// thread's own working memory, and the reactor is finished before the method returns.
#ifndef POINTSMAN_SERVER_ROUTER_SERVICE_H_
#define POINTSMAN_SERVER_ROUTER_SERVICE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/arena.h"
#include "pointsman/v1/router.grpc.pb.h"
#include "server/deadline.h"
#include "server/metrics.h"
#include "server/snapshot.h"

namespace pointsman::server {

using RawRouterService = v1::RouterService::WithRawCallbackMethod_Route<
    v1::RouterService::WithRawCallbackMethod_BatchRoute<
        v1::RouterService::WithRawCallbackMethod_GetCatalogue<v1::RouterService::Service>>>;

class RouterService final : public RawRouterService {
 public:
  struct Options {
    size_t max_batch_items;
    std::string version;  // goes into the provenance of decisions
  };

  // `snapshots` and `metrics` must outlive the service. Without a snapshot every call is answered
  // UNAVAILABLE.
  RouterService(const SnapshotHolder& snapshots, Metrics& metrics, Options options);

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
  // Runs `work`, a callable SnapshotHandle -> absl::Status, counts it and finishes the call.
  template <typename Work>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, Method method, Work work);

  // Decides one serialised RouteRequest, whose parsed form lives on `arena`.
  absl::Status Decide(const Snapshot& snapshot, std::string_view request_bytes,
                      google::protobuf::Arena& arena, v1::RouteResponse* response);

  const SnapshotHolder& snapshots_;
  Metrics& metrics_;
  const Options options_;
  DeadlineGuard deadline_guard_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_ROUTER_SERVICE_H_
