// Who is calling, and may they: the table of clients applied to a call, and counted.
//
// Checked in the handler rather than by gRPC's own hooks: an interceptor's refusal reaches clients
// as CANCELLED, and a metadata processor cannot be used without TLS.
#ifndef POINTSMAN_SERVER_ACCESS_CONTROL_H_
#define POINTSMAN_SERVER_ACCESS_CONTROL_H_

#include <array>

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "prometheus/counter.h"
#include "server/metrics.h"
#include "server/security/client_table.h"
#include "server/security/client_table_holder.h"

namespace pointsman::server {

// Thread-safe.
class AccessControl {
 public:
  // `clients`: null where everybody may call. Both must outlive this object.
  AccessControl(const ClientTableHolder* clients, Metrics& metrics);

  // OK, with who it is (no name where there is no table), or UNAUTHENTICATED or PERMISSION_DENIED.
  // A message never holds what was presented.
  absl::Status Check(const grpc::ServerContextBase& context, Scope scope, Identity* caller) const;

 private:
  const ClientTableHolder* clients_;
  prometheus::Counter* accepted_;
  prometheus::Counter* scope_missing_;
  std::array<prometheus::Counter*, kAllRefusalReasons.size()> refused_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_ACCESS_CONTROL_H_
