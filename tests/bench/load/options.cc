#include "tests/bench/load/options.h"

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace pointsman::bench {
namespace {

constexpr char kFooter[] =
    "\nPrints \"loading since SECONDS\" (CLOCK_MONOTONIC) once all connections stand. Stops early "
    "on\n"
    "SIGINT and SIGTERM, waits for what is under way, and reports.\n"
    "Exit codes: 0 every call has ended, 1 some have not or a file cannot be written, 2 wrong "
    "flags\n"
    "or requests, 3 cannot connect.\n";

void AddFlags(CLI::App* app, LoadOptions* options) {
  app->add_option("--target", options->targets, "host:port; several: comma separated, in turn")
      ->required()
      ->delimiter(',');
  app->add_option("--connections", options->connections, "Connections [4]")
      ->check(CLI::Range(1, 10'000));
  app->add_option("--rate", options->rate, "Calls a second, open loop [closed loop]")
      ->check(CLI::Range(0.01, 1e6));
  app->add_option("--concurrency", options->concurrency, "Calls under way, closed loop [32]")
      ->check(CLI::Range(1, 1'000'000));
  app->add_option("--duration", options->duration_s, "Seconds [10]")
      ->check(CLI::Range(0.01, 86'400.0));
  app->add_option("--deadline-ms", options->deadline_ms, "Deadline of a call [1000]")
      ->check(CLI::Range(1, 3'600'000));
  app->add_option("--max-outstanding", options->max_outstanding,
                  "Open loop: calls under way above which no more are sent [100000]")
      ->check(CLI::Range(1, 10'000'000));
  app->add_flag("--until-closed", options->until_closed,
                "Give a connection up with its first UNAVAILABLE, stop when none is left");
  app->add_option("--requests", options->requests_file, "File of a RouteRequest (JSON) a line");
  app->add_flag("--noop", options->noop, "Call pointsman.bench.Noop instead of Route");
  CLI::Option* const shipped = app->add_flag(
      "--shipped", options->shipped, "As the C++ client connects: retries and health checks");
  app->add_flag("--plain")
      ->description("Neither retries nor health checks (default)")
      ->excludes(shipped);
  app->add_option("--ca", options->ca_file, "PEM file of roots to trust; implies TLS");
  app->add_option("--cert", options->certificate_file, "PEM file of the client's certificates");
  app->add_option("--key", options->private_key_file, "PEM file of the client's private key");
  app->add_option("--server-name", options->server_name,
                  "Name that the server's certificate must carry [the target's host]");
  app->add_option("--api-key", options->api_key, "Sent as a bearer token");
  app->add_option("--json", options->json_file, "Report [standard output]");
  app->add_option("--trace", options->trace_file,
                  "CSV of every call: due, sent and received (ns, CLOCK_MONOTONIC), status code, "
                  "index of the bundle's digest in the report (-1: none)");
}

}  // namespace

absl::StatusOr<Invocation> ParseCommandLine(int argc, const char* const* argv) {
  Invocation invocation;
  CLI::App app("Calls pointsman-server and accounts for every call", "load_client");
  app.footer(kFooter);
  AddFlags(&app, &invocation.options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    invocation.help = true;
    invocation.help_text = app.help();
    return invocation;
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(error.what());
  }
  const LoadOptions& options = invocation.options;
  if (options.requests_file.empty() && !options.noop) {
    return absl::InvalidArgumentError("--requests FILE or --noop must be given");
  }
  if (options.until_closed && options.shipped) {
    return absl::InvalidArgumentError("--until-closed needs --plain: --shipped connects anew");
  }
  return invocation;
}

}  // namespace pointsman::bench
