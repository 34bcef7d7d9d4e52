#include "server/access_control.h"

#include <string>
#include <variant>

#include "absl/time/clock.h"
#include "server/security/presented_credentials.h"

namespace pointsman::server {

AccessControl::AccessControl(const ClientTableHolder* clients, Metrics& metrics)
    : clients_(clients) {
  const auto counter = [&metrics](std::string_view result) {
    return &metrics.AddCounter("pointsman_authentications_total",
                               "Calls looked up in the table of clients, by result",
                               {{"result", std::string(result)}});
  };
  accepted_ = counter("accepted");
  scope_missing_ = counter("scope_missing");
  for (const RefusalReason reason : kAllRefusalReasons) {
    refused_[static_cast<size_t>(reason)] = counter(RefusalReasonName(reason));
  }
}

absl::Status AccessControl::Check(const grpc::ServerContextBase& context, Scope scope,
                                  Identity* caller) const {
  if (clients_ == nullptr) return absl::OkStatus();
  const auto auth_context = context.auth_context();
  const CallCredentials credentials(context.client_metadata(), auth_context.get());
  const AuthVerdict verdict = clients_->Authenticate(credentials.presented(), absl::Now());
  if (const auto* refusal = std::get_if<Refusal>(&verdict)) {
    refused_[static_cast<size_t>(refusal->reason)]->Increment();
    return ToStatus(*refusal);
  }
  *caller = std::get<Identity>(verdict);
  absl::Status status = Authorize(*caller, scope);
  (status.ok() ? accepted_ : scope_missing_)->Increment();
  return status;
}

}  // namespace pointsman::server
