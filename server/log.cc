#include "server/log.h"

#include <grpc/support/log.h>
#include <unistd.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/protobuf/stubs/logging.h"
#include "nlohmann/json.hpp"

namespace pointsman::server {
namespace {

const char* Name(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      return "ERROR";
  }
  return "";
}

void LogFromGrpc(gpr_log_func_args* args) {
  Log(args->severity == GPR_LOG_SEVERITY_ERROR ? Severity::kError : Severity::kInfo, args->message,
      {{"source", std::string_view("grpc")}});
}

}  // namespace

std::string FormatLogLine(Severity severity, std::string_view message,
                          std::initializer_list<LogField> fields) {
  nlohmann::ordered_json line;
  line["time"] = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  line["severity"] = Name(severity);
  line["message"] = message;
  for (const LogField& field : fields) {
    std::visit([&](const auto& value) { line[std::string(field.key)] = value; }, field.value);
  }
  return line.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false,
                   nlohmann::ordered_json::error_handler_t::replace);
}

void Log(Severity severity, std::string_view message, std::initializer_list<LogField> fields) {
  const std::string line = FormatLogLine(severity, message, fields) + "\n";
  // A log that cannot be written must not stop the service, so the result is not looked at.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

void AdoptLibraryLogs() {
  gpr_set_log_function(&LogFromGrpc);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  google::protobuf::SetLogHandler(nullptr);
}

}  // namespace pointsman::server
