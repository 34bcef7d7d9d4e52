#include "server/ext_proc/exchange.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "google/rpc/error_details.pb.h"
#include "index/errors.h"
#include "index/string_view.h"
#include "server/ext_proc/preferences.h"
#include "server/metrics.h"

namespace pointsman::server {
namespace {

using envoy::config::core::v3::HeaderMap;
using envoy::config::core::v3::HeaderValueOption;
using envoy::service::ext_proc::v3::CommonResponse;
using envoy::service::ext_proc::v3::HeaderMutation;

constexpr std::array<std::string_view, kExchangeResultCount> kResultNames = {
    "routed", "shadowed", "passed", "failed_open", "failed_closed"};

// Longest explanation in a header; an error body has all of it.
constexpr size_t kMaxExplanationBytes = 512;
constexpr int64_t kNanosPerMilli = 1'000'000;
constexpr int64_t kMillisPerSecond = 1000;

// Names of the degradations that come of the reading rather than of the decision.
constexpr std::string_view kNotJudged = "content_not_judged";
constexpr std::string_view kFeatureUnknown = "feature_unknown:";

Headers HeadersOf(const HeaderMap& map) {
  Headers headers;
  headers.reserve(static_cast<size_t>(map.headers_size()));
  for (const auto& header : map.headers()) {
    headers.emplace_back(header.key(),
                         header.raw_value().empty() ? header.value() : header.raw_value());
  }
  return headers;
}

void Set(std::string_view name, std::string_view value, HeaderMutation* mutation) {
  HeaderValueOption* option = mutation->add_set_headers();
  option->mutable_header()->set_key(name.data(), name.size());
  option->mutable_header()->set_raw_value(value.data(), value.size());
  option->set_append_action(HeaderValueOption::OVERWRITE_IF_EXISTS_OR_ADD);
}

// What may stand in a header; all else becomes a question mark.
std::string Visible(std::string_view text) {
  std::string visible(text.substr(0, kMaxExplanationBytes));
  for (char& c : visible) {
    if (c < ' ' || c > '~') c = '?';
  }
  return visible;
}

// The media type without its parameters, in lower case.
std::string MediaTypeOf(std::string_view content_type) {
  return absl::AsciiStrToLower(
      absl::StripAsciiWhitespace(ToAbsl(content_type.substr(0, content_type.find(';')))));
}

bool IsJson(std::string_view media_type) {
  return media_type == "application/json" ||
         (media_type.starts_with("application/") && media_type.ends_with("+json"));
}

std::string Quoted(std::string_view value) {
  constexpr size_t kShown = 64;
  return value.empty() ? std::string("is absent")
                       : absl::StrCat("is `", Visible(value.substr(0, kShown)), "`");
}

bool IsKnownFeature(const v1::Catalogue& catalogue, std::string_view feature) {
  return std::ranges::any_of(catalogue.models(), [feature](const v1::Model& model) {
    return std::ranges::count(model.features(), feature) > 0;
  });
}

std::string Describe(const v1::Relaxation& relaxation) {
  const std::string_view header = HeaderOfField(relaxation.field());
  const std::string field(header.empty() ? std::string_view(relaxation.field()) : header);
  std::string change;
  if (!relaxation.detail().empty()) {
    change =
        absl::StrCat("`", relaxation.detail(), "` in ", field,
                     relaxation.field() == "requirements.allow_models" ? " added" : " dropped");
  } else if (relaxation.has_needed()) {
    change = absl::StrCat(field, " of ", relaxation.needed());
    if (relaxation.has_current()) absl::StrAppend(&change, " instead of ", relaxation.current());
  } else {
    change = absl::StrCat(field, " dropped");
  }
  return absl::StrCat("; the smallest change that would help: ", change, ", for ",
                      relaxation.model());
}

}  // namespace

std::string_view ExchangeResultName(ExchangeResult result) {
  return kResultNames[static_cast<size_t>(result)];
}

Failure FailureOfStatus(const absl::Status& status) {
  const std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
      return {FailureReason::kOverloaded, message, ""};
    case absl::StatusCode::kDeadlineExceeded:
      return {FailureReason::kDeadlineExceeded, message, ""};
    case absl::StatusCode::kInvalidArgument:
      break;
    default:
      return {FailureReason::kNoBundle, message, ""};
  }
  google::rpc::BadRequest details;
  const auto payload = status.GetPayload(kBadRequestTypeUrl);
  if (!payload || !details.ParseFromString(std::string(*payload)) ||
      details.field_violations().empty()) {
    return {FailureReason::kInvalidRequest, message, ""};
  }
  const auto& violation = details.field_violations(0);
  const std::string_view field = violation.field();
  const std::string header(HeaderOfField(field));
  if (header.empty()) return {FailureReason::kInvalidRequest, message, std::string(field)};
  // Of a list, what is named with its index is an unknown name; else there are too many.
  FailureReason reason = FailureReason::kInvalidHeader;
  if (field == "policy") reason = FailureReason::kUnknownPolicy;
  if (field == "incumbent.model") reason = FailureReason::kUnknownModel;
  if (field.ends_with(']')) {
    if (field.find("models") != std::string_view::npos) reason = FailureReason::kUnknownModel;
    if (field.find("features") != std::string_view::npos) reason = FailureReason::kUnknownFeature;
  }
  return {reason, absl::StrCat(header, ": ", violation.description()), header};
}

