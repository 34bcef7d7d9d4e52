#include "server/bundle_metrics.h"

#include <algorithm>
#include <cmath>

namespace pointsman::server {
namespace {

constexpr double kSecondsPerMicrosecond = 1e-6;

std::string OutcomeLabel(v1::Outcome outcome) {
  return EnumLabel(*v1::Outcome_descriptor()->FindValueByNumber(outcome));
}

// Null where the response does not show the choice: fewer candidates were asked for.
const v1::Candidate* FindChosen(const v1::RouteResponse& response) {
  const auto chosen =
      std::find_if(response.candidates().begin(), response.candidates().end(),
                   [&](const v1::Candidate& c) { return c.model() == response.model(); });
  return chosen == response.candidates().end() ? nullptr : &*chosen;
}

}  // namespace

prometheus::Counter* BundleMetrics::Resolve(prometheus::Family<prometheus::Counter>& family,
                                            prometheus::Labels labels) {
  if (!family.Has(labels)) {
    if (metrics_->bundle_series_->Value() >= static_cast<double>(kMaxBundleSeries)) {
      for (auto& [name, value] : labels) {
        if (name != "outcome") value = kOtherLabel;
      }
      return &family.Add(labels);
    }
    metrics_->bundle_series_->Increment();
  }
  return &family.Add(labels);
}

BundleMetrics::BundleMetrics(const v1::Catalogue& catalogue, const v1::PolicySet& policies,
                             Metrics& metrics)
    : metrics_(&metrics) {
  for (const v1::Model& model : catalogue.models()) {
    model_index_.emplace(model.id(), model_index_.size());
  }
  for (const v1::Capability& capability : catalogue.capabilities()) {
    capability_weights_[capability.id()] =
        Resolve(metrics.capability_weights_, {{"capability", capability.id()}});
  }
  for (const v1::Policy& policy : policies.policies()) {
    const auto decisions = [&](const std::string& model, v1::Outcome outcome) {
      return Resolve(
          metrics.decisions_,
          {{"model", model}, {"policy", policy.name()}, {"outcome", OutcomeLabel(outcome)}});
    };
    const auto by_policy = [&](prometheus::Family<prometheus::Counter>& family) {
      return Resolve(family, {{"policy", policy.name()}});
    };
    PolicyCounters& counters = policies_[policy.name()];
    for (const v1::Model& model : catalogue.models()) {
      counters.chosen.push_back(decisions(model.id(), v1::OUTCOME_CHOSEN));
    }
    counters.infeasible = decisions(kNoModelLabel, v1::OUTCOME_INFEASIBLE);
    counters.abstained = decisions(kNoModelLabel, v1::OUTCOME_ABSTAINED);
    counters.expected_cost_usd = by_policy(metrics.expected_cost_usd_);
    counters.expected_best_single_cost_usd = by_policy(metrics.expected_best_single_cost_usd_);
    counters.expected_quality_given_up = by_policy(metrics.expected_quality_given_up_);
    counters.expected_quality_gained = by_policy(metrics.expected_quality_gained_);
  }
}

void BundleMetrics::RecordDecision(const v1::RouteResponse& response) const {
  const bool is_chosen = response.outcome() == v1::OUTCOME_CHOSEN;
  const v1::Candidate* chosen = is_chosen ? FindChosen(response) : nullptr;
  const auto policy = policies_.find(response.provenance().policy());
  if (policy != policies_.end()) {
    RecordOutcome(policy->second, response);
    if (is_chosen) RecordExpectations(policy->second, response, chosen);
  }
  for (const v1::Rejection& rejection : response.rejected()) {
    metrics_->rejections_[static_cast<size_t>(rejection.reason())]->Increment();
  }
  for (const v1::Degradation& degradation : response.degradations()) {
    metrics_->degradations_[static_cast<size_t>(degradation.kind())]->Increment();
  }
  const v1::StageTimings& timings = response.timings();
  metrics_->embed_seconds_->Observe(timings.embed_us() * kSecondsPerMicrosecond);
  metrics_->search_seconds_->Observe(timings.search_us() * kSecondsPerMicrosecond);
  metrics_->estimate_seconds_->Observe(timings.estimate_us() * kSecondsPerMicrosecond);
  metrics_->choose_seconds_->Observe(timings.choose_us() * kSecondsPerMicrosecond);
  metrics_->total_seconds_->Observe(timings.total_us() * kSecondsPerMicrosecond);
  metrics_->familiarity_->Observe(response.familiarity());
  for (const v1::CapabilityWeight& part : response.capabilities()) {
    const auto weight = capability_weights_.find(part.capability());
    if (weight != capability_weights_.end()) weight->second->Increment(part.weight());
  }
  if (is_chosen) {
    metrics_->confidence_->Observe(response.confidence());
    metrics_->margin_->Observe(response.margin());
    if (chosen != nullptr) metrics_->effective_evidence_->Observe(chosen->effective_evidence());
  }
}

void BundleMetrics::RecordOutcome(const PolicyCounters& counters,
                                  const v1::RouteResponse& response) const {
  switch (response.outcome()) {
    case v1::OUTCOME_CHOSEN: {
      const auto model = model_index_.find(response.model());
      if (model != model_index_.end()) counters.chosen[model->second]->Increment();
      break;
    }
    case v1::OUTCOME_INFEASIBLE:
      counters.infeasible->Increment();
      break;
    case v1::OUTCOME_ABSTAINED:
      counters.abstained->Increment();
      break;
    default:
      break;
  }
}

void BundleMetrics::RecordExpectations(const PolicyCounters& counters,
                                       const v1::RouteResponse& response,
                                       const v1::Candidate* chosen) const {
  const v1::Baseline& baseline = response.baseline();
  const double gained = response.confidence() - baseline.success_probability();
  (gained < 0 ? counters.expected_quality_given_up : counters.expected_quality_gained)
      ->Increment(std::abs(gained));

  // Only pairs: a sum with one side missing would show savings that nobody made.
  if (chosen == nullptr || !chosen->has_cost_usd() || !baseline.has_cost_usd()) return;
  counters.expected_cost_usd->Increment(chosen->cost_usd());
  counters.expected_best_single_cost_usd->Increment(baseline.cost_usd());
}

}  // namespace pointsman::server
