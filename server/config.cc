#include "server/config.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "index/string_view.h"

namespace pointsman::server {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kMaxPort = 65535;

constexpr int64_t kDayMs = 24 * kHourMs;
constexpr std::string_view kLogContents[] = {"hash", "text"};
constexpr std::string_view kExtProcModes[] = {"route", "rewrite", "shadow"};
constexpr std::string_view kExtProcOnErrors[] = {"open", "closed"};
constexpr std::string_view kLogFsyncs[] = {"never", "rotate", "interval"};

const Setting kSettings[] = {
    {.name = "bundle",
     .member = &Config::bundle,
     .help = "bundle directory to serve, or a symlink to it; required unless bundle_url is set"},
    {.name = "bundle_poll_ms",
     .member = &Config::bundle_poll_ms,
     .help = "how often to look whether it changed, beside inotify; 0: never watch",
     .unit = "ms",
     .min = 0,
     .max = kHourMs},
    {.name = "bundle_url",
     .member = &Config::bundle_url,
     .help = "https address of a tar of a bundle, fetched anew whenever it changes"},
    {.name = "bundle_url_digest",
     .member = &Config::bundle_url_digest,
     .help = "digest that a bundle from bundle_url must have; empty: a signature is needed"},
    {.name = "bundle_url_ca_file",
     .member = &Config::bundle_url_ca_file,
     .help = "PEM file of authorities for bundle_url; empty: the system's"},
    {.name = "bundle_url_poll_ms",
     .member = &Config::bundle_url_poll_ms,
     .help = "how often to ask bundle_url",
     .unit = "ms",
     .min = 100,
     .max = kDayMs},
    {.name = "bundle_cache_directory",
     .member = &Config::bundle_cache_directory,
     .help = "directory for what bundle_url gave; kept across restarts"},
    {.name = "max_bundle_bytes",
     .member = &Config::max_bundle_bytes,
     .help = "largest bundle taken from bundle_url, unpacked",
     .unit = "bytes",
     .min = 1 << 10,
     .max = int64_t{1} << 40},
    {.name = "trusted_keys_file",
     .member = &Config::trusted_keys_file,
     .help = "PEM file of Ed25519 public keys; if set, bundles must be signed by one"},
    {.name = "sampled_requests",
     .member = &Config::sampled_requests,
     .help = "recent requests kept in memory for dry runs of other bundles; 0: none",
     .unit = "requests",
     .min = 0,
     .max = 10000},
    {.name = "listen_address",
     .member = &Config::listen_address,
     .help = "host:port of gRPC; port 0 picks a free one"},
    {.name = "metrics_listen_address",
     .member = &Config::metrics_listen_address,
     .help = "host:port of http://.../metrics; port 0 picks a free one; empty: no metrics"},
    {.name = "admin_listen_address",
     .member = &Config::admin_listen_address,
     .help = "host:port of AdminService, loopback or with mTLS; empty: none"},
    {.name = "tls_certificate_file",
     .member = &Config::tls_certificate_file,
     .help = "PEM file of the certificate chain; empty: plaintext"},
    {.name = "tls_private_key_file",
     .member = &Config::tls_private_key_file,
     .help = "PEM file of its private key"},
    {.name = "tls_client_ca_file",
     .member = &Config::tls_client_ca_file,
     .help = "PEM file of authorities; if set, clients must show a certificate of one"},
    {.name = "clients_file",
     .member = &Config::clients_file,
     .help = "YAML file of clients, their keys or certificates, and scopes; empty: anybody"},
    {.name = "file_poll_ms",
     .member = &Config::file_poll_ms,
     .help = "how often to look whether those files changed, beside inotify",
     .unit = "ms",
     .min = 100,
     .max = kHourMs},
    {.name = "max_message_bytes",
     .member = &Config::max_message_bytes,
     .help = "largest gRPC message that is read",
     .unit = "bytes",
     .min = 1 << 10,
     .max = 1 << 30},
    {.name = "max_request_text_bytes",
     .member = &Config::max_request_text_bytes,
     .help = "most text of one query, all turns together",
     .unit = "bytes",
     .min = 1,
     .max = 1 << 30},
    {.name = "max_turns",
     .member = &Config::max_turns,
     .help = "most turns of a conversation",
     .unit = "turns",
     .min = 1,
     .max = 100000},
    {.name = "max_tokens",
     .member = &Config::max_tokens,
     .help = "largest token count that a request may name",
     .unit = "tokens",
     .min = 1,
     .max = 1'000'000'000},
    {.name = "max_batch_items",
     .member = &Config::max_batch_items,
     .help = "most queries of one BatchRoute",
     .unit = "items",
     .min = 1,
     .max = 1'000'000},
    {.name = "max_evidence_exemplars",
     .member = &Config::max_evidence_exemplars,
     .help = "most exemplars that an explanation shows",
     .unit = "exemplars",
     .min = 0,
     .max = 10000},
    {.name = "max_evidence_text_bytes",
     .member = &Config::max_evidence_text_bytes,
     .help = "most text shown of each of them",
     .unit = "bytes",
     .min = 0,
     .max = 1 << 20},
    {.name = "max_metadata_bytes",
     .member = &Config::max_metadata_bytes,
     .help = "most metadata of one call",
     .unit = "bytes",
     .min = 1 << 10,
     .max = 1 << 24},
    {.name = "workers",
     .member = &Config::workers,
     .help = "threads that decide; 0: one for each core",
     .unit = "workers",
     .min = 0,
     .max = 1024},
    {.name = "max_requests_in_flight",
     .member = &Config::max_requests_in_flight,
     .help = "accepted and not yet answered; more are refused",
     .unit = "requests in flight",
     .min = 1,
     .max = 1'000'000},
    {.name = "max_queue_delay_ms",
     .member = &Config::max_queue_delay_ms,
     .help = "expected wait above which requests are refused",
     .unit = "ms",
     .min = 1,
     .max = 60000},
    {.name = "max_connections",
     .member = &Config::max_connections,
     .help = "open connections; more are closed at once",
     .unit = "connections",
     .min = 1,
     .max = 1'000'000},
    {.name = "max_concurrent_streams",
     .member = &Config::max_concurrent_streams,
     .help = "calls at once on one connection",
     .unit = "streams",
     .min = 1,
     .max = 1'000'000},
    {.name = "max_connection_age_ms",
     .member = &Config::max_connection_age_ms,
     .help = "then a client is asked to connect anew; 0: never",
     .unit = "ms",
     .min = 0,
     .max = kDayMs},
    {.name = "max_connection_age_grace_ms",
     .member = &Config::max_connection_age_grace_ms,
     .help = "time for its calls to end after that",
     .unit = "ms",
     .min = 0,
     .max = kHourMs},
    {.name = "max_connection_idle_ms",
     .member = &Config::max_connection_idle_ms,
     .help = "a connection without calls is closed after this; 0: never",
     .unit = "ms",
     .min = 0,
     .max = kDayMs},
    {.name = "keepalive_ms",
     .member = &Config::keepalive_ms,
     .help = "how often a silent client is asked whether it is there",
     .unit = "ms",
     .min = 1000,
     .max = kHourMs},
    {.name = "handshake_timeout_ms",
     .member = &Config::handshake_timeout_ms,
     .help = "longest wait for a TLS and HTTP/2 handshake",
     .unit = "ms",
     .min = 100,
     .max = kHourMs},
    {.name = "orca_load_report",
     .member = &Config::orca_load_report,
     .help = "send an ORCA load report with each answer, for weighted balancing"},
    {.name = "ext_proc",
     .member = &Config::ext_proc,
     .help = "serve Envoy's external processing of requests in OpenAI's form"},
    {.name = "ext_proc_mode",
     .member = &Config::ext_proc_mode,
     .help = "choose the route, also rewrite `model` in the body, or only add headers",
     .choices = kExtProcModes},
    {.name = "ext_proc_on_error",
     .member = &Config::ext_proc_on_error,
     .help = "a request that cannot be routed goes on as it came, or is answered with an error",
     .choices = kExtProcOnErrors},
    {.name = "ext_proc_max_body_bytes",
     .member = &Config::ext_proc_max_body_bytes,
     .help = "largest body that is judged",
     .unit = "bytes",
     .min = 1 << 10,
     .max = 1 << 30},
    {.name = "ext_proc_response_wait_ms",
     .member = &Config::ext_proc_response_wait_ms,
     .help = "how long the upstream's headers are waited for, to tell the caller the outcome",
     .unit = "ms",
     .min = 0,
     .max = kHourMs},
    {.name = "decision_log",
     .member = &Config::decision_log,
     .help = "file of the decision log, or - for standard output; empty: none"},
    {.name = "decision_log_content",
     .member = &Config::decision_log_content,
     .help = "of the query, log a keyed hash, or the whole request",
     .choices = kLogContents},
    {.name = "decision_log_hash_key_file",
     .member = &Config::decision_log_hash_key_file,
     .help = "file of the key of those hashes; empty: a new one at each start"},
    {.name = "decision_log_redact_file",
     .member = &Config::decision_log_redact_file,
     .help = "file of RE2 patterns, one a line, replaced in logged text"},
    {.name = "decision_log_candidates",
     .member = &Config::decision_log_candidates,
     .help = "most candidates logged of a decision",
     .unit = "candidates",
     .min = 0,
     .max = 256},
    {.name = "decision_log_ring_bytes",
     .member = &Config::decision_log_ring_bytes,
     .help = "memory between requests and the writer; what does not fit is dropped",
     .unit = "bytes",
     .min = 512 << 10,
     .max = 1 << 30},
    {.name = "decision_log_max_file_bytes",
     .member = &Config::decision_log_max_file_bytes,
     .help = "then a new file is begun",
     .unit = "bytes",
     .min = 256 << 10,
     .max = int64_t{1} << 40},
    {.name = "decision_log_max_files",
     .member = &Config::decision_log_max_files,
     .help = "rotated files kept beside the current one",
     .unit = "files",
     .min = 1,
     .max = 10000},
    {.name = "decision_log_rotate_ms",
     .member = &Config::decision_log_rotate_ms,
     .help = "then a new file is begun, too; 0: by size alone",
     .unit = "ms",
     .min = 0,
     .max = 31 * kDayMs},
    {.name = "decision_log_fsync",
     .member = &Config::decision_log_fsync,
     .help = "when a file is forced to disk",
     .choices = kLogFsyncs},
    {.name = "lame_duck_ms",
     .member = &Config::lame_duck_ms,
     .help = "on SIGTERM, time of NOT_SERVING with calls still answered",
     .unit = "ms",
     .min = 0,
     .max = kHourMs},
    {.name = "grace_period_ms",
     .member = &Config::grace_period_ms,
     .help = "after that, longest wait for requests in flight",
     .unit = "ms",
     .min = 0,
     .max = kHourMs},
    {.name = "port_file",
     .member = &Config::port_file,
     .help = "file that gets the bound ports as JSON once the server is SERVING; none if empty"},
    {.name = "bench_noop",
     .member = &Config::bench_noop,
     .help = "serve pointsman.bench.Noop, for benchmarks only",
     .hidden = true},
};

absl::Status BadValue(const Setting& setting, std::string_view must, std::string_view value) {
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(setting.name), ": must be ", ToAbsl(must), "; is `", ToAbsl(value), "`"));
}

