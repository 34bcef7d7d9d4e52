// pointsman-server: the life of the process, from top to bottom.

#include <malloc.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "index/engine.h"
#include "index/search/vector_index.h"
#include "index/version.h"
#include "server/access_control.h"
#include "server/admin_service.h"
#include "server/admission/admission.h"
#include "server/admission/work_queue.h"
#include "server/bundle_supply.h"
#include "server/config.h"
#include "server/decider.h"
#include "server/decision_log/decision_log.h"
#include "server/drain.h"
#include "server/ext_proc/ext_proc_service.h"
#include "server/grpc_listener.h"
#include "server/invocation.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/metrics_listener.h"
#include "server/noop_service.h"
#include "server/port_file.h"
#include "server/process_metrics.h"
#include "server/reload/bundle_manager.h"
#include "server/reload/path_fingerprint.h"
#include "server/reload/path_watcher.h"
#include "server/reload/url_source.h"
#include "server/request_sample.h"
#include "server/router_service.h"
#include "server/security/client_table_holder.h"
#include "server/security/rotating_credentials.h"
#include "server/service_notify.h"
#include "server/signals.h"
#include "server/snapshot.h"
#include "server/sources.h"

namespace pointsman::server {
namespace {

using std::chrono::milliseconds;

constexpr int kExitOk = 0;
constexpr int kExitCannotStart = 1;
constexpr int kExitUsage = 2;
constexpr milliseconds kLogCloseTimeout{5000};
constexpr milliseconds kAdminAnswerTimeout{1000};

int UsageError(const absl::Status& status) {
  const std::string message(status.message());
  std::fprintf(stderr, "pointsman-server: %s\n", message.c_str());
  return kExitUsage;
}

int CannotStart(const absl::Status& status) {
  Log(Severity::kError, absl::StrCat("cannot start: ", status.message()));
  return kExitCannotStart;
}

void LogWarnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) Log(Severity::kWarning, warning);
}

// The parts of a bundle are large and live as long as the bundle. Mapped by themselves they go back
// to the system with it; glibc would raise the bound of that to what was freed last, and bundles
// would then leave holes in heaps that never shrink.
void KeepLargeBlocksMapped() { mallopt(M_MMAP_THRESHOLD, 1 << 20); }

// Cores this process may run on, which a container or taskset may have made fewer.
int UsableCores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return sched_getaffinity(0, sizeof cores, &cores) == 0 ? std::max(1, CPU_COUNT(&cores)) : 1;
}

// --- Files that are read again ------------------------------------------------------------------

// Reads certificates or clients anew; what is not in order changes nothing. `counters`: null at the
// start, when nobody has changed them.
template <typename Holder>
void Reread(Holder& holder, std::string_view what, FileReloadMetrics* counters) {
  const auto outcome = holder.Reload(absl::Now());
  if (counters != nullptr) counters->Record(outcome.ok());
  if (!outcome.ok()) {
    Log(Severity::kError, absl::StrCat(std::string(what), " refused; the old ones stay: ",
                                       outcome.status().message()));
    return;
  }
  LogWarnings(outcome->warnings);
  if (counters != nullptr) Log(Severity::kInfo, absl::StrCat(std::string(what), " read again"));
}

std::vector<std::string> TlsFiles(const Config& config) {
  std::vector<std::string> files = {config.tls_certificate_file, config.tls_private_key_file};
  if (!config.tls_client_ca_file.empty()) files.push_back(config.tls_client_ca_file);
  return files;
}

absl::StatusOr<std::unique_ptr<PathWatcher>> StartWatcher(int64_t poll_ms) {
  return PathWatcher::Start(
      {.poll_interval = milliseconds(poll_ms), .on_polling_only = [](const absl::Status& status) {
         Log(Severity::kWarning,
             absl::StrCat("inotify cannot be used, polling alone: ", status.message()));
       }});
}

