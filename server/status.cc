#include "server/status.h"

#include <string>
#include <string_view>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "index/embed/utf8.h"
#include "index/errors.h"
#include "index/string_view.h"

namespace pointsman::server {
namespace {

constexpr std::string_view kEllipsis = "...";

std::string Clip(std::string_view text) {
  if (text.size() <= kMaxMessageBytes) return std::string(text);
  size_t end = kMaxMessageBytes - kEllipsis.size();
  while (end > 0 && embed::IsUtf8Continuation(text[end])) --end;
  return std::string(text.substr(0, end)).append(kEllipsis);
}

// A BadRequest repeats what the request held, so it is cut rather than left out.
std::string ClipBadRequest(const std::string& serialised) {
  google::rpc::BadRequest details;
  if (!details.ParseFromString(serialised)) return {};
  for (auto& violation : *details.mutable_field_violations()) {
    violation.set_field(Clip(violation.field()));
    violation.set_description(Clip(violation.description()));
  }
  return details.SerializeAsString();
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status result;
  // absl and gRPC number the codes alike.
  result.set_code(static_cast<int>(status.code()));
  result.set_message(Clip(ToStd(status.message())));
  size_t total_bytes = 0;
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    std::string value(payload);
    if (type_url == kBadRequestTypeUrl) value = ClipBadRequest(value);
    total_bytes += value.size();
    if (value.empty() || total_bytes > kMaxDetailsBytes) return;
    auto* detail = result.add_details();
    detail->set_type_url(std::string(type_url));
    detail->set_value(std::move(value));
  });
  return result;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status result = ToRpcStatus(status);
  return grpc::Status(static_cast<grpc::StatusCode>(result.code()), result.message(),
                      result.details_size() > 0 ? result.SerializeAsString() : std::string());
}

}  // namespace pointsman::server
