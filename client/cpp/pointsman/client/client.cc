#include "pointsman/client/client.h"

#include <array>
#include <atomic>
#include <utility>

#include "grpc/support/time.h"
#include "pointsman/client/channel.h"
#include "pointsman/client/health.h"
#include "pointsman/client/status.h"
#include "pointsman/client/utf8.h"
#include "pointsman/v1/router.grpc.pb.h"

namespace pointsman::client {
namespace {

constexpr size_t kStatusCodes = 17;  // OK to UNAUTHENTICATED

}  // namespace

struct Client::Connection {
  ConnectOptions options;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::RouterService::Stub> router;
  std::atomic<int64_t> by_router{0};
  std::array<std::atomic<int64_t>, kStatusCodes> by_default{};

  void Prepare(const CallOptions& call, grpc::ClientContext* context) const {
    // The monotonic clock: a jump of the wall clock must not expire a call.
    const auto time_left = call.deadline.value_or(options.deadline);
    context->set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                       gpr_time_from_millis(time_left.count(), GPR_TIMESPAN)));
    if (!options.api_key.empty()) {
      context->AddMetadata("authorization", "Bearer " + options.api_key);
    }
  }

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (v1::RouterService::Stub::*method)(
                                    grpc::ClientContext*, const Request&, Response*),
                                const Request& request, const CallOptions& call) {
    grpc::ClientContext context;
    Prepare(call, &context);
    Response response;
    absl::Status status = FromGrpc((router.get()->*method)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }
};

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const ConnectOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  auto connection = std::make_unique<Connection>();
  connection->options = options;
  connection->channel = MakeChannel(options);
  connection->router = v1::RouterService::NewStub(connection->channel);
  return std::unique_ptr<Client>(new Client(std::move(connection)));
}

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Client::~Client() = default;

absl::StatusOr<v1::RouteResponse> Client::Route(const v1::RouteRequest& request,
                                                const CallOptions& call) {
  if (absl::Status status = CheckTexts(request); !status.ok()) return status;
  return connection_->Call(&v1::RouterService::Stub::Route, request, call);
}

absl::StatusOr<v1::BatchRouteResponse> Client::BatchRoute(const v1::BatchRouteRequest& request,
                                                          const CallOptions& call) {
  if (absl::Status status = CheckTexts(request); !status.ok()) return status;
  return connection_->Call(&v1::RouterService::Stub::BatchRoute, request, call);
}

absl::StatusOr<v1::GetCatalogueResponse> Client::GetCatalogue(const CallOptions& call) {
  return connection_->Call(&v1::RouterService::Stub::GetCatalogue, v1::GetCatalogueRequest(), call);
}

Routed Client::RouteOrDefault(const v1::RouteRequest& request, const DefaultRanking& ranking,
                              const CallOptions& call) {
  Routed routed;
  absl::StatusOr<v1::RouteResponse> response = Route(request, call);
  if (response.ok()) {
    connection_->by_router.fetch_add(1, std::memory_order_relaxed);
    routed.response = *std::move(response);
    return routed;
  }
  const auto code = static_cast<size_t>(response.status().code());
  connection_->by_default[code].fetch_add(1, std::memory_order_relaxed);
  DefaultDecision decision = DecideByDefault(ranking, request);
  routed.source = Source::kDefaultRanking;
  routed.response = std::move(decision.response);
  routed.router_error = response.status();
  routed.unchecked_limits = std::move(decision.unchecked_limits);
  return routed;
}

DefaultCounts Client::default_counts() const {
  DefaultCounts counts;
  counts.by_router = connection_->by_router.load(std::memory_order_relaxed);
  for (size_t code = 0; code < kStatusCodes; ++code) {
    const int64_t count = connection_->by_default[code].load(std::memory_order_relaxed);
    if (count == 0) continue;
    counts.by_default += count;
    counts.by_default_per_code[static_cast<absl::StatusCode>(code)] = count;
  }
  return counts;
}

absl::StatusOr<Health> Client::CheckHealth(const CallOptions& call) {
  ConnectOptions options = connection_->options;
  options.balance_by_health = false;
  grpc::ClientContext context;
  connection_->Prepare(call, &context);
  absl::StatusOr<bool> serving = AskHealth(MakeChannel(options), &context);
  if (!serving.ok()) return serving.status();
  return *serving ? Health::kServing : Health::kNotServing;
}

std::string Version() { return POINTSMAN_VERSION; }

}  // namespace pointsman::client
