#include "server/decider.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "index/stable_hash.h"
#include "server/clock.h"
#include "server/status.h"
#include "server/thread_workspace.h"

namespace pointsman::server {
namespace {

constexpr double kSecondsPerNanosecond = 1e-9;

// "ipv4:10.0.0.1:5000" -> "ipv4:10.0.0.1": all connections of a host are one client.
std::string_view HostOf(std::string_view peer) { return peer.substr(0, peer.rfind(':')); }

grpc::Status Overloaded(std::string_view why, int64_t retry_delay_ns) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(retry_delay_ns % 1'000'000'000));
  retry.mutable_retry_delay()->set_seconds(retry_delay_ns / 1'000'000'000);
  google::rpc::Status details;
  details.set_code(grpc::StatusCode::RESOURCE_EXHAUSTED);
  details.set_message(absl::StrCat("overloaded: ", std::string(why), "; retry after ",
                                   retry_delay_ns / 1'000'000, " ms"));
  details.add_details()->PackFrom(retry);
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, details.message(), details.SerializeAsString()};
}

Shed ShedOf(Overload overload) {
  switch (overload) {
    case Overload::kQueueDelay:
      return Shed::kQueueDelay;
    case Overload::kClientShare:
      return Shed::kClientShare;
    default:
      return Shed::kInFlight;
  }
}

}  // namespace

Decider::Decider(const Parts& parts, Options options)
    : parts_(parts), options_(std::move(options)) {
  const int64_t delay = parts_.admission.RetryDelayNanos();
  const auto at = [this](Overload overload) -> grpc::Status& {
    return refusals_[static_cast<size_t>(overload)];
  };
  at(Overload::kInFlight) = Overloaded("too many requests are in flight", delay);
  at(Overload::kQueueDelay) = Overloaded("requests would wait too long", delay);
  at(Overload::kClientShare) =
      Overloaded("this client has its share of the requests in flight", delay);
}

grpc::Status Decider::Accept(const grpc::ServerContextBase& context, Scope scope, Entry* entry) {
  // Counted before looking whether we drain: who drains looks the other way round, so that a
  // request which slips through here is waited for there.
  in_flight_.fetch_add(1);
  grpc::Status refused;
  if (draining_) {
    parts_.metrics.RecordShed(Shed::kDraining);
    refused = {grpc::StatusCode::UNAVAILABLE, "the server is draining: call another replica"};
  } else {
    refused = ToGrpcStatus(parts_.access.Check(context, scope, &entry->caller));
  }
  if (!refused.ok()) in_flight_.fetch_sub(1);
  return refused;
}

grpc::Status Decider::Admit(const grpc::ServerContextBase& context, int64_t weight, Entry* entry) {
  const int64_t remaining = RemainingNanos(context.raw_deadline());
  const absl::Status status =
      deadline_guard_.Check(remaining - parts_.admission.ExpectedWaitNanos());
  if (!status.ok()) return ToGrpcStatus(status);
  const auto client_hash = [&] {
    return entry->caller.name.view().empty() ? StableHash(HostOf(context.peer()))
                                             : entry->caller.fair_share_hash;
  };
  entry->accepted_ns = MonotonicNanos();
  const Overload overload =
      parts_.admission.Enter(weight, entry->accepted_ns, client_hash, &entry->ticket);
  if (overload == Overload::kNone) return grpc::Status::OK;
  parts_.metrics.RecordShed(ShedOf(overload));
  return refusals_[static_cast<size_t>(overload)];
}

absl::StatusOr<SnapshotHandle> Decider::Begin(const grpc::ServerContextBase& context,
                                              const Entry& entry) {
  if (options_.record_metrics) {
    parts_.metrics.RecordQueueDelay(static_cast<double>(MonotonicNanos() - entry.accepted_ns) *
                                    kSecondsPerNanosecond);
  }
  absl::Status status = CheckDeadline(context);
  if (!status.ok()) return status;
  if (context.IsCancelled()) return absl::CancelledError("the caller cancelled the request");
  SnapshotHandle snapshot = parts_.snapshots.Get();
  if (snapshot == nullptr) return absl::UnavailableError("no bundle is in service yet");
  return snapshot;
}

absl::Status Decider::Decide(const Snapshot& snapshot, const v1::RouteRequest& request,
                             const Entry& entry, std::optional<int> batch_index,
                             v1::RouteResponse* response) {
  Workspace& workspace = ThreadWorkspace();
  absl::Status status =
      snapshot.engine->Decide(request, workspace.scratch, response, &MonotonicNanos);
  if (!status.ok()) return status;
  const int64_t unix_micros = UnixMicros();
  const std::string_view id = workspace.ids.Next(static_cast<uint64_t>(unix_micros / 1000));
  response->set_decision_id(id.data(), id.size());
  response->mutable_provenance()->set_server_version(options_.version);
  deadline_guard_.RecordDecision(static_cast<int64_t>(response->timings().total_us() * 1000));
  if (options_.record_metrics) snapshot.metrics.RecordDecision(*response);
  if (parts_.log != nullptr) {
    parts_.log->Record(request, *response,
                       {.trace_id = entry.trace_id,
                        .client = entry.caller.name.view(),
                        .method = MethodName(entry.method),
                        .batch_index = batch_index,
                        .unix_micros = unix_micros});
  }
  parts_.sample.Offer(request);
  return absl::OkStatus();
}

void Decider::RecordServiceTime(int64_t begin_ns, size_t decisions) {
  if (decisions == 0) return;
  parts_.admission.RecordServiceTime((MonotonicNanos() - begin_ns) /
                                     static_cast<int64_t>(decisions));
}

int64_t Decider::RecordAnswer(grpc::StatusCode code, Entry* entry) {
  entry->ticket.Return();
  parts_.metrics.RecordRequest(entry->method, code);
  if (code != grpc::StatusCode::OK) return answered();
  return answered_.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace pointsman::server