absl::StatusOr<Exchange::Next> Exchange::Take(EnvoyRequest message, EnvoyAnswer* answer) {
  if (message.request_case() == EnvoyRequest::REQUEST_NOT_SET) {
    return absl::InvalidArgumentError(
        "request: must be headers, a body or trailers; nothing of these is set");
  }
  switch (state_) {
    case State::kRequestHeaders:
      return TakeRequestHeaders(message, answer);
    case State::kRequestBody:
      return TakeRequestBody(std::move(message), answer);
    default:
      return TakeLater(message, answer);
  }
}

absl::StatusOr<Exchange::Next> Exchange::TakeRequestHeaders(const EnvoyRequest& message,
                                                            EnvoyAnswer* answer) {
  if (!message.has_request_headers()) {
    return absl::InvalidArgumentError(
        "request: the first message must be request_headers; set request_header_mode to SEND");
  }
  const Headers headers = HeadersOf(message.request_headers().headers());
  spoofed_ = std::ranges::any_of(headers, [](const auto& header) {
    return std::ranges::count(kAnswerHeaders, header.first) > 0;
  });
  const std::string_view path = FindHeader(headers, ":path");
  const std::optional<OpenAiApi> api = OpenAiApiOf(path.substr(0, path.find_first_of("?#")));
  if (!api || FindHeader(headers, ":method") != "POST") {
    state_ = State::kAnswered;
    result_ = ExchangeResult::kPassed;
    AnswerTo(Asked::kHeaders, answer);
    return Next::kAnswerAndEnd;
  }
  api_ = *api;
  traceparent_ = FindHeader(headers, "traceparent");
  std::optional<Failure> failure =
      CheckRequest(headers, !message.request_headers().end_of_stream());
  if (failure) return Fail(*failure, 0, answer);
  state_ = State::kRequestBody;
  AnswerTo(Asked::kHeaders, answer);
  return Next::kAnswer;
}

std::optional<Failure> Exchange::CheckRequest(const Headers& headers, bool has_body) {
  if (!has_body) {
    return Failure{FailureReason::kNoBody, "the request must have a body; it has none", ""};
  }
  const std::string_view type = FindHeader(headers, "content-type");
  if (!IsJson(MediaTypeOf(type))) {
    return Failure{FailureReason::kUnsupportedContentType,
                   absl::StrCat("content-type: must be application/json; ", Quoted(type)),
                   "content-type"};
  }
  const std::string_view encoding = FindHeader(headers, "content-encoding");
  if (!encoding.empty() && encoding != "identity") {
    return Failure{FailureReason::kUnsupportedContentEncoding,
                   absl::StrCat("content-encoding: must be identity or absent; ", Quoted(encoding)),
                   "content-encoding"};
  }
  return ReadPreferences(headers, &request_);
}

absl::StatusOr<Exchange::Next> Exchange::TakeRequestBody(EnvoyRequest message,
                                                         EnvoyAnswer* answer) {
  switch (message.request_case()) {
    case EnvoyRequest::kRequestBody:
      break;
    case EnvoyRequest::kRequestTrailers:
    case EnvoyRequest::kResponseHeaders:
      asked_ = message.has_request_trailers() ? Asked::kTrailers : Asked::kResponseHeaders;
      return Fail({FailureReason::kNoBody,
                   "the body must be sent here; it was not: request_body_mode of the filter must "
                   "be BUFFERED",
                   ""},
                  0, answer);
    default:
      return absl::InvalidArgumentError(
          "request: request_body must follow request_headers; another message did");
  }
  asked_ = Asked::kBody;
  auto& body = *message.mutable_request_body();
  if (!body.end_of_stream()) {
    return Fail({FailureReason::kBodyIncomplete,
                 absl::StrCat("the body must come whole: request_body_mode of the filter must be "
                              "BUFFERED; a piece of ",
                              body.body().size(), " bytes came"),
                 ""},
                0, answer);
  }
  if (body.body().empty()) {
    return Fail({FailureReason::kNoBody, "the request must have a body; it is empty", ""}, 0,
                answer);
  }
  if (body.body().size() > options_.max_body_bytes) {
    return Fail({FailureReason::kBodyTooLarge,
                 absl::StrCat("the body must be at most ", options_.max_body_bytes, " bytes; is ",
                              body.body().size()),
                 ""},
                0, answer);
  }
  body_ = std::move(*body.mutable_body());
  return Next::kDecide;
}

