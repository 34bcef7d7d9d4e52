// Reads the small files that the decision log is given: key and patterns.
#ifndef POINTSMAN_SERVER_DECISION_LOG_SMALL_FILE_H_
#define POINTSMAN_SERVER_DECISION_LOG_SMALL_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pointsman::server {

// The whole file. NOT_FOUND, PERMISSION_DENIED or UNAVAILABLE by what the system says, with file
// and reason; INVALID_ARGUMENT if it holds more than `max_bytes`. `what` names it in errors: "the
// hash key".
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes,
                                          std::string_view what);

// The status for an errno: NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED (disk full) or
// UNAVAILABLE, with the message "<what> <path>: <the system's words>".
absl::Status SystemError(std::string_view what, std::string_view path, int error);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_SMALL_FILE_H_
