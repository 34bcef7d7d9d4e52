#include "server/router_service.h"

#include <sched.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/arena.h"
#include "google/rpc/error_details.pb.h"
#include "index/stable_hash.h"
#include "server/decision_id.h"
#include "server/status.h"
#include "server/trace_context.h"
#include "server/wire.h"

namespace pointsman::server {
namespace {

using google::protobuf::Arena;

// First block of a request's arena: with it a usual request and its response need no allocation.
constexpr size_t kArenaBlockBytes = size_t{64} << 10;
// Decisions of a batch before others have their turn, and what a batch weighs in admission.
constexpr size_t kBatchSlice = 8;
constexpr double kSecondsPerNanosecond = 1e-9;

// Working memory of a thread; a thread works on one request at a time.
struct Workspace {
  Engine::Scratch scratch;
  DecisionIdGenerator ids;
  alignas(std::max_align_t) std::array<char, kArenaBlockBytes> arena_block;
};

// On a busy core a thread that reads lets a decision go on to the end of its time slice instead of
// interrupting it for every single request that arrives: it then reads several at once, at a
// fraction of the cost. Without effect where a core is idle.
void ReadInBatches() {
  thread_local const bool once = [] {
    const sched_param none = {};
    return sched_setscheduler(/*pid=*/0, SCHED_BATCH, &none) == 0;
  }();
  (void)once;
}

Workspace& ThreadWorkspace() {
  // On the heap: a big thread_local itself would be taken from the stack of every thread of the
  // process, and the small stacks of the metrics listener could then not be made.
  thread_local const auto workspace = std::make_unique<Workspace>();
  return *workspace;
}

int64_t MonotonicNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int64_t UnixMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

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

// One call, from the moment gRPC hands it over until its answer is written. Owns itself.
class RouterService::Call : public grpc::ServerUnaryReactor, public WorkQueue::Task {
 public:
  Call(RouterService& service, Method method, Scope scope, grpc::CallbackServerContext* context,
       const grpc::ByteBuffer* request, grpc::ByteBuffer* response)
      : service_(service),
        method_(method),
        scope_(scope),
        context_(context),
        request_(request),
        response_(response) {}

  // Decisions this call will make before others have their turn.
  virtual int64_t weight() const { return 1; }

  // Answers; the call may be gone when this returns.
  void Answer(grpc::Status status) {
    ticket_.Return();
    service_.parts_.metrics.RecordRequest(method_, status.error_code());
    if (status.ok()) {
      const int64_t answered = service_.answered_.fetch_add(1, std::memory_order_relaxed) + 1;
      if (service_.options_.orca_load_report) ReportLoad(answered);
    }
    Finish(std::move(status));
  }

  bool Run() final {
    if (!began_) {
      began_ = true;
      const absl::Status status = Start();
      if (!status.ok()) {
        Answer(ToGrpcStatus(status));
        return true;
      }
    }
    const int64_t begin = MonotonicNanos();
    size_t decisions = 0;
    const std::optional<absl::Status> outcome = Work(&decisions);
    if (decisions > 0) {
      service_.parts_.admission.RecordServiceTime((MonotonicNanos() - begin) /
                                                  static_cast<int64_t>(decisions));
    }
    if (!outcome) return false;
    Answer(ToGrpcStatus(*outcome));
    return true;
  }

 protected:
  // A slice of the work; nothing while there is more to do. Adds the decisions it made.
  virtual std::optional<absl::Status> Work(size_t* decisions) = 0;

  // Decides one serialised RouteRequest, whose parsed form lives on `arena`.
  absl::Status Decide(std::string_view request_bytes, Arena& arena, std::optional<int> batch_index,
                      v1::RouteResponse* response) {
    auto* request = Arena::CreateMessage<v1::RouteRequest>(&arena);
    absl::Status status = Parse(request_bytes, request);
    if (!status.ok()) return status;
    Workspace& workspace = ThreadWorkspace();
    status = snapshot_->engine->Decide(*request, workspace.scratch, response, &MonotonicNanos);
    if (!status.ok()) return status;
    const int64_t unix_micros = UnixMicros();
    const std::string_view id = workspace.ids.Next(static_cast<uint64_t>(unix_micros / 1000));
    response->set_decision_id(id.data(), id.size());
    response->mutable_provenance()->set_server_version(service_.options_.version);
    service_.deadline_guard_.RecordDecision(
        static_cast<int64_t>(response->timings().total_us() * 1000));
    if (service_.options_.record_metrics) snapshot_->metrics.RecordDecision(*response);
    if (service_.parts_.log != nullptr) {
      service_.parts_.log->Record(*request, *response,
                                  {.trace_id = trace_id_,
                                   .client = caller_.name.view(),
                                   .method = MethodName(method_),
                                   .batch_index = batch_index,
                                   .unix_micros = unix_micros});
    }
    service_.parts_.sample.Offer(request_bytes);
    return absl::OkStatus();
  }

