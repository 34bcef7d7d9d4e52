#include "scenario.h"

#include <algorithm>
#include <stdexcept>

#include "gtest/gtest.h"

namespace pointsman::choose {

Scenario::Scenario() {
  policies.set_default_policy("default");
  AddPolicy("default");
}

v1::Model& Scenario::Add(std::string_view id, double success, double cost_usd) {
  v1::Model& model = AddUnpriced(id, success);
  model.set_input_usd_per_mtok(0);
  model.set_output_usd_per_mtok(cost_usd * 1e6 / kAnswerTokens);
  return model;
}

v1::Model& Scenario::AddUnpriced(std::string_view id, double success) {
  v1::Model& model = *catalogue.add_models();
  model.set_id(std::string(id));
  model.set_context_window_tokens(100'000);
  model.set_output_tokens_per_second(100);
  model.set_time_to_first_token_ms(0);
  estimate::ModelEstimate& estimate = Believed(id);
  estimate.success = success;
  estimate.deviation = 0.05;
  estimate.output_tokens = kAnswerTokens;
  estimate.has_outcomes = true;
  estimate.has_skill = true;
  return model;
}

v1::Policy& Scenario::AddPolicy(std::string_view name) {
  v1::Policy& policy = *policies.add_policies();
  policy.set_name(std::string(name));
  return policy;
}

v1::Rule& Scenario::AddRule(std::string_view name) {
  v1::Rule& rule = *policy().add_rules();
  rule.set_name(std::string(name));
  return rule;
}

const Decision& Scenario::Decide() {
  auto compiled = Catalogue::Compile(catalogue);
  if (!compiled.ok()) throw std::runtime_error(compiled.status().ToString());
  compiled_catalogue_ = *std::move(compiled);
  auto compiled_policies = PolicySet::Compile(policies, *compiled_catalogue_, 1.0);
  if (!compiled_policies.ok()) throw std::runtime_error(compiled_policies.status().ToString());
  compiled_policies_ = *std::move(compiled_policies);

  Terms resolved = terms;
  const auto index = [&](const std::string& id) {
    const int found = compiled_catalogue_->FindModel(id);
    if (found < 0) throw std::runtime_error("no model " + id);
    return static_cast<size_t>(found);
  };
  resolved.policy = compiled_policies_->Find(policy_name);
  if (!incumbent.empty()) resolved.incumbent = static_cast<int>(index(incumbent));
  if (!allow.empty()) resolved.allowed.reset();
  for (const std::string& id : allow) resolved.allowed.set(index(id));
  for (const std::string& id : deny) resolved.denied.set(index(id));
  for (const std::string& name : features) {
    resolved.features.set(static_cast<size_t>(compiled_catalogue_->FindFeature(name)));
  }
  for (const std::string& tag : tags) resolved.tags.push_back(tag);

  std::vector<estimate::ModelEstimate> models;
  for (const v1::Model& model : catalogue.models()) models.push_back(Believed(model.id()));
  estimate::QueryEstimate estimate;
  estimate.models = models;
  estimate.capabilities = capabilities;
  estimate.difficulty = difficulty;
  estimate.familiarity = familiarity;
  estimate.correlation = correlation;
  Choose(*compiled_catalogue_, *compiled_policies_, resolved, estimate, &decision_);
  return decision_;
}

std::string Scenario::NameOf(int model) const {
  return model < 0 ? "" : compiled_catalogue_->model(model).id;
}

std::vector<std::string> Scenario::Ranking() const {
  std::vector<std::string> ids;
  for (const Candidate& candidate : decision_.candidates) ids.push_back(NameOf(candidate.model));
  return ids;
}

const Candidate& Scenario::CandidateOf(std::string_view id) const {
  for (const Candidate& candidate : decision_.candidates) {
    if (NameOf(candidate.model) == id) return candidate;
  }
  throw std::runtime_error("no candidate " + std::string(id));
}

const Rejection& Scenario::RejectionOf(std::string_view id) const {
  for (const Rejection& rejection : decision_.rejected) {
    if (NameOf(rejection.model) == id) return rejection;
  }
  throw std::runtime_error("not rejected: " + std::string(id));
}

bool Scenario::Degraded(v1::DegradationKind kind) const {
  return std::any_of(decision_.degradations.begin(), decision_.degradations.end(),
                     [kind](const choose::Degraded& degraded) { return degraded.kind == kind; });
}

}  // namespace pointsman::choose
