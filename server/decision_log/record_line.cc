#include "server/decision_log/record_line.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>

#include "pointsman/v1/decision_log.pb.h"
#include "server/decision_log/message_json.h"

namespace pointsman::server {
namespace {

constexpr int kMaxRejected = 32;
constexpr int kMaxCapabilities = 5;
// Room behind the request for what is written when it is left out, and the line's end.
constexpr size_t kEndBytes = 512;

// In each of these, `key` comes with its quotes, comma and colon: ",\"model\":".
void Text(JsonBuffer& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out.Raw(key);
  out.Quoted(value);
}

void Number(JsonBuffer& out, std::string_view key, double value) {
  if (value == 0) return;
  out.Raw(key);
  out.Number(value);
}

void Integer(JsonBuffer& out, std::string_view key, int64_t value) {
  if (value == 0) return;
  out.Raw(key);
  out.Integer(std::min<int64_t>(value, std::numeric_limits<int32_t>::max()));
}

// Names of enums need no escapes.
void Name(JsonBuffer& out, const std::string& name) {
  out.Raw('"');
  out.Raw(name);
  out.Raw('"');
}

void Digits(char* to, int count, int64_t number) {
  for (int i = count - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

// {"time":"2026-11-24T14:30:00.123456Z"
void Time(JsonBuffer& out, int64_t unix_micros) {
  // Years 1 to 9999 are what a Timestamp can say.
  constexpr int64_t kMinMicros = -62135596800 * 1'000'000;
  constexpr int64_t kMaxMicros = 253402300800 * 1'000'000 - 1;
  const std::chrono::microseconds since_epoch(std::clamp(unix_micros, kMinMicros, kMaxMicros));
  const auto day = std::chrono::floor<std::chrono::days>(since_epoch);
  const std::chrono::year_month_day date{std::chrono::sys_days(day)};
  const int64_t micros = (since_epoch - day).count();
  std::array<char, 27> text = {'0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 'T', '0', '0', ':',
                               '0', '0', ':', '0', '0', '.', '0', '0', '0', '0', '0', '0', 'Z'};
  Digits(text.data(), 4, static_cast<int>(date.year()));
  Digits(text.data() + 5, 2, static_cast<unsigned>(date.month()));
  Digits(text.data() + 8, 2, static_cast<unsigned>(date.day()));
  Digits(text.data() + 11, 2, micros / 3'600'000'000);
  Digits(text.data() + 14, 2, micros / 60'000'000 % 60);
  Digits(text.data() + 17, 2, micros / 1'000'000 % 60);
  Digits(text.data() + 20, 6, micros % 1'000'000);
  out.Raw("{\"time\":\"");
  out.Raw({text.data(), text.size()});
  out.Raw('"');
}

void Input(const v1::RouteRequest& request, JsonBuffer& out) {
  v1::InputKind kind = v1::INPUT_KIND_UNSPECIFIED;
  size_t bytes = 0;
  int turns = 0;
  switch (request.input_case()) {
    case v1::RouteRequest::kText:
      kind = v1::INPUT_KIND_TEXT;
      bytes = request.text().size();
      break;
    case v1::RouteRequest::kConversation:
      kind = v1::INPUT_KIND_CONVERSATION;
      turns = request.conversation().turns_size();
      for (const v1::Turn& turn : request.conversation().turns()) bytes += turn.content().size();
      break;
    case v1::RouteRequest::kEmbedding:
      kind = v1::INPUT_KIND_EMBEDDING;
      bytes = static_cast<size_t>(request.embedding().values_size()) * sizeof(float);
      break;
    case v1::RouteRequest::INPUT_NOT_SET:
      return;
  }
  out.Raw(",\"input_kind\":");
  Name(out, v1::InputKind_Name(kind));
  Integer(out, ",\"input_bytes\":", static_cast<int64_t>(bytes));
  Integer(out, ",\"input_turns\":", turns);
}

void Candidates(const v1::RouteResponse& response, size_t max_candidates, JsonBuffer& out) {
  const int logged =
      static_cast<int>(std::min(max_candidates, static_cast<size_t>(response.candidates_size())));
  if (logged > 0) {
    out.Raw(",\"candidates\":[");
    for (int i = 0; i < logged; ++i) {
      const v1::Candidate& candidate = response.candidates(i);
      out.Raw(i == 0 ? "{\"model\":" : ",{\"model\":");
      out.Quoted(candidate.model());
      Number(out, ",\"success_probability\":", candidate.success_probability());
      if (candidate.has_cost_usd()) {
        out.Raw(",\"cost_usd\":");
        out.Number(candidate.cost_usd());
      }
      if (candidate.has_latency_ms()) {
        out.Raw(",\"latency_ms\":");
        out.Number(candidate.latency_ms());
      }
      Number(out, ",\"output_tokens\":", candidate.output_tokens());
      Number(out, ",\"utility\":", candidate.utility());
      out.Raw('}');
    }
    out.Raw(']');
  }
  Integer(out, ",\"candidates_omitted\":", response.candidates_size() - logged);
}

void Rejected(const v1::RouteResponse& response, JsonBuffer& out) {
  const int logged = std::min(kMaxRejected, response.rejected_size());
  if (logged > 0) {
    out.Raw(",\"rejected\":[");
    for (int i = 0; i < logged; ++i) {
      const v1::Rejection& rejection = response.rejected(i);
      out.Raw(i == 0 ? "{\"model\":" : ",{\"model\":");
      out.Quoted(rejection.model());
      out.Raw(",\"reason\":");
      Name(out, v1::RejectionReason_Name(rejection.reason()));
      if (rejection.has_limit()) {
        out.Raw(",\"limit\":");
        out.Number(rejection.limit());
      }
      if (rejection.has_value()) {
        out.Raw(",\"value\":");
        out.Number(rejection.value());
      }
      out.Raw('}');
    }
    out.Raw(']');
  }
  Integer(out, ",\"rejected_omitted\":", response.rejected_size() - logged);
}

void Judgement(const v1::RouteResponse& response, JsonBuffer& out) {
  const int capabilities = std::min(kMaxCapabilities, response.capabilities_size());
  if (capabilities > 0) {
    out.Raw(",\"capabilities\":[");
    for (int i = 0; i < capabilities; ++i) {
      out.Raw(i == 0 ? "{\"capability\":" : ",{\"capability\":");
      out.Quoted(response.capabilities(i).capability());
      Number(out, ",\"weight\":", response.capabilities(i).weight());
      out.Raw('}');
    }
    out.Raw(']');
  }
  if (response.has_difficulty()) {
    out.Raw(",\"difficulty\":");
    out.Number(response.difficulty());
  }
  if (response.degradations_size() > 0) {
    out.Raw(",\"degradations\":[");
    for (int i = 0; i < response.degradations_size(); ++i) {
      if (i > 0) out.Raw(',');
      Name(out, v1::DegradationKind_Name(response.degradations(i).kind()));
    }
    out.Raw(']');
  }
  if (response.rules_fired_size() > 0) {
    out.Raw(",\"rules_fired\":[");
    for (int i = 0; i < response.rules_fired_size(); ++i) {
      if (i > 0) out.Raw(',');
      out.Quoted(response.rules_fired(i));
    }
    out.Raw(']');
  }
  Number(out, ",\"exploration_propensity\":", response.provenance().exploration_propensity());
  if (response.provenance().explored()) out.Raw(",\"explored\":true");
  if (response.has_baseline()) {
    const v1::Baseline& baseline = response.baseline();
    out.Raw(",\"baseline\":{\"model\":");
    out.Quoted(baseline.model());
    Number(out, ",\"success_probability\":", baseline.success_probability());
    if (baseline.has_cost_usd()) {
      out.Raw(",\"cost_usd\":");
      out.Number(baseline.cost_usd());
    }
    out.Raw('}');
  }
  Number(out, ",\"total_us\":", response.timings().total_us());
}

// False, with nothing written, if the request does not fit.
bool Request(const Redactor& redactor, const v1::RouteRequest& request, JsonBuffer& out) {
  const size_t before = out.size();
  // A request that is hopeless is not even tried (numbers may be shorter in JSON than in binary).
  if (before + request.ByteSizeLong() > kMaxLineBytes * 2) return false;
  out.Raw(",\"request\":");
  const bool redacted = WriteMessage(request, redactor, out);
  if (redacted) out.Raw(",\"redacted\":true");
  if (out.size() + kEndBytes <= kMaxLineBytes) return true;
  out.Truncate(before);
  return false;
}

}  // namespace

bool FormatLine(const LineFormat& format, const v1::RouteRequest& request,
                const v1::RouteResponse& response, const RecordFacts& facts, JsonBuffer& out) {
  const v1::Provenance& provenance = response.provenance();
  out.Clear();
  Time(out, facts.unix_micros);
  Text(out, ",\"decision_id\":", response.decision_id());
  Text(out, ",\"method\":", facts.method);
  if (facts.batch_index.has_value()) {
    out.Raw(",\"batch_index\":");
    out.Integer(*facts.batch_index);
  }
  if (!request.correlation_id().empty()) {
    std::string redacted;
    Text(out, ",\"correlation_id\":", format.redactor.Apply(request.correlation_id(), &redacted));
  }
  Text(out, ",\"trace_id\":", facts.trace_id);
  Text(out, ",\"client\":", facts.client);
  Text(out, ",\"bundle_digest\":", provenance.bundle_digest());
  Text(out, ",\"bundle_version\":", provenance.bundle_version());
  Text(out, ",\"server_version\":", provenance.server_version());
  Text(out, ",\"policy\":", provenance.policy());
  Text(out, ",\"policy_digest\":", provenance.policy_digest());
  Input(request, out);
  Integer(out, ",\"input_tokens\":", response.input_tokens());
  out.Raw(",\"outcome\":");
  Name(out, v1::Outcome_Name(response.outcome()));
  Text(out, ",\"model\":", response.model());
  Number(out, ",\"confidence\":", response.confidence());
  Number(out, ",\"margin\":", response.margin());
  Number(out, ",\"familiarity\":", response.familiarity());
  Candidates(response, format.max_candidates, out);
  Rejected(response, out);
  Judgement(response, out);
  const bool holds_request = format.with_request && Request(format.redactor, request, out);
  if (!holds_request) {
    const InputHash hash = format.hasher.Hash(request);
    Text(out, ",\"input_hash\":", {hash.data(), hash.size()});
    if (format.with_request) {
      out.Raw(",\"request_omission\":");
      Name(out, v1::RequestOmission_Name(v1::REQUEST_OMISSION_TOO_LARGE));
    }
  }
  out.Raw("}\n");
  return out.size() <= kMaxLineBytes;
}

}  // namespace pointsman::server