  absl::Status CheckDeadline() {
    return service_.deadline_guard_.Check(RemainingNanos(context_->raw_deadline()));
  }

  RouterService& service_;
  const Method method_;
  const Scope scope_;
  grpc::CallbackServerContext* const context_;
  const grpc::ByteBuffer* const request_;
  grpc::ByteBuffer* const response_;
  SnapshotHandle snapshot_;

 private:
  friend class RouterService;

  // What comes before the first slice, on the thread that works.
  absl::Status Start() {
    if (service_.options_.record_metrics) {
      service_.parts_.metrics.RecordQueueDelay(
          static_cast<double>(MonotonicNanos() - accepted_ns_) * kSecondsPerNanosecond);
    }
    absl::Status status = CheckDeadline();
    if (!status.ok()) return status;
    if (context_->IsCancelled()) return absl::CancelledError("the caller cancelled the request");
    snapshot_ = service_.parts_.snapshots.Get();
    if (snapshot_ == nullptr) return absl::UnavailableError("no bundle is in service yet");
    return absl::OkStatus();
  }

  // Reads what callers pass along with a request; `traceparent` goes back as it came.
  void TakeTrace() {
    const auto& metadata = context_->client_metadata();
    const auto header = metadata.find(kTraceparentHeader);
    if (header == metadata.end()) return;
    const std::string_view traceparent(header->second.data(), header->second.size());
    trace_id_ = TraceId(traceparent);
    if (!trace_id_.empty()) {
      context_->AddInitialMetadata(kTraceparentHeader, std::string(traceparent));
    }
  }

  void ReportLoad(int64_t answered) {
    const Load load = service_.load_reporter_.Current(MonotonicNanos(), answered,
                                                      service_.parts_.admission.Utilisation());
    context_->AddTrailingMetadata(kLoadReportTrailer, EncodeLoadReport(load));
  }

  void OnDone() override {
    if (accepted_) service_.in_flight_.fetch_sub(1, std::memory_order_release);
    delete this;
  }

  Identity caller_;
  Ticket ticket_;
  int64_t accepted_ns_ = 0;
  bool accepted_ = false;
  bool began_ = false;
  std::string_view trace_id_;  // within the metadata of `context_`
};

class RouterService::RouteCall final : public Call {
 public:
  RouteCall(RouterService& service, grpc::CallbackServerContext* context,
            const grpc::ByteBuffer* request, grpc::ByteBuffer* response)
      : Call(service, Method::kRoute, Scope::kRoute, context, request, response) {}

 private:
  std::optional<absl::Status> Work(size_t* decisions) override {
    Arena arena(ThreadWorkspace().arena_block.data(), kArenaBlockBytes);
    const ContiguousBytes bytes(*request_);
    auto* decision = Arena::CreateMessage<v1::RouteResponse>(&arena);
    absl::Status status = Decide(bytes.view(), arena, std::nullopt, decision);
    if (!status.ok()) return status;
    *response_ = Serialise(*decision);
    *decisions = 1;
    return absl::OkStatus();
  }
};

// Works in slices, so that a batch of a thousand does not hold up the single requests behind it.
class RouterService::BatchCall final : public Call {
 public:
  BatchCall(RouterService& service, grpc::CallbackServerContext* context,
            const grpc::ByteBuffer* request, grpc::ByteBuffer* response)
      : Call(service, Method::kBatchRoute, Scope::kBatch, context, request, response),
        batch_(Arena::CreateMessage<v1::BatchRouteResponse>(&arena_)) {}

  int64_t weight() const override { return kBatchSlice; }

