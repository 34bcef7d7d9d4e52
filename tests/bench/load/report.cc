#include "tests/bench/load/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace pointsman::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 17> kCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

double Seconds(int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }
double Microseconds(int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

// By nearest rank; `sorted` must not be empty.
int64_t Quantile(const std::vector<int64_t>& sorted, double share) {
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

Json Quantiles(std::vector<int64_t> nanoseconds) {
  if (nanoseconds.empty()) return Json::object();
  std::sort(nanoseconds.begin(), nanoseconds.end());
  return {{"p50", Microseconds(Quantile(nanoseconds, 0.5))},
          {"p90", Microseconds(Quantile(nanoseconds, 0.9))},
          {"p99", Microseconds(Quantile(nanoseconds, 0.99))},
          {"p999", Microseconds(Quantile(nanoseconds, 0.999))},
          {"max", Microseconds(nanoseconds.back())}};
}

struct Second {
  int64_t other = 0;
  std::vector<int64_t> ok;
};

Json Timeline(const LoadResult& result) {
  std::map<int64_t, Second> seconds;
  for (const CallRecord& record : result.log.records()) {
    Second& second = seconds[(record.received_ns - result.started_ns) / 1'000'000'000];
    if (record.code == 0) {
      second.ok.push_back(record.received_ns - record.due_ns);
    } else {
      ++second.other;
    }
  }
  Json timeline = Json::array();
  for (auto& [number, second] : seconds) {
    Json entry = {{"second", number}, {"ok", second.ok.size()}, {"other", second.other}};
    if (!second.ok.empty()) {
      std::sort(second.ok.begin(), second.ok.end());
      entry["p50_us"] = Microseconds(Quantile(second.ok, 0.5));
      entry["p99_us"] = Microseconds(Quantile(second.ok, 0.99));
    }
    timeline.push_back(entry);
  }
  return timeline;
}

Json Digests(const CallLog& log) {
  struct Seen {
    int64_t count = 0;
    int64_t first_ns = 0;
    int64_t last_ns = 0;
  };
  std::vector<Seen> seen(log.digests().size());
  for (const CallRecord& record : log.records()) {
    if (record.digest < 0) continue;
    Seen& digest = seen[static_cast<size_t>(record.digest)];
    if (digest.count++ == 0) digest.first_ns = record.received_ns;
    digest.last_ns = record.received_ns;
  }
  Json digests = Json::array();
  for (size_t i = 0; i < seen.size(); ++i) {
    digests.push_back({{"digest", log.digests()[i]},
                       {"count", seen[i].count},
                       {"first_s", Seconds(seen[i].first_ns)},
                       {"last_s", Seconds(seen[i].last_ns)}});
  }
  return digests;
}

Json RetryInfo(const CallLog& log) {
  Json retry_info = Json::object();
  for (const auto& [code, delays] : log.retry_delays()) {
    retry_info[CodeName(code)] = {{"count", delays.count},
                                  {"shortest_ms", delays.shortest_ms},
                                  {"longest_ms", delays.longest_ms}};
  }
  return retry_info;
}

}  // namespace

std::string CodeName(int code) {
  const auto index = static_cast<size_t>(code);
  return code >= 0 && index < kCodeNames.size() ? kCodeNames[index] : absl::StrCat("CODE_", code);
}

std::string FormatReport(const LoadResult& result) {
  std::map<int, std::vector<int64_t>> latencies;
  std::vector<int64_t> lags;
  lags.reserve(result.log.records().size());
  for (const CallRecord& record : result.log.records()) {
    latencies[record.code].push_back(record.received_ns - record.due_ns);
    lags.push_back(record.sent_ns - record.due_ns);
  }
  const std::vector<int64_t>& ok = latencies[0];
  Json codes = Json::object();
  Json others = Json::object();
  for (const auto& [code, values] : latencies) {
    if (values.empty()) continue;
    codes[CodeName(code)] = values.size();
    if (code != 0) others[CodeName(code)] = Quantiles(values);
  }
  Json messages = Json::object();
  for (const auto& [code, texts] : result.log.messages()) messages[CodeName(code)] = texts;

  const double seconds = Seconds(result.ended_ns - result.started_ns);
  const Json report = {
      {"sent", result.sent},
      {"not_sent", result.not_sent},
      {"unanswered", result.unanswered},
      {"ok", ok.size()},
      {"codes", codes},
      {"seconds", seconds},
      {"ok_per_second", seconds > 0 ? static_cast<double>(ok.size()) / seconds : 0.0},
      {"latency_us", Quantiles(ok)},
      {"latency_us_by_code", others},
      {"send_lag_us", Quantiles(lags)},
      {"digests", Digests(result.log)},
      {"retry_info", RetryInfo(result.log)},
      {"messages", messages},
      {"timeline", Timeline(result)},
      {"started_s", Seconds(result.started_ns)},
      {"ended_s", Seconds(result.ended_ns)},
      {"closed_connections", result.closed_connections}};
  // Messages come from anywhere: what is no UTF-8 in them is replaced rather than fatal.
  return report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string FormatTrace(const CallLog& log) {
  std::string csv = "due_ns,sent_ns,received_ns,code,digest\n";
  for (const CallRecord& record : log.records()) {
    absl::StrAppend(&csv, record.due_ns, ",", record.sent_ns, ",", record.received_ns, ",");
    absl::StrAppend(&csv, record.code, ",", record.digest, "\n");
  }
  return csv;
}

absl::Status WriteFile(const std::string& path, std::string_view contents) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  file.close();
  if (!file) return absl::InternalError(absl::StrCat("cannot write ", path));
  return absl::OkStatus();
}

}  // namespace pointsman::bench
