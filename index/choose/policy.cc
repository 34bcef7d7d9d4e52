#include "index/choose/policy.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/digest.h"
#include "index/errors.h"
#include "index/string_view.h"

namespace pointsman::choose {
namespace {

constexpr double kDefaultPreferBonus = 0.05;
constexpr int kPolicyDigestDigits = 16;

absl::StatusOr<ModelSet> ResolveModels(const google::protobuf::RepeatedPtrField<std::string>& ids,
                                       const Catalogue& catalogue, const std::string& where) {
  ModelSet models;
  for (const std::string& id : ids) {
    const int index = catalogue.FindModel(id);
    if (index < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          where, ": unknown model `", id, "`; known: ", KnownNames(catalogue.model_ids())));
    }
    models.set(static_cast<size_t>(index));
  }
  return models;
}

absl::Status CompileCondition(const v1::RuleCondition& when, const Catalogue& catalogue,
                              const std::string& where, Rule* rule) {
  if (!when.text_pattern().empty()) {
    RE2::Options options;
    options.set_log_errors(false);
    rule->text_pattern = std::make_unique<RE2>(when.text_pattern(), options);
    if (!rule->text_pattern->ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ".when.text_pattern: `", when.text_pattern(),
                       "` is not RE2: ", rule->text_pattern->error()));
    }
  }
  if (!when.capability().empty()) {
    rule->capability = catalogue.FindCapability(when.capability());
    if (rule->capability < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ".when.capability: unknown capability `", when.capability(),
                       "`; known: ", KnownNames(catalogue.capability_ids())));
    }
  }
  if (when.has_min_capability_weight()) rule->min_capability_weight = when.min_capability_weight();
  if (when.has_min_input_tokens()) {
    rule->min_input_tokens = static_cast<double>(when.min_input_tokens());
  }
  if (when.has_max_input_tokens()) {
    rule->max_input_tokens = static_cast<double>(when.max_input_tokens());
  }
  if (when.has_min_difficulty()) rule->min_difficulty = when.min_difficulty();
  rule->request_tag = when.request_tag();
  return absl::OkStatus();
}

absl::Status CompileAction(const v1::RuleAction& then, const Catalogue& catalogue,
                           const absl::flat_hash_map<std::string, int>& policies,
                           const std::string& where, Rule* rule) {
  for (const std::string& feature : then.require_features()) {
    const int index = catalogue.FindFeature(feature);
    if (index < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ".then.require_features: no model has feature `", feature,
                       "`; known: ", KnownNames(catalogue.feature_names())));
    }
    rule->require_features.set(static_cast<size_t>(index));
  }
  rule->require_tags.assign(then.require_tags().begin(), then.require_tags().end());
  auto only = ResolveModels(then.only_models(), catalogue, where + ".then.only_models");
  if (!only.ok()) return only.status();
  auto exclude = ResolveModels(then.exclude_models(), catalogue, where + ".then.exclude_models");
  if (!exclude.ok()) return exclude.status();
  auto prefer = ResolveModels(then.prefer_models(), catalogue, where + ".then.prefer_models");
  if (!prefer.ok()) return prefer.status();
  rule->allowed = (only->none() ? ModelSet().set() : *only) & ~*exclude;
  rule->preferred = *prefer;
  rule->prefer_bonus = then.has_prefer_bonus() ? then.prefer_bonus() : kDefaultPreferBonus;
  if (!then.switch_policy().empty()) {
    const auto it = policies.find(then.switch_policy());
    if (it == policies.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ".then.switch_policy: no policy `", then.switch_policy(), "`"));
    }
    rule->switch_policy = it->second;
  }
  return absl::OkStatus();
}

Bounds CompileLimits(const v1::Limits& limits) {
  Bounds bounds;
  if (limits.has_max_cost_usd()) bounds.max_cost_usd = limits.max_cost_usd();
  if (limits.has_max_latency_ms()) bounds.max_latency_ms = limits.max_latency_ms();
  if (limits.has_min_success_probability()) {
    bounds.min_success_probability = limits.min_success_probability();
  }
  return bounds;
}

}  // namespace

absl::StatusOr<PolicySet> PolicySet::Compile(const v1::PolicySet& source,
                                             const Catalogue& catalogue,
                                             double default_reference_cost_usd) {
  PolicySet set;
  for (const v1::Policy& policy : source.policies()) {
    if (!set.index_.emplace(policy.name(), static_cast<int>(set.index_.size())).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("policies: duplicate name `", policy.name(), "`"));
    }
  }
  for (const v1::Policy& from : source.policies()) {
    Policy policy;
    policy.name = from.name();
    policy.digest = Sha256OfMessage(from).substr(0, kPolicyDigestDigits);
    if (from.objective() != v1::OBJECTIVE_UNSPECIFIED) policy.objective = from.objective();
    if (from.has_tradeoff()) policy.tradeoff = from.tradeoff();
    policy.reference_cost_usd =
        from.has_reference_cost_usd() ? from.reference_cost_usd() : default_reference_cost_usd;
    if (from.has_target_success_probability()) {
      policy.target_success_probability = from.target_success_probability();
    }
    policy.limits = CompileLimits(from.limits());
    if (from.has_latency_target_ms()) policy.latency_target_ms = from.latency_target_ms();
    if (from.has_latency_weight()) policy.latency_weight = from.latency_weight();
    if (from.has_familiarity_floor()) policy.familiarity_floor = from.familiarity_floor();
    if (from.on_unfamiliar() != v1::UNFAMILIAR_ACTION_UNSPECIFIED) {
      policy.on_unfamiliar = from.on_unfamiliar();
    }
    if (!from.fallback_model().empty()) {
      policy.fallback_model = catalogue.FindModel(from.fallback_model());
    }
    const std::string where = absl::StrCat("policies[", from.name(), "]");
    if (policy.fallback_model < 0 && (!from.fallback_model().empty() ||
                                      policy.on_unfamiliar == v1::UNFAMILIAR_ACTION_FALLBACK)) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ".fallback_model: unknown model `", from.fallback_model(),
                       "`; known: ", KnownNames(catalogue.model_ids())));
    }
    if (from.has_min_confidence()) policy.min_confidence = from.min_confidence();
    policy.exploration_rate = from.exploration().rate();
    if (from.exploration().has_max_probability_loss()) {
      policy.max_probability_loss = from.exploration().max_probability_loss();
    }
    for (const v1::Rule& from_rule : from.rules()) {
      Rule rule;
      rule.name = from_rule.name();
      rule.stop = from_rule.stop();
      const std::string rule_where = absl::StrCat(where, ".rules[", rule.name, "]");
      absl::Status status = CompileCondition(from_rule.when(), catalogue, rule_where, &rule);
      if (status.ok()) {
        status = CompileAction(from_rule.then(), catalogue, set.index_, rule_where, &rule);
      }
      if (!status.ok()) return status;
      policy.rules.push_back(std::move(rule));
    }
    set.policies_.push_back(std::move(policy));
  }
  set.default_policy_ = set.Find(source.default_policy());
  if (set.default_policy_ < 0) {
    return absl::InvalidArgumentError(absl::StrCat("default_policy: no policy `",
                                                   source.default_policy(),
                                                   "`; known: ", KnownNames(set.names())));
  }
  return set;
}

int PolicySet::Find(std::string_view name) const {
  const auto it = index_.find(ToAbsl(name));
  return it == index_.end() ? -1 : it->second;
}

std::vector<std::string_view> PolicySet::names() const {
  std::vector<std::string_view> names;
  for (const Policy& policy : policies_) names.push_back(policy.name);
  return names;
}

}  // namespace pointsman::choose
