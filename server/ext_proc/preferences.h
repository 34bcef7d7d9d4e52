// What a caller prefers, in headers `x-pointsman-...` of an HTTP request, as fields of a
// RouteRequest. README.md of the server has the table.
#ifndef POINTSMAN_SERVER_EXT_PROC_PREFERENCES_H_
#define POINTSMAN_SERVER_EXT_PROC_PREFERENCES_H_

#include <optional>
#include <string_view>

#include "pointsman/v1/router.pb.h"
#include "server/ext_proc/failure.h"
#include "server/ext_proc/headers.h"

namespace pointsman::server {

// Strict, since a limit that is silently not applied is worse than an error: a header that is not
// known, given twice (lists may be), not a number or out of its bound is kInvalidHeader with
// header, bound and value. Names of policies, models and features are not judged here.
std::optional<Failure> ReadPreferences(const Headers& headers, v1::RouteRequest* request);

// The header that sets `field` of a RouteRequest; empty: none does. For what the engine refuses.
std::string_view HeaderOfField(std::string_view field);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_EXT_PROC_PREFERENCES_H_
