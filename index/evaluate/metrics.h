// Figures of merit of predictions, as pure functions of numbers.
//
// Predictions are probabilities; outcomes are qualities 0..1, of which 0 and 1 are the usual ones.
// A quality q in between counts as q of a success and 1 - q of a failure. Everything is independent
// of the order of the queries. A figure that cannot be had (no queries, one class only) is NaN.
#ifndef POINTSMAN_INDEX_EVALUATE_METRICS_H_
#define POINTSMAN_INDEX_EVALUATE_METRICS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace pointsman::evaluate {

inline constexpr int kCalibrationBins = 15;

// The mean; NaN of nothing.
double Mean(std::span<const double> values);

// Probability that a success was predicted higher than a failure; equal predictions count half
// (the area under the ROC curve).
double Auc(std::span<const double> predictions, std::span<const double> outcomes);

// Mean squared error of the probabilities (Brier score).
double BrierScore(std::span<const double> predictions, std::span<const double> outcomes);

// Expected calibration error: queries sorted by prediction, cut into `bins` of equal mass; the mean
// over queries of |mean prediction - mean outcome| in their bin.
double CalibrationError(std::span<const double> predictions, std::span<const double> outcomes,
                        int bins = kCalibrationBins);

// What CalibrationError would give on average if every prediction were exact and outcomes were
// drawn from them: the part of the error that is nothing but the finite number of queries.
// Simulated with a fixed seed.
double CalibrationNoiseFloor(std::span<const double> predictions, int bins = kCalibrationBins);

// Share of those bins whose mean outcome lies within the bin's mean interval [lower, upper].
double IntervalCoverage(std::span<const double> predictions, std::span<const double> outcomes,
                        std::span<const double> lower, std::span<const double> upper,
                        int bins = kCalibrationBins);

// Routing between a weak and a strong model: queries go to the strong one in the order of a score,
// highest first. PGR, the performance gap recovered, is (quality of the routing - quality of the
// weak model) / (quality of the strong - quality of the weak), as in RouteLLM (arXiv 2406.18665).
// Queries of equal score are taken in random order, so PGR rises linearly over them.
class PairCurve {
 public:
  struct Point {
    double strong_share;  // of the calls
    double pgr;
  };

  PairCurve(std::span<const double> scores, std::span<const double> weak_outcomes,
            std::span<const double> strong_outcomes);

  // Area under PGR over the share of calls to the strong model, over all thresholds: 0.5 is what
  // random routing gives on average.
  double Apgr() const;

  // Smallest share of calls to the strong model at which PGR reaches `pgr` (CPT50: 0.5).
  double CallShareFor(double pgr) const;

 private:
  std::vector<Point> points_;  // from share 0 to share 1; empty: the models do not differ
};

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_METRICS_H_
