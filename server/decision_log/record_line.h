// One decision as one line of the decision log: proto3 JSON of pointsman.v1.DecisionRecord, written
// by hand, since protobuf's own printer takes fifty times as long. A test reads every field back
// with protobuf's parser.
#ifndef POINTSMAN_SERVER_DECISION_LOG_RECORD_LINE_H_
#define POINTSMAN_SERVER_DECISION_LOG_RECORD_LINE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pointsman/v1/router.pb.h"
#include "server/decision_log/input_hash.h"
#include "server/decision_log/json_buffer.h"
#include "server/decision_log/redaction.h"

namespace pointsman::server {

// A line, with its line end, is never longer.
inline constexpr size_t kMaxLineBytes = size_t{256} << 10;

// What request and response do not say.
struct RecordFacts {
  std::string_view trace_id;  // 32 hex digits; empty: none
  std::string_view client;    // authenticated name; empty: none
  std::string_view method;    // "Route", "BatchRoute" or "ext_proc"
  std::optional<int> batch_index;
  int64_t unix_micros = 0;  // wall time of the decision
};

struct LineFormat {
  const InputHasher& hasher;
  const Redactor& redactor;
  size_t max_candidates;
  bool with_request;  // text, turns and vectors, too
};

// Leaves one line in `out`. False if it would be longer than kMaxLineBytes; a request that makes it
// so is left out and marked instead.
bool FormatLine(const LineFormat& format, const v1::RouteRequest& request,
                const v1::RouteResponse& response, const RecordFacts& facts, JsonBuffer& out);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_RECORD_LINE_H_
