#include "index/choose/choose.h"

#include <algorithm>
#include <cmath>

#include "index/stable_hash.h"

namespace pointsman::choose {
namespace {

using estimate::ModelEstimate;
using estimate::QueryEstimate;

// Policy, rules and request merged: what a model must meet, and how models are compared.
struct Demands {
  const Policy* policy = nullptr;
  v1::Objective objective = v1::OBJECTIVE_BEST_VALUE;
  double tradeoff = 0;
  Bounds limits;
  absl::InlinedVector<const Rule*, 4> rules;  // that fired, in order

  bool Prefers(int model) const {
    return std::any_of(rules.begin(), rules.end(), [model](const Rule* rule) {
      return rule->preferred[static_cast<size_t>(model)];
    });
  }
  // The largest of the bonuses that rules give the model.
  double Bonus(int model) const {
    double bonus = 0;
    for (const Rule* rule : rules) {
      if (rule->preferred[static_cast<size_t>(model)]) bonus = std::max(bonus, rule->prefer_bonus);
    }
    return bonus;
  }
};

bool Applies(const Rule& rule, const Terms& terms, const QueryEstimate& estimate) {
  if (terms.input_tokens < rule.min_input_tokens) return false;
  if (terms.input_tokens > rule.max_input_tokens) return false;
  if (rule.min_difficulty > 0 && !(estimate.difficulty >= rule.min_difficulty)) return false;
  if (!rule.request_tag.empty() &&
      std::find(terms.tags.begin(), terms.tags.end(), rule.request_tag) == terms.tags.end()) {
    return false;
  }
  if (rule.capability >= 0 &&
      static_cast<double>(estimate.capabilities[static_cast<size_t>(rule.capability)]) <
          rule.min_capability_weight) {
    return false;
  }
  if (rule.text_pattern != nullptr) {
    if (!terms.text.has_value()) return false;
    return RE2::PartialMatch(re2::StringPiece(terms.text->data(), terms.text->size()),
                             *rule.text_pattern);
  }
  return true;
}

// Applies the rules of the policy in order. A switch of policy takes the other's objective and
// limits from there on, but not its rules: two policies that name each other cannot loop.
Demands ApplyRules(const PolicySet& policies, const Terms& terms, const QueryEstimate& estimate,
                   Decision* decision) {
  Demands demands;
  decision->policy = terms.policy;
  for (const Rule& rule : policies.policy(terms.policy).rules) {
    if (!Applies(rule, terms, estimate)) continue;
    decision->rules_fired.push_back(rule.name);
    demands.rules.push_back(&rule);
    if (rule.switch_policy >= 0) decision->policy = rule.switch_policy;
    if (rule.stop) break;
  }
  const Policy& policy = policies.policy(decision->policy);
  demands.policy = &policy;
  demands.objective =
      terms.objective == v1::OBJECTIVE_UNSPECIFIED ? policy.objective : terms.objective;
  demands.tradeoff = terms.tradeoff.value_or(policy.tradeoff);
  demands.limits.max_cost_usd = std::min(terms.limits.max_cost_usd, policy.limits.max_cost_usd);
  demands.limits.max_latency_ms =
      std::min(terms.limits.max_latency_ms, policy.limits.max_latency_ms);
  demands.limits.min_success_probability =
      std::max(terms.limits.min_success_probability, policy.limits.min_success_probability);
  return demands;
}

// One way in which a model fails the demands, with the change of the request that would mend it.
struct Failure {
  Rejection rejection;
  std::string_view field;     // empty: the caller cannot mend it
  double current = kUnknown;  // of the field, and what it would have to be; see Relaxation
  double needed = kUnknown;
};

// Walks through every demand in the order of RejectionReason and calls `fail` for each that the
// model does not meet.
template <typename Fail>
void CheckDemands(const Catalogue& catalogue, const Terms& terms, const Demands& demands,
                  const Candidate& candidate, Fail&& fail) {
  const ModelTraits& model = catalogue.model(candidate.model);
  const auto index = static_cast<size_t>(candidate.model);
  const auto reject = [&](v1::RejectionReason reason, std::string_view field, double limit,
                          double value, std::string_view detail) {
    fail(Failure{{candidate.model, reason, limit, value, detail}, field, limit, value});
  };
  if (!terms.allowed[index]) {
    reject(v1::REJECTION_REASON_NOT_ALLOWED, "requirements.allow_models", kUnknown, kUnknown, {});
  }
  if (terms.denied[index]) {
    reject(v1::REJECTION_REASON_DENIED, "requirements.deny_models", kUnknown, kUnknown, {});
  }
  for (const Rule* rule : demands.rules) {
    if (!rule->allowed[index]) {
      reject(v1::REJECTION_REASON_RULE, {}, kUnknown, kUnknown, rule->name);
    }
  }
  FeatureSet features_of_rules;
  for (const Rule* rule : demands.rules) features_of_rules |= rule->require_features;
  const FeatureSet missing = (terms.features | features_of_rules) & ~model.features;
  for (size_t f = 0; missing.any() && f < catalogue.feature_names().size(); ++f) {
    if (!missing[f]) continue;
    reject(v1::REJECTION_REASON_MISSING_FEATURE,
           features_of_rules[f] ? std::string_view() : "requirements.features", kUnknown, kUnknown,
           catalogue.feature_names()[f]);
  }
  for (const std::string_view tag : terms.tags) {
    if (!model.HasTag(tag)) {
      reject(v1::REJECTION_REASON_MISSING_TAG, "requirements.tags", kUnknown, kUnknown, tag);
    }
  }
  for (const Rule* rule : demands.rules) {
    for (const std::string& tag : rule->require_tags) {
      if (!model.HasTag(tag)) {
        reject(v1::REJECTION_REASON_MISSING_TAG, {}, kUnknown, kUnknown, tag);
      }
    }
  }
  const double window = model.context_window_tokens;
  if (IsKnown(terms.context_tokens)) {
    if (!(window >= terms.context_tokens)) {
      reject(IsKnown(window) ? v1::REJECTION_REASON_CONTEXT_TOO_SMALL
                             : v1::REJECTION_REASON_CONTEXT_UNKNOWN,
             "requirements.context_tokens", terms.context_tokens, window, {});
    }
  } else if (window < terms.input_tokens + candidate.output_tokens) {
    // A shorter prompt helps, unless the answer alone is too long.
    const double room = std::floor(window - candidate.output_tokens);
    fail(Failure{{candidate.model,
                  v1::REJECTION_REASON_CONTEXT_TOO_SMALL,
                  terms.input_tokens + candidate.output_tokens,
                  window,
                  {}},
                 room >= 0 ? "input_tokens" : std::string_view(),
                 terms.input_tokens,
                 room});
  }
  // The caller can relax his own limit, down to the policy's.
  const Bounds& policys = demands.policy->limits;
  const auto check_maximum = [&](double value, double limit, double policys_limit,
                                 std::string_view field, v1::RejectionReason above,
                                 v1::RejectionReason unknown) {
    if (limit == kNoLimit || value <= limit) return;
    const bool mends = policys_limit == kNoLimit || value <= policys_limit;
    reject(IsKnown(value) ? above : unknown, mends ? field : std::string_view(), limit, value, {});
  };
  check_maximum(candidate.cost_usd, demands.limits.max_cost_usd, policys.max_cost_usd,
                "limits.max_cost_usd", v1::REJECTION_REASON_COST_ABOVE_LIMIT,
                v1::REJECTION_REASON_COST_UNKNOWN);
  check_maximum(candidate.latency_ms, demands.limits.max_latency_ms, policys.max_latency_ms,
                "limits.max_latency_ms", v1::REJECTION_REASON_LATENCY_ABOVE_LIMIT,
                v1::REJECTION_REASON_LATENCY_UNKNOWN);
  if (candidate.success < demands.limits.min_success_probability) {
    const bool mends = candidate.success >= policys.min_success_probability;
    reject(v1::REJECTION_REASON_SUCCESS_BELOW_LIMIT,
           mends ? "limits.min_success_probability" : std::string_view(),
           demands.limits.min_success_probability, candidate.success, {});
  }
}

// How large a change is: the logarithm of the ratio where there are two positive numbers, so that
// limits of different units compare; dropping something counts as more than any change of number.
double ChangeSize(const Failure& failure) {
  if (!(failure.current > 0 && failure.needed > 0)) return kNoLimit;
  return std::abs(std::log(failure.needed / failure.current));
}

Candidate Describe(const Catalogue& catalogue, const Terms& terms, int model,
                   const ModelEstimate& estimate) {
  const ModelTraits& traits = catalogue.model(model);
  Candidate candidate;
  candidate.model = model;
  candidate.success = estimate.success;
  candidate.output_tokens =
      IsKnown(terms.expected_output_tokens) ? terms.expected_output_tokens : estimate.output_tokens;
  if (traits.max_output_tokens < candidate.output_tokens) {
    candidate.output_tokens = traits.max_output_tokens;
  }
  // The incumbent's cached prompt is cheaper; that difference is the price of leaving it.
  candidate.cost_usd =
      traits.CostUsd(terms.input_tokens, model == terms.incumbent ? terms.cached_input_tokens : 0,
                     candidate.output_tokens);
  candidate.latency_ms = traits.LatencyMs(candidate.output_tokens);
  return candidate;
}

// Ties: incumbent, preferred, cheaper, faster, stable hash.
struct Better {
  const Catalogue& catalogue;
  const Demands& demands;
  int incumbent;