// --- The rest of the settings --------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<DecisionLog>> OpenDecisionLog(const Config& config) {
  if (config.decision_log.empty()) return std::unique_ptr<DecisionLog>();
  const auto fsync = config.decision_log_fsync == "never"    ? FsyncPolicy::kNever
                     : config.decision_log_fsync == "rotate" ? FsyncPolicy::kRotate
                                                             : FsyncPolicy::kInterval;
  return DecisionLog::Open(
      {.destination = config.decision_log,
       .ring_bytes = static_cast<size_t>(config.decision_log_ring_bytes),
       .max_candidates = static_cast<size_t>(config.decision_log_candidates),
       .content = config.decision_log_content == "text" ? LogContent::kText : LogContent::kHash,
       .hash_key_file = config.decision_log_hash_key_file,
       .redact_patterns_file = config.decision_log_redact_file,
       .max_file_bytes = static_cast<size_t>(config.decision_log_max_file_bytes),
       .max_files = static_cast<size_t>(config.decision_log_max_files),
       .rotate_interval = milliseconds(config.decision_log_rotate_ms),
       .fsync = fsync});
}

ExtProcService::Options ExtProcOptions(const Config& config) {
  const auto mode = config.ext_proc_mode == "shadow"    ? ExtProcMode::kShadow
                    : config.ext_proc_mode == "rewrite" ? ExtProcMode::kRewrite
                                                        : ExtProcMode::kRoute;
  return {.exchange = {.mode = mode,
                       .fail_closed = config.ext_proc_on_error == "closed",
                       .max_body_bytes = static_cast<size_t>(config.ext_proc_max_body_bytes),
                       .bounds = {static_cast<size_t>(config.max_request_text_bytes),
                                  static_cast<size_t>(config.max_turns)}},
          .response_wait = milliseconds(config.ext_proc_response_wait_ms)};
}

void CheckFileLimit(const Config& config) {
  constexpr int64_t kOthers = 256;  // bundle, logs, listeners, libraries
  constexpr int64_t kFilesOfConnection = 2;
  const int64_t files = RaiseFileLimit();
  const int64_t connections = (files - kOthers) / kFilesOfConnection;
  if (connections < config.max_connections) {
    Log(Severity::kWarning, "fewer files may be open than max_connections needs",
        {{"max_connections", config.max_connections},
         {"files", files},
         {"connections_possible", connections}});
  }
}

// The one line for people; on standard error where the decision log has standard output.
void AnnounceServing(const Config& config, const BoundPorts& ports, const Engine& engine) {
  const auto host = [](std::string_view address) {
    return std::string(address.substr(0, address.rfind(':')));
  };
  std::string line = absl::StrCat("pointsman-server ", kVersion, " SERVING on ",
                                  host(config.listen_address), ":", ports.grpc);
  if (!config.tls_certificate_file.empty()) {
    absl::StrAppend(&line, config.tls_client_ca_file.empty() ? " (TLS)" : " (mTLS)");
  }
  if (ports.admin != 0) {
    absl::StrAppend(&line, ", admin on ", host(config.admin_listen_address), ":", ports.admin);
  }
  if (ports.metrics != 0) {
    absl::StrAppend(&line, ", metrics on http://", host(config.metrics_listen_address), ":",
                    ports.metrics, "/metrics");
  }
  absl::StrAppend(&line, ", bundle ", engine.manifest().digest().substr(0, 12), ": ",
                  engine.manifest().model_count(), " models, ", engine.manifest().exemplar_count(),
                  " exemplars\n");
  FILE* out = config.decision_log == "-" ? stderr : stdout;
  std::fputs(line.c_str(), out);
  std::fflush(out);
}

