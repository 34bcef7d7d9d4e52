#include "pointsman/client/status.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace pointsman::client {
namespace {

constexpr char kTypeUrlPrefix[] = "type.googleapis.com/";

template <typename Detail>
std::optional<Detail> DetailOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload =
      status.GetPayload(absl::StrCat(kTypeUrlPrefix, Detail::descriptor()->full_name()));
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

// What the code means to somebody who does not know gRPC.
std::string Lead(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return "the request is invalid: ";
    case absl::StatusCode::kUnavailable:
      return "the router cannot be reached or is not serving: ";
    case absl::StatusCode::kDeadlineExceeded:
      return "the router did not answer in time: ";
    case absl::StatusCode::kResourceExhausted:
      return "the router is at a limit: ";
    case absl::StatusCode::kUnauthenticated:
      return "the router wants a valid API key: ";
    case absl::StatusCode::kPermissionDenied:
      return "the router does not permit this: ";
    case absl::StatusCode::kUnimplemented:
      return "the server does not offer this call (is it a Pointsman router?): ";
    default:
      return absl::StrCat("the call failed (", absl::StatusCodeToString(code), "): ");
  }
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) details.Clear();
  // The trailer of the call is the authority; the detail blob only repeats code and message.
  details.set_code(static_cast<int>(status.error_code()));
  details.set_message(status.error_message());
  return FromProto(details);
}

absl::Status FromProto(const google::rpc::Status& status) {
  if (status.code() == 0) return absl::OkStatus();
  const bool known = status.code() > 0 && status.code() <= 16;
  absl::Status result(
      known ? static_cast<absl::StatusCode>(status.code()) : absl::StatusCode::kUnknown,
      status.message());
  for (const google::protobuf::Any& detail : status.details()) {
    result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return result;
}

google::rpc::Status ToProto(const absl::Status& status) {
  google::rpc::Status result;
  result.set_code(static_cast<int>(status.code()));
  result.set_message(std::string(status.message()));
  status.ForEachPayload([&result](absl::string_view type_url, const absl::Cord& payload) {
    google::protobuf::Any* detail = result.add_details();
    detail->set_type_url(std::string(type_url));
    detail->set_value(std::string(payload));
  });
  return result;
}

std::vector<FieldViolation> FieldViolations(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  if (const auto bad_request = DetailOf<google::rpc::BadRequest>(status)) {
    for (const auto& violation : bad_request->field_violations()) {
      violations.push_back({violation.field(), violation.description()});
    }
  }
  return violations;
}

std::optional<std::chrono::milliseconds> RetryDelay(const absl::Status& status) {
  const auto retry_info = DetailOf<google::rpc::RetryInfo>(status);
  if (!retry_info.has_value() || !retry_info->has_retry_delay()) return std::nullopt;
  const google::protobuf::Duration& delay = retry_info->retry_delay();
  return std::chrono::milliseconds(delay.seconds() * 1000 + delay.nanos() / 1'000'000);
}

std::string Sentence(const absl::Status& status) {
  if (status.ok()) return {};
  std::string message(status.message());
  std::string fields;
  for (const FieldViolation& violation : FieldViolations(status)) {
    if (absl::StrContains(message, violation.problem)) continue;
    absl::StrAppend(&fields, fields.empty() ? "" : "; ", violation.field, ": ", violation.problem);
  }
  if (message.empty() && fields.empty()) message = "no reason was given";
  std::string sentence = Lead(status.code()) + message;
  if (!fields.empty()) absl::StrAppend(&sentence, message.empty() ? "" : "; ", fields);
  if (const auto delay = RetryDelay(status)) {
    absl::StrAppend(&sentence, "; try again in ", delay->count(), " ms");
  }
  return sentence;
}

}  // namespace pointsman::client
