#include "client/cli/admin.h"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/admin_client.h"
#include "client/cli/admin_text.h"
#include "client/cli/output.h"

namespace pointsman::cli {
namespace {

using std::chrono::milliseconds;

// A bundle is read and verified and its golden queries are replayed before the server answers.
constexpr milliseconds kLoadTimeout{120'000};

constexpr char kFooter[] =
    "\nA bundle that fails a check is never served; the one in service stays, and status says "
    "why.\n"
    "\nExamples:\n"
    "  pointsman admin status\n"
    "  pointsman admin activate /srv/pointsman/2026-11-24 --dry-run\n"
    "  pointsman admin activate /srv/pointsman/2026-11-24 --expected-digest 3f1c...\n"
    "  pointsman admin rollback\n"
    "  pointsman admin drain --grace-ms 20000\n"
    "\nEnvironment: POINTSMAN_ADMIN_TARGET, POINTSMAN_KEY, POINTSMAN_KEY_FILE, NO_COLOR\n";

struct AdminOptions {
  bool json = false;
  std::string path;
  std::string expected_digest;
  bool dry_run = false;
  std::optional<int64_t> grace_ms;
};

// A connected client and the address that it is for.
struct Admin {
  std::string target;
  AdminClient client;
};

absl::StatusOr<Admin> Reach(ConnectionOptions connection, milliseconds default_timeout) {
  if (connection.target.empty()) {
    const char* target = std::getenv("POINTSMAN_ADMIN_TARGET");
    connection.target = target == nullptr || *target == '\0' ? kDefaultAdminTarget : target;
  }
  absl::StatusOr<client::ConnectOptions> options = Resolve(connection, default_timeout);
  if (!options.ok()) return options.status();
  absl::StatusOr<AdminClient> client = AdminClient::Create(*options);
  if (!client.ok()) return client.status();
  return Admin{options->target, *std::move(client)};
}

void Print(bool json, const google::protobuf::Message& message, const std::string& text) {
  std::cout << (json ? ToJson(message, JsonStyle::kIndented) : text);
}

// For calls that the server carries out to their end whether or not somebody waits.
ExitCode FailToLoad(const absl::Status& status) {
  const ExitCode code = Fail(status);
  if (status.code() == absl::StatusCode::kDeadlineExceeded) {
    Complain("the server may still be at it: `pointsman admin status` tells what comes of it");
  }
  return code;
}

ExitCode RunStatus(const AdminOptions& options, const ConnectionOptions& connection) {
  const auto admin = Reach(connection, kDefaultTimeout);
  if (!admin.ok()) return Refuse(admin.status());
  const auto status = admin->client.GetStatus();
  if (!status.ok()) return Fail(status.status());
  Print(options.json, *status,
        AdminStatusText(admin->target, *status, std::chrono::system_clock::now(),
                        client::Paint(UseColour())));
  return status->state() == v1::SERVER_STATE_SERVING ? kOk : kFailed;
}

ExitCode RunActivate(const AdminOptions& options, const ConnectionOptions& connection) {
  // The server would look below its own working directory, which nobody thinks of.
  if (options.path.empty() || options.path[0] != '/') {
    return Refuse(absl::InvalidArgumentError(absl::StrCat(
        "the path of a bundle on the server must begin with /; it is `", options.path, "`")));
  }
  const auto admin = Reach(connection, kLoadTimeout);
  if (!admin.ok()) return Refuse(admin.status());
  v1::ActivateBundleRequest request;
  request.set_path(options.path);
  request.set_expected_digest(options.expected_digest);
  request.set_dry_run(options.dry_run);
  const auto response = admin->client.ActivateBundle(request);
  if (!response.ok()) return FailToLoad(response.status());
  Print(options.json, *response, ActivationText(*response, client::Paint(UseColour())));
  return kOk;
}

ExitCode RunRollback(const AdminOptions& options, const ConnectionOptions& connection) {
  const auto admin = Reach(connection, kLoadTimeout);
  if (!admin.ok()) return Refuse(admin.status());
  v1::RollbackRequest request;
  request.set_expected_digest(options.expected_digest);
  const auto response = admin->client.Rollback(request);
  if (!response.ok()) return FailToLoad(response.status());
  Print(options.json, *response, RollbackText(*response, client::Paint(UseColour())));
  return kOk;
}

ExitCode RunDrain(const AdminOptions& options, const ConnectionOptions& connection) {
  const auto admin = Reach(connection, kDefaultTimeout);
  if (!admin.ok()) return Refuse(admin.status());
  v1::DrainRequest request;
  if (options.grace_ms) {
    constexpr int64_t kMsPerSecond = 1000;
    constexpr int64_t kNanosPerMs = 1'000'000;
    request.mutable_grace_period()->set_seconds(*options.grace_ms / kMsPerSecond);
    request.mutable_grace_period()->set_nanos(
        static_cast<int32_t>(*options.grace_ms % kMsPerSecond * kNanosPerMs));
  }
  const auto response = admin->client.Drain(request);
  if (!response.ok()) return Fail(response.status());
  Print(options.json, *response, DrainText(admin->target, *response, client::Paint(UseColour())));
  return kOk;
}

void AddAdminConnection(CLI::App* app, ConnectionOptions* connection) {
  AddConnectionOptions(app, connection);
  app->get_option("--target")
      ->description(absl::StrCat("AdminService, host:port or a gRPC target "
                                 "[$POINTSMAN_ADMIN_TARGET, else ",
                                 kDefaultAdminTarget, "]"));
  app->get_option("--timeout-ms")
      ->description(absl::StrCat("Longest wait for an answer [", kDefaultTimeout.count(),
                                 "; activate and rollback ", kLoadTimeout.count(), "]"));
}

}  // namespace

Subcommand AddAdmin(CLI::App* parent, ConnectionOptions* connection) {
  auto options = std::make_shared<AdminOptions>();
  CLI::App* app = parent->add_subcommand("admin", "Look after a server: its bundle and its end");
  app->footer(kFooter);
  app->require_subcommand(1);

  CLI::App* status =
      app->add_subcommand("status", "State, uptime, bundles and the last attempts to change them");
  CLI::App* activate = app->add_subcommand("activate", "Verify a bundle and put it into service");
  activate->add_option("path", options->path, "Directory on the server's file system")->required();
  activate->add_flag("--dry-run", options->dry_run,
                     "Verify it and tell which decisions would change; activate nothing");
  CLI::App* rollback =
      app->add_subcommand("rollback", "Return to the bundle that was in service before");
  for (CLI::App* change : {activate, rollback}) {
    change->add_option("--expected-digest", options->expected_digest,
                       "Digest that the bundle must have, 64 hex digits");
  }
  CLI::App* drain = app->add_subcommand(
      "drain", "Finish what was accepted, take nothing new, and end the process");
  drain->add_option("--grace-ms", options->grace_ms,
                    "Longest wait for requests in flight [the server's grace_period_ms]");

  AddAdminConnection(app, connection);
  for (CLI::App* part : {status, activate, rollback, drain}) {
    part->add_flag("--json", options->json, "Print JSON");
    AddAdminConnection(part, connection);
  }
  return {app, [=](const ConnectionOptions& where) {
            if (status->parsed()) return RunStatus(*options, where);
            if (activate->parsed()) return RunActivate(*options, where);
            if (rollback->parsed()) return RunRollback(*options, where);
            return RunDrain(*options, where);
          }};
}

}  // namespace pointsman::cli
