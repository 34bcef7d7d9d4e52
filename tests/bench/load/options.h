// What load_client is told on its command line. Plain values; durations and sizes carry their unit.
#ifndef POINTSMAN_TESTS_BENCH_LOAD_OPTIONS_H_
#define POINTSMAN_TESTS_BENCH_LOAD_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pointsman::bench {

// NOLINTBEGIN(readability-redundant-member-init): see client/cpp/pointsman/client/options.h.
struct LoadOptions {
  std::vector<std::string> targets{};  // host:port each; calls take turns over them
  int connections = 4;

  // Open loop: calls start at this rate, whatever the answers do, and their latency counts from the
  // moment they should have started. 0: closed loop, `concurrency` calls are always under way.
  double rate = 0;
  int concurrency = 32;

  double duration_s = 10;
  int deadline_ms = 1000;
  // Open loop only: above this many calls under way the next ones are not sent, but counted.
  int max_outstanding = 100'000;
  // A connection is given up with its first UNAVAILABLE; the load ends when all are.
  bool until_closed = false;

  std::string requests_file{};  // a RouteRequest (JSON) a line, cycled
  bool noop = false;     // calls that do nothing (server setting bench_noop) instead of Route
  bool shipped = false;  // the shipped client's channel: retries and health checks

  std::string ca_file{};
  std::string certificate_file{};
  std::string private_key_file{};
  std::string server_name{};
  std::string api_key{};

  std::string json_file{};   // the report; empty: standard output
  std::string trace_file{};  // a line for every call; empty: none
};
// NOLINTEND(readability-redundant-member-init)

struct Invocation {
  LoadOptions options;
  bool help = false;
  std::string help_text{};  // NOLINT(readability-redundant-member-init)
};

// INVALID_ARGUMENT says what is wrong with which flag.
absl::StatusOr<Invocation> ParseCommandLine(int argc, const char* const* argv);

}  // namespace pointsman::bench

#endif  // POINTSMAN_TESTS_BENCH_LOAD_OPTIONS_H_
