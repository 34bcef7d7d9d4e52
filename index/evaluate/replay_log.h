// Decision logs -> what an engine says of them today: every line read, replayed and counted.
//
// Works in bounded memory: a line at a time, of at most 16 MiB, and as many differences and
// problems as are shown. A log of a crashed server may end within a line; that line is counted as
// torn and the rest stands. Any other line that is no DecisionRecord is a problem, named by file
// and line.
#ifndef POINTSMAN_INDEX_EVALUATE_REPLAY_LOG_H_
#define POINTSMAN_INDEX_EVALUATE_REPLAY_LOG_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "index/engine.h"
#include "index/evaluate/replay.h"

namespace pointsman::evaluate {

// A difference, and whose it is.
struct LoggedDifference {
  std::string where;  // file:line
  std::string decision_id;
  Difference difference;
};

// What the lines of all logs came to.
struct ReplaySummary {
  std::string bundle_digest;
  int64_t records = 0;  // lines that are a DecisionRecord
  int64_t equal = 0;
  int64_t different = 0;
  // Not decided again; see Replayed.
  int64_t other_bundle = 0;
  int64_t no_request = 0;
  int64_t too_large = 0;
  int64_t redacted = 0;
  int64_t torn = 0;       // last lines without an end
  int64_t malformed = 0;  // other lines that are no DecisionRecord, and files that break off
  int64_t differing_fields = 0;
  std::vector<LoggedDifference> differences;  // the first ones
  std::vector<std::string> problems;          // the first sentences about torn and malformed lines

  int64_t compared() const { return equal + different; }
  // Something was compared, all of it is equal, and every line could be read.
  bool passed() const { return equal > 0 && different == 0 && malformed == 0; }
};

// Called as work goes on: bytes of all logs read, and how many there are (0: unknown, of a pipe).
using ReplayProgress = std::function<void(int64_t done, int64_t total)>;

// Replays `logs` in order: plain files, gzip (names that end in .gz), or "-" for standard input.
// Keeps at most `max_differences` differences. NOT_FOUND or INVALID_ARGUMENT for a log that cannot
// be opened, before anything is replayed where that can be told; what lines hold is no error.
absl::Status ReplayLogs(const std::vector<std::string>& logs, const Engine& engine,
                        size_t max_differences, const ReplayProgress& progress,
                        ReplaySummary* summary);

// As people read it: differences, problems, a table of counts. Ends with a newline.
std::string ReplayText(const ReplaySummary& summary);

// {"passed", "bundle_digest", "records", "compared", "equal", "different", "differing_fields",
//  "skipped": {"other_bundle", "no_request", "too_large", "redacted"}, "torn", "malformed",
//  "differences": [{"where", "decision_id", "field", "logged", "recomputed"}], "problems": [text]}
// Ends with a newline.
std::string ReplayJson(const ReplaySummary& summary);

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_REPLAY_LOG_H_
