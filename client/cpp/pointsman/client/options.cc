#include "pointsman/client/options.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace pointsman::client {
namespace {

constexpr int kMaxRetryAttempts = 5;  // gRPC silently cuts larger values to this

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  if (path.empty()) return std::string();
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  if (!file || !(contents << file.rdbuf())) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path, " as a PEM file"));
  }
  return std::move(contents).str();
}

// "[::1]:7431", "::1", "localhost:7431": the host, without brackets and port.
std::string HostOf(absl::string_view address) {
  if (absl::ConsumePrefix(&address, "[")) return std::string(address.substr(0, address.find(']')));
  const size_t colon = address.find(':');
  const bool has_port = colon != absl::string_view::npos && colon == address.rfind(':');
  return std::string(has_port ? address.substr(0, colon) : address);
}

bool IsLoopback(absl::string_view address) {
  const std::string host = HostOf(address);
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return absl::EqualsIgnoreCase(host, "localhost");
}

// Whether every address that a gRPC target may lead to is on this host. By the address and not by
// how it begins: 127.0.0.1.example is a name that anybody can register.
bool IsSameHost(absl::string_view target) {
  if (absl::StartsWith(target, "unix:") || absl::StartsWith(target, "unix-abstract:")) return true;
  if (absl::ConsumePrefix(&target, "dns:")) {
    // dns://RESOLVER/NAME or dns:NAME
    if (absl::ConsumePrefix(&target, "//"))
      target.remove_prefix(std::min(target.size(), target.find('/')));
    absl::ConsumePrefix(&target, "/");
  } else if (absl::ConsumePrefix(&target, "ipv4:") || absl::ConsumePrefix(&target, "ipv6:")) {
    const std::vector<absl::string_view> addresses = absl::StrSplit(target, ',');
    return absl::c_all_of(addresses, IsLoopback);
  }
  return IsLoopback(target);
}

// Protobuf's JSON form of a duration.
std::string Seconds(std::chrono::milliseconds duration) {
  return absl::StrFormat("\"%d.%03ds\"", duration.count() / 1000, duration.count() % 1000);
}

absl::Status Invalid(const std::string& problem) { return absl::InvalidArgumentError(problem); }

}  // namespace

absl::StatusOr<TlsOptions> ReadTlsFiles(const std::string& root_certificates_path,
                                        const std::string& certificate_chain_path,
                                        const std::string& private_key_path) {
  TlsOptions tls;
  const struct {
    const std::string& path;
    std::string& pem;
  } parts[] = {{root_certificates_path, tls.root_certificates_pem},
               {certificate_chain_path, tls.certificate_chain_pem},
               {private_key_path, tls.private_key_pem}};
  for (const auto& part : parts) {
    absl::StatusOr<std::string> pem = ReadPem(part.path);
    if (!pem.ok()) return pem.status();
    part.pem = *std::move(pem);
  }
  return tls;
}

absl::Status Validate(const ConnectOptions& options) {
  if (options.target.empty()) return Invalid("the target must name a host and port; it is empty");
  if (options.deadline.count() <= 0) {
    return Invalid(
        absl::StrCat("the deadline must be > 0 ms; it is ", options.deadline.count(), " ms"));
  }
  const RetryOptions& retry = options.retry;
  if (retry.max_attempts < 1 || retry.max_attempts > kMaxRetryAttempts) {
    return Invalid(absl::StrCat("retry.max_attempts must be 1 to ", kMaxRetryAttempts, "; it is ",
                                retry.max_attempts));
  }
  if (retry.initial_backoff.count() <= 0 || retry.max_backoff < retry.initial_backoff ||
      !(retry.backoff_multiplier > 0)) {
    return Invalid("retry needs 0 < initial_backoff <= max_backoff and a multiplier > 0");
  }
  if (options.tls.has_value() &&
      options.tls->certificate_chain_pem.empty() != options.tls->private_key_pem.empty()) {
    return Invalid("a client certificate and its private key must be given together; one is empty");
  }
  if (!options.api_key.empty() && !options.tls.has_value() && !options.allow_api_key_without_tls &&
      !IsSameHost(options.target)) {
    return Invalid(absl::StrCat("an API key would be sent to ", options.target,
                                " in plaintext; use TLS, or allow_api_key_without_tls where a "
                                "proxy encrypts"));
  }
  return absl::OkStatus();
}

std::string ServiceConfigJson(const ConnectOptions& options) {
  std::string json = "{";
  if (options.balance_by_health) {
    json += R"("loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":""},)";
  }
  json += R"("methodConfig":[{"name":[{"service":"pointsman.v1.RouterService"}])";
  const RetryOptions& retry = options.retry;
  if (retry.max_attempts > 1) {
    absl::StrAppendFormat(&json,
                          R"(,"retryPolicy":{"maxAttempts":%d,"initialBackoff":%s,)"
                          R"("maxBackoff":%s,"backoffMultiplier":%g,)"
                          R"("retryableStatusCodes":["UNAVAILABLE"]})",
                          retry.max_attempts, Seconds(retry.initial_backoff),
                          Seconds(retry.max_backoff), retry.backoff_multiplier);
  }
  return json + "}]}";
}

}  // namespace pointsman::client
