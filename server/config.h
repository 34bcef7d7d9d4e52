// What the server can be told. One struct of values, and one table that says of each its name,
// type, bound, unit and help; flags, environment variables, YAML keys, --help and --print-config
// are all read off the table.
#ifndef POINTSMAN_SERVER_CONFIG_H_
#define POINTSMAN_SERVER_CONFIG_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"

namespace pointsman::server {

// Initial values are the defaults.
struct Config {
  // The bundle and where new ones come from.
  std::string bundle;
  int64_t bundle_poll_ms = 5000;
  std::string bundle_url;
  std::string bundle_url_digest;
  std::string bundle_url_ca_file;
  int64_t bundle_url_poll_ms = 30'000;
  std::string bundle_cache_directory;
  int64_t max_bundle_bytes = int64_t{4} << 30;
  std::string trusted_keys_file;
  int64_t sampled_requests = 256;

  // Listeners.
  std::string listen_address = "127.0.0.1:7431";
  std::string metrics_listen_address = "127.0.0.1:7432";
  std::string admin_listen_address = "127.0.0.1:7433";

  // Who may call.
  std::string tls_certificate_file;
  std::string tls_private_key_file;
  std::string tls_client_ca_file;
  std::string clients_file;
  int64_t file_poll_ms = 5000;

  // What one request may be.
  int64_t max_message_bytes = int64_t{4} << 20;
  int64_t max_request_text_bytes = int64_t{1} << 20;
  int64_t max_turns = 1000;
  int64_t max_tokens = 100'000'000;
  int64_t max_batch_items = 1000;
  int64_t max_evidence_exemplars = 10;
  int64_t max_evidence_text_bytes = 2048;
  int64_t max_metadata_bytes = 16 << 10;

  // How much at once.
  int64_t workers = 0;
  int64_t max_requests_in_flight = 1000;
  int64_t max_queue_delay_ms = 5;
  int64_t max_connections = 5000;
  int64_t max_concurrent_streams = 1000;
  int64_t max_connection_age_ms = 600'000;
  int64_t max_connection_age_grace_ms = 30'000;
  int64_t max_connection_idle_ms = 0;
  int64_t keepalive_ms = 60'000;
  int64_t handshake_timeout_ms = 10'000;
  bool orca_load_report = false;

  // Envoy's external processing of requests in OpenAI's form.
  bool ext_proc = false;
  std::string ext_proc_mode = "route";
  std::string ext_proc_on_error = "open";
  int64_t ext_proc_max_body_bytes = int64_t{2} << 20;
  int64_t ext_proc_response_wait_ms = 20'000;

  // The decision log.
  std::string decision_log;
  std::string decision_log_content = "hash";
  std::string decision_log_hash_key_file;
  std::string decision_log_redact_file;
  int64_t decision_log_candidates = 5;
  int64_t decision_log_ring_bytes = int64_t{8} << 20;
  int64_t decision_log_max_file_bytes = int64_t{256} << 20;
  int64_t decision_log_max_files = 8;
  int64_t decision_log_rotate_ms = 0;
  std::string decision_log_fsync = "rotate";

  // The end.
  int64_t lame_duck_ms = 2000;
  int64_t grace_period_ms = 10'000;
  std::string port_file;
  bool bench_noop = false;
};

// One row of the table.
struct Setting {
  std::string_view name;  // snake_case, as in YAML
  std::variant<std::string Config::*, int64_t Config::*, bool Config::*> member;
  std::string_view help;
  std::string_view unit = "";  // of a number
  int64_t min = 0;             // bounds of a number, both allowed
  int64_t max = 0;
  bool hidden = false;                             // left out of --help
  std::span<const std::string_view> choices = {};  // values of a text; empty: any
};

std::span<const Setting> Settings();

std::string FlagName(std::string_view setting);         // --max-batch-items
std::string EnvironmentName(std::string_view setting);  // POINTSMAN_MAX_BATCH_ITEMS

// Null if there is none of that name.
const Setting* FindSetting(std::string_view name);

// Reads `text` into the setting. INVALID_ARGUMENT names the bound and the value.
absl::Status Assign(const Setting& setting, std::string_view text, Config* config);

// The value as YAML: strings in quotes, numbers and booleans bare.
std::string ShowValue(const Setting& setting, const Config& config);

// What no setting shows by itself: required ones, addresses, and bounds between two settings.
absl::Status CheckConfig(const Config& config);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_CONFIG_H_
