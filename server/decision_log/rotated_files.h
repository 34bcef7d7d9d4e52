// Names of log files that were rotated away: decisions.jsonl.20261124T143000.123Z, so that names
// sort by time. A ".gz" behind it, from somebody who compresses old files, is known, too.
#ifndef POINTSMAN_SERVER_DECISION_LOG_ROTATED_FILES_H_
#define POINTSMAN_SERVER_DECISION_LOG_ROTATED_FILES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace pointsman::server {

// Rotated files of the log at `path`, oldest first; other files beside it are never in it. An
// unreadable directory has none.
std::vector<std::string> RotatedFiles(const std::string& path);

// A name for `path` rotated at `unix_ms` that sorts behind those of `rotated`, also when the clock
// jumped back: then it is the newest of them and a millisecond.
std::string NextRotatedName(const std::string& path, const std::vector<std::string>& rotated,
                            int64_t unix_ms);

// Removes the oldest until `keep` are left. The status names the first that could not be removed.
absl::Status RemoveOldest(const std::string& path, size_t keep);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_ROTATED_FILES_H_
