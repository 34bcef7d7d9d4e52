#include "server/ext_proc/preferences.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "index/embed/utf8.h"
#include "index/string_view.h"
#include "server/nearest_name.h"

namespace pointsman::server {
namespace {

using google::protobuf::RepeatedPtrField;

constexpr size_t kMaxKeyBytes = 256;  // of the keys in a RouteRequest
constexpr size_t kShownBytes = 64;    // of a value, in messages
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What a header sets: one of a text, a number and a list.
struct Preference {
  std::string_view header;
  std::string_view field;  // of the RouteRequest, as the engine names it
  std::string* (*text)(v1::RouteRequest&) = nullptr;
  void (*number)(v1::RouteRequest&, double) = nullptr;
  RepeatedPtrField<std::string>* (*list)(v1::RouteRequest&) = nullptr;
  double lower = 0;
  double upper = kInfinity;
  bool above_lower = false;  // the lower bound itself is not allowed
  bool is_key = false;       // at most kMaxKeyBytes
};

constexpr Preference kPreferences[] = {
    {.header = "x-pointsman-policy",
     .field = "policy",
     .text = [](v1::RouteRequest& request) { return request.mutable_policy(); }},
    {.header = "x-pointsman-tradeoff",
     .field = "tradeoff",
     .number = [](v1::RouteRequest& request, double value) { request.set_tradeoff(value); },
     .upper = 1},
    {.header = "x-pointsman-max-cost-usd",
     .field = "limits.max_cost_usd",
     .number = [](v1::RouteRequest& request,
                  double value) { request.mutable_limits()->set_max_cost_usd(value); }},
    {.header = "x-pointsman-max-latency-ms",
     .field = "limits.max_latency_ms",
     .number = [](v1::RouteRequest& request,
                  double value) { request.mutable_limits()->set_max_latency_ms(value); },
     .above_lower = true},
    {.header = "x-pointsman-min-success-probability",
     .field = "limits.min_success_probability",
     .number = [](v1::RouteRequest& request,
                  double value) { request.mutable_limits()->set_min_success_probability(value); },
     .upper = 1},
    {.header = "x-pointsman-allow-models",
     .field = "requirements.allow_models",
     .list =
         [](v1::RouteRequest& request) {
           return request.mutable_requirements()->mutable_allow_models();
         }},
    {.header = "x-pointsman-deny-models",
     .field = "requirements.deny_models",
     .list =
         [](v1::RouteRequest& request) {
           return request.mutable_requirements()->mutable_deny_models();
         }},
    {.header = "x-pointsman-features",
     .field = "requirements.features",
     .list =
         [](v1::RouteRequest& request) {
           return request.mutable_requirements()->mutable_features();
         }},
    {.header = "x-pointsman-tags",
     .field = "requirements.tags",
     .list =
         [](v1::RouteRequest& request) { return request.mutable_requirements()->mutable_tags(); }},
    {.header = "x-pointsman-incumbent",
     .field = "incumbent.model",
     .text =
         [](v1::RouteRequest& request) { return request.mutable_incumbent()->mutable_model(); }},
    {.header = "x-pointsman-assignment-key",
     .field = "assignment_key",
     .text = [](v1::RouteRequest& request) { return request.mutable_assignment_key(); },
     .is_key = true},
    {.header = "x-pointsman-correlation-id",
     .field = "correlation_id",
     .text = [](v1::RouteRequest& request) { return request.mutable_correlation_id(); },
     .is_key = true},
};

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string Shown(std::string_view value) {
  if (value.empty()) return "is empty";
  const bool cut = value.size() > kShownBytes;
  return absl::StrCat("is `", ToAbsl(value.substr(0, kShownBytes)), cut ? "...`" : "`");
}

Failure Invalid(std::string_view header, std::string_view problem) {
  return {FailureReason::kInvalidHeader, absl::StrCat(ToAbsl(header), ": ", ToAbsl(problem)),
          std::string(header)};
}

std::string BoundsOf(const Preference& preference) {
  if (preference.upper < kInfinity) {
    return absl::StrCat("must be a number from ", preference.lower, " to ", preference.upper);
  }
  return absl::StrCat("must be a number ", preference.above_lower ? "above " : "of at least ",
                      preference.lower);
}

std::optional<Failure> ReadNumber(const Preference& preference, std::string_view value,
                                  v1::RouteRequest* request) {
  double number = 0;
  // The characters of a decimal: no "inf", "nan" or hexadecimal.
  const bool is_number = value.find_first_not_of("0123456789+-.eE") == std::string_view::npos &&
                         absl::SimpleAtod(ToAbsl(value), &number) && std::isfinite(number);
  const bool is_within =
      number <= preference.upper &&
      (preference.above_lower ? number > preference.lower : number >= preference.lower);
  if (!is_number || !is_within) {
    return Invalid(preference.header, absl::StrCat(BoundsOf(preference), "; ", Shown(value)));
  }
  preference.number(*request, number);
  return std::nullopt;
}

std::optional<Failure> ReadText(const Preference& preference, std::string_view value,
                                v1::RouteRequest* request) {
  if (value.empty()) return Invalid(preference.header, "must not be empty; leave the header out");
  if (preference.is_key && value.size() > kMaxKeyBytes) {
    return Invalid(preference.header,
                   absl::StrCat("must be at most ", kMaxKeyBytes, " bytes; is ", value.size()));
  }
  *preference.text(*request) = value;
  return std::nullopt;
}

std::optional<Failure> ReadList(const Preference& preference, std::string_view value,
                                v1::RouteRequest* request) {
  RepeatedPtrField<std::string>* list = preference.list(*request);
  for (size_t begin = 0; begin <= value.size();) {
    const size_t end = std::min(value.find(',', begin), value.size());
    const std::string_view item = Trim(value.substr(begin, end - begin));
    if (item.empty()) {
      return Invalid(preference.header,
                     absl::StrCat("must be names with commas between them; ", Shown(value)));
    }
    list->Add()->assign(item.data(), item.size());
    begin = end + 1;
  }
  return std::nullopt;
}

Failure UnknownHeader(std::string_view header) {
  std::vector<std::string> known;
  for (const Preference& preference : kPreferences) known.emplace_back(preference.header);
  return Invalid(header.substr(0, kShownBytes),
                 absl::StrCat("not known; do you mean ",
                              FindNearestName(header.substr(0, kShownBytes), known).name, "?"));
}

std::optional<Failure> ReadPreference(const Preference& preference, std::string_view value,
                                      v1::RouteRequest* request) {
  if (embed::FirstInvalidUtf8(value)) return Invalid(preference.header, "must be valid UTF-8");
  if (preference.list != nullptr) return ReadList(preference, value, request);
  if (preference.number != nullptr) return ReadNumber(preference, value, request);
  return ReadText(preference, value, request);
}

}  // namespace

std::string_view FindHeader(const Headers& headers, std::string_view name) {
  const auto found = std::ranges::find(headers, name, &Headers::value_type::first);
  return found == headers.end() ? std::string_view() : found->second;
}

std::optional<Failure> ReadPreferences(const Headers& headers, v1::RouteRequest* request) {
  std::vector<std::string_view> seen;
  for (const auto& [name, value] : headers) {
    if (!name.starts_with(kHeaderPrefix)) continue;
    const auto* preference = std::ranges::find(kPreferences, name, &Preference::header);
    if (preference == std::end(kPreferences)) {
      if (std::ranges::count(kAnswerHeaders, name) > 0) continue;  // removed, and not believed
      return UnknownHeader(name);
    }
    if (preference->list == nullptr && std::ranges::count(seen, name) > 0) {
      return Invalid(name, "must be given once; is given twice");
    }
    seen.push_back(name);
    std::optional<Failure> failure = ReadPreference(*preference, Trim(value), request);
    if (failure) return failure;
  }
  // Most proxies name each request, and what they name it is as good.
  const std::string_view request_id = FindHeader(headers, "x-request-id");
  if (request->correlation_id().empty() && request_id.size() <= kMaxKeyBytes &&
      !embed::FirstInvalidUtf8(request_id)) {
    request->set_correlation_id(request_id.data(), request_id.size());
  }
  return std::nullopt;
}

std::string_view HeaderOfField(std::string_view field) {
  // An element of a list is named with its index.
  const auto* found =
      std::ranges::find(kPreferences, field.substr(0, field.find('[')), &Preference::field);
  return found == std::end(kPreferences) ? std::string_view() : found->header;
}

}  // namespace pointsman::server
