// Errors of the caller as absl::Status with machine-readable details.
//
// The engine knows nothing of gRPC, so a google.rpc detail travels as a payload of absl::Status
// under its type URL; the server copies payloads into google.rpc.Status unchanged.
#ifndef POINTSMAN_INDEX_ERRORS_H_
#define POINTSMAN_INDEX_ERRORS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace pointsman {

// Payload key of a serialised google.rpc.BadRequest.
inline constexpr char kBadRequestTypeUrl[] = "type.googleapis.com/google.rpc.BadRequest";

// INVALID_ARGUMENT about one field of a request: "`field`: `problem`" as message, and a BadRequest
// with that field violation as payload. `problem` names the bound and the value.
absl::Status InvalidField(std::string_view field, std::string_view problem);

// The known names as "a, b, c", at most `limit` of them and "... (N in all)" after; used in
// problems of the kind "unknown model `x`; known: ...".
template <typename Range>
std::string KnownNames(const Range& names, int limit = 20);

// Non-template part of the above.
class NameList {
 public:
  explicit NameList(int limit) : limit_(limit) {}
  void Add(std::string_view name);
  std::string Finish() &&;

 private:
  int limit_;
  int count_ = 0;
  std::string joined_;
};

template <typename Range>
std::string KnownNames(const Range& names, int limit) {
  NameList list(limit);
  for (const auto& name : names) list.Add(name);
  return std::move(list).Finish();
}

}  // namespace pointsman

#endif  // POINTSMAN_INDEX_ERRORS_H_
