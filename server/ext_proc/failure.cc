#include "server/ext_proc/failure.h"

#include "nlohmann/json.hpp"

namespace pointsman::server {
namespace {

struct Row {
  std::string_view name;
  int http_status;
};

// In the order of the enum.
constexpr std::array<Row, kFailureReasonCount> kRows = {{
    {"no_body", 400},
    {"body_incomplete", 400},
    {"body_too_large", 413},
    {"unsupported_content_type", 415},
    {"unsupported_content_encoding", 415},
    {"malformed_json", 400},
    {"invalid_request", 400},
    {"input_too_large", 413},
    {"invalid_header", 400},
    {"unknown_policy", 400},
    {"unknown_model", 400},
    {"unknown_feature", 400},
    {"infeasible", 422},
    {"abstained", 422},
    {"overloaded", 429},
    {"deadline_exceeded", 503},
    {"no_bundle", 503},
}};
static_assert(static_cast<size_t>(FailureReason::kNoBundle) + 1 == kFailureReasonCount);

const Row& RowOf(FailureReason reason) { return kRows[static_cast<size_t>(reason)]; }

std::string_view TypeOf(int http_status) {
  constexpr int kTooManyRequests = 429;
  constexpr int kFirstOfServer = 500;
  if (http_status == kTooManyRequests) return "rate_limit_error";
  return http_status < kFirstOfServer ? "invalid_request_error" : "server_error";
}

}  // namespace

std::string_view FailureReasonName(FailureReason reason) { return RowOf(reason).name; }

int HttpStatusOf(FailureReason reason) { return RowOf(reason).http_status; }

std::string ErrorBody(const Failure& failure) {
  nlohmann::ordered_json error;
  error["message"] = failure.message;
  error["type"] = TypeOf(HttpStatusOf(failure.reason));
  error["param"] = nullptr;
  if (!failure.param.empty()) error["param"] = failure.param;
  error["code"] = FailureReasonName(failure.reason);
  // What a request held may be quoted in the message; bytes that are no UTF-8 become U+FFFD.
  return nlohmann::ordered_json{{"error", std::move(error)}}.dump(
      -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace pointsman::server
