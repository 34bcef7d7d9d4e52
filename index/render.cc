#include "index/render.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "index/embed/utf8.h"
#include "index/string_view.h"

namespace pointsman {
namespace {

// Capabilities below this share are noise of the softmax; at most this many are reported.
constexpr float kMinCapabilityWeight = 0.05F;
constexpr size_t kMaxCapabilities = 5;

void RenderCandidate(const RenderContext& context, const estimate::QueryEstimate& estimate,
                     const choose::Candidate& from, v1::Candidate* to) {
  const auto index = static_cast<size_t>(from.model);
  to->set_model(context.catalogue.model(from.model).id);
  to->set_success_probability(from.success);
  to->mutable_success_interval()->set_lower(estimate.models[index].lower);
  to->mutable_success_interval()->set_upper(estimate.models[index].upper);
  if (choose::IsKnown(from.cost_usd)) to->set_cost_usd(from.cost_usd);
  if (choose::IsKnown(from.latency_ms)) to->set_latency_ms(from.latency_ms);
  to->set_output_tokens(from.output_tokens);
  to->set_utility(from.utility);
  to->set_effective_evidence(estimate.models[index].effective_evidence);
  if (choose::IsKnown(from.tradeoff_lower)) {
    to->mutable_tradeoff_interval()->set_lower(from.tradeoff_lower);
    to->mutable_tradeoff_interval()->set_upper(from.tradeoff_upper);
  }
}

void RenderRejection(const RenderContext& context, const choose::Rejection& from,
                     v1::Rejection* to) {
  to->set_model(context.catalogue.model(from.model).id);
  to->set_reason(from.reason);
  if (choose::IsKnown(from.limit)) to->set_limit(from.limit);
  if (choose::IsKnown(from.value)) to->set_value(from.value);
  to->set_detail(from.detail.data(), from.detail.size());
}

void RenderRelaxation(const RenderContext& context, const choose::Relaxation& from,
                      v1::RouteResponse* response) {
  if (from.model < 0) return;
  v1::Relaxation* to = response->mutable_relaxation();
  const std::string& model = context.catalogue.model(from.model).id;
  to->set_model(model);
  to->set_field(from.field.data(), from.field.size());
  if (choose::IsKnown(from.current)) to->set_current(from.current);
  if (choose::IsKnown(from.needed)) {
    to->set_needed(from.needed);
  } else if (!from.detail.empty()) {
    to->set_detail(from.detail.data(), from.detail.size());
  } else if (!choose::IsKnown(from.current)) {
    to->set_detail(model);  // the lists of models
  }
}

std::string Sentence(const RenderContext& context, const choose::Degraded& degraded) {
  const std::string model =
      degraded.model < 0 ? std::string() : context.catalogue.model(degraded.model).id;
  switch (degraded.kind) {
    case v1::DEGRADATION_KIND_EMPTY_INPUT:
      return "no known token in the text; decided from the mean over all exemplars";
    case v1::DEGRADATION_KIND_TRUNCATED:
      return "only head and tail of a long text were judged";
    case v1::DEGRADATION_KIND_UNFAMILIAR:
      return absl::StrCat("familiarity ", degraded.value, " is below the policy's floor of ",
                          degraded.bound);
    case v1::DEGRADATION_KIND_NO_OUTCOMES:
      return absl::StrCat(model, " has no measured outcome; its estimate rests on declared skill");
    case v1::DEGRADATION_KIND_NO_SKILL:
      return absl::StrCat(model,
                          " has neither outcomes nor declared skill; the mean of the other "
                          "models stands in");
    case v1::DEGRADATION_KIND_COST_UNKNOWN:
      return absl::StrCat(model, " has no prices; its cost counts as the dearest known, ",
                          degraded.value, " USD");
    case v1::DEGRADATION_KIND_LATENCY_UNKNOWN:
      return absl::StrCat(model, " has no speed; its latency is taken to meet the target of ",
                          degraded.bound, " ms");
    case v1::DEGRADATION_KIND_TARGET_NOT_REACHED:
      return absl::StrCat("no model reaches the target of ", degraded.bound, "; the best, ", model,
                          ", has ", degraded.value);
    case v1::DEGRADATION_KIND_NO_TEXT:
      return "only a vector was sent; views that read text are absent";
    default:
      return {};
  }
}

void RenderCapabilities(const RenderContext& context, std::span<const float> weights,
                        v1::RouteResponse* response) {
  absl::InlinedVector<std::pair<float, size_t>, 64> ranked;
  for (size_t c = 0; c < weights.size(); ++c) {
    if (weights[c] >= kMinCapabilityWeight) ranked.push_back({weights[c], c});
  }
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  for (size_t i = 0; i < std::min(ranked.size(), kMaxCapabilities); ++i) {
    v1::CapabilityWeight* to = response->add_capabilities();
    to->set_capability(context.capability_names[ranked[i].second]);
    to->set_weight(static_cast<double>(ranked[i].first));
  }
}

// The head of a text of valid UTF-8, at most `most` bytes of whole characters.
std::string_view Head(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && embed::IsUtf8Continuation(text[most])) --most;
  return text.substr(0, most);
}

void RenderBaseline(const RenderContext& context, const choose::Terms& terms,
                    const estimate::QueryEstimate& estimate, v1::RouteResponse* response) {
  const choose::ModelTraits& model = context.catalogue.model(context.best_single_model);
  const estimate::ModelEstimate& believed =
      estimate.models[static_cast<size_t>(context.best_single_model)];
  v1::Baseline* baseline = response->mutable_baseline();
  baseline->set_model(model.id);
  baseline->set_success_probability(believed.success);
  const double cost =
      model.CostUsd(terms.input_tokens, 0,
                    choose::IsKnown(terms.expected_output_tokens) ? terms.expected_output_tokens
                                                                  : believed.output_tokens);
  if (choose::IsKnown(cost)) baseline->set_cost_usd(cost);
}

}  // namespace

