// PEM text -> OpenSSL objects that free themselves, and OpenSSL's errors as text. The only part
// that parses PEM. Never asks for a passphrase: an encrypted key is an error.
#ifndef POINTSMAN_SERVER_SECURITY_PEM_H_
#define POINTSMAN_SERVER_SECURITY_PEM_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "openssl/evp.h"
#include "openssl/x509.h"

namespace pointsman::server {

template <auto Free>
struct OpenSslDeleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using X509Ptr = std::unique_ptr<X509, OpenSslDeleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslDeleter<EVP_PKEY_free>>;

// Every certificate of the text, at least one. INVALID_ARGUMENT names `file` and the certificate
// that does not decode, counted from 1.
absl::StatusOr<std::vector<X509Ptr>> ParseCertificates(std::string_view pem,
                                                       const std::string& file);

// The first private key of the text. INVALID_ARGUMENT names `file`.
absl::StatusOr<KeyPtr> ParsePrivateKey(std::string_view pem, const std::string& file);

absl::Time NotBefore(const X509* certificate);
absl::Time NotAfter(const X509* certificate);
std::string SubjectOf(const X509* certificate);  // "CN=router,O=Shop", or "(no subject)"
std::string SerialOf(const X509* certificate);   // upper-case hex, as openssl prints it
std::string Sha256Of(const X509* certificate);   // of its DER form, lower-case hex

// What this thread's last OpenSSL call complained about; empties its queue of errors, which later
// calls (gRPC's as well) would otherwise find there.
std::string TakeOpenSslError();

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SECURITY_PEM_H_