int Serve(const Config& config) {
  // Signals first, so that one that comes while the bundle is read is not lost; then what libraries
  // keep for the whole process, before their first use.
  CatchSignals();
  AdoptLibraryLogs();
  KeepLargeBlocksMapped();
  search::ConfigureForServing();
  CheckFileLimit(config);

  // Who may call, from files that are judged before anything listens.
  std::unique_ptr<RotatingCredentials> tls;
  if (!config.tls_certificate_file.empty()) {
    auto created = RotatingCredentials::Create({.certificate_chain = config.tls_certificate_file,
                                                .private_key = config.tls_private_key_file,
                                                .client_ca = config.tls_client_ca_file},
                                               absl::Now());
    if (!created.ok()) return CannotStart(created.status());
    tls = *std::move(created);
  }
  std::unique_ptr<ClientTableHolder> clients;
  if (!config.clients_file.empty()) {
    auto created = ClientTableHolder::Create(config.clients_file, absl::Now(), nullptr);
    if (!created.ok()) return CannotStart(created.status());
    clients = *std::move(created);
  }
  auto decision_log = OpenDecisionLog(config);
  if (!decision_log.ok()) return CannotStart(decision_log.status());

  // The bundle, verified before anything listens.
  const auto metrics = std::make_shared<Metrics>(kVersion);
  RequestSample sample(static_cast<size_t>(config.sampled_requests));
  auto demands = BundleDemands(config);
  if (!demands.ok()) return CannotStart(demands.status());
  SnapshotHolder snapshots;
  BundleReloadMetrics reloads(*metrics);
  std::atomic<bool> serving{false};
  BundleManager bundles(
      snapshots, MakeLoader(*demands), MakePublisher(*metrics),
      {.on_attempt =
           [&](const AttemptReport& report) {
             reloads.Record(report.result);
             if (serving) LogAttempt(report);
           },
       .sampled_requests = [&sample] { return sample.Requests(); },
       .describe = [](const Engine& engine,
                      v1::BundleStatus* status) { status->set_signed_by(engine.signed_by()); }});
  std::string known_bundle = FingerprintOf(config.bundle);
  // Watched from before it is read, so that no change is missed. One that comes before we serve
  // waits until then: the first load must not be overtaken.
  std::atomic<bool> bundle_changed{false};
  const auto reread_bundle = [&] {
    bundle_changed = true;
    if (serving && bundle_changed.exchange(false)) {
      bundles.Request({.path = config.bundle, .may_be_incomplete = true});
    }
  };
  std::unique_ptr<PathWatcher> bundle_watcher;
  if (!config.bundle.empty() && config.bundle_poll_ms > 0) {
    auto started = StartWatcher(config.bundle_poll_ms);
    if (!started.ok()) return CannotStart(started.status());
    bundle_watcher = *std::move(started);
    bundle_watcher->Watch({config.bundle}, reread_bundle);
  }
  auto url = MakeUrlSource(config, bundles);
  if (!url.ok()) return CannotStart(url.status());
  const absl::Status loaded = LoadFirstBundle(config, bundles, url->get());
  if (!loaded.ok()) return CannotStart(loaded);

  // Admission, threads and services.
  const int workers = config.workers > 0 ? static_cast<int>(config.workers) : UsableCores();
  Admission admission({.max_in_flight = config.max_requests_in_flight,
                       .max_queue_delay_ns = config.max_queue_delay_ms * 1'000'000,
                       .workers = workers});
  WorkQueue queue(workers);
  const AccessControl access(clients.get(), *metrics);
  Decider decider({.snapshots = snapshots,
                   .metrics = *metrics,
                   .access = access,
                   .admission = admission,
                   .sample = sample,
                   .log = decision_log->get()},
                  {.version = kVersion, .record_metrics = !config.metrics_listen_address.empty()});
  RouterService router(decider, queue,
                       {.max_batch_items = static_cast<size_t>(config.max_batch_items),
                        .version = kVersion,
                        .orca_load_report = config.orca_load_report});
  std::atomic<int64_t> grace_period_ms{config.grace_period_ms};
  AdminService admin({.access = access,
                      .bundles = bundles,
                      .requests_in_flight = [&decider] { return decider.in_flight(); },
                      .drain =
                          [&grace_period_ms](std::optional<milliseconds> grace) {
                            if (grace) grace_period_ms = grace->count();
                            RequestDrain();
                          },
                      .version = kVersion});
  NoopService noop;
  std::vector<grpc::Service*> services = {&router};
  if (config.bench_noop) services.push_back(&noop);
  ExtProcMetrics ext_proc_metrics(*metrics);
  std::unique_ptr<ExtProcService> ext_proc;
  if (config.ext_proc) {
    ext_proc =
        std::make_unique<ExtProcService>(decider, queue, ext_proc_metrics, ExtProcOptions(config));
    services.push_back(ext_proc.get());
  }

  // Listen.
  const auto credentials = tls != nullptr ? tls->ForServer() : grpc::InsecureServerCredentials();
  auto listener =
      GrpcListener::Start("listen_address", config.listen_address, config, credentials, services);
  if (!listener.ok()) return CannotStart(listener.status());
  BoundPorts ports{.grpc = (*listener)->port()};
  std::unique_ptr<GrpcListener> admin_listener;
  if (!config.admin_listen_address.empty()) {
    std::vector<grpc::Service*> admin_services = {&admin};
    auto started =
        GrpcListener::Start("admin_listen_address", config.admin_listen_address, config,
                            tls != nullptr ? tls->ForServer() : credentials, admin_services);
    if (!started.ok()) return CannotStart(started.status());
    admin_listener = *std::move(started);
    ports.admin = admin_listener->port();
  }
  metrics->AddSource(ProcessMetrics());
  metrics->AddSource(ConnectionMetrics(**listener));
  metrics->AddSource(RequestMetrics(decider, admission, queue));
  metrics->AddSource(DecisionLogMetrics(decision_log->get()));
  metrics->AddSource(CertificateMetrics(tls.get()));
  metrics->AddSource(BundleFetchMetrics(url->get()));
  std::optional<MetricsListener> metrics_listener;
  if (!config.metrics_listen_address.empty()) {
    auto started = MetricsListener::Start(config.metrics_listen_address, metrics);
    if (!started.ok()) return CannotStart(started.status());
    metrics_listener = *std::move(started);
    ports.metrics = metrics_listener->port();
  }

  // Watch what may change.
  FileReloadMetrics certificate_reloads(*metrics, "certificate");
  FileReloadMetrics client_reloads(*metrics, "clients");
  const auto reread_certificate = [&] { Reread(*tls, "certificates", &certificate_reloads); };
  const auto reread_clients = [&] { Reread(*clients, "clients", &client_reloads); };
  auto file_watcher = StartWatcher(config.file_poll_ms);
  if (!file_watcher.ok()) return CannotStart(file_watcher.status());
  if (tls != nullptr) {
    (*file_watcher)->Watch(TlsFiles(config), reread_certificate);
  }
  if (clients != nullptr) (*file_watcher)->Watch({config.clients_file}, reread_clients);
  // Whatever changed between the first reading and now; and what is unwise about them.
  if (tls != nullptr) Reread(*tls, "certificates", nullptr);
  if (clients != nullptr) Reread(*clients, "clients", nullptr);

  // SERVING.
  const SnapshotHandle first = snapshots.Get();
  if (!config.port_file.empty()) {
    const absl::Status written = WritePortFile(config.port_file, ports);
    if (!written.ok()) return CannotStart(written);
  }
  admin.SetState(v1::SERVER_STATE_SERVING);
  serving = true;
  AnnounceServing(config, ports, *first->engine);
  Log(Severity::kInfo, "serving",
      {{"version", std::string_view(kVersion)},
       {"grpc_port", int64_t{ports.grpc}},
       {"admin_port", int64_t{ports.admin}},
       {"metrics_port", int64_t{ports.metrics}},
       {"workers", int64_t{workers}},
       {"bundle_digest", std::string_view(first->engine->manifest().digest())}});
  NotifyServiceManager("READY=1");
  if (*url != nullptr) (*url)->Start();
  if (bundle_changed) reread_bundle();

  // Until a signal. SIGHUP has everything read again that is read from files.
  ProcessEvent event = WaitForProcessEvent();
  for (; event == ProcessEvent::kHangUp; event = WaitForProcessEvent()) {
    if (*decision_log != nullptr) (*decision_log)->Reopen();
    if (tls != nullptr) reread_certificate();
    if (clients != nullptr) reread_clients();
    // Only what changed: a signal for the log must not undo what was activated by hand.
    const std::string now = FingerprintOf(config.bundle);
    if (!config.bundle.empty() && now != known_bundle) reread_bundle();
    known_bundle = now;
  }

  // Drain.
  NotifyServiceManager("STOPPING=1");
  admin.SetState(v1::SERVER_STATE_DRAINING);
  Log(Severity::kInfo, "draining",
      {{"cause", std::string_view(event == ProcessEvent::kTerminate ? "signal" : "api")},
       {"lame_duck_ms", config.lame_duck_ms},
       {"grace_period_ms", grace_period_ms.load()}});
  const int64_t unanswered = Drain(**listener, decider, ext_proc.get(),
                                   {.lame_duck = milliseconds(config.lame_duck_ms),
                                    .grace_period = milliseconds(grace_period_ms)});
  if (admin_listener != nullptr) {
    admin.WaitUntilAnswered(kAdminAnswerTimeout);
    admin_listener->Shutdown(milliseconds(100));
  }
  const bool all_logged = *decision_log == nullptr || (*decision_log)->Close(kLogCloseTimeout);
  Log(unanswered == 0 && all_logged ? Severity::kInfo : Severity::kWarning, "stopped",
      {{"requests_answered", decider.answered()},
       {"requests_unanswered", unanswered},
       {"log_complete", int64_t{all_logged}}});
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
  LogWarnings(invocation->warnings);

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
