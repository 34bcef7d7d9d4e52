// Quality against cost: what routing gives at every tradeoff, from quality only to cost only.
#ifndef POINTSMAN_INDEX_EVALUATE_COST_CURVE_H_
#define POINTSMAN_INDEX_EVALUATE_COST_CURVE_H_

#include <span>
#include <vector>

#include "index/evaluate/trial.h"

namespace pointsman::evaluate {

struct CurvePoint {
  double tradeoff = 0;
  double quality = 0;   // mean over queries
  double cost_usd = 0;  // mean over queries
};

// The exact curve over complete trials: one point for every tradeoff at which the choice for some
// query changes, by rising tradeoff. Empty without trials.
std::vector<CurvePoint> CostCurve(std::span<const Trial> trials);

// The point in force at `tradeoff`. `curve` must not be empty.
CurvePoint PointAt(std::span<const CurvePoint> curve, double tradeoff);

// Smallest cost of a point of at least this quality; NaN if there is none, or costs are not known.
double CheapestCostOf(std::span<const CurvePoint> curve, double quality);

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_COST_CURVE_H_
