// Why a request was not routed: a closed set of reasons, each with its HTTP status, and a sentence
// for whoever has to mend it.
#ifndef POINTSMAN_SERVER_EXT_PROC_FAILURE_H_
#define POINTSMAN_SERVER_EXT_PROC_FAILURE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pointsman::server {

enum class FailureReason : uint8_t {
  kNoBody,                      // nothing to judge came with the request, or Envoy keeps it back
  kBodyIncomplete,              // a piece of a body
  kBodyTooLarge,                // beyond ext_proc_max_body_bytes
  kUnsupportedContentType,      // not JSON, or none named
  kUnsupportedContentEncoding,  // compressed
  kMalformedJson,
  kInvalidRequest,  // JSON, but no request of this API
  kInputTooLarge,   // more text or turns than the server takes
  kInvalidHeader,   // a preference that cannot be read or is out of its bound
  kUnknownPolicy,
  kUnknownModel,
  kUnknownFeature,
  kInfeasible,  // a decision: no model meets the limits
  kAbstained,   // a decision: the policy prefers not to choose
  kOverloaded,
  kDeadlineExceeded,
  kNoBundle,
};
inline constexpr size_t kFailureReasonCount = 17;

// As in headers, error bodies and metrics: "body_too_large".
std::string_view FailureReasonName(FailureReason reason);
// 400, 413, 415, 422, 429 or 503.
int HttpStatusOf(FailureReason reason);

struct Failure {
  FailureReason reason;
  // A sentence that names what, where, the bound and the value.
  std::string message;
  // The header or the member of the body at fault, such as "messages[3].role"; empty: none is.
  std::string param;
};

// {"error":{"message":...,"type":...,"param":...,"code":...}}, the form of errors that clients of
// OpenAI's API read; `code` is the reason's name.
std::string ErrorBody(const Failure& failure);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_EXT_PROC_FAILURE_H_