 private:
  std::optional<absl::Status> Work(size_t* decisions) override {
    if (items_.empty()) {
      bytes_.emplace(*request_);
      auto items = SplitBatch(bytes_->view(), service_.options_.max_batch_items);
      if (!items.ok()) return items.status();
      items_ = *std::move(items);
    }
    for (; *decisions < kBatchSlice && next_ < items_.size(); ++next_, ++*decisions) {
      absl::Status status = CheckDeadline();
      if (!status.ok()) return status;
      if (context_->IsCancelled()) return absl::CancelledError("the caller cancelled the batch");
      // Parsed requests are dropped one by one; only results add up.
      Arena item_arena(ThreadWorkspace().arena_block.data(), kArenaBlockBytes);
      v1::BatchRouteResult* result = batch_->add_results();
      status =
          Decide(items_[next_], item_arena, static_cast<int>(next_), result->mutable_response());
      if (!status.ok()) *result->mutable_error() = ToRpcStatus(status);
    }
    if (next_ < items_.size()) return std::nullopt;
    *response_ = Serialise(*batch_);
    return absl::OkStatus();
  }

  std::optional<ContiguousBytes> bytes_;  // not before it is admitted: it may be a copy
  std::vector<std::string_view> items_;   // within `bytes_`
  size_t next_ = 0;
  Arena arena_;
  v1::BatchRouteResponse* const batch_;
};

class RouterService::CatalogueCall final : public Call {
 public:
  CatalogueCall(RouterService& service, grpc::CallbackServerContext* context,
                const grpc::ByteBuffer* request, grpc::ByteBuffer* response)
      : Call(service, Method::kGetCatalogue, Scope::kRoute, context, request, response) {}

 private:
  std::optional<absl::Status> Work(size_t* /*decisions*/) override {
    v1::GetCatalogueRequest parsed;
    absl::Status status = Parse(ContiguousBytes(*request_).view(), &parsed);
    if (!status.ok()) return status;
    const Engine& engine = *snapshot_->engine;
    v1::GetCatalogueResponse catalogue;
    *catalogue.mutable_catalogue() = engine.catalogue();
    *catalogue.mutable_policies() = engine.policies();
    catalogue.set_bundle_digest(engine.manifest().digest());
    catalogue.set_bundle_version(engine.manifest().version());
    catalogue.set_embedder_id(engine.manifest().embedder_id());
    catalogue.set_embedding_dimensions(engine.manifest().dimensions());
    catalogue.set_exemplar_count(engine.manifest().exemplar_count());
    catalogue.set_server_version(service_.options_.version);
    *response_ = Serialise(catalogue);
    return absl::OkStatus();
  }
};

RouterService::RouterService(const Parts& parts, Options options)
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

grpc::ServerUnaryReactor* RouterService::Begin(Call* call) {
  ReadInBatches();
  // Counted before looking whether we drain: who drains looks the other way round, so that a call
  // which slips through here is waited for there.
  in_flight_.fetch_add(1);
  call->accepted_ = true;
  const grpc::Status refused = Admit(call);
  if (!refused.ok()) {
    call->accepted_ = false;
    in_flight_.fetch_sub(1);
    call->Answer(refused);
    return call;
  }
  call->TakeTrace();
  // Somebody has to read while others decide, so in place only a single decision without others.
  const bool alone = parts_.admission.in_flight() <= 1;
  if (!alone || !call->Run()) parts_.queue.Push(call);
  return call;
}

grpc::Status RouterService::Admit(Call* call) {
  if (draining_) {
    parts_.metrics.RecordShed(Shed::kDraining);
    return {grpc::StatusCode::UNAVAILABLE, "the server is draining: call another replica"};
  }
  absl::Status status = parts_.access.Check(*call->context_, call->scope_, &call->caller_);
  if (status.ok()) {
    const int64_t remaining = RemainingNanos(call->context_->raw_deadline());
    status = deadline_guard_.Check(remaining - parts_.admission.ExpectedWaitNanos());
  }
  if (!status.ok()) return ToGrpcStatus(status);
  const auto client_hash = [call] {
    const Identity& caller = call->caller_;
    return caller.name.view().empty() ? StableHash(HostOf(call->context_->peer()))
                                      : caller.fair_share_hash;
  };
  call->accepted_ns_ = MonotonicNanos();
  const Overload overload =
      parts_.admission.Enter(call->weight(), call->accepted_ns_, client_hash, &call->ticket_);
  if (overload == Overload::kNone) return grpc::Status::OK;
  parts_.metrics.RecordShed(ShedOf(overload));
  return refusals_[static_cast<size_t>(overload)];
}

grpc::ServerUnaryReactor* RouterService::Route(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) {
  return Begin(new RouteCall(*this, context, request, response));
}

grpc::ServerUnaryReactor* RouterService::BatchRoute(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return Begin(new BatchCall(*this, context, request, response));
}

grpc::ServerUnaryReactor* RouterService::GetCatalogue(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return Begin(new CatalogueCall(*this, context, request, response));
}

}  // namespace pointsman::server
