// What a gRPC call shows for itself: the key in its metadata, the names in its client certificate.
// The border between gRPC's types and the table of clients.
//
//   const CallCredentials call(context->client_metadata(), context->auth_context().get());
//   AuthVerdict verdict = holder.Authenticate(call.presented(), absl::Now());
#ifndef POINTSMAN_SERVER_SECURITY_PRESENTED_CREDENTIALS_H_
#define POINTSMAN_SERVER_SECURITY_PRESENTED_CREDENTIALS_H_

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "grpcpp/security/auth_context.h"
#include "grpcpp/support/string_ref.h"
#include "server/security/client_table.h"

namespace pointsman::server {

using GrpcMetadata = std::multimap<grpc::string_ref, grpc::string_ref>;

struct BearerKey {
  std::string_view malformed;           // why it cannot be read, a sentence without it; empty: fine
  std::optional<std::string_view> key;  // into the metadata
};

// The key of `authorization: Bearer KEY`; the scheme may be written in any case. No such header: no
// key. Malformed: several headers, another scheme, no key, a key of more than kMaxKeyBytes bytes,
// or one with characters other than the visible ones of ASCII.
BearerKey ReadBearerKey(const GrpcMetadata& metadata);

// The names of the client certificate that TLS has verified, URIs first, then DNS names, then
// e-mail addresses; the common name only where there are no alternative names of any kind, since
// whoever signs certificates often checks those alone. None without a verified certificate or where
// `context` is null. Views into the context.
std::vector<CertificateName> VerifiedCertificateNames(const grpc::AuthContext* context);

// Both of the above. The metadata and the context must outlive it; not copied, as it points to
// itself.
class CallCredentials {
 public:
  CallCredentials(const GrpcMetadata& metadata, const grpc::AuthContext* context);
  CallCredentials(const CallCredentials&) = delete;
  CallCredentials& operator=(const CallCredentials&) = delete;

  const PresentedCredentials& presented() const { return presented_; }

 private:
  std::vector<CertificateName> names_;
  PresentedCredentials presented_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SECURITY_PRESENTED_CREDENTIALS_H_
