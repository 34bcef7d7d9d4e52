// Names of the headers that pass between callers, Envoy, upstreams and this server.
#ifndef POINTSMAN_SERVER_EXT_PROC_HEADERS_H_
#define POINTSMAN_SERVER_EXT_PROC_HEADERS_H_

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pointsman::server {

// What is said of the outcome. A request never brings these along: whatever the caller sent is
// removed, or routes and upstreams would believe it.
inline constexpr std::string_view kModelHeader = "x-pointsman-model";
inline constexpr std::string_view kDecisionIdHeader = "x-pointsman-decision-id";
inline constexpr std::string_view kConfidenceHeader = "x-pointsman-confidence";
inline constexpr std::string_view kOutcomeHeader = "x-pointsman-outcome";
inline constexpr std::string_view kPolicyHeader = "x-pointsman-policy";  // a preference, too
inline constexpr std::string_view kDegradationsHeader = "x-pointsman-degradations";
inline constexpr std::string_view kShadowHeader = "x-pointsman-shadow";
inline constexpr std::string_view kReasonHeader = "x-pointsman-reason";
inline constexpr std::string_view kExplanationHeader = "x-pointsman-explanation";

inline constexpr std::array kAnswerHeaders = {
    kModelHeader,        kDecisionIdHeader, kConfidenceHeader, kOutcomeHeader,    kPolicyHeader,
    kDegradationsHeader, kShadowHeader,     kReasonHeader,     kExplanationHeader};

inline constexpr std::string_view kHeaderPrefix = "x-pointsman-";

// Headers in order, names in lower case; a name may come again.
using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

// The value of the first header of that name; empty: none, or an empty one.
std::string_view FindHeader(const Headers& headers, std::string_view name);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_EXT_PROC_HEADERS_H_
