#include "client/cli/admin_client.h"

#include <utility>

#include "grpc/support/time.h"
#include "grpcpp/client_context.h"
#include "pointsman/client/channel.h"
#include "pointsman/client/status.h"

namespace pointsman::cli {

absl::StatusOr<AdminClient> AdminClient::Create(client::ConnectOptions options) {
  options.retry.max_attempts = 1;
  options.balance_by_health = false;  // a server that drains must still tell its status
  if (absl::Status status = client::Validate(options); !status.ok()) return status;
  return AdminClient(std::move(options));
}

AdminClient::AdminClient(client::ConnectOptions options)
    : options_(std::move(options)),
      stub_(v1::AdminService::NewStub(client::MakeChannel(options_))) {}

template <typename Request, typename Response>
absl::StatusOr<Response> AdminClient::Call(
    grpc::Status (v1::AdminService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    const Request& request) const {
  grpc::ClientContext context;
  // The monotonic clock: a jump of the wall clock must not expire a call.
  context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                    gpr_time_from_millis(options_.deadline.count(), GPR_TIMESPAN)));
  if (!options_.api_key.empty()) {
    context.AddMetadata("authorization", "Bearer " + options_.api_key);
  }
  Response response;
  absl::Status status = client::FromGrpc((stub_.get()->*method)(&context, request, &response));
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::GetStatusResponse> AdminClient::GetStatus() const {
  return Call(&v1::AdminService::Stub::GetStatus, v1::GetStatusRequest());
}

absl::StatusOr<v1::ActivateBundleResponse> AdminClient::ActivateBundle(
    const v1::ActivateBundleRequest& request) const {
  return Call(&v1::AdminService::Stub::ActivateBundle, request);
}

absl::StatusOr<v1::RollbackResponse> AdminClient::Rollback(
    const v1::RollbackRequest& request) const {
  return Call(&v1::AdminService::Stub::Rollback, request);
}

absl::StatusOr<v1::DrainResponse> AdminClient::Drain(const v1::DrainRequest& request) const {
  return Call(&v1::AdminService::Stub::Drain, request);
}

}  // namespace pointsman::cli
