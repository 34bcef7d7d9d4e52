#include "server/trace_context.h"

#include <algorithm>

namespace pointsman::server {
namespace {

constexpr size_t kVersionLength = 2;
constexpr size_t kTraceIdAt = 3;
constexpr size_t kTraceIdLength = 32;
constexpr size_t kParentIdAt = 36;
constexpr size_t kParentIdLength = 16;
constexpr size_t kFlagsAt = 53;
constexpr size_t kFlagsLength = 2;
constexpr size_t kLength = kFlagsAt + kFlagsLength;  // of version 00

bool IsLowerHex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '0'; });
}

}  // namespace

std::string_view TraceId(std::string_view traceparent) {
  if (traceparent.size() < kLength) return {};
  const std::string_view version = traceparent.substr(0, kVersionLength);
  const std::string_view trace_id = traceparent.substr(kTraceIdAt, kTraceIdLength);
  const std::string_view parent_id = traceparent.substr(kParentIdAt, kParentIdLength);
  const bool dashed = traceparent[kVersionLength] == '-' && traceparent[kParentIdAt - 1] == '-' &&
                      traceparent[kFlagsAt - 1] == '-';
  const bool well_formed = dashed && IsLowerHex(version) && version != "ff" &&
                           IsLowerHex(trace_id) && !IsZero(trace_id) && IsLowerHex(parent_id) &&
                           !IsZero(parent_id) &&
                           IsLowerHex(traceparent.substr(kFlagsAt, kFlagsLength));
  const bool ends_well =
      traceparent.size() == kLength || (version != "00" && traceparent[kLength] == '-');
  return well_formed && ends_well ? trace_id : std::string_view();
}

}  // namespace pointsman::server
