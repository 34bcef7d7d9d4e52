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
  std::string bundle;
  std::string listen_address = "127.0.0.1:7431";
  std::string metrics_listen_address = "127.0.0.1:7432";
  int64_t max_message_bytes = int64_t{4} << 20;
  int64_t max_request_text_bytes = int64_t{1} << 20;
  int64_t max_batch_items = 1000;
  int64_t lame_duck_ms = 2000;
  int64_t grace_period_ms = 10000;
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
  bool hidden = false;  // left out of --help
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
