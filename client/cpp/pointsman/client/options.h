// How a client reaches a router. Plain values with defaults that suit a sidecar on the same host;
// everything here is read once, by Client::Create.
#ifndef POINTSMAN_CLIENT_OPTIONS_H_
#define POINTSMAN_CLIENT_OPTIONS_H_

#include <chrono>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pointsman::client {

// Where a router listens unless told otherwise.
inline constexpr char kDefaultTarget[] = "127.0.0.1:7431";

// Every field has an initialiser, since GCC's -Wextra warns about those without one that a
// designated initialiser leaves out.
// NOLINTBEGIN(readability-redundant-member-init)
struct TlsOptions {
  std::string root_certificates_pem{};  // empty: the roots of the system
  std::string certificate_chain_pem{};  // with private_key_pem: the client's own identity (mTLS)
  std::string private_key_pem{};
  std::string server_name{};  // name the server's certificate must carry; empty: the target's host
};

// Reads PEM files; an empty path leaves the part empty. NOT_FOUND names the file that is missing.
absl::StatusOr<TlsOptions> ReadTlsFiles(const std::string& root_certificates_path,
                                        const std::string& certificate_chain_path,
                                        const std::string& private_key_path);

// Only UNAVAILABLE is retried: it says that the request was not worked on, or that another replica
// should be asked. An overloaded router (RESOURCE_EXHAUSTED) is left alone.
struct RetryOptions {
  int max_attempts = 4;  // 1 to 5, the first one included; 1: no retry
  std::chrono::milliseconds initial_backoff{50};
  std::chrono::milliseconds max_backoff{1000};
  double backoff_multiplier = 2;
};

struct ConnectOptions {
  std::string target = kDefaultTarget;  // a gRPC target: host:port, dns:///name:port, unix:/path
  std::optional<TlsOptions> tls{};      // absent: plaintext
  std::string api_key{};                // sent as "authorization: Bearer <key>"; empty: none
  // A key over plaintext can be read on the way, so it is refused beyond this host unless a proxy
  // is known to encrypt.
  bool allow_api_key_without_tls = false;

  std::chrono::milliseconds deadline{2000};  // of a call that names none, retries included
  RetryOptions retry{};
  // Leaves out replicas that report NOT_SERVING, as one that drains does, and spreads calls over
  // the others.
  bool balance_by_health = true;
  // Finds dead connections between calls. gRPC servers cut off clients that ping more often than
  // every five minutes, unless configured otherwise.
  std::chrono::milliseconds keepalive_interval{330'000};
  std::chrono::milliseconds keepalive_timeout{20'000};
  int max_response_bytes = 64 << 20;  // a batch that explains carries many exemplar texts
};
// NOLINTEND(readability-redundant-member-init)

// OK, or INVALID_ARGUMENT saying which option is out of which bound.
absl::Status Validate(const ConnectOptions& options);

// The gRPC service config (JSON) that carries the retry policy and the health check.
std::string ServiceConfigJson(const ConnectOptions& options);

}  // namespace pointsman::client

#endif  // POINTSMAN_CLIENT_OPTIONS_H_
