#include "server/security/presented_credentials.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "grpc/grpc_security_constants.h"
#include "index/string_view.h"

namespace pointsman::server {
namespace {

constexpr std::string_view kScheme = "bearer";

std::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

std::string_view TrimSpaces(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

BearerKey ReadBearerKey(const GrpcMetadata& metadata) {
  const auto [first, last] = metadata.equal_range("authorization");
  if (first == last) return {};
  if (std::next(first) != last) {
    return {"metadata `authorization` must be given once; it was given several times", {}};
  }
  const std::string_view value = TrimSpaces(View(first->second));
  const size_t end_of_scheme = std::min(value.find_first_of(" \t"), value.size());
  if (!absl::EqualsIgnoreCase(ToAbsl(value.substr(0, end_of_scheme)), ToAbsl(kScheme))) {
    return {"metadata `authorization` must have the form `Bearer KEY`; it has another scheme", {}};
  }
  const std::string_view key = TrimSpaces(value.substr(end_of_scheme));
  if (key.empty()) {
    return {"metadata `authorization` must have the form `Bearer KEY`; there is no key", {}};
  }
  if (key.size() > kMaxKeyBytes) return {"the key must have at most 512 bytes; it has more", {}};
  static_assert(kMaxKeyBytes == 512);
  const auto visible = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(key.begin(), key.end(), visible)) {
    return {"the key must consist of visible ASCII characters; it holds another", {}};
  }
  return {{}, key};
}

std::vector<CertificateName> VerifiedCertificateNames(const grpc::AuthContext* context) {
  std::vector<CertificateName> names;
  if (context == nullptr || !context->IsPeerAuthenticated()) return names;
  const auto add = [&](const char* property, CertificateName::Kind kind) {
    for (const grpc::string_ref& value : context->FindPropertyValues(property)) {
      names.push_back({kind, View(value)});
    }
  };
  add(GRPC_PEER_URI_PROPERTY_NAME, CertificateName::Kind::kUri);
  add(GRPC_PEER_DNS_PROPERTY_NAME, CertificateName::Kind::kPlain);
  add(GRPC_PEER_EMAIL_PROPERTY_NAME, CertificateName::Kind::kEmail);
  if (context->FindPropertyValues(GRPC_X509_SAN_PROPERTY_NAME).empty()) {
    add(GRPC_X509_CN_PROPERTY_NAME, CertificateName::Kind::kPlain);
  }
  return names;
}

CallCredentials::CallCredentials(const GrpcMetadata& metadata, const grpc::AuthContext* context)
    : names_(VerifiedCertificateNames(context)) {
  const BearerKey key = ReadBearerKey(metadata);
  presented_ = {key.malformed, key.key, names_};
}

}  // namespace pointsman::server
