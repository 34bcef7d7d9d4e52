// What operators never want in a log, as RE2 patterns: matches are replaced before a text is
// written. Costs a search of each text for each pattern, on the thread of the request.
#ifndef POINTSMAN_SERVER_DECISION_LOG_REDACTION_H_
#define POINTSMAN_SERVER_DECISION_LOG_REDACTION_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "re2/re2.h"

namespace pointsman::server {

inline constexpr size_t kMaxRedactPatterns = 256;
inline constexpr size_t kMaxRedactPatternBytes = 1000;
inline constexpr std::string_view kRedacted = "[redacted]";

// Immutable once read, so any thread may use it. RE2 runs in time linear in the text.
class Redactor {
 public:
  Redactor() = default;  // changes nothing

  // One pattern a line; empty lines and lines that start with '#' are not patterns.
  // INVALID_ARGUMENT names file:line, for a pattern that RE2 refuses, one that is too long, one
  // that matches the empty text (it would be found everywhere), or one pattern too many.
  static absl::StatusOr<Redactor> Read(const std::string& path);

  bool empty() const { return patterns_.empty(); }

  // Returns `text` itself where nothing matches; else `*storage`, which then holds the text with
  // every match replaced.
  std::string_view Apply(std::string_view text, std::string* storage) const;

 private:
  std::vector<std::shared_ptr<const RE2>> patterns_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_REDACTION_H_
