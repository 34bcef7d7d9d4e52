// Lines of JSON -> results in the same order, by BatchRoute, a few chunks at a time.
#ifndef POINTSMAN_CLIENT_CLI_BATCH_ROUTER_H_
#define POINTSMAN_CLIENT_CLI_BATCH_ROUTER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/input.h"
#include "pointsman/client/client.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::cli {

struct BatchOptions {
  std::string name = "standard input";  // of the input, for errors
  int concurrency = 4;                  // chunks in flight
  int chunk_size = 100;                 // requests of a chunk; servers take 1,000 by default
  v1::RouteRequest defaults;            // what a line does not say
};

// A line and what came of it. Errors of a line start with "name:line: ".
struct BatchLine {
  int64_t line_number = 0;
  v1::BatchRouteResult result;
};

// Called for every line that is not blank, in order. False stops.
using BatchSink = std::function<bool(const BatchLine&)>;

// Reads `lines` to the end, at most `concurrency` chunks ahead of `sink`, so memory is bounded
// whatever the input. A bad line and a refused request are results like any other; an error is
// returned when a whole chunk failed, and says which lines. Overload is waited out as the server
// asks, a few times.
absl::Status RouteLines(LineReader& lines, client::Client& client, const BatchOptions& options,
                        const BatchSink& sink);

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_BATCH_ROUTER_H_
