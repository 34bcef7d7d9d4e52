// One test query: what the engine said of it, and what was measured.
#ifndef POINTSMAN_INDEX_EVALUATE_TRIAL_H_
#define POINTSMAN_INDEX_EVALUATE_TRIAL_H_

#include <cstddef>
#include <limits>
#include <vector>

namespace pointsman::evaluate {

inline constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

// One model on one query. NaN stands for what is not known.
struct ModelTrial {
  double success = kNotKnown;  // predicted, with its interval; NaN: the engine rejected the model
  double lower = kNotKnown;
  double upper = kNotKnown;
  double quality = kNotKnown;   // measured, 0..1
  double cost_usd = kNotKnown;  // of the measured answer; of the expected one where its tokens were
                                // not measured
};

// From this tradeoff on (0 = quality only, 1 = cost only), up to the next, the engine chooses
// `model`.
struct Choice {
  double tradeoff = 0;
  size_t model = 0;
};

struct Trial {
  std::vector<ModelTrial> models;  // in catalogue order
  std::vector<Choice> choices;     // by rising tradeoff, the first at 0; empty: none was feasible
  double familiarity = 0;

  // Whether all can be compared on it: every model was measured, and the engine chooses one.
  bool IsComplete() const;
};

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_TRIAL_H_
