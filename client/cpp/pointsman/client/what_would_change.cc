#include "pointsman/client/what_would_change.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pointsman::client {
namespace {

// Below this a runner-up is not worth a sentence.
constexpr double kMinDoubt = 0.005;

// A limit that admits `value`, short enough to be typed: rounded away from `limit`, since one that
// is rounded towards it would just miss.
std::string AdmittingLimit(double value, double limit) {
  if (value == 0) return "0";
  const double scale = std::pow(10, 3 - std::floor(std::log10(std::abs(value))));
  const double rounded = std::round(value * scale) / scale;
  if (value > limit ? rounded >= value : rounded <= value) return Number(rounded);
  return Number(rounded + (value > limit ? 1 : -1) / scale);
}

// Who wins in which part of 0..1: "0.00 to 0.31 a, 0.31 to 0.80 b (this choice), 0.80 to 1.00 c".
std::string TradeoffSentence(const v1::RouteResponse& response) {
  std::vector<const v1::Candidate*> winners;
  for (const v1::Candidate& candidate : response.candidates()) {
    if (candidate.has_tradeoff_interval()) winners.push_back(&candidate);
  }
  if (winners.empty()) return {};
  std::sort(winners.begin(), winners.end(), [](const auto* a, const auto* b) {
    return a->tradeoff_interval().lower() < b->tradeoff_interval().lower();
  });
  if (winners.size() == 1) {
    return absl::StrFormat("%s has the best value at every tradeoff from %.2f to %.2f",
                           winners[0]->model(), winners[0]->tradeoff_interval().lower(),
                           winners[0]->tradeoff_interval().upper());
  }
  std::string sentence = "best value by tradeoff (0 = quality only, 1 = cost only):";
  for (const v1::Candidate* winner : winners) {
    const v1::Interval& interval = winner->tradeoff_interval();
    absl::StrAppendFormat(&sentence, "%s %.2f to %.2f %s", winner == winners[0] ? "" : ",",
                          interval.lower(), interval.upper(), winner->model());
    if (winner->model() == response.model()) sentence += " (this choice)";
  }
  return sentence;
}

std::string MarginSentence(const v1::RouteResponse& response) {
  if (response.outcome() != v1::OUTCOME_CHOSEN) return {};
  const auto runner_up = std::find_if(
      response.candidates().begin(), response.candidates().end(),
      [&response](const v1::Candidate& entry) { return entry.model() != response.model(); });
  if (runner_up == response.candidates().end() || 1 - response.margin() < kMinDoubt) return {};
  return absl::StrFormat(
      "more evidence: with a probability of %.2f the runner-up %s is really the better choice",
      1 - response.margin(), runner_up->model());
}

// What the model lacks first; a model may lack more, so it is not said to be admitted then.
std::string LimitSentence(const v1::Rejection& rejection) {
  const std::string field = LimitField(rejection.reason());
  if (field.empty()) return {};
  if (!rejection.has_limit() || !rejection.has_value()) {
    return absl::StrFormat("%s needs %s dropped: its own value is unknown", rejection.model(),
                           field);
  }
  return absl::StrFormat("%s needs %s at %s instead of %s", rejection.model(), field,
                         AdmittingLimit(rejection.value(), rejection.limit()),
                         Number(rejection.limit()));
}

}  // namespace

std::vector<std::string> WhatWouldChange(const v1::RouteResponse& response) {
  std::vector<std::string> sentences;
  const auto add = [&sentences](std::string sentence) {
    if (!sentence.empty()) sentences.push_back(std::move(sentence));
  };
  if (response.has_relaxation()) add(RelaxationSentence(response.relaxation()));
  add(TradeoffSentence(response));
  add(MarginSentence(response));
  for (const v1::Rejection& rejection : response.rejected()) add(LimitSentence(rejection));
  return sentences;
}

std::string RelaxationSentence(const v1::Relaxation& relaxation) {
  if (!relaxation.has_needed() && relaxation.detail().empty()) {
    // The model's value is unknown, so no number would do.
    return absl::StrFormat("drop %s and %s qualifies", relaxation.field(), relaxation.model());
  }
  if (!relaxation.has_needed()) {
    return absl::StrFormat("drop `%s` from %s and %s qualifies", relaxation.detail(),
                           relaxation.field(), relaxation.model());
  }
  const bool raise = !relaxation.has_current() || relaxation.needed() >= relaxation.current();
  return absl::StrFormat(
      "%s %s%s to %s and %s qualifies", raise ? "raise" : "lower", relaxation.field(),
      relaxation.has_current() ? " from " + Number(relaxation.current()) : "",
      AdmittingLimit(relaxation.needed(), relaxation.current()), relaxation.model());
}

std::string LimitField(v1::RejectionReason reason) {
  switch (reason) {
    case v1::REJECTION_REASON_CONTEXT_TOO_SMALL:
    case v1::REJECTION_REASON_CONTEXT_UNKNOWN:
      return "requirements.context_tokens";
    case v1::REJECTION_REASON_COST_ABOVE_LIMIT:
    case v1::REJECTION_REASON_COST_UNKNOWN:
      return "limits.max_cost_usd";
    case v1::REJECTION_REASON_LATENCY_ABOVE_LIMIT:
    case v1::REJECTION_REASON_LATENCY_UNKNOWN:
      return "limits.max_latency_ms";
    case v1::REJECTION_REASON_SUCCESS_BELOW_LIMIT:
      return "limits.min_success_probability";
    default:
      return {};
  }
}

std::string Number(double value) {
  const double magnitude = std::abs(value);
  if (magnitude >= 1000) return absl::StrFormat("%.0f", value);
  if (magnitude >= 0.0001 || magnitude == 0) return absl::StrFormat("%.4g", value);
  const int decimals = 3 - static_cast<int>(std::floor(std::log10(magnitude)));
  std::string text = absl::StrFormat("%.*f", decimals, value);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace pointsman::client
