// Options that every subcommand shares: which server, how long to wait, TLS and key.
#ifndef POINTSMAN_CLIENT_CLI_CONNECTION_H_
#define POINTSMAN_CLIENT_CLI_CONNECTION_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "pointsman/client/client.h"

namespace pointsman::cli {

inline constexpr std::chrono::milliseconds kDefaultTimeout{5000};

struct ConnectionOptions {
  std::string target;  // empty: POINTSMAN_TARGET, else the default
  std::optional<int64_t> timeout_ms;
  bool tls = false;
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  std::string tls_server_name;
  // A key on the command line could be read by every user of the host, so there is no --key.
  std::string key_file;  // empty: POINTSMAN_KEY_FILE, else POINTSMAN_KEY
  bool allow_plaintext_key = false;
};

// The same `options` may be added to the command and to its subcommands: either place is fine.
void AddConnectionOptions(CLI::App* app, ConnectionOptions* options);

// What the options and the environment say. Errors name the file or the option.
absl::StatusOr<client::ConnectOptions> Resolve(const ConnectionOptions& options,
                                               std::chrono::milliseconds default_timeout);

absl::StatusOr<std::unique_ptr<client::Client>> Connect(
    const ConnectionOptions& options, std::chrono::milliseconds default_timeout = kDefaultTimeout);

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_CONNECTION_H_
