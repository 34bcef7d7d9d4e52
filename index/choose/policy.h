// Policies as the decision path reads them: names resolved, patterns compiled, defaults filled in.
//
// In: a validated v1::PolicySet and the catalogue it names models of. Immutable after Compile, so
// safe to share between threads (RE2 matching is const and thread-safe).
#ifndef POINTSMAN_INDEX_CHOOSE_POLICY_H_
#define POINTSMAN_INDEX_CHOOSE_POLICY_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "index/choose/catalogue.h"
#include "pointsman/v1/policy.pb.h"
#include "re2/re2.h"

namespace pointsman::choose {

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

// Hard limits with "no limit" as the neutral value, so that they tighten by min and max.
struct Bounds {
  double max_cost_usd = kNoLimit;
  double max_latency_ms = kNoLimit;
  double min_success_probability = 0;
};

struct Rule {
  std::string name;
  // Conditions; each has a neutral value that always holds.
  std::unique_ptr<RE2> text_pattern;  // null: any text
  int capability = -1;                // -1: any
  double min_capability_weight = 0.5;
  double min_input_tokens = 0;
  double max_input_tokens = kNoLimit;
  double min_difficulty = 0;
  std::string request_tag;  // empty: any
  // Actions.
  FeatureSet require_features;
  std::vector<std::string> require_tags;
  ModelSet allowed;  // only_models without exclude_models
  ModelSet preferred;
  double prefer_bonus = 0;
  int switch_policy = -1;  // -1: none
  bool stop = false;
};

struct Policy {
  std::string name;
  std::string digest;  // hex, first 16 digits of SHA-256 over the deterministic serialisation
  v1::Objective objective = v1::OBJECTIVE_BEST_VALUE;
  double tradeoff = 0.5;
  double reference_cost_usd = 1;
  double target_success_probability = 0.8;
  Bounds limits;
  double latency_target_ms = kNoLimit;
  double latency_weight = 0.1;
  std::vector<Rule> rules;
  double familiarity_floor = 0.02;
  v1::UnfamiliarAction on_unfamiliar = v1::UNFAMILIAR_ACTION_PRIOR;
  int fallback_model = -1;
  double min_confidence = 0;
  double exploration_rate = 0;
  double max_probability_loss = 0.2;
};

class PolicySet {
 public:
  // `default_reference_cost_usd` stands in for policies that name none (see policy.proto). Errors
  // name the policy, the rule and the name that cannot be resolved.
  static absl::StatusOr<PolicySet> Compile(const v1::PolicySet& source, const Catalogue& catalogue,
                                           double default_reference_cost_usd);

  const Policy& policy(int index) const { return policies_[static_cast<size_t>(index)]; }
  int default_policy() const { return default_policy_; }
  int Find(std::string_view name) const;
  std::vector<std::string_view> names() const;

 private:
  std::vector<Policy> policies_;
  absl::flat_hash_map<std::string, int> index_;
  int default_policy_ = 0;
};

}  // namespace pointsman::choose

#endif  // POINTSMAN_INDEX_CHOOSE_POLICY_H_
