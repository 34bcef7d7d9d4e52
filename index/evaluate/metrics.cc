#include "index/evaluate/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <random>

namespace pointsman::evaluate {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr int kSimulations = 30;
constexpr uint64_t kSimulationSeed = 1;

std::vector<size_t> RisingOrder(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return values[a] < values[b]; });
  return order;
}

// Calls `visit(begin, end)` for each run of equal values in `order`.
template <typename Visit>
void ForEachTie(std::span<const double> values, std::span<const size_t> order, Visit&& visit) {
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    visit(begin, end);
    begin = end;
  }
}

// Calls `visit(begin, end)` for each of `bins` parts of 0..n, as equal as can be; empty ones are
// left out.
template <typename Visit>
void ForEachBin(size_t n, int bins, Visit&& visit) {
  const auto count = static_cast<size_t>(bins);
  for (size_t b = 0; b < count; ++b) {
    const size_t begin = n * b / count;
    const size_t end = n * (b + 1) / count;
    if (begin < end) visit(begin, end);
  }
}

double SumOf(std::span<const double> values, std::span<const size_t> indices) {
  double sum = 0;
  for (const size_t i : indices) sum += values[i];
  return sum;
}

// `values` in the given order of the predictions, averaged over equal predictions: which of those
// fall on either side of the edge of a bin must not matter.
std::vector<double> SortedByPrediction(std::span<const double> predictions,
                                       std::span<const size_t> order,
                                       std::span<const double> values) {
  std::vector<double> sorted(order.size());
  ForEachTie(predictions, order, [&](size_t begin, size_t end) {
    const double mean =
        SumOf(values, order.subspan(begin, end - begin)) / static_cast<double>(end - begin);
    std::fill(sorted.begin() + static_cast<ptrdiff_t>(begin),
              sorted.begin() + static_cast<ptrdiff_t>(end), mean);
  });
  return sorted;
}

double SumOfRange(const std::vector<double>& values, size_t begin, size_t end) {
  return std::accumulate(values.begin() + static_cast<ptrdiff_t>(begin),
                         values.begin() + static_cast<ptrdiff_t>(end), 0.0);
}

double CalibrationErrorInOrder(std::span<const double> predictions,
                               std::span<const double> outcomes, std::span<const size_t> order,
                               int bins) {
  if (order.empty()) return kNone;
  const std::vector<double> predicted = SortedByPrediction(predictions, order, predictions);
  const std::vector<double> observed = SortedByPrediction(predictions, order, outcomes);
  double error = 0;
  ForEachBin(order.size(), bins, [&](size_t begin, size_t end) {
    error += std::abs(SumOfRange(predicted, begin, end) - SumOfRange(observed, begin, end));
  });
  return error / static_cast<double>(order.size());
}

}  // namespace

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Auc(std::span<const double> predictions, std::span<const double> outcomes) {
  const std::vector<size_t> order = RisingOrder(predictions);
  double successes_seen = 0;
  double failures_seen = 0;
  double won = 0;
  ForEachTie(predictions, order, [&](size_t begin, size_t end) {
    const auto tie = std::span(order).subspan(begin, end - begin);
    const double successes = SumOf(outcomes, tie);
    const double failures = static_cast<double>(tie.size()) - successes;
    won += successes * (failures_seen + failures / 2);
    successes_seen += successes;
    failures_seen += failures;
  });
  const double pairs = successes_seen * failures_seen;
  return pairs > 0 ? won / pairs : kNone;
}

double BrierScore(std::span<const double> predictions, std::span<const double> outcomes) {
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double error = predictions[i] - outcomes[i];
    sum += error * error;
  }
  return sum / static_cast<double>(predictions.size());
}

double CalibrationError(std::span<const double> predictions, std::span<const double> outcomes,
                        int bins) {
  return CalibrationErrorInOrder(predictions, outcomes, RisingOrder(predictions), bins);
}

double CalibrationNoiseFloor(std::span<const double> predictions, int bins) {
  const std::vector<size_t> order = RisingOrder(predictions);
  std::mt19937_64 random(kSimulationSeed);
  std::vector<double> outcomes(predictions.size());
  double sum = 0;
  for (int s = 0; s < kSimulations; ++s) {
    for (const size_t i : order) {
      const double uniform = static_cast<double>(random() >> 11) * 0x1.0p-53;
      outcomes[i] = uniform < predictions[i] ? 1 : 0;
    }
    sum += CalibrationErrorInOrder(predictions, outcomes, order, bins);
  }
  return sum / kSimulations;
}

double IntervalCoverage(std::span<const double> predictions, std::span<const double> outcomes,
                        std::span<const double> lower, std::span<const double> upper, int bins) {
  const std::vector<size_t> order = RisingOrder(predictions);
  const std::vector<double> observed = SortedByPrediction(predictions, order, outcomes);
  const std::vector<double> lowest = SortedByPrediction(predictions, order, lower);
  const std::vector<double> highest = SortedByPrediction(predictions, order, upper);
  double covered = 0;
  double all = 0;
  ForEachBin(order.size(), bins, [&](size_t begin, size_t end) {
    const double sum = SumOfRange(observed, begin, end);
    all += 1;
    if (SumOfRange(lowest, begin, end) <= sum && sum <= SumOfRange(highest, begin, end)) {
      covered += 1;
    }
  });
  return covered / all;
}

PairCurve::PairCurve(std::span<const double> scores, std::span<const double> weak_outcomes,
                     std::span<const double> strong_outcomes) {
  const double weak_sum = std::accumulate(weak_outcomes.begin(), weak_outcomes.end(), 0.0);
  const double strong_sum = std::accumulate(strong_outcomes.begin(), strong_outcomes.end(), 0.0);
  if (weak_sum == strong_sum) return;
  std::vector<double> falling(scores.begin(), scores.end());
  for (double& score : falling) score = -score;
  const std::vector<size_t> order = RisingOrder(falling);
  points_.push_back({0, 0});
  double gained = 0;
  ForEachTie(falling, order, [&](size_t begin, size_t end) {
    const auto tie = std::span(order).subspan(begin, end - begin);
    gained += SumOf(strong_outcomes, tie) - SumOf(weak_outcomes, tie);
    points_.push_back({static_cast<double>(end) / static_cast<double>(order.size()),
                       gained / (strong_sum - weak_sum)});
  });
}

double PairCurve::Apgr() const {
  if (points_.empty()) return kNone;
  double area = 0;
  for (size_t i = 1; i < points_.size(); ++i) {
    area += (points_[i].strong_share - points_[i - 1].strong_share) *
            (points_[i].pgr + points_[i - 1].pgr) / 2;
  }
  return area;
}

double PairCurve::CallShareFor(double pgr) const {
  if (points_.empty()) return kNone;
  for (size_t i = 1; i < points_.size(); ++i) {
    const Point& before = points_[i - 1];
    const Point& after = points_[i];
    if (after.pgr < pgr) continue;
    const double part = (pgr - before.pgr) / (after.pgr - before.pgr);
    return before.strong_share + part * (after.strong_share - before.strong_share);
  }
  return 1;
}

}  // namespace pointsman::evaluate