absl::StatusOr<Exchange::Next> Exchange::TakeLater(const EnvoyRequest& message,
                                                   EnvoyAnswer* answer) {
  switch (message.request_case()) {
    case EnvoyRequest::kRequestBody:  // the rest of one that failed, or that was not wanted
      answer->mutable_request_body();
      return Next::kAnswer;
    case EnvoyRequest::kRequestTrailers:
      answer->mutable_request_trailers();
      return Next::kAnswer;
    case EnvoyRequest::kResponseHeaders: {
      HeaderMutation* mutation =
          answer->mutable_response_headers()->mutable_response()->mutable_header_mutation();
      for (const auto& [name, value] : outcome_) Set(name, value, mutation);
      return Next::kAnswerAndEnd;
    }
    case EnvoyRequest::kResponseBody:
      answer->mutable_response_body();
      return Next::kAnswerAndEnd;
    case EnvoyRequest::kResponseTrailers:
      answer->mutable_response_trailers();
      return Next::kAnswerAndEnd;
    default:
      return absl::InvalidArgumentError("request: request_headers must come once; came twice");
  }
}

CommonResponse* Exchange::AnswerTo(Asked asked, EnvoyAnswer* answer) const {
  switch (asked) {
    case Asked::kHeaders: {
      CommonResponse* response = answer->mutable_request_headers()->mutable_response();
      for (const std::string_view name : kAnswerHeaders) {
        response->mutable_header_mutation()->add_remove_headers(name.data(), name.size());
      }
      // They may have decided the route already.
      response->set_clear_route_cache(spoofed_);
      return response;
    }
    case Asked::kBody:
      return answer->mutable_request_body()->mutable_response();
    case Asked::kTrailers:
      answer->mutable_request_trailers();
      return nullptr;
    default:
      return answer->mutable_response_headers()->mutable_response();
  }
}

std::optional<Failure> Exchange::Read(const v1::Catalogue& catalogue) {
  OpenAiRequest read;
  std::optional<Failure> failure = ReadOpenAiRequest(body_, api_, options_.bounds, &read);
  if (failure) return failure;
  model_place_ = read.model;
  *request_.mutable_conversation() = std::move(read.conversation);
  auto* features = request_.mutable_requirements()->mutable_features();
  const std::pair<bool, std::string_view> needs[] = {{read.needs_vision, "vision"},
                                                     {read.needs_tools, "tools"},
                                                     {read.needs_json_schema, "json_schema"}};
  for (const auto& [is_needed, feature] : needs) {
    if (!is_needed || std::ranges::count(*features, feature) > 0) continue;
    if (IsKnownFeature(catalogue, feature)) {
      features->Add()->assign(feature.data(), feature.size());
    } else {
      degradations_.push_back(absl::StrCat(ToAbsl(kFeatureUnknown), ToAbsl(feature)));
    }
  }
  if (read.has_unjudged) degradations_.emplace_back(kNotJudged);
  return std::nullopt;
}

void Exchange::DescribeDecision(const v1::RouteResponse& decision) {
  outcome_.emplace_back(kDecisionIdHeader, decision.decision_id());
  outcome_.emplace_back(kPolicyHeader, decision.provenance().policy());
  std::vector<std::string> degradations;
  for (const v1::Degradation& degradation : decision.degradations()) {
    std::string name =
        EnumLabel(*v1::DegradationKind_descriptor()->FindValueByNumber(degradation.kind()));
    if (std::ranges::count(degradations, name) == 0) degradations.push_back(std::move(name));
  }
  std::ranges::move(degradations_, std::back_inserter(degradations));
  if (!degradations.empty()) {
    outcome_.emplace_back(kDegradationsHeader, absl::StrJoin(degradations, ","));
  }
}

Failure Exchange::FailureOf(const v1::RouteResponse& decision) {
  if (decision.outcome() == v1::OUTCOME_ABSTAINED) {
    return {FailureReason::kAbstained,
            absl::StrCat("policy `", decision.provenance().policy(),
                         "` prefers not to choose: the query is unfamiliar, or no model is certain "
                         "enough"),
            ""};
  }
  std::string message = "no model meets every limit and requirement";
  std::string_view header;
  if (decision.has_relaxation()) {
    absl::StrAppend(&message, Describe(decision.relaxation()));
    header = HeaderOfField(decision.relaxation().field());
  }
  return {FailureReason::kInfeasible, std::move(message), std::string(header)};
}

