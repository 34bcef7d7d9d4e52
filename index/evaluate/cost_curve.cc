#include "index/evaluate/cost_curve.h"

#include <algorithm>
#include <cstddef>

namespace pointsman::evaluate {
namespace {

// At `tradeoff`, the choice for one query changes, and with it the sums over all queries.
struct Change {
  double tradeoff;
  double quality;
  double cost_usd;
};

}  // namespace

std::vector<CurvePoint> CostCurve(std::span<const Trial> trials) {
  std::vector<Change> changes;
  for (const Trial& trial : trials) {
    double quality = 0;
    double cost_usd = 0;
    for (const Choice& choice : trial.choices) {
      const ModelTrial& model = trial.models[choice.model];
      changes.push_back({choice.tradeoff, model.quality - quality, model.cost_usd - cost_usd});
      quality = model.quality;
      cost_usd = model.cost_usd;
    }
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Change& a, const Change& b) { return a.tradeoff < b.tradeoff; });
  std::vector<CurvePoint> curve;
  const auto n = static_cast<double>(trials.size());
  double quality_sum = 0;
  double cost_sum_usd = 0;
  for (size_t i = 0; i < changes.size(); ++i) {
    quality_sum += changes[i].quality;
    cost_sum_usd += changes[i].cost_usd;
    if (i + 1 < changes.size() && changes[i + 1].tradeoff == changes[i].tradeoff) continue;
    curve.push_back({changes[i].tradeoff, quality_sum / n, cost_sum_usd / n});
  }
  return curve;
}

CurvePoint PointAt(std::span<const CurvePoint> curve, double tradeoff) {
  const auto after = std::upper_bound(
      curve.begin(), curve.end(), tradeoff,
      [](double value, const CurvePoint& point) { return value < point.tradeoff; });
  return after == curve.begin() ? curve.front() : *(after - 1);
}

double CheapestCostOf(std::span<const CurvePoint> curve, double quality) {
  double cheapest_usd = kNotKnown;
  for (const CurvePoint& point : curve) {
    if (point.quality >= quality && !(point.cost_usd >= cheapest_usd)) {
      cheapest_usd = point.cost_usd;
    }
  }
  return cheapest_usd;
}

}  // namespace pointsman::evaluate
