#include "pointsman/client/explain.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "pointsman/client/status.h"
#include "pointsman/client/text_table.h"
#include "pointsman/client/what_would_change.h"

namespace pointsman::client {
namespace {

using Align = TextTable::Align;

constexpr size_t kMaxTextCharacters = 70;  // of an exemplar: enough to recognise it
constexpr size_t kDigestCharacters = 12;

// REJECTION_REASON_COST_ABOVE_LIMIT -> "cost above limit".
std::string Words(const std::string& name, const char* prefix) {
  std::string words(absl::StripPrefix(name, prefix));
  for (char& c : words) c = c == '_' ? ' ' : absl::ascii_tolower(static_cast<unsigned char>(c));
  return words;
}

// What comes over the wire must not steer a terminal: every text without control characters.
void MakeSafe(google::protobuf::Message* message) {
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const auto* field : fields) {
    if (field->is_map()) continue;  // outcomes of exemplars: only counted
    const int count = field->is_repeated() ? reflection.FieldSize(*message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const bool repeated = field->is_repeated();
      if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
        MakeSafe(repeated ? reflection.MutableRepeatedMessage(message, field, i)
                          : reflection.MutableMessage(message, field));
      } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
        const std::string text = repeated ? reflection.GetRepeatedString(*message, field, i)
                                          : reflection.GetString(*message, field);
        std::string safe = OneLine(text, text.size());
        if (repeated) {
          reflection.SetRepeatedString(message, field, i, std::move(safe));
        } else {
          reflection.SetString(message, field, std::move(safe));
        }
      }
    }
  }
}

v1::RouteResponse Safe(v1::RouteResponse response) {
  MakeSafe(&response);
  return response;
}

std::string Head(const v1::RouteResponse& response, const Paint& paint) {
  switch (response.outcome()) {
    case v1::OUTCOME_CHOSEN:
      return absl::StrFormat("%s  confidence %.2f, margin %.2f, familiarity %.2f\n",
                             paint.Good(paint.Bold(response.model())), response.confidence(),
                             response.margin(), response.familiarity());
    case v1::OUTCOME_INFEASIBLE:
      return paint.Bad("no model qualifies") +
             (response.has_relaxation() ? ": " + RelaxationSentence(response.relaxation())
                                        : ": no single change of limits would help") +
             "\n";
    case v1::OUTCOME_ABSTAINED:
      return absl::StrFormat("%s  the policy prefers not to choose; familiarity %.2f\n",
                             paint.Warning("abstained"), response.familiarity());
    default:
      return paint.Bad("no outcome in the answer") + "\n";
  }
}

std::string Needs(const v1::RouteResponse& response) {
  std::string needs;
  for (const v1::CapabilityWeight& entry : response.capabilities()) {
    absl::StrAppendFormat(&needs, "%s%s %.2f", needs.empty() ? "needs " : ", ", entry.capability(),
                          entry.weight());
  }
  if (response.has_difficulty()) {
    absl::StrAppendFormat(&needs, "%sdifficulty %.2f", needs.empty() ? "" : "; ",
                          response.difficulty());
  }
  return needs.empty() ? needs : needs + "\n";
}

std::string Candidates(const v1::RouteResponse& response, const Paint& paint) {
  if (response.candidates().empty()) return {};
  TextTable table({{"#", Align::kRight},
                   {"candidate"},
                   {"success", Align::kRight},
                   {"90 % interval", Align::kRight},
                   {"cost USD", Align::kRight},
                   {"latency ms", Align::kRight},
                   {"output tokens", Align::kRight},
                   {"utility", Align::kRight},
                   {"evidence", Align::kRight},
                   {"wins at tradeoff"}});
  int rank = 0;
  for (const v1::Candidate& candidate : response.candidates()) {
    std::vector<std::string> cells = {
        absl::StrCat(++rank),
        candidate.model(),
        absl::StrFormat("%.3f", candidate.success_probability()),
        absl::StrFormat("%.2f to %.2f", candidate.success_interval().lower(),
                        candidate.success_interval().upper()),
        candidate.has_cost_usd() ? absl::StrFormat("%.6f", candidate.cost_usd()) : "unknown",
        candidate.has_latency_ms() ? absl::StrFormat("%.0f", candidate.latency_ms()) : "unknown",
        absl::StrFormat("%.0f", candidate.output_tokens()),
        absl::StrFormat("%.4f", candidate.utility()),
        absl::StrFormat("%.1f", candidate.effective_evidence()),
        candidate.has_tradeoff_interval()
            ? absl::StrFormat("%.2f to %.2f", candidate.tradeoff_interval().lower(),
                              candidate.tradeoff_interval().upper())
            : ""};
    if (candidate.model() == response.model()) {
      table.AddMarkedRow(std::move(cells));
    } else {
      table.AddRow(std::move(cells));
    }
  }
  return "\n" + table.Render(paint);
}

