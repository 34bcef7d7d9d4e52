// What every front door does with a request, whatever form it came in: who may ask, who may begin
// now, the decision itself, and all that is kept of it (metrics, decision log, sample).
//
//   Accept      on arrival: draining, credentials; counted as in flight until Release
//   Admit       before work: the deadline, overload
//   Begin       on the thread that works: the bundle that this request keeps to its end
//   Decide      the decision, with its id; counted, logged, sampled
//   RecordAnswer, Release
#ifndef POINTSMAN_SERVER_DECIDER_H_
#define POINTSMAN_SERVER_DECIDER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"
#include "pointsman/v1/router.pb.h"
#include "server/access_control.h"
#include "server/admission/admission.h"
#include "server/deadline.h"
#include "server/decision_log/decision_log.h"
#include "server/metrics.h"
#include "server/request_sample.h"
#include "server/snapshot.h"

namespace pointsman::server {

// Thread-safe.
class Decider {
 public:
  // What it is made of; all must outlive it.
  struct Parts {
    const SnapshotHolder& snapshots;  // while it is empty, Begin is UNAVAILABLE
    Metrics& metrics;
    const AccessControl& access;
    Admission& admission;
    RequestSample& sample;
    DecisionLog* log;  // null: none is kept
  };
  struct Options {
    std::string version;  // goes into the provenance of decisions
    bool record_metrics;  // of decisions
  };

  // What a request brings along from its arrival to its answer.
  struct Entry {
    Method method;
    Identity caller;
    Ticket ticket;
    int64_t accepted_ns = 0;    // when it was admitted, monotonic
    std::string_view trace_id;  // empty: none; must live as long as the entry is used
  };

  Decider(const Parts& parts, Options options);

  // UNAVAILABLE while draining, UNAUTHENTICATED or PERMISSION_DENIED; if OK the request is in
  // flight until Release.
  grpc::Status Accept(const grpc::ServerContextBase& context, Scope scope, Entry* entry);
  // DEADLINE_EXCEEDED where the expected wait would use up the deadline, RESOURCE_EXHAUSTED with a
  // retry delay where there is too much to do; if OK the entry holds a place for `weight`
  // decisions.
  grpc::Status Admit(const grpc::ServerContextBase& context, int64_t weight, Entry* entry);
  // The bundle in service; DEADLINE_EXCEEDED, CANCELLED, or UNAVAILABLE without a bundle.
  absl::StatusOr<SnapshotHandle> Begin(const grpc::ServerContextBase& context, const Entry& entry);
  // Decides, with the working memory of the calling thread. INVALID_ARGUMENT as Engine::Decide.
  absl::Status Decide(const Snapshot& snapshot, const v1::RouteRequest& request, const Entry& entry,
                      std::optional<int> batch_index, v1::RouteResponse* response);
  // DEADLINE_EXCEEDED if too little is left for one more decision.
  absl::Status CheckDeadline(const grpc::ServerContextBase& context) {
    return deadline_guard_.Check(RemainingNanos(context.raw_deadline()));
  }
  // What `decisions` of them took since `begin_ns`; nothing if there were none.
  void RecordServiceTime(int64_t begin_ns, size_t decisions);

  // The request has its answer; gives its place back. Returns the number of OK answers so far.
  int64_t RecordAnswer(grpc::StatusCode code, Entry* entry);
  // For what is owed something again after Release: in flight until the next one.
  void Retain() { in_flight_.fetch_add(1); }
  // Its answer is written, or will never be.
  void Release() { in_flight_.fetch_sub(1, std::memory_order_release); }

  // From now on requests are not accepted; those that were are finished.
  void RefuseNew() { draining_ = true; }
  bool draining() const { return draining_; }

  // Whether somebody waits but the request at hand: if so, a thread that reads should not decide.
  bool HasOthers() const { return parts_.admission.in_flight() > 1; }
  int64_t RetryDelayNanos() const { return parts_.admission.RetryDelayNanos(); }
  // 1: as many decisions in flight as the limits leave room for.
  double Utilisation() const { return parts_.admission.Utilisation(); }

  // Requests that were accepted and whose answer gRPC has not written yet.
  int64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  // Requests answered OK, since start.
  int64_t answered() const { return answered_.load(std::memory_order_relaxed); }

 private:
  const Parts parts_;
  const Options options_;
  // RESOURCE_EXHAUSTED with a delay, made once: refusing must be cheap.
  std::array<grpc::Status, kOverloadCount> refusals_;
  DeadlineGuard deadline_guard_;
  std::atomic<bool> draining_{false};
  alignas(64) std::atomic<int64_t> in_flight_{0};
  alignas(64) std::atomic<int64_t> answered_{0};
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECIDER_H_
