// Whether the texts of a request may be sent. Not installed.
#ifndef POINTSMAN_CLIENT_UTF8_H_
#define POINTSMAN_CLIENT_UTF8_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::client {

// Offset of the first byte that is not part of valid UTF-8 (overlong forms, surrogates and code
// points beyond U+10FFFF are not); absent: all of it is valid.
std::optional<size_t> FirstInvalidByte(std::string_view text);

// OK, or INVALID_ARGUMENT naming the field and the byte. Protobuf for C++ sends invalid UTF-8 all
// the same, and no server can parse it.
absl::Status CheckTexts(const v1::RouteRequest& request);
absl::Status CheckTexts(const v1::BatchRouteRequest& batch);

}  // namespace pointsman::client

#endif  // POINTSMAN_CLIENT_UTF8_H_