std::string Rejected(const v1::RouteResponse& response, const Paint& paint) {
  if (response.rejected().empty()) return {};
  TextTable table(
      {{"rejected"}, {"why"}, {"limit", Align::kRight}, {"value", Align::kRight}, {"detail"}});
  for (const v1::Rejection& rejection : response.rejected()) {
    table.AddRow({rejection.model(),
                  Words(v1::RejectionReason_Name(rejection.reason()), "REJECTION_REASON_"),
                  rejection.has_limit() ? Number(rejection.limit()) : "",
                  rejection.has_value() ? Number(rejection.value()) : "",
                  OneLine(rejection.detail(), kMaxTextCharacters)});
  }
  return "\n" + table.Render(paint);
}

std::string Degradations(const v1::RouteResponse& response, const Paint& paint) {
  std::string text;
  for (const v1::Degradation& degradation : response.degradations()) {
    absl::StrAppend(
        &text, "  ",
        paint.Warning(Words(v1::DegradationKind_Name(degradation.kind()), "DEGRADATION_KIND_")),
        ": ", OneLine(degradation.detail(), 2 * kMaxTextCharacters), "\n");
  }
  return text.empty() ? text : "\n" + paint.Dim("  weakened by") + "\n" + text;
}

std::string Evidence(const v1::RouteResponse& response, const Paint& paint) {
  if (response.evidence().empty()) return {};
  TextTable table({{"evidence"},
                   {"similarity", Align::kRight},
                   {"weight", Align::kRight},
                   {"capability"},
                   {"difficulty", Align::kRight},
                   {"outcomes", Align::kRight},
                   {"text"}});
  for (const v1::Evidence& evidence : response.evidence()) {
    table.AddRow({evidence.exemplar_id(), absl::StrFormat("%.2f", evidence.similarity()),
                  absl::StrFormat("%.3f", evidence.weight()), evidence.capability(),
                  evidence.has_difficulty() ? absl::StrFormat("%.2f", evidence.difficulty()) : "",
                  evidence.outcomes().empty() ? "" : absl::StrCat(evidence.outcomes().size()),
                  OneLine(evidence.text(), kMaxTextCharacters)});
  }
  return "\n" + table.Render(paint);
}

std::string Reasons(const v1::RouteResponse& response, const Paint& paint) {
  std::string text = Evidence(response, paint);
  if (!response.rules_fired().empty()) {
    absl::StrAppend(&text, "\n", paint.Dim("  rules that fired"), "\n");
    for (const std::string& rule : response.rules_fired()) absl::StrAppend(&text, "  ", rule, "\n");
  }
  std::string changes;
  for (const std::string& sentence : WhatWouldChange(response)) {
    absl::StrAppend(&changes, "  ", sentence, "\n");
  }
  if (!changes.empty()) {
    absl::StrAppend(&text, "\n", paint.Dim("  what would change the decision"), "\n", changes);
  }
  return text;
}

std::string AgainstBaseline(const v1::RouteResponse& response) {
  if (!response.has_baseline() || response.outcome() != v1::OUTCOME_CHOSEN) return {};
  const v1::Baseline& baseline = response.baseline();
  std::string text =
      absl::StrFormat("always %s: success %.3f", baseline.model(), baseline.success_probability());
  if (baseline.has_cost_usd()) {
    absl::StrAppendFormat(&text, ", cost %.6f USD", baseline.cost_usd());
  }
  return text + "\n";
}

std::string Origin(const v1::RouteResponse& response) {
  if (!response.has_provenance()) return {};
  const v1::Provenance& from = response.provenance();
  std::string text = absl::StrFormat(
      "policy %s, bundle %s%s", from.policy(),
      from.bundle_version().empty() ? "" : OneLine(from.bundle_version(), kMaxTextCharacters) + " ",
      from.bundle_digest().substr(0, kDigestCharacters));
  if (!response.decision_id().empty())
    absl::StrAppend(&text, ", decision ", response.decision_id());
  if (from.explored()) {
    absl::StrAppendFormat(&text, ", explored with propensity %.3f", from.exploration_propensity());
  }
  if (response.has_timings()) {
    absl::StrAppendFormat(&text, ", %.0f us", response.timings().total_us());
  }
  return text + "\n";
}

}  // namespace

std::string ExplainText(const v1::RouteResponse& response, const ExplainOptions& options) {
  const Paint paint(options.colour);
  const v1::RouteResponse safe = Safe(response);
  std::string text = Head(safe, paint);
  text += Needs(safe);
  text += Candidates(safe, paint);
  text += Rejected(safe, paint);
  text += Degradations(safe, paint);
  if (options.reasons) text += Reasons(safe, paint);
  const std::string foot = AgainstBaseline(safe) + Origin(safe);
  return foot.empty() ? text : text + "\n" + foot;
}

std::string ExplainText(const Routed& routed, const ExplainOptions& options) {
  if (routed.source == Source::kRouter) return ExplainText(routed.response, options);
  const Paint paint(options.colour);
  std::string text = paint.Warning("the caller's default ranking, no router decided: ") +
                     Sentence(routed.router_error) + "\n";
  for (const std::string& limit : routed.unchecked_limits) {
    absl::StrAppend(&text, "  not checked: ", limit, "\n");
  }
  const v1::RouteResponse response = Safe(routed.response);
  text += response.model().empty() ? paint.Bad("no model of the ranking meets the requirements")
                                   : paint.Bold(response.model());
  return text + "\n" + Rejected(response, paint);
}

}  // namespace pointsman::client
