// The server's certificate chain, its private key and the roots that client certificates must lead
// to: read from files and judged as a whole before any of it is used.
//
// A set that this accepts can be served: it parses, belongs together, is valid now, and a handshake
// with it (in memory, against ourselves) succeeds. What is merely unwise comes back as a warning.
#ifndef POINTSMAN_SERVER_SECURITY_CERTIFICATE_H_
#define POINTSMAN_SERVER_SECURITY_CERTIFICATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pointsman::server {

// Paths of PEM files.
struct CertificateFiles {
  std::string certificate_chain;  // the server's own certificate first, then each one's issuer
  std::string private_key;        // of the first certificate; not encrypted
  std::string client_ca{};        // empty: clients are not asked for certificates
};

struct CertificateSet {
  std::string certificate_chain_pem;
  std::string private_key_pem;  // secret: never log it
  std::string client_ca_pem;    // empty: clients are not asked for certificates

  // Of the server's own certificate.
  std::string subject;
  std::string serial;  // upper-case hex
  std::string sha256;  // of the DER form, lower-case hex
  absl::Time not_before;
  absl::Time not_after;

  // Sentences for the log: a private key that others can read, an expiry within kExpiryWarning, a
  // root that has expired or is none.
  std::vector<std::string> warnings;
};

inline constexpr absl::Duration kExpiryWarning = absl::Hours(7 * 24);

// Reads and judges. An error names the file, the check that failed and, where it is about time,
// both times: NOT_FOUND or PERMISSION_DENIED for a file; INVALID_ARGUMENT if something does not
// parse or does not belong together; FAILED_PRECONDITION if it is expired or not valid yet at
// `now`. Takes a few milliseconds, mostly the trial handshake. Thread-safe.
absl::StatusOr<CertificateSet> ReadCertificateSet(const CertificateFiles& files, absl::Time now);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SECURITY_CERTIFICATE_H_
