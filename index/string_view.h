// Debian 12 builds Abseil with its own string_view. Our interfaces use std::string_view; this is
// the one conversion at the border. Free: both are a pointer and a length.
#ifndef POINTSMAN_INDEX_STRING_VIEW_H_
#define POINTSMAN_INDEX_STRING_VIEW_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace pointsman {

inline absl::string_view ToAbsl(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view ToStd(absl::string_view s) { return {s.data(), s.size()}; }

}  // namespace pointsman

#endif  // POINTSMAN_INDEX_STRING_VIEW_H_
