// What is believed about one query: the output of `estimate` and all that `choose` sees of it.
#ifndef POINTSMAN_INDEX_ESTIMATE_QUERY_ESTIMATE_H_
#define POINTSMAN_INDEX_ESTIMATE_QUERY_ESTIMATE_H_

#include <limits>
#include <span>

namespace pointsman::estimate {

struct ModelEstimate {
  double success = 0;  // calibrated probability of an acceptable answer, 0..1
  double lower = 0;    // 90 % interval of that probability
  double upper = 1;
  double deviation = 0;           // standard deviation of that probability, >= 0
  double output_tokens = 0;       // expected, >= 0
  double effective_evidence = 0;  // effective number of measured outcomes among the neighbours
  bool has_outcomes = false;      // any exemplar of the bundle has a measured outcome of it
  bool has_skill = false;         // the catalogue declares a skill for it
};

// Spans point into the scratch space of the estimate and live as long as it is not reused.
struct QueryEstimate {
  std::span<const ModelEstimate> models;  // in catalogue order
  std::span<const float> capabilities;    // weight of each capability (or cluster), adds up to 1
  double difficulty = std::numeric_limits<double>::quiet_NaN();  // 0..1; NaN: not labelled
  double familiarity = 0;                                        // p-value, 0..1
  double correlation = 0;  // between the errors of two models on one query, 0..1
};

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_QUERY_ESTIMATE_H_
