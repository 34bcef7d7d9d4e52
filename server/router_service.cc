#include "server/router_service.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "google/protobuf/arena.h"
#include "server/clock.h"
#include "server/status.h"
#include "server/thread_workspace.h"
#include "server/trace_context.h"
#include "server/wire.h"

namespace pointsman::server {
namespace {

using google::protobuf::Arena;

// Decisions of a batch before others have their turn, and what a batch weighs in admission.
constexpr size_t kBatchSlice = 8;

}  // namespace

// One call, from the moment gRPC hands it over until its answer is written. Owns itself.
class RouterService::Call : public grpc::ServerUnaryReactor, public WorkQueue::Task {
 public:
  Call(RouterService& service, Method method, Scope scope, grpc::CallbackServerContext* context,
       const grpc::ByteBuffer* request, grpc::ByteBuffer* response)
      : service_(service),
        scope_(scope),
        context_(context),
        request_(request),
        response_(response),
        entry_{.method = method} {}

  // Decisions this call will make before others have their turn.
  virtual int64_t weight() const { return 1; }

  // Answers; the call may be gone when this returns.
  void Answer(grpc::Status status) {
    const int64_t answered = service_.decider_.RecordAnswer(status.error_code(), &entry_);
    if (status.ok() && service_.options_.orca_load_report) ReportLoad(answered);
    Finish(std::move(status));
  }

  bool Run() final {
    if (snapshot_ == nullptr) {
      auto snapshot = service_.decider_.Begin(*context_, entry_);
      if (!snapshot.ok()) {
        Answer(ToGrpcStatus(snapshot.status()));
        return true;
      }
      snapshot_ = *std::move(snapshot);
    }
    const int64_t begin = MonotonicNanos();
    size_t decisions = 0;
    const std::optional<absl::Status> outcome = Work(&decisions);
    service_.decider_.RecordServiceTime(begin, decisions);
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
    return service_.decider_.Decide(*snapshot_, *request, entry_, batch_index, response);
  }

  RouterService& service_;
  const Scope scope_;
  grpc::CallbackServerContext* const context_;
  const grpc::ByteBuffer* const request_;
  grpc::ByteBuffer* const response_;
  SnapshotHandle snapshot_;

 private:
  friend class RouterService;

  // Reads what callers pass along with a request; `traceparent` goes back as it came.
  void TakeTrace() {
    const auto& metadata = context_->client_metadata();
    const auto header = metadata.find(kTraceparentHeader);
    if (header == metadata.end()) return;
    const std::string_view traceparent(header->second.data(), header->second.size());
    entry_.trace_id = TraceId(traceparent);  // within the metadata of `context_`
    if (!entry_.trace_id.empty()) {
      context_->AddInitialMetadata(kTraceparentHeader, std::string(traceparent));
    }
  }

  void ReportLoad(int64_t answered) {
    const Load load = service_.load_reporter_.Current(MonotonicNanos(), answered,
                                                      service_.decider_.Utilisation());
    if (load.rate <= 0) return;  // not known yet; a balancer could not weigh by it
    context_->AddTrailingMetadata(kLoadReportTrailer, EncodeLoadReport(load));
  }

  void OnDone() override {
    if (accepted_) service_.decider_.Release();
    delete this;
  }

  Decider::Entry entry_;
  bool accepted_ = false;
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
      absl::Status status = service_.decider_.CheckDeadline(*context_);
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

RouterService::RouterService(Decider& decider, WorkQueue& queue, Options options)
    : decider_(decider), queue_(queue), options_(std::move(options)) {}

grpc::ServerUnaryReactor* RouterService::Begin(Call* call) {
  ReadInBatches();
  grpc::Status status = decider_.Accept(*call->context_, call->scope_, &call->entry_);
  if (status.ok()) {
    call->accepted_ = true;
    status = decider_.Admit(*call->context_, call->weight(), &call->entry_);
  }
  if (!status.ok()) {
    call->Answer(std::move(status));
    return call;
  }
  call->TakeTrace();
  // Somebody has to read while others decide, so in place only a single decision without others.
  if (decider_.HasOthers() || !call->Run()) queue_.Push(call);
  return call;
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
