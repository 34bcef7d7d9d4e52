// Metrics that are labelled with the models, policies and capabilities of one bundle.
//
// Resolved once when a bundle goes into service. Series of names that two bundles share are the
// same series, so counters go on across a swap.
#ifndef POINTSMAN_SERVER_BUNDLE_METRICS_H_
#define POINTSMAN_SERVER_BUNDLE_METRICS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "pointsman/v1/catalogue.pb.h"
#include "pointsman/v1/policy.pb.h"
#include "pointsman/v1/router.pb.h"
#include "server/metrics.h"

namespace pointsman::server {

// `model` label of decisions that chose none; no model id may hold brackets.
inline constexpr char kNoModelLabel[] = "(none)";

// In place of names of bundles beyond kMaxBundleSeries.
inline constexpr char kOtherLabel[] = "(other)";

class BundleMetrics {
 public:
  // `metrics` must outlive this object.
  BundleMetrics(const v1::Catalogue& catalogue, const v1::PolicySet& policies, Metrics& metrics);

  // Thread-safe.
  void RecordDecision(const v1::RouteResponse& response) const;

 private:
  struct PolicyCounters {
    std::vector<prometheus::Counter*> chosen;  // in catalogue order
    prometheus::Counter* infeasible = nullptr;
    prometheus::Counter* abstained = nullptr;
    prometheus::Counter* expected_cost_usd = nullptr;
    prometheus::Counter* expected_best_single_cost_usd = nullptr;
    prometheus::Counter* expected_quality_given_up = nullptr;
    prometheus::Counter* expected_quality_gained = nullptr;
  };

  prometheus::Counter* Resolve(prometheus::Family<prometheus::Counter>& family,
                               prometheus::Labels labels);
  void RecordOutcome(const PolicyCounters& counters, const v1::RouteResponse& response) const;
  void RecordExpectations(const PolicyCounters& counters, const v1::RouteResponse& response,
                          const v1::Candidate* chosen) const;

  Metrics* metrics_;
  absl::flat_hash_map<std::string, size_t> model_index_;
  absl::flat_hash_map<std::string, PolicyCounters> policies_;
  // Empty where the catalogue has no capabilities: clusters of a bundle mean nothing in another.
  absl::flat_hash_map<std::string, prometheus::Counter*> capability_weights_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_BUNDLE_METRICS_H_
