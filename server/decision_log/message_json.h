// proto3 JSON of a whole message, by reflection: a field that is added to the message is in the log
// without a change here. Some five times faster than MessageToJsonString, and it takes a filter.
#ifndef POINTSMAN_SERVER_DECISION_LOG_MESSAGE_JSON_H_
#define POINTSMAN_SERVER_DECISION_LOG_MESSAGE_JSON_H_

#include "google/protobuf/message.h"
#include "server/decision_log/json_buffer.h"
#include "server/decision_log/redaction.h"

namespace pointsman::server {

// Writes `message` as one JSON object with the field names of its .proto; fields at their default
// are left out. Every string in it goes through `redactor`; returns whether that changed one. Maps,
// `bytes` and well-known types are not supported, since no request has any (a test fills every
// field there is).
bool WriteMessage(const google::protobuf::Message& message, const Redactor& redactor,
                  JsonBuffer& out);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_MESSAGE_JSON_H_