void RenderDecision(const RenderContext& context, const v1::RouteRequest& request,
                    const choose::Terms& terms, const estimate::QueryEstimate& estimate,
                    const choose::Decision& decision, v1::RouteResponse* response) {
  response->set_outcome(decision.outcome);
  if (decision.model >= 0) response->set_model(context.catalogue.model(decision.model).id);
  response->set_confidence(decision.confidence);
  response->set_margin(decision.margin);
  response->set_familiarity(estimate.familiarity);
  const size_t shown =
      request.max_candidates() > 0
          ? std::min(static_cast<size_t>(request.max_candidates()), decision.candidates.size())
          : decision.candidates.size();
  response->mutable_candidates()->Reserve(static_cast<int>(shown));
  for (size_t i = 0; i < shown; ++i) {
    RenderCandidate(context, estimate, decision.candidates[i], response->add_candidates());
  }
  for (const choose::Rejection& rejection : decision.rejected) {
    RenderRejection(context, rejection, response->add_rejected());
  }
  RenderRelaxation(context, decision.relaxation, response);
  RenderCapabilities(context, estimate.capabilities, response);
  if (!std::isnan(estimate.difficulty)) response->set_difficulty(estimate.difficulty);
  for (const choose::Degraded& degraded : decision.degradations) {
    v1::Degradation* to = response->add_degradations();
    to->set_kind(degraded.kind);
    to->set_detail(Sentence(context, degraded));
  }
  if (request.explain()) {
    for (const std::string_view rule : decision.rules_fired) {
      response->add_rules_fired(rule.data(), rule.size());
    }
  }
  const choose::Policy& policy = context.policies.policy(decision.policy);
  v1::Provenance* provenance = response->mutable_provenance();
  provenance->set_bundle_digest(context.manifest.digest());
  provenance->set_bundle_version(context.manifest.version());
  provenance->set_policy(policy.name);
  provenance->set_policy_digest(policy.digest);
  provenance->set_exploration_propensity(decision.propensity);
  provenance->set_explored(decision.explored);
  response->set_input_tokens(static_cast<int64_t>(terms.input_tokens));
  response->set_correlation_id(request.correlation_id());
  RenderBaseline(context, terms, estimate, response);
}

void RenderEvidence(const RenderContext& context, const RequestBounds& bounds,
                    std::span<const search::Neighbour> neighbours, std::span<const float> weights,
                    v1::RouteResponse* response) {
  const size_t count =
      std::min(neighbours.size(), static_cast<size_t>(std::max(0, bounds.max_evidence)));
  for (size_t i = 0; i < count; ++i) {
    const bundle::v1::Exemplar& exemplar = context.exemplars.exemplars(neighbours[i].row);
    v1::Evidence* to = response->add_evidence();
    to->set_exemplar_id(exemplar.id());
    const std::string_view text = Head(exemplar.text(), bounds.max_evidence_text_bytes);
    to->set_text(text.data(), text.size());
    to->set_similarity(static_cast<double>(neighbours[i].similarity));
    to->set_weight(static_cast<double>(weights[i]));
    to->set_capability(exemplar.capability());
    if (exemplar.has_difficulty()) to->set_difficulty(exemplar.difficulty());
    for (const auto& [model, outcome] : exemplar.outcomes()) {
      (*to->mutable_outcomes())[model] = outcome.quality();
    }
  }
}

}  // namespace pointsman