  bool operator()(const Candidate& a, const Candidate& b) const {
    if (a.utility != b.utility) return a.utility > b.utility;
    if (a.model == b.model) return false;
    if (a.model == incumbent || b.model == incumbent) return a.model == incumbent;
    const bool a_preferred = demands.Prefers(a.model);
    if (a_preferred != demands.Prefers(b.model)) return a_preferred;
    const auto value = [](double v) { return IsKnown(v) ? v : kNoLimit; };
    if (value(a.cost_usd) != value(b.cost_usd)) return value(a.cost_usd) < value(b.cost_usd);
    if (value(a.latency_ms) != value(b.latency_ms)) {
      return value(a.latency_ms) < value(b.latency_ms);
    }
    const uint64_t hash_a = catalogue.model(a.model).tie_hash;
    const uint64_t hash_b = catalogue.model(b.model).tie_hash;
    return hash_a != hash_b ? hash_a < hash_b : a.model < b.model;
  }
};

// Utility of each candidate under the objective, and as a line in the tradeoff: see
// FillTradeoffIntervals.
void Value(const Demands& demands, const QueryEstimate& estimate, Decision* decision) {
  const Policy& policy = *demands.policy;
  double dearest = 0;
  for (const Candidate& c : decision->candidates) {
    if (c.cost_usd > dearest) dearest = c.cost_usd;
  }
  for (Candidate& c : decision->candidates) {
    const auto index = static_cast<size_t>(c.model);
    if (!estimate.models[index].has_outcomes && !estimate.models[index].has_skill) {
      decision->degradations.push_back(
          {v1::DEGRADATION_KIND_NO_SKILL, c.model, kUnknown, kUnknown});
    }
    if (!IsKnown(c.cost_usd)) {
      decision->degradations.push_back(
          {v1::DEGRADATION_KIND_COST_UNKNOWN, c.model, dearest, kUnknown});
    }
    const double cost = IsKnown(c.cost_usd) ? c.cost_usd : dearest;
    double overrun = 0;
    if (policy.latency_target_ms < kNoLimit) {
      if (IsKnown(c.latency_ms)) {
        overrun = std::max(0.0, c.latency_ms / policy.latency_target_ms - 1);
      } else {
        decision->degradations.push_back(
            {v1::DEGRADATION_KIND_LATENCY_UNKNOWN, c.model, kUnknown, policy.latency_target_ms});
      }
    }
    c.tradeoff_intercept = c.success - policy.latency_weight * overrun + demands.Bonus(c.model);
    c.tradeoff_slope = c.success + cost / policy.reference_cost_usd;
    switch (demands.objective) {
      case v1::OBJECTIVE_CHEAPEST_GOOD_ENOUGH:
        // Those that reach the target come first, by cost; the others after, by probability.
        c.utility = c.success >= policy.target_success_probability
                        ? 2 - (dearest > 0 ? cost / dearest : 0)
                        : c.success;
        break;
      case v1::OBJECTIVE_MOST_CAPABLE_WITHIN:
        c.utility = c.success;
        break;
      default:
        c.utility = c.tradeoff_intercept - demands.tradeoff * c.tradeoff_slope;
    }
  }
}

double NormalCdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

// Probability that `chosen` is really better than `other` under the objective: both success
// probabilities are taken as normal around their estimates, with correlated errors.
double Margin(const Demands& demands, const QueryEstimate& estimate, const Candidate& chosen,
              const Candidate& other) {
  const double d1 = estimate.models[static_cast<size_t>(chosen.model)].deviation;
  const double d2 = estimate.models[static_cast<size_t>(other.model)].deviation;
  double gap = 0;
  double deviation = 0;
  if (demands.objective == v1::OBJECTIVE_CHEAPEST_GOOD_ENOUGH &&
      chosen.success >= demands.policy->target_success_probability) {
    // The runner-up is dearer, so the choice is right exactly if it does reach the target.
    gap = chosen.success - demands.policy->target_success_probability;
    deviation = d1;
  } else {
    const double difference =
        std::sqrt(std::max(0.0, d1 * d1 + d2 * d2 - 2 * estimate.correlation * d1 * d2));
    gap = chosen.utility - other.utility;
    deviation = demands.objective == v1::OBJECTIVE_BEST_VALUE ? (1 - demands.tradeoff) * difference
                                                              : difference;
  }
  if (deviation <= 0) return gap > 0 ? 1 : gap < 0 ? 0 : 0.5;
  return NormalCdf(gap / deviation);
}

// Which candidate to take instead of the best, on purpose: one of those close enough in success
// probability, uniformly, for a fixed share of the assignment keys.
size_t Explore(const Catalogue& catalogue, const Policy& policy, std::string_view key,
               Decision* decision) {
  if (policy.exploration_rate <= 0 || key.empty()) return 0;
  absl::InlinedVector<size_t, 16> eligible;
  const double floor = decision->candidates[0].success - policy.max_probability_loss;
  for (size_t i = 0; i < decision->candidates.size(); ++i) {
    if (i == 0 || decision->candidates[i].success >= floor) eligible.push_back(i);
  }
  // By id, so that a key always explores the same model while the set is the same.
  std::sort(eligible.begin(), eligible.end(), [&](size_t a, size_t b) {
    return catalogue.model(decision->candidates[a].model).id <
           catalogue.model(decision->candidates[b].model).id;
  });
  const uint64_t hash = StableHash(key, StableHash(policy.name));
  const double uniform = static_cast<double>(hash >> 11) * 0x1.0p-53;
  const double share = policy.exploration_rate / static_cast<double>(eligible.size());
  size_t chosen = 0;
  if (uniform < policy.exploration_rate) {
    const auto slot = static_cast<size_t>(uniform / share);
    chosen = eligible[std::min(slot, eligible.size() - 1)];
  }
  decision->propensity = chosen == 0 ? 1 - policy.exploration_rate + share : share;
  decision->explored = chosen != 0;
  return chosen;
}

// Picks among the ranked candidates, or abstains.
void Pick(const Catalogue& catalogue, const Demands& demands, const Terms& terms,
          const QueryEstimate& estimate, Decision* decision) {
  const Policy& policy = *demands.policy;
  size_t chosen = 0;
  bool fallen_back = false;
  if (estimate.familiarity < policy.familiarity_floor) {
    decision->degradations.push_back(
        {v1::DEGRADATION_KIND_UNFAMILIAR, -1, estimate.familiarity, policy.familiarity_floor});
    if (policy.on_unfamiliar == v1::UNFAMILIAR_ACTION_ABSTAIN) {
      decision->outcome = v1::OUTCOME_ABSTAINED;
      return;
    }
    if (policy.on_unfamiliar == v1::UNFAMILIAR_ACTION_FALLBACK) {
      const auto& all = decision->candidates;
      const auto it = std::find_if(all.begin(), all.end(), [&](const Candidate& c) {
        return c.model == policy.fallback_model;
      });
      if (it != all.end()) {
        chosen = static_cast<size_t>(it - all.begin());
        fallen_back = true;
      }
    }
  }
  if (!fallen_back) chosen = Explore(catalogue, policy, terms.assignment_key, decision);
  const Candidate& choice = decision->candidates[chosen];
  if (choice.success < policy.min_confidence) {
    decision->outcome = v1::OUTCOME_ABSTAINED;
    decision->propensity = 1;
    decision->explored = false;
    return;
  }
  decision->outcome = v1::OUTCOME_CHOSEN;
  decision->model = choice.model;
  decision->confidence = choice.success;
  decision->margin =
      decision->candidates.size() == 1
          ? 1
          : Margin(demands, estimate, choice, decision->candidates[chosen == 0 ? 1 : 0]);
  const ModelEstimate& chosen_estimate = estimate.models[static_cast<size_t>(choice.model)];
  if (!chosen_estimate.has_outcomes) {
    decision->degradations.push_back(
        {v1::DEGRADATION_KIND_NO_OUTCOMES, choice.model, kUnknown, kUnknown});
  }
  if (demands.objective == v1::OBJECTIVE_CHEAPEST_GOOD_ENOUGH &&
      decision->candidates[0].success < policy.target_success_probability) {
    decision->degradations.push_back(
        {v1::DEGRADATION_KIND_TARGET_NOT_REACHED, decision->candidates[0].model,
         decision->candidates[0].success, policy.target_success_probability});
  }
}

void Reset(Decision* decision) {
  decision->outcome = v1::OUTCOME_UNSPECIFIED;
  decision->model = -1;
  decision->confidence = 0;
  decision->margin = 0;
  decision->propensity = 1;
  decision->explored = false;
  decision->candidates.clear();
  decision->rejected.clear();
  decision->relaxation = Relaxation();
  decision->degradations.clear();
  decision->rules_fired.clear();
}

}  // namespace

void FillTradeoffIntervals(std::span<Candidate> candidates) {
  if (candidates.empty()) return;
  // Walk along the upper envelope from t = 0: at each corner the next line is the one that crosses
  // soonest among those that fall more slowly.
  Candidate* current = &candidates[0];
  for (Candidate& c : candidates) {
    if (c.tradeoff_intercept > current->tradeoff_intercept ||
        (c.tradeoff_intercept == current->tradeoff_intercept &&
         c.tradeoff_slope < current->tradeoff_slope)) {
      current = &c;
    }
  }
  double from = 0;
  while (true) {
    double to = 1;
    Candidate* next = nullptr;
    for (Candidate& c : candidates) {
      if (c.tradeoff_slope >= current->tradeoff_slope) continue;
      const double crossing = (current->tradeoff_intercept - c.tradeoff_intercept) /
                              (current->tradeoff_slope - c.tradeoff_slope);
      if (crossing < to ||
          (crossing == to && next != nullptr && c.tradeoff_slope < next->tradeoff_slope)) {
        to = std::max(crossing, from);
        next = &c;
      }
    }
    current->tradeoff_lower = from;
    current->tradeoff_upper = to;
    if (next == nullptr) return;
    current = next;
    from = to;
  }
}

void Choose(const Catalogue& catalogue, const PolicySet& policies, const Terms& terms,
            const estimate::QueryEstimate& estimate, Decision* decision) {
  Reset(decision);
  const Demands demands = ApplyRules(policies, terms, estimate, decision);
  double smallest_change = kNoLimit;
  for (int m = 0; m < catalogue.size(); ++m) {
    const Candidate candidate =
        Describe(catalogue, terms, m, estimate.models[static_cast<size_t>(m)]);
    int failures = 0;
    Failure first;
    CheckDemands(catalogue, terms, demands, candidate, [&](const Failure& failure) {
      if (failures++ == 0) first = failure;
    });
    if (failures == 0) {
      decision->candidates.push_back(candidate);
      continue;
    }
    decision->rejected.push_back(first.rejection);
    if (failures == 1 && !first.field.empty()) {
      const double change = ChangeSize(first);
      const int best = decision->relaxation.model;
      if (best < 0 || change < smallest_change ||
          (change == smallest_change && catalogue.model(m).id < catalogue.model(best).id)) {
        smallest_change = change;
        decision->relaxation = {m, first.field, first.current, first.needed,
                                first.rejection.detail};
      }
    }
  }
  if (decision->candidates.empty()) {
    decision->outcome = v1::OUTCOME_INFEASIBLE;
    return;
  }
  decision->relaxation = Relaxation();
  Value(demands, estimate, decision);
  std::sort(decision->candidates.begin(), decision->candidates.end(),
            Better{catalogue, demands, terms.incumbent});
  FillTradeoffIntervals(decision->candidates);
  Pick(catalogue, demands, terms, estimate, decision);
}

}  // namespace pointsman::choose
