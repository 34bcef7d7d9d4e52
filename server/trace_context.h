// W3C Trace Context: the `traceparent` header of a call, as https://www.w3.org/TR/trace-context/
// defines it.
#ifndef POINTSMAN_SERVER_TRACE_CONTEXT_H_
#define POINTSMAN_SERVER_TRACE_CONTEXT_H_

#include <string_view>

namespace pointsman::server {

inline constexpr char kTraceparentHeader[] = "traceparent";

// The trace id in a traceparent: 32 lower-case hex digits, not all zero. Empty if the header does
// not have the form version-traceid-parentid-flags; versions above 00 may have more behind that.
// The view points into `traceparent`.
std::string_view TraceId(std::string_view traceparent);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_TRACE_CONTEXT_H_
