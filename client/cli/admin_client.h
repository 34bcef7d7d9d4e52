// AdminService of one server. Each call is made once: what changes a server is not repeated behind
// the operator's back.
#ifndef POINTSMAN_CLIENT_CLI_ADMIN_CLIENT_H_
#define POINTSMAN_CLIENT_CLI_ADMIN_CLIENT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "pointsman/client/options.h"
#include "pointsman/v1/admin.grpc.pb.h"

namespace pointsman::cli {

// Every call blocks up to ConnectOptions::deadline. Errors are those of FromGrpc
// (pointsman/client/status.h).
class AdminClient {
 public:
  // Does not wait for the server: the first call connects. INVALID_ARGUMENT names the option that
  // is out of bounds.
  static absl::StatusOr<AdminClient> Create(client::ConnectOptions options);

  absl::StatusOr<v1::GetStatusResponse> GetStatus() const;
  absl::StatusOr<v1::ActivateBundleResponse> ActivateBundle(
      const v1::ActivateBundleRequest& request) const;
  absl::StatusOr<v1::RollbackResponse> Rollback(const v1::RollbackRequest& request) const;
  absl::StatusOr<v1::DrainResponse> Drain(const v1::DrainRequest& request) const;

 private:
  explicit AdminClient(client::ConnectOptions options);

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (v1::AdminService::Stub::*method)(grpc::ClientContext*,
                                                                               const Request&,
                                                                               Response*),
                                const Request& request) const;

  client::ConnectOptions options_;
  std::unique_ptr<v1::AdminService::Stub> stub_;
};

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_ADMIN_CLIENT_H_
