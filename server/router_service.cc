#include "server/router_service.h"

#include <array>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "server/decision_id.h"
#include "server/status.h"
#include "server/wire.h"

namespace pointsman::server {
namespace {

using google::protobuf::Arena;

// First block of a request's arena: with it a usual request and its response need no allocation.
constexpr size_t kArenaBlockBytes = size_t{64} << 10;

// Working memory of a thread; a thread works on one request at a time.
struct Workspace {
  Engine::Scratch scratch;
  DecisionIdGenerator ids;
  alignas(std::max_align_t) std::array<char, kArenaBlockBytes> arena_block;
};

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

uint64_t UnixMillis() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

}  // namespace

RouterService::RouterService(const SnapshotHolder& snapshots, Metrics& metrics, Options options)
    : snapshots_(snapshots), metrics_(metrics), options_(std::move(options)) {}

template <typename Work>
grpc::ServerUnaryReactor* RouterService::Answer(grpc::CallbackServerContext* context, Method method,
                                                Work work) {
  metrics_.requests_in_flight().Increment();
  absl::Status status = deadline_guard_.Check(RemainingNanos(context->raw_deadline()));
  if (status.ok()) {
    const SnapshotHandle snapshot = snapshots_.Get();
    status = snapshot != nullptr ? work(*snapshot)
                                 : absl::UnavailableError("no bundle is in service yet");
  }
  grpc::Status answer = ToGrpcStatus(status);
  metrics_.RecordRequest(method, answer.error_code());
  metrics_.requests_in_flight().Decrement();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(std::move(answer));
  return reactor;
}

absl::Status RouterService::Decide(const Snapshot& snapshot, std::string_view request_bytes,
                                   Arena& arena, v1::RouteResponse* response) {
  auto* request = Arena::CreateMessage<v1::RouteRequest>(&arena);
  absl::Status status = Parse(request_bytes, request);
  if (!status.ok()) return status;
  Workspace& workspace = ThreadWorkspace();
  status = snapshot.engine->Decide(*request, workspace.scratch, response, &MonotonicNanos);
  if (!status.ok()) return status;
  const std::string_view id = workspace.ids.Next(UnixMillis());
  response->set_decision_id(id.data(), id.size());
  response->mutable_provenance()->set_server_version(options_.version);
  deadline_guard_.RecordDecision(static_cast<int64_t>(response->timings().total_us() * 1000));
  snapshot.metrics.RecordDecision(*response);
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* RouterService::Route(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) {
  return Answer(context, Method::kRoute, [&](const Snapshot& snapshot) {
    Arena arena(ThreadWorkspace().arena_block.data(), kArenaBlockBytes);
    const ContiguousBytes bytes(*request);
    auto* decision = Arena::CreateMessage<v1::RouteResponse>(&arena);
    absl::Status status = Decide(snapshot, bytes.view(), arena, decision);
    if (status.ok()) *response = Serialise(*decision);
    return status;
  });
}

grpc::ServerUnaryReactor* RouterService::BatchRoute(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return Answer(context, Method::kBatchRoute, [&](const Snapshot& snapshot) -> absl::Status {
    const ContiguousBytes bytes(*request);
    const auto items = SplitBatch(bytes.view(), options_.max_batch_items);
    if (!items.ok()) return items.status();
    Arena arena;
    auto* batch = Arena::CreateMessage<v1::BatchRouteResponse>(&arena);
    for (const std::string_view item : *items) {
      absl::Status status = deadline_guard_.Check(RemainingNanos(context->raw_deadline()));
      if (!status.ok()) return status;
      if (context->IsCancelled()) return absl::CancelledError("the caller cancelled the batch");
      // Parsed requests are dropped one by one; only results add up.
      Arena item_arena(ThreadWorkspace().arena_block.data(), kArenaBlockBytes);
      v1::BatchRouteResult* result = batch->add_results();
      status = Decide(snapshot, item, item_arena, result->mutable_response());
      if (!status.ok()) *result->mutable_error() = ToRpcStatus(status);
    }
    *response = Serialise(*batch);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* RouterService::GetCatalogue(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return Answer(context, Method::kGetCatalogue, [&](const Snapshot& snapshot) {
    v1::GetCatalogueRequest parsed;
    absl::Status status = Parse(ContiguousBytes(*request).view(), &parsed);
    if (!status.ok()) return status;
    const Engine& engine = *snapshot.engine;
    v1::GetCatalogueResponse catalogue;
    *catalogue.mutable_catalogue() = engine.catalogue();
    *catalogue.mutable_policies() = engine.policies();
    catalogue.set_bundle_digest(engine.manifest().digest());
    catalogue.set_bundle_version(engine.manifest().version());
    catalogue.set_embedder_id(engine.manifest().embedder_id());
    catalogue.set_embedding_dimensions(engine.manifest().dimensions());
    catalogue.set_exemplar_count(engine.manifest().exemplar_count());
    catalogue.set_server_version(options_.version);
    *response = Serialise(catalogue);
    return absl::OkStatus();
  });
}

}  // namespace pointsman::server
