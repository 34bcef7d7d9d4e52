// pointsman.v1.RouterService over gRPC's callback API: bytes in, decision, bytes out.
//
// A call is authenticated, then admitted or refused, on the thread that gRPC calls on; then it is
// decided there or on a worker (admission/work_queue.h), with the working memory of that thread.
#ifndef POINTSMAN_SERVER_ROUTER_SERVICE_H_
#define POINTSMAN_SERVER_ROUTER_SERVICE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"
#include "pointsman/v1/router.grpc.pb.h"
#include "server/access_control.h"
#include "server/admission/admission.h"
#include "server/admission/work_queue.h"
#include "server/deadline.h"
#include "server/decision_log/decision_log.h"
#include "server/load_report.h"
#include "server/metrics.h"
#include "server/request_sample.h"
#include "server/snapshot.h"

namespace pointsman::server {

using RawRouterService = v1::RouterService::WithRawCallbackMethod_Route<
    v1::RouterService::WithRawCallbackMethod_BatchRoute<
        v1::RouterService::WithRawCallbackMethod_GetCatalogue<v1::RouterService::Service>>>;

class RouterService final : public RawRouterService {
 public:
  // What the service is made of; all must outlive it.
  struct Parts {
    const SnapshotHolder& snapshots;  // while it is empty every call is answered UNAVAILABLE
    Metrics& metrics;
    const AccessControl& access;
    Admission& admission;
    WorkQueue& queue;
    RequestSample& sample;
    DecisionLog* log;  // null: none is kept
  };
  struct Options {
    size_t max_batch_items;
    std::string version;    // goes into the provenance of decisions
    bool record_metrics;    // of decisions
    bool orca_load_report;  // in the trailer of each answer
  };

  RouterService(const Parts& parts, Options options);

  grpc::ServerUnaryReactor* Route(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* BatchRoute(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetCatalogue(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;

  // From now on calls are answered UNAVAILABLE; those that were accepted are finished.
  void RefuseNew() { draining_ = true; }

  // Calls that were accepted and whose answer gRPC has not written yet.
  int64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  // Calls answered OK, since start.
  int64_t answered() const { return answered_.load(std::memory_order_relaxed); }

 private:
  class Call;
  class RouteCall;
  class BatchCall;
  class CatalogueCall;

  // Authenticates, admits and begins `call`, or finishes it with the reason why not.
  grpc::ServerUnaryReactor* Begin(Call* call);
  grpc::Status Admit(Call* call);

  const Parts parts_;
  const Options options_;
  // RESOURCE_EXHAUSTED with a delay, made once: refusing must be cheap.
  std::array<grpc::Status, kOverloadCount> refusals_;
  DeadlineGuard deadline_guard_;
  LoadReporter load_reporter_;
  std::atomic<bool> draining_{false};
  alignas(64) std::atomic<int64_t> in_flight_{0};
  alignas(64) std::atomic<int64_t> answered_{0};
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_ROUTER_SERVICE_H_
