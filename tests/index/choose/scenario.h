// A small world to choose in: models by name with what is believed of them, one policy to be filled
// in, and a request whose names are resolved when it is decided.
#ifndef POINTSMAN_TESTS_INDEX_CHOOSE_SCENARIO_H_
#define POINTSMAN_TESTS_INDEX_CHOOSE_SCENARIO_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/choose/catalogue.h"
#include "index/choose/choose.h"
#include "index/choose/policy.h"
#include "index/estimate/query_estimate.h"
#include "pointsman/v1/catalogue.pb.h"
#include "pointsman/v1/policy.pb.h"

namespace pointsman::choose {

class Scenario {
 public:
  // Output tokens that every model is believed to write.
  static constexpr double kAnswerTokens = 1000;

  // The default policy is BEST_VALUE at t = 0.5, a reference cost of 1 USD, no limits.
  Scenario();

  // A model whose answer costs `cost_usd` and takes 10 s, with a window of 100,000 tokens. The
  // reference lives until the next Add.
  v1::Model& Add(std::string_view id, double success, double cost_usd);
  // One without prices.
  v1::Model& AddUnpriced(std::string_view id, double success);

  v1::Policy& policy() { return *policies.mutable_policies(0); }
  v1::Policy& AddPolicy(std::string_view name);
  // A rule of the default policy.
  v1::Rule& AddRule(std::string_view name);

  estimate::ModelEstimate& Believed(std::string_view id) { return believed[std::string(id)]; }

  // Decides afresh. The result lives until the next call.
  const Decision& Decide();

  // Of the last decision.
  std::string Chosen() const { return NameOf(decision_.model); }
  std::vector<std::string> Ranking() const;
  const Candidate& CandidateOf(std::string_view id) const;
  const Rejection& RejectionOf(std::string_view id) const;
  std::string RelaxedModel() const { return NameOf(decision_.relaxation.model); }
  bool Degraded(v1::DegradationKind kind) const;
  std::string NameOf(int model) const;

  v1::Catalogue catalogue;
  v1::PolicySet policies;
  std::map<std::string, estimate::ModelEstimate> believed;
  std::vector<float> capabilities;
  double difficulty = kUnknown;
  double familiarity = 1;
  double correlation = 0.5;

  Terms terms;  // all but the names below
  std::string policy_name = "default";
  std::string incumbent;
  std::vector<std::string> allow;
  std::vector<std::string> deny;
  std::vector<std::string> features;
  std::vector<std::string> tags;

 private:
  std::optional<Catalogue> compiled_catalogue_;
  std::optional<PolicySet> compiled_policies_;
  Decision decision_;
};

}  // namespace pointsman::choose

#endif  // POINTSMAN_TESTS_INDEX_CHOOSE_SCENARIO_H_