// The stream may live as long as the upstream takes.
void Exchange::ForgetTexts() {
  std::string().swap(body_);
  request_ = v1::RouteRequest();
}

Exchange::Next Exchange::Route(const v1::RouteResponse& decision, EnvoyAnswer* answer) {
  DescribeDecision(decision);
  if (decision.outcome() != v1::OUTCOME_CHOSEN) return Fail(FailureOf(decision), 0, answer);
  outcome_.emplace_back(kOutcomeHeader, "chosen");
  outcome_.emplace_back(kModelHeader, decision.model());
  outcome_.emplace_back(kConfidenceHeader, absl::StrFormat("%.3f", decision.confidence()));
  const bool is_shadow = options_.mode == ExtProcMode::kShadow;
  if (is_shadow) outcome_.emplace_back(kShadowHeader, "true");

  CommonResponse* response = AnswerTo(Asked::kBody, answer);
  HeaderMutation* mutation = response->mutable_header_mutation();
  for (const auto& [name, value] : outcome_) Set(name, value, mutation);
  if (options_.mode == ExtProcMode::kRewrite) {
    std::string body = WithModel(body_, model_place_, decision.model());
    Set("content-length", absl::StrCat(body.size()), mutation);
    *response->mutable_body_mutation()->mutable_body() = std::move(body);
  }
  response->set_clear_route_cache(!is_shadow);
  state_ = State::kAnswered;
  result_ = is_shadow ? ExchangeResult::kShadowed : ExchangeResult::kRouted;
  ForgetTexts();
  return Next::kAnswer;
}

Exchange::Next Exchange::Fail(const Failure& failure, int64_t retry_delay_ns, EnvoyAnswer* answer) {
  state_ = State::kAnswered;
  ForgetTexts();
  reason_ = failure.reason;
  outcome_.emplace_back(kOutcomeHeader, options_.fail_closed ? "failed-closed" : "failed-open");
  outcome_.emplace_back(kReasonHeader, FailureReasonName(failure.reason));
  const bool is_shadow = options_.mode == ExtProcMode::kShadow;
  if (is_shadow) outcome_.emplace_back(kShadowHeader, "true");
  if (options_.fail_closed) return FailClosed(failure, retry_delay_ns, answer);

  result_ = ExchangeResult::kFailedOpen;
  outcome_.emplace_back(kExplanationHeader, Visible(failure.message));
  CommonResponse* response = AnswerTo(asked_, answer);
  if (response == nullptr) return Next::kAnswer;
  for (const auto& [name, value] : outcome_) Set(name, value, response->mutable_header_mutation());
  if (asked_ == Asked::kHeaders) {
    // Whichever of the two Envoy does first, what is set must stay.
    auto* removed = response->mutable_header_mutation()->mutable_remove_headers();
    for (const auto& [name, value] : outcome_) {
      removed->erase(std::remove(removed->begin(), removed->end(), name), removed->end());
    }
  }
  if (asked_ == Asked::kResponseHeaders) return Next::kAnswerAndEnd;
  // A route may be kept for what was not decided.
  if (!is_shadow) response->set_clear_route_cache(true);
  return Next::kAnswer;
}

Exchange::Next Exchange::FailClosed(const Failure& failure, int64_t retry_delay_ns,
                                    EnvoyAnswer* answer) {
  result_ = ExchangeResult::kFailedClosed;
  auto* response = answer->mutable_immediate_response();
  response->mutable_status()->set_code(
      static_cast<envoy::type::v3::StatusCode>(HttpStatusOf(failure.reason)));
  HeaderMutation* mutation = response->mutable_headers();
  Set("content-type", "application/json", mutation);
  for (const auto& [name, value] : outcome_) Set(name, value, mutation);
  if (retry_delay_ns > 0) {
    // In whole seconds, as HTTP has it, and in milliseconds, which clients of OpenAI's API read.
    const int64_t ms = std::max<int64_t>(1, retry_delay_ns / kNanosPerMilli);
    Set("retry-after", absl::StrCat((ms + kMillisPerSecond - 1) / kMillisPerSecond), mutation);
    Set("retry-after-ms", absl::StrCat(ms), mutation);
  }
  response->set_body(ErrorBody(failure));
  response->set_details(absl::StrCat("pointsman_", ToAbsl(FailureReasonName(failure.reason))));
  return Next::kAnswerAndEnd;
}

}  // namespace pointsman::server
