#include "client/cli/connection.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/input.h"

namespace pointsman::cli {
namespace {

constexpr char kGroup[] = "Connection";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

absl::StatusOr<std::string> ReadKey(const ConnectionOptions& options) {
  const std::string path =
      options.key_file.empty() ? Environment("POINTSMAN_KEY_FILE") : options.key_file;
  if (path.empty()) return Environment("POINTSMAN_KEY");
  absl::StatusOr<std::string> contents = ReadInput(path);
  if (!contents.ok()) return contents.status();
  std::string key(absl::StripAsciiWhitespace(*contents));
  if (key.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " holds no key"));
  return key;
}

// gRPC tells a file of the wrong kind from a router that cannot be reached in its own log only.
absl::Status CheckHolds(const std::string& pem, const std::string& path, const char* kind) {
  if (path.empty() || (absl::StrContains(pem, "-----BEGIN ") && absl::StrContains(pem, kind))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(path, " holds no PEM block of the kind ", kind));
}

}  // namespace

void AddConnectionOptions(CLI::App* app, ConnectionOptions* options) {
  app->add_option("--target", options->target,
                  absl::StrCat("Server, host:port or a gRPC target [$POINTSMAN_TARGET, else ",
                               client::kDefaultTarget, "]"))
      ->group(kGroup);
  app->add_option("--timeout-ms", options->timeout_ms,
                  "Longest wait for an answer, retries included [5000; batch 60000 a chunk]")
      ->check(CLI::Range(int64_t{1}, int64_t{86'400'000}).description(""))
      ->group(kGroup);
  app->add_flag("--tls", options->tls, "Use TLS; implied by any other --tls option")->group(kGroup);
  app->add_option("--tls-ca", options->tls_ca, "PEM file of roots to trust [the system's]")
      ->group(kGroup);
  app->add_option("--tls-cert", options->tls_cert, "PEM file of the client's certificate chain")
      ->group(kGroup);
  app->add_option("--tls-key", options->tls_key, "PEM file of the client's private key")
      ->group(kGroup);
  app->add_option("--tls-server-name", options->tls_server_name,
                  "Name that the server's certificate must carry [the target's host]")
      ->group(kGroup);
  app->add_option("--key-file", options->key_file,
                  "File that holds the API key [$POINTSMAN_KEY_FILE, else $POINTSMAN_KEY]")
      ->group(kGroup);
  app->add_flag("--allow-plaintext-key", options->allow_plaintext_key,
                "Send the key without TLS beyond this host, where a proxy encrypts")
      ->group(kGroup);
}

absl::StatusOr<client::ConnectOptions> Resolve(const ConnectionOptions& options,
                                               std::chrono::milliseconds default_timeout) {
  client::ConnectOptions connect;
  std::string target = options.target.empty() ? Environment("POINTSMAN_TARGET") : options.target;
  if (!target.empty()) connect.target = std::move(target);
  connect.deadline = options.timeout_ms.has_value() ? std::chrono::milliseconds(*options.timeout_ms)
                                                    : default_timeout;
  if (options.tls || !options.tls_ca.empty() || !options.tls_cert.empty() ||
      !options.tls_key.empty() || !options.tls_server_name.empty()) {
    absl::StatusOr<client::TlsOptions> tls =
        client::ReadTlsFiles(options.tls_ca, options.tls_cert, options.tls_key);
    if (!tls.ok()) return tls.status();
    for (const absl::Status& status :
         {CheckHolds(tls->root_certificates_pem, options.tls_ca, "CERTIFICATE"),
          CheckHolds(tls->certificate_chain_pem, options.tls_cert, "CERTIFICATE"),
          CheckHolds(tls->private_key_pem, options.tls_key, "PRIVATE KEY")}) {
      if (!status.ok()) return status;
    }
    tls->server_name = options.tls_server_name;
    connect.tls = *std::move(tls);
  }
  absl::StatusOr<std::string> key = ReadKey(options);
  if (!key.ok()) return key.status();
  connect.api_key = *std::move(key);
  connect.allow_api_key_without_tls = options.allow_plaintext_key;
  return connect;
}

absl::StatusOr<std::unique_ptr<client::Client>> Connect(const ConnectionOptions& options,
                                                        std::chrono::milliseconds default_timeout) {
  absl::StatusOr<client::ConnectOptions> connect = Resolve(options, default_timeout);
  if (!connect.ok()) return connect.status();
  return client::Client::Create(*connect);
}

}  // namespace pointsman::cli