void AppendChoice(std::string* out, std::string_view choice) {
  absl::StrAppend(out, "`", ToAbsl(choice), "`");
}

bool IsLoopback(std::string_view address) {
  const std::string_view host = address.substr(0, address.rfind(':'));
  return host == "[::1]" || host == "localhost" || host.starts_with("127.");
}

std::string Quote(std::string_view text) {
  return absl::StrCat(
      "\"", absl::StrReplaceAll(ToAbsl(text), {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
      "\"");
}

absl::Status CheckAddress(std::string_view setting, std::string_view address) {
  const size_t colon = address.rfind(':');
  int64_t port = -1;
  const bool well_formed = colon != std::string_view::npos && colon > 0 &&
                           absl::SimpleAtoi(ToAbsl(address.substr(colon + 1)), &port);
  // An IPv6 host is written in brackets, or its last group would pass for a port.
  const std::string_view host = address.substr(0, well_formed ? colon : 0);
  const bool host_ok =
      host.find(':') == std::string_view::npos || (host.front() == '[' && host.back() == ']');
  if (well_formed && host_ok && port >= 0 && port <= kMaxPort) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(ToAbsl(setting),
                                                 ": must be host:port with a port of 0 to ",
                                                 kMaxPort, "; is `", ToAbsl(address), "`"));
}

absl::Status Invalid(std::string_view problem) {
  return absl::InvalidArgumentError(ToAbsl(problem));
}

absl::Status CheckBundle(const Config& config) {
  if (config.bundle.empty() && config.bundle_url.empty()) {
    return Invalid(absl::StrCat("bundle: required; set ", FlagName("bundle"), ", ",
                                EnvironmentName("bundle"),
                                " or `bundle` in the file that --config names, or bundle_url"));
  }
  if (config.bundle_url.empty()) return absl::OkStatus();
  if (!config.bundle.empty()) {
    return Invalid("bundle_url: a bundle comes from one place; bundle is set, too");
  }
  if (config.bundle_cache_directory.empty()) {
    return Invalid("bundle_cache_directory: required with bundle_url; is empty");
  }
  if (config.bundle_url_digest.empty() && config.trusted_keys_file.empty()) {
    return Invalid(
        "bundle_url: needs bundle_url_digest or trusted_keys_file, or whoever holds the address "
        "decides what is served");
  }
  return absl::OkStatus();
}

absl::Status CheckAddresses(const Config& config) {
  absl::Status status = CheckAddress("listen_address", config.listen_address);
  if (status.ok() && !config.metrics_listen_address.empty()) {
    status = CheckAddress("metrics_listen_address", config.metrics_listen_address);
  }
  if (status.ok() && !config.admin_listen_address.empty()) {
    status = CheckAddress("admin_listen_address", config.admin_listen_address);
    if (status.ok() && !IsLoopback(config.admin_listen_address) &&
        config.tls_client_ca_file.empty()) {
      status = Invalid(absl::StrCat(
          "admin_listen_address: must be on 127.0.0.1 or [::1] unless tls_client_ca_file is set, "
          "since it changes what is served; is `",
          config.admin_listen_address, "`"));
    }
  }
  return status;
}

absl::Status CheckTls(const Config& config) {
  if (config.tls_certificate_file.empty() != config.tls_private_key_file.empty()) {
    return Invalid(absl::StrCat(
        "tls_certificate_file and tls_private_key_file: must be set together; `",
        config.tls_certificate_file.empty() ? "tls_certificate_file" : "tls_private_key_file",
        "` is empty"));
  }
  if (!config.tls_client_ca_file.empty() && config.tls_certificate_file.empty()) {
    return Invalid("tls_client_ca_file: needs tls_certificate_file, which is empty");
  }
  return absl::OkStatus();
}

absl::Status CheckSizes(const Config& config) {
  if (config.max_request_text_bytes > config.max_message_bytes) {
    return Invalid(absl::StrCat(
        "max_request_text_bytes: must be at most max_message_bytes, ", config.max_message_bytes,
        ", or such a text could never arrive; is ", config.max_request_text_bytes));
  }
  return absl::OkStatus();
}

absl::Status CheckExtProc(const Config& config) {
  if (!config.ext_proc) return absl::OkStatus();
  // A message of Envoy's holds a body and little else.
  constexpr int64_t kEnvelopeBytes = 1 << 10;
  if (config.ext_proc_max_body_bytes > config.max_message_bytes - kEnvelopeBytes) {
    return Invalid(absl::StrCat("ext_proc_max_body_bytes: must be at least ", kEnvelopeBytes,
                                " below max_message_bytes, ", config.max_message_bytes,
                                ", or such a body could never arrive; is ",
                                config.ext_proc_max_body_bytes));
  }
  if (config.ext_proc_mode == "shadow" && config.ext_proc_on_error == "closed") {
    return Invalid(
        "ext_proc_on_error: must be open with ext_proc_mode shadow, which changes nothing");
  }
  if (config.max_connection_age_ms > 0 &&
      config.ext_proc_response_wait_ms > config.max_connection_age_grace_ms) {
    return Invalid(
        absl::StrCat("ext_proc_response_wait_ms: must be at most "
                     "max_connection_age_grace_ms, ",
                     config.max_connection_age_grace_ms,
                     ", or a connection that ends would break exchanges; is ",
                     config.ext_proc_response_wait_ms));
  }
  return absl::OkStatus();
}

}  // namespace

