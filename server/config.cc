#include "server/config.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "index/string_view.h"

namespace pointsman::server {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kMaxPort = 65535;

const Setting kSettings[] = {
    {.name = "bundle", .member = &Config::bundle, .help = "bundle directory to serve; required"},
    {.name = "listen_address",
     .member = &Config::listen_address,
     .help = "host:port of gRPC; port 0 picks a free one"},
    {.name = "metrics_listen_address",
     .member = &Config::metrics_listen_address,
     .help = "host:port of http://.../metrics; port 0 picks a free one"},
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
    {.name = "max_batch_items",
     .member = &Config::max_batch_items,
     .help = "most queries of one BatchRoute",
     .unit = "items",
     .min = 1,
     .max = 1'000'000},
    {.name = "lame_duck_ms",
     .member = &Config::lame_duck_ms,
     .help = "on SIGTERM, time of NOT_SERVING with listeners still open",
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
  if (config.bundle.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("bundle: required; set ", FlagName("bundle"),
                                                   ", ", EnvironmentName("bundle"),
                                                   " or `bundle` in the file that --config names"));
  }
  absl::Status status = CheckAddress("listen_address", config.listen_address);
  if (status.ok()) status = CheckAddress("metrics_listen_address", config.metrics_listen_address);
  if (!status.ok()) return status;
  if (config.max_request_text_bytes > config.max_message_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_request_text_bytes: must be at most max_message_bytes, ", config.max_message_bytes,
        ", or such a text could never arrive; is ", config.max_request_text_bytes));
  }
  return absl::OkStatus();
}

}  // namespace pointsman::server
