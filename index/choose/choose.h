// Estimates -> a decision: rules, hard limits, objective, ranking, and why not the others.
//
// In: what is believed of each model (QueryEstimate), what the caller asked for (Terms), and the
// policy. Out: a Decision of plain numbers and indices; the engine renders names and sentences.
// Pure: the same inputs give the same decision, whatever the order in which models are listed.
// Allocates only to grow the vectors of a Decision that is reused.
#ifndef POINTSMAN_INDEX_CHOOSE_CHOOSE_H_
#define POINTSMAN_INDEX_CHOOSE_CHOOSE_H_

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "index/choose/catalogue.h"
#include "index/choose/policy.h"
#include "index/estimate/query_estimate.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::choose {

// A request with its names resolved. Views point into the request.
struct Terms {
  int policy = 0;
  v1::Objective objective = v1::OBJECTIVE_UNSPECIFIED;  // UNSPECIFIED: the policy's
  std::optional<double> tradeoff;                       // absent: the policy's
  Bounds limits;
  FeatureSet features;
  absl::InlinedVector<std::string_view, 4> tags;
  double context_tokens = kUnknown;  // unknown: input plus expected output
  ModelSet allowed = ModelSet().set();
  ModelSet denied;
  double input_tokens = 0;
  double expected_output_tokens = kUnknown;  // unknown: the estimate of each model
  int incumbent = -1;
  double cached_input_tokens = 0;
  std::string_view assignment_key;       // empty: does not explore
  std::optional<std::string_view> text;  // absent: only a vector was sent
};

struct Candidate {
  int model = 0;
  double success = 0;
  double cost_usd = kUnknown;
  double latency_ms = kUnknown;
  double output_tokens = 0;
  double utility = 0;
  double tradeoff_intercept = 0;  // utility under BEST_VALUE is intercept - t * slope
  double tradeoff_slope = 0;
  double tradeoff_lower = kUnknown;  // [lower, upper] of t in which it is the choice; NaN: none
  double tradeoff_upper = kUnknown;
};

struct Rejection {
  int model = 0;
  v1::RejectionReason reason = v1::REJECTION_REASON_UNSPECIFIED;
  double limit = kUnknown;
  double value = kUnknown;
  std::string_view detail;  // feature, tag or rule; points into terms, policy or catalogue
};

// The smallest single change that makes `model` feasible; see v1::Relaxation.
struct Relaxation {
  int model = -1;  // -1: no single change helps
  std::string_view field;
  double current = kUnknown;
  double needed = kUnknown;
  std::string_view detail;
};

struct Degraded {
  v1::DegradationKind kind = v1::DEGRADATION_KIND_UNSPECIFIED;
  int model = -1;           // -1: not about one model
  double value = kUnknown;  // with its bound, where the kind has numbers
  double bound = kUnknown;
};

struct Decision {
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;
  int model = -1;  // the choice; -1 unless CHOSEN
  double confidence = 0;
  double margin = 0;
  int policy = 0;  // the one applied in the end
  double propensity = 1;
  bool explored = false;
  std::vector<Candidate> candidates;  // ranked, best first
  std::vector<Rejection> rejected;    // in catalogue order
  Relaxation relaxation;
  absl::InlinedVector<Degraded, 4> degradations;
  absl::InlinedVector<std::string_view, 4> rules_fired;
};

// Decides. `estimate.models` must be in catalogue order and as long as the catalogue. `decision` is
// overwritten; reuse it to avoid allocation.
void Choose(const Catalogue& catalogue, const PolicySet& policies, const Terms& terms,
            const estimate::QueryEstimate& estimate, Decision* decision);

// Fills in the tradeoff intervals of `candidates` from their lines
//   u(t) = intercept - t * slope,  intercept = value at t = 0,  slope = p + cost/reference cost:
// the upper envelope over 0 <= t <= 1 tells who wins where. Of equal lines the first wins.
void FillTradeoffIntervals(std::span<Candidate> candidates);

}  // namespace pointsman::choose

#endif  // POINTSMAN_INDEX_CHOOSE_CHOOSE_H_