std::span<const Setting> Settings() { return kSettings; }

std::string FlagName(std::string_view setting) {
  return absl::StrCat("--", absl::StrReplaceAll(ToAbsl(setting), {{"_", "-"}}));
}

std::string EnvironmentName(std::string_view setting) {
  return absl::StrCat("POINTSMAN_", absl::AsciiStrToUpper(ToAbsl(setting)));
}

const Setting* FindSetting(std::string_view name) {
  const auto* found = std::ranges::find(kSettings, name, &Setting::name);
  return found == std::end(kSettings) ? nullptr : found;
}

absl::Status Assign(const Setting& setting, std::string_view text, Config* config) {
  if (const auto* member = std::get_if<std::string Config::*>(&setting.member)) {
    if (!setting.choices.empty() && std::ranges::count(setting.choices, text) == 0) {
      return BadValue(setting, absl::StrJoin(setting.choices, " or ", AppendChoice), text);
    }
    config->** member = std::string(text);
    return absl::OkStatus();
  }
  if (const auto* member = std::get_if<bool Config::*>(&setting.member)) {
    if (text != "true" && text != "false") return BadValue(setting, "true or false", text);
    config->** member = text == "true";
    return absl::OkStatus();
  }
  int64_t value = 0;
  if (!absl::SimpleAtoi(ToAbsl(text), &value) || value < setting.min || value > setting.max) {
    return BadValue(setting,
                    absl::StrCat("a whole number of ", ToAbsl(setting.unit), " from ", setting.min,
                                 " to ", setting.max, ", without a unit"),
                    text);
  }
  config->*std::get<int64_t Config::*>(setting.member) = value;
  return absl::OkStatus();
}

std::string ShowValue(const Setting& setting, const Config& config) {
  if (const auto* member = std::get_if<std::string Config::*>(&setting.member)) {
    return Quote(config.**member);
  }
  if (const auto* member = std::get_if<bool Config::*>(&setting.member)) {
    return config.**member ? "true" : "false";
  }
  return absl::StrCat(config.*std::get<int64_t Config::*>(setting.member));
}

absl::Status CheckConfig(const Config& config) {
  for (const auto& check : {&CheckBundle, &CheckAddresses, &CheckTls, &CheckSizes, &CheckExtProc}) {
    const absl::Status status = check(config);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace pointsman::server
