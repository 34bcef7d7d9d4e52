#include "tests/bench/load/channels.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "pointsman/client/channel.h"
#include "pointsman/client/options.h"

namespace pointsman::bench {
namespace {

absl::StatusOr<std::optional<client::TlsOptions>> ReadTls(const LoadOptions& options) {
  if (options.ca_file.empty()) return std::nullopt;
  absl::StatusOr<client::TlsOptions> tls =
      client::ReadTlsFiles(options.ca_file, options.certificate_file, options.private_key_file);
  if (!tls.ok()) return tls.status();
  tls->server_name = options.server_name;
  return *std::move(tls);
}

// What a caller has who does nothing beyond connecting; even gRPC's own transparent retries are
// off, so that what becomes of every single call is seen.
std::shared_ptr<grpc::Channel> PlainChannel(const client::ConnectOptions& options,
                                            size_t target_count) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (target_count > 1) arguments.SetLoadBalancingPolicyName("round_robin");
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (options.tls.has_value()) {
    const client::TlsOptions& tls = *options.tls;
    credentials = grpc::SslCredentials(
        {tls.root_certificates_pem, tls.private_key_pem, tls.certificate_chain_pem});
    if (!tls.server_name.empty()) arguments.SetSslTargetNameOverride(tls.server_name);
  }
  return grpc::CreateCustomChannel(options.target, credentials, arguments);
}

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> MakeChannels(
    const LoadOptions& options) {
  client::ConnectOptions connect;
  connect.target = options.targets.size() == 1 ? options.targets[0]
                                               : "ipv4:" + absl::StrJoin(options.targets, ",");
  connect.api_key = options.api_key;
  connect.deadline = std::chrono::milliseconds(options.deadline_ms);
  absl::StatusOr<std::optional<client::TlsOptions>> tls = ReadTls(options);
  if (!tls.ok()) return tls.status();
  connect.tls = *std::move(tls);
  if (absl::Status status = client::Validate(connect); !status.ok()) return status;

  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < options.connections; ++i) {
    if (options.shipped) {
      channels.push_back(client::MakeChannel(connect));
      // Channels of equal arguments would share one connection.
      connect.keepalive_interval += std::chrono::milliseconds(1);
    } else {
      channels.push_back(PlainChannel(connect, options.targets.size()));
    }
  }
  return channels;
}

absl::Status Connect(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                     std::chrono::milliseconds time_limit) {
  const auto deadline = std::chrono::system_clock::now() + time_limit;
  for (const auto& channel : channels) channel->GetState(/*try_to_connect=*/true);
  size_t connected = 0;
  for (const auto& channel : channels) {
    if (channel->WaitForConnected(deadline)) ++connected;
  }
  if (connected == channels.size()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      connected, " of ", channels.size(), " connections stood after ", time_limit.count(), " ms"));
}

}  // namespace pointsman::bench
