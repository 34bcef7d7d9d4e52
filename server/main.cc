// pointsman-server: the life of the process, from top to bottom.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/engine.h"
#include "index/search/vector_index.h"
#include "index/version.h"
#include "server/bundle_metrics.h"
#include "server/config.h"
#include "server/grpc_listener.h"
#include "server/invocation.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/metrics_listener.h"
#include "server/noop_service.h"
#include "server/port_file.h"
#include "server/router_service.h"
#include "server/signals.h"
#include "server/snapshot.h"

namespace pointsman::server {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitCannotStart = 1;
constexpr int kExitUsage = 2;

int UsageError(const absl::Status& status) {
  const std::string message(status.message());
  std::fprintf(stderr, "pointsman-server: %s\n", message.c_str());
  return kExitUsage;
}

int CannotStart(const absl::Status& status) {
  Log(Severity::kError, absl::StrCat("cannot start: ", status.message()));
  return kExitCannotStart;
}

std::string HostOf(std::string_view address) {
  return std::string(address.substr(0, address.rfind(':')));
}

// The one line on standard output, for people.
void AnnounceServing(const Config& config, int grpc_port, int metrics_port, const Engine& engine) {
  std::printf(
      "pointsman-server %s SERVING on %s:%d, metrics on http://%s:%d/metrics, bundle %.12s: %d "
      "models, %lld exemplars\n",
      kVersion, HostOf(config.listen_address).c_str(), grpc_port,
      HostOf(config.metrics_listen_address).c_str(), metrics_port,
      engine.manifest().digest().c_str(), engine.manifest().model_count(),
      static_cast<long long>(engine.manifest().exemplar_count()));
  std::fflush(stdout);
}

int Serve(const Config& config) {
  // Signals first, so that one that comes while the bundle is read is not lost; then what libraries
  // keep for the whole process, before their first use.
  CatchShutdownSignals();
  AdoptLibraryLogs();
  search::ConfigureForServing();

  // The bundle, verified before anything listens.
  Engine::LoadOptions load_options;
  load_options.bounds.max_text_bytes = static_cast<size_t>(config.max_request_text_bytes);
  absl::StatusOr<std::unique_ptr<const Engine>> loaded = Engine::Load(config.bundle, load_options);
  if (!loaded.ok()) return CannotStart(loaded.status());
  const std::shared_ptr<const Engine> engine = *std::move(loaded);

  // Metrics, snapshot, services.
  const auto metrics = std::make_shared<Metrics>(kVersion);
  metrics->SetBundle(engine->manifest().digest(), engine->manifest().version());
  SnapshotHolder snapshots;
  snapshots.Set(std::make_shared<const Snapshot>(
      Snapshot{engine, BundleMetrics(engine->catalogue(), engine->policies(), *metrics)}));
  RouterService router(
      snapshots, *metrics,
      {.max_batch_items = static_cast<size_t>(config.max_batch_items), .version = kVersion});
  NoopService noop;
  std::vector<grpc::Service*> services = {&router};
  if (config.bench_noop) services.push_back(&noop);

  // Listen.
  auto metrics_listener = MetricsListener::Start(config.metrics_listen_address, metrics);
  if (!metrics_listener.ok()) return CannotStart(metrics_listener.status());
  auto listener = GrpcListener::Start(config, services);
  if (!listener.ok()) return CannotStart(listener.status());

  // SERVING.
  if (!config.port_file.empty()) {
    const absl::Status written =
        WritePortFile(config.port_file, listener->port(), metrics_listener->port());
    if (!written.ok()) return CannotStart(written);
  }
  AnnounceServing(config, listener->port(), metrics_listener->port(), *engine);
  Log(Severity::kInfo, "serving",
      {{"version", std::string_view(kVersion)},
       {"grpc_port", int64_t{listener->port()}},
       {"metrics_port", int64_t{metrics_listener->port()}},
       {"bundle", std::string_view(config.bundle)},
       {"bundle_digest", std::string_view(engine->manifest().digest())}});

  const int signal = WaitForShutdownSignal();

  // Drain: balancers see NOT_SERVING and go elsewhere while calls are still answered; then no more
  // are accepted, and those in flight get the grace period.
  Log(Severity::kInfo, "draining",
      {{"signal", int64_t{signal}}, {"lame_duck_ms", config.lame_duck_ms}});
  listener->SetNotServing();
  std::this_thread::sleep_for(std::chrono::milliseconds(config.lame_duck_ms));
  listener->Shutdown(std::chrono::milliseconds(config.grace_period_ms));
  Log(Severity::kInfo, "stopped");
  return kExitOk;
}

int Main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  std::vector<std::string_view> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.push_back(*variable);
  }
  const absl::StatusOr<Invocation> invocation = ReadInvocation(arguments, environment);
  if (!invocation.ok()) return UsageError(invocation.status());
  for (const std::string& warning : invocation->warnings) Log(Severity::kWarning, warning);

  switch (invocation->action) {
    case Action::kHelp:
      std::fputs(HelpText().c_str(), stdout);
      return kExitOk;
    case Action::kVersion:
      std::printf("pointsman-server %s\n", kVersion);
      return kExitOk;
    case Action::kPrintConfig:
      std::fputs(ConfigText(*invocation).c_str(), stdout);
      return kExitOk;
    case Action::kCheckConfig:
    case Action::kServe:
      break;
  }
  const absl::Status status = CheckConfig(invocation->config);
  if (!status.ok()) return UsageError(status);
  if (invocation->action == Action::kCheckConfig) {
    std::puts("the settings are valid");
    return kExitOk;
  }
  return Serve(invocation->config);
}

}  // namespace
}  // namespace pointsman::server

int main(int argc, char** argv) { return pointsman::server::Main(argc, argv); }
