#include "absl/strings/str_cat.h"
#include "index/bundle/checks.h"
#include "index/bundle/validate.h"
#include "re2/re2.h"

namespace pointsman::bundle {
namespace {

constexpr int kMostRules = 64;
constexpr size_t kLongestPattern = 1000;

void ValidateLimits(const pointsman::v1::Limits& limits, const Path& path, Reporter* reporter) {
  if (limits.has_max_cost_usd()) {
    CheckNumber(limits.max_cost_usd(), kNotNegative, path.Field("max_cost_usd"), reporter);
  }
  if (limits.has_max_latency_ms()) {
    CheckNumber(limits.max_latency_ms(), kPositive, path.Field("max_latency_ms"), reporter);
  }
  if (limits.has_min_success_probability()) {
    CheckNumber(limits.min_success_probability(), kShare, path.Field("min_success_probability"),
                reporter);
  }
}

void ValidateCondition(const pointsman::v1::RuleCondition& when, const Vocabulary& vocabulary,
                       const Path& path, Reporter* reporter) {
  const std::string& pattern = when.text_pattern();
  const Path pattern_path = path.Field("text_pattern");
  CheckCharacters(pattern, kLongestPattern, pattern_path, reporter);
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 compiled(pattern, options);
  if (!compiled.ok()) {
    reporter->Report(pattern_path, absl::StrCat("is not an RE2 pattern: ", compiled.error(),
                                                ", is ", Quoted(pattern)));
  }
  if (!when.capability().empty()) {
    CheckKnown("capability", when.capability(), vocabulary.capabilities, path.Field("capability"),
               reporter);
  }
  if (when.has_min_capability_weight()) {
    const Path weight_path = path.Field("min_capability_weight");
    CheckNumber(when.min_capability_weight(), kShare, weight_path, reporter);
    if (when.capability().empty()) reporter->Report(weight_path, "needs `capability`");
  }
  if (when.has_min_input_tokens()) {
    CheckNumber(static_cast<double>(when.min_input_tokens()), kNotNegative,
                path.Field("min_input_tokens"), reporter);
  }
  if (when.has_max_input_tokens()) {
    CheckNumber(static_cast<double>(when.max_input_tokens()), kNotNegative,
                path.Field("max_input_tokens"), reporter);
    if (when.max_input_tokens() < when.min_input_tokens()) {
      reporter->Report(path.Field("max_input_tokens"),
                       absl::StrCat("must be at least min_input_tokens (", when.min_input_tokens(),
                                    "), is ", when.max_input_tokens()));
    }
  }
  if (when.has_min_difficulty()) {
    CheckNumber(when.min_difficulty(), kShare, path.Field("min_difficulty"), reporter);
  }
  if (!when.request_tag().empty()) {
    CheckName(when.request_tag(), kTagName, path.Field("request_tag"), reporter);
  }
}

void ValidateAction(const pointsman::v1::RuleAction& then, const Vocabulary& vocabulary,
                    const Path& path, Reporter* reporter) {
  CheckAllKnown("feature", "require_features", then.require_features(), vocabulary.features, path,
                reporter);
  for (int i = 0; i < then.require_tags_size(); ++i) {
    CheckName(then.require_tags(i), kTagName, path.Field("require_tags", i), reporter);
  }
  CheckAllKnown("model", "only_models", then.only_models(), vocabulary.models, path, reporter);
  CheckAllKnown("model", "exclude_models", then.exclude_models(), vocabulary.models, path,
                reporter);
  CheckAllKnown("model", "prefer_models", then.prefer_models(), vocabulary.models, path, reporter);
  if (then.has_prefer_bonus()) {
    CheckNumber(then.prefer_bonus(), kShare, path.Field("prefer_bonus"), reporter);
  }
  if (!then.switch_policy().empty()) {
    CheckKnown("policy", then.switch_policy(), vocabulary.policies, path.Field("switch_policy"),
               reporter);
  }
}

void ValidateRules(const pointsman::v1::Policy& policy, const Vocabulary& vocabulary,
                   const Path& path, Reporter* reporter) {
  if (policy.rules_size() > kMostRules) {
    reporter->Report(path.Field("rules"),
                     absl::StrCat("must be at most ", kMostRules, ", are ", policy.rules_size()));
    return;
  }
  UniqueIds names;
  for (int i = 0; i < policy.rules_size(); ++i) {
    const pointsman::v1::Rule& rule = policy.rules(i);
    const Path rule_path = path.Field("rules", i);
    CheckName(rule.name(), kPolicyName, rule_path.Field("name"), reporter);
    if (const auto first = names.Add(rule.name())) {
      ReportDuplicate(rule.name(), rule_path, "name", path.Field("rules", *first), reporter);
    }
    ValidateCondition(rule.when(), vocabulary, rule_path.Field("when"), reporter);
    if (!rule.has_then()) reporter->Report(rule_path.Field("then"), "is required");
    ValidateAction(rule.then(), vocabulary, rule_path.Field("then"), reporter);
  }
}

void ValidatePolicy(const pointsman::v1::Policy& policy, const Vocabulary& vocabulary,
                    const Path& path, Reporter* reporter) {
  CheckName(policy.name(), kPolicyName, path.Field("name"), reporter);
  if (!pointsman::v1::Objective_IsValid(policy.objective())) {
    reporter->Report(path.Field("objective"),
                     absl::StrCat("unknown objective ", static_cast<int>(policy.objective())));
  }
  if (!pointsman::v1::UnfamiliarAction_IsValid(policy.on_unfamiliar())) {
    reporter->Report(path.Field("on_unfamiliar"),
                     absl::StrCat("unknown action ", static_cast<int>(policy.on_unfamiliar())));
  }
  const auto check = [&](const char* field, bool present, double value, const Range& range) {
    if (present) CheckNumber(value, range, path.Field(field), reporter);
  };
  check("tradeoff", policy.has_tradeoff(), policy.tradeoff(), kShare);
  check("reference_cost_usd", policy.has_reference_cost_usd(), policy.reference_cost_usd(),
        kPositive);
  check("target_success_probability", policy.has_target_success_probability(),
        policy.target_success_probability(), kShare);
  check("latency_target_ms", policy.has_latency_target_ms(), policy.latency_target_ms(), kPositive);
  check("latency_weight", policy.has_latency_weight(), policy.latency_weight(), Range{0, 10});
  check("familiarity_floor", policy.has_familiarity_floor(), policy.familiarity_floor(), kShare);
  check("min_confidence", policy.has_min_confidence(), policy.min_confidence(), kShare);
  ValidateLimits(policy.limits(), path.Field("limits"), reporter);
  ValidateRules(policy, vocabulary, path, reporter);
  const Path fallback_path = path.Field("fallback_model");
  if (!policy.fallback_model().empty()) {
    CheckKnown("model", policy.fallback_model(), vocabulary.models, fallback_path, reporter);
  } else if (policy.on_unfamiliar() == pointsman::v1::UNFAMILIAR_ACTION_FALLBACK) {
    reporter->Report(fallback_path, "is required with on_unfamiliar: fallback");
  }
  if (policy.has_exploration()) {
    const Path exploration_path = path.Field("exploration");
    CheckNumber(policy.exploration().rate(), Range{0, 0.5}, exploration_path.Field("rate"),
                reporter);
    if (policy.exploration().has_max_probability_loss()) {
      CheckNumber(policy.exploration().max_probability_loss(), kShare,
                  exploration_path.Field("max_probability_loss"), reporter);
    }
  }
}

}  // namespace

void ValidatePolicies(const pointsman::v1::PolicySet& policies, const Vocabulary& vocabulary,
                      Reporter* reporter) {
  const Path root;
  if (policies.policies().empty()) {
    reporter->Report(root.Field("policies"), "at least one is required");
    return;
  }
  UniqueIds names;
  for (int i = 0; i < policies.policies_size() && !reporter->full(); ++i) {
    const Path path = root.Field("policies", i);
    ValidatePolicy(policies.policies(i), vocabulary, path, reporter);
    if (const auto first = names.Add(policies.policies(i).name())) {
      ReportDuplicate(policies.policies(i).name(), path, "name", root.Field("policies", *first),
                      reporter);
    }
  }
  CheckKnown("policy", policies.default_policy(), vocabulary.policies, root.Field("default_policy"),
             reporter);
}

}  // namespace pointsman::bundle
