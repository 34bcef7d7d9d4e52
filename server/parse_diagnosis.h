// Why bytes are not the message they should be. Cold path: only for requests that did not parse.
#ifndef POINTSMAN_SERVER_PARSE_DIAGNOSIS_H_
#define POINTSMAN_SERVER_PARSE_DIAGNOSIS_H_

#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"

namespace pointsman::server {

// Walks the wire format of `bytes` along `type` and returns INVALID_ARGUMENT with a BadRequest:
// - a string field that is not UTF-8: its path, such as `conversation.turns[3].content`, and the
//   first bad byte of it;
// - broken framing: field "request", the type and the byte of the message where reading ended.
// Reads each byte at most once a level; deeper than protobuf's own limit of 100 levels it stops.
absl::Status DiagnoseParseFailure(std::string_view bytes, const google::protobuf::Descriptor& type);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_PARSE_DIAGNOSIS_H_
