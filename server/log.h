// Log lines of the server: one JSON object a line on standard error, each written with one system
// call, so that lines of different threads do not mix. Keeps no state and may be called from any
// thread. Not for the decision path, and never with anything that a caller sent as query text.
#ifndef POINTSMAN_SERVER_LOG_H_
#define POINTSMAN_SERVER_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace pointsman::server {

enum class Severity { kInfo, kWarning, kError };

struct LogField {
  std::string_view key;
  std::variant<std::string_view, int64_t> value;
};

// {"time":"2026-01-31T12:00:00.000Z","severity":"INFO","message":...,"key":value,...}, without the
// line end. Bytes that are not UTF-8 become U+FFFD.
std::string FormatLogLine(Severity severity, std::string_view message,
                          std::initializer_list<LogField> fields = {});

void Log(Severity severity, std::string_view message, std::initializer_list<LogField> fields = {});

// Sends what gRPC logs (errors only) through Log, and silences protobuf, which would log a line for
// every request that does not parse. Call before the first use of either.
void AdoptLibraryLogs();

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_LOG_H_
