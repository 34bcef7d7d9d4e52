#include "index/errors.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "index/string_view.h"

namespace pointsman {

absl::Status InvalidField(std::string_view field, std::string_view problem) {
  google::rpc::BadRequest details;
  auto* violation = details.add_field_violations();
  violation->set_field(field.data(), field.size());
  violation->set_description(problem.data(), problem.size());
  absl::Status status =
      absl::InvalidArgumentError(absl::StrCat(ToAbsl(field), ": ", ToAbsl(problem)));
  status.SetPayload(kBadRequestTypeUrl, absl::Cord(details.SerializeAsString()));
  return status;
}

void NameList::Add(std::string_view name) {
  if (count_++ >= limit_) return;
  if (!joined_.empty()) joined_ += ", ";
  joined_.append(name.data(), name.size());
}

std::string NameList::Finish() && {
  if (count_ == 0) return "none";
  if (count_ > limit_) absl::StrAppend(&joined_, ", ... (", count_, " in all)");
  return std::move(joined_);
}

}  // namespace pointsman
