// The figures of a load, from its log: JSON for scripts, and a CSV of single calls.
#ifndef POINTSMAN_TESTS_BENCH_LOAD_REPORT_H_
#define POINTSMAN_TESTS_BENCH_LOAD_REPORT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "tests/bench/load/load.h"

namespace pointsman::bench {

// "OK", "CANCELLED", ...: gRPC's name of a status code.
std::string CodeName(int code);

// A JSON object:
//   sent, not_sent, unanswered, ok, codes {NAME: count}     sent = sum of codes + unanswered
//   seconds, ok_per_second                                  from the first call to the last one
//   sent latency_us {p50, p90, p99, p999, max}                   of OK, from the moment the call
//   was due latency_us_by_code {NAME: the same}                     of the others send_lag_us {...}
//   sent later than due: this program's own digests [{digest, count, first_s, last_s}] seconds of
//   CLOCK_MONOTONIC retry_info {NAME: {count, shortest_ms, longest_ms}}, messages {NAME: [first
//   few]} timeline [{second, ok, other, p50_us, p99_us}]          by the second in which the answer
//   came started_s, ended_s, closed_connections
std::string FormatReport(const LoadResult& result);

// due_ns,sent_ns,received_ns,code,digest with a header, in order of the answers.
std::string FormatTrace(const CallLog& log);

// Replaces `path`; INTERNAL if that fails.
absl::Status WriteFile(const std::string& path, std::string_view contents);

}  // namespace pointsman::bench

#endif  // POINTSMAN_TESTS_BENCH_LOAD_REPORT_H_
