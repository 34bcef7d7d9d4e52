// pointsman.v1.AdminService, on a listener of its own. Nothing here runs on the threads that
// decide: bundles are loaded by the manager, and a call is finished when that is done.
#ifndef POINTSMAN_SERVER_ADMIN_SERVICE_H_
#define POINTSMAN_SERVER_ADMIN_SERVICE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "pointsman/v1/admin.grpc.pb.h"
#include "server/access_control.h"
#include "server/reload/bundle_manager.h"

namespace pointsman::server {

using RawAdminService = v1::AdminService::WithRawCallbackMethod_GetStatus<
    v1::AdminService::WithRawCallbackMethod_ActivateBundle<
        v1::AdminService::WithRawCallbackMethod_Rollback<
            v1::AdminService::WithRawCallbackMethod_Drain<v1::AdminService::Service>>>>;

class AdminService final : public RawAdminService {
 public:
  struct Parts {
    const AccessControl& access;
    BundleManager& bundles;
    std::function<int64_t()> requests_in_flight;
    // Begins to drain; with the longest wait for requests in flight, where the call names one.
    std::function<void(std::optional<std::chrono::milliseconds> grace_period)> drain;
    std::string version;
  };

  explicit AdminService(Parts parts)
      : parts_(std::move(parts)), started_(std::chrono::steady_clock::now()) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ActivateBundle(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Rollback(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;

  // Waits for calls in progress, up to `timeout`: before the listener is shut down.
  void WaitUntilAnswered(std::chrono::milliseconds timeout) const;

  // What GetStatus says from now on.
  void SetState(v1::ServerState state) { state_ = state; }

 private:
  class Call;

  const Parts parts_;
  const std::chrono::steady_clock::time_point started_;
  std::atomic<v1::ServerState> state_{v1::SERVER_STATE_STARTING};
  std::atomic<int> calls_{0};
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_ADMIN_SERVICE_H_
