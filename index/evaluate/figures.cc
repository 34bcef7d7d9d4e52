#include "index/evaluate/figures.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "index/evaluate/metrics.h"

namespace pointsman::evaluate {
namespace {

constexpr Field<Figures> kFigureFields[] = {
    {"queries", &Figures::queries, "test queries on which every model was measured"},
    {"incomplete", &Figures::incomplete, "other test queries"},
    {"accuracy", &Figures::accuracy, "of the choice when quality is all"},
    {"cost_share", &Figures::cost_share, "its cost"},
    {"parity_cost_share", &Figures::parity_cost_share, "cost to match the best single model"},
    {"best_single_accuracy", &Figures::best_single_accuracy, "always the best model"},
    {"cheapest_accuracy", &Figures::cheapest_accuracy, "always the cheapest model"},
    {"cheapest_cost_share", &Figures::cheapest_cost_share, "its cost"},
    {"random_accuracy", &Figures::random_accuracy, "a random model"},
    {"random_cost_share", &Figures::random_cost_share, "its cost"},
    {"oracle_accuracy", &Figures::oracle_accuracy, "the cheapest of the best, known beforehand"},
    {"oracle_cost_share", &Figures::oracle_cost_share, "its cost"},
    {"auc", &Figures::auc, "mean over models"},
    {"brier", &Figures::brier, "mean over models"},
    {"calibration_error", &Figures::calibration_error, "mean over models, 15 bins of equal mass"},
    {"calibration_noise_floor", &Figures::calibration_noise_floor, "of exact predictions"},
    {"interval_coverage", &Figures::interval_coverage, "bins whose accuracy is in the interval"},
    {"apgr", &Figures::apgr, "average performance gap recovered"},
    {"cpt50", &Figures::cpt50, "share of strong calls for half of the gap"},
    {"cpt80", &Figures::cpt80, "share of strong calls for 80 % of the gap"},
    {"unfamiliar_share", &Figures::unfamiliar_share, "queries of a familiarity below .05"},
};

constexpr Field<ModelFigures> kModelFigureFields[] = {
    {"queries", &ModelFigures::queries, "queries"},
    {"accuracy", &ModelFigures::accuracy, "accuracy"},
    {"cost_usd", &ModelFigures::cost_usd, "mean cost, USD"},
    {"auc", &ModelFigures::auc, "AUC"},
    {"brier", &ModelFigures::brier, "Brier"},
    {"calibration_error", &ModelFigures::calibration_error, "ECE"},
    {"calibration_noise_floor", &ModelFigures::calibration_noise_floor, "floor"},
    {"interval_coverage", &ModelFigures::interval_coverage, "coverage"},
};

constexpr double kTradeoffs[] = {0,    0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05,
                                 0.07, 0.1,   0.15,  0.2,   0.3,  0.5,  0.7,  1};

std::vector<double> Column(std::span<const ModelTrial> trials, double ModelTrial::* value) {
  std::vector<double> column;
  for (const ModelTrial& trial : trials) column.push_back(trial.*value);
  return column;
}

// The same for one model of whole trials.
std::vector<double> Column(std::span<const Trial> trials, size_t model,
                           double ModelTrial::* value) {
  std::vector<double> column;
  for (const Trial& trial : trials) column.push_back(trial.models[model].*value);
  return column;
}

ModelFigures FiguresOfModel(std::span<const Trial> trials, size_t model) {
  std::vector<ModelTrial> judged;
  for (const Trial& trial : trials) {
    const ModelTrial& of = trial.models[model];
    if (!std::isnan(of.success) && !std::isnan(of.quality)) judged.push_back(of);
  }
  ModelFigures figures;
  figures.queries = static_cast<double>(judged.size());
  if (judged.empty()) return figures;
  const std::vector<double> predictions = Column(judged, &ModelTrial::success);
  const std::vector<double> outcomes = Column(judged, &ModelTrial::quality);
  figures.accuracy = Mean(outcomes);
  figures.cost_usd = Mean(Column(judged, &ModelTrial::cost_usd));
  figures.auc = Auc(predictions, outcomes);
  figures.brier = BrierScore(predictions, outcomes);
  figures.calibration_error = CalibrationError(predictions, outcomes);
  figures.calibration_noise_floor = CalibrationNoiseFloor(predictions);
  figures.interval_coverage =
      IntervalCoverage(predictions, outcomes, Column(judged, &ModelTrial::lower),
                       Column(judged, &ModelTrial::upper));
  return figures;
}

// Mean of the figures that are known; NaN if none is.
template <typename Owner>
double MeanOf(std::span<const Owner> owners, double Owner::* value) {
  std::vector<double> known;
  for (const Owner& owner : owners) {
    if (!std::isnan(owner.*value)) known.push_back(owner.*value);
  }
  return known.empty() ? kNotKnown : Mean(known);
}

template <typename Owner>
double DeviationOf(std::span<const Owner> owners, double Owner::* value) {
  const double mean = MeanOf(owners, value);
  double squares = 0;
  double known = 0;
  for (const Owner& owner : owners) {
    if (std::isnan(owner.*value)) continue;
    squares += (owner.*value - mean) * (owner.*value - mean);
    known += 1;
  }
  return known < 2 ? kNotKnown : std::sqrt(squares / (known - 1));
}

template <typename Owner>
Summary<Owner> SummariseFields(std::span<const Owner> owners,
                               std::span<const Field<Owner>> fields) {
  Summary<Owner> summary;
  for (const Field<Owner>& field : fields) {
    summary.mean.*field.value = MeanOf(owners, field.value);
    summary.deviation.*field.value = DeviationOf(owners, field.value);
  }
  return summary;
}

void CompareWithOracle(std::span<const Trial> complete, double unit_usd, Figures* figures) {
  double quality = 0;
  double cost_usd = 0;
  for (const Trial& trial : complete) {
    const ModelTrial& best = *std::max_element(
        trial.models.begin(), trial.models.end(), [](const ModelTrial& a, const ModelTrial& b) {
          return a.quality != b.quality ? a.quality < b.quality : a.cost_usd > b.cost_usd;
        });
    quality += best.quality;
    cost_usd += best.cost_usd;
  }
  const auto n = static_cast<double>(complete.size());
  figures->oracle_accuracy = quality / n;
  figures->oracle_cost_share = cost_usd / n / unit_usd;
}

void CompareWithBaselines(std::span<const Trial> complete, size_t model_count, Figures* figures,
                          std::vector<CurvePoint>* curve) {
  std::vector<double> qualities;
  std::vector<double> costs_usd;
  for (size_t m = 0; m < model_count; ++m) {
    qualities.push_back(Mean(Column(complete, m, &ModelTrial::quality)));
    costs_usd.push_back(Mean(Column(complete, m, &ModelTrial::cost_usd)));
  }
  size_t best = 0;
  size_t cheapest = 0;
  for (size_t m = 1; m < model_count; ++m) {
    if (qualities[m] > qualities[best] ||
        (qualities[m] == qualities[best] && costs_usd[m] < costs_usd[best])) {
      best = m;
    }
    if (costs_usd[m] < costs_usd[cheapest]) cheapest = m;
  }
  const double unit_usd = costs_usd[best] > 0 ? costs_usd[best] : kNotKnown;
  figures->best_single_accuracy = qualities[best];
  figures->random_accuracy = Mean(qualities);
  figures->random_cost_share = Mean(costs_usd) / unit_usd;
  if (!std::isnan(figures->random_cost_share)) {  // the price of every model is known
    figures->cheapest_accuracy = qualities[cheapest];
    figures->cheapest_cost_share = costs_usd[cheapest] / unit_usd;
  }
  CompareWithOracle(complete, unit_usd, figures);

  const std::vector<CurvePoint> exact = CostCurve(complete);
  figures->accuracy = exact.front().quality;
  figures->cost_share = exact.front().cost_usd / unit_usd;
  if (!std::isnan(figures->random_cost_share)) {
    const double parity_usd = CheapestCostOf(exact, qualities[best]);
    figures->parity_cost_share = parity_usd <= unit_usd ? parity_usd / unit_usd : 1;
  }
  for (const double tradeoff : kTradeoffs) {
    const CurvePoint point = PointAt(exact, tradeoff);
    curve->push_back({tradeoff, point.quality, point.cost_usd / unit_usd});
  }
}

void CompareWithinPair(std::span<const Trial> complete, const ModelPair& pair, Figures* figures) {
  std::vector<double> scores;
  for (const Trial& trial : complete) {
    scores.push_back(trial.models[pair.strong].success - trial.models[pair.weak].success);
  }
  const PairCurve curve(scores, Column(complete, pair.weak, &ModelTrial::quality),
                        Column(complete, pair.strong, &ModelTrial::quality));
  figures->apgr = curve.Apgr();
  figures->cpt50 = curve.CallShareFor(0.5);
  figures->cpt80 = curve.CallShareFor(0.8);
}

}  // namespace

bool Trial::IsComplete() const {
  return !choices.empty() &&
         std::none_of(models.begin(), models.end(), [](const ModelTrial& model) {
           return std::isnan(model.quality) || std::isnan(model.success);
         });
}

std::span<const Field<Figures>> FigureFields() { return kFigureFields; }
std::span<const Field<ModelFigures>> ModelFigureFields() { return kModelFigureFields; }
std::span<const double> Tradeoffs() { return kTradeoffs; }

SplitFigures ComputeFigures(std::span<const Trial> trials, size_t model_count,
                            std::optional<ModelPair> pair) {
  SplitFigures figures;
  for (size_t m = 0; m < model_count; ++m) figures.models.push_back(FiguresOfModel(trials, m));
  const std::span<const ModelFigures> models = figures.models;
  Figures& overall = figures.overall;
  overall.auc = MeanOf(models, &ModelFigures::auc);
  overall.brier = MeanOf(models, &ModelFigures::brier);
  overall.calibration_error = MeanOf(models, &ModelFigures::calibration_error);
  overall.calibration_noise_floor = MeanOf(models, &ModelFigures::calibration_noise_floor);
  overall.interval_coverage = MeanOf(models, &ModelFigures::interval_coverage);

  std::vector<Trial> complete;
  std::copy_if(trials.begin(), trials.end(), std::back_inserter(complete),
               [](const Trial& trial) { return trial.IsComplete(); });
  overall.queries = static_cast<double>(complete.size());
  overall.incomplete = static_cast<double>(trials.size() - complete.size());
  if (!trials.empty()) {
    const auto unfamiliar = std::count_if(trials.begin(), trials.end(), [](const Trial& trial) {
      return trial.familiarity < kUnfamiliar;
    });
    overall.unfamiliar_share = static_cast<double>(unfamiliar) / static_cast<double>(trials.size());
  }
  if (complete.empty()) return figures;
  CompareWithBaselines(complete, model_count, &overall, &figures.curve);
  if (pair.has_value()) CompareWithinPair(complete, *pair, &overall);
  return figures;
}

Summary<Figures> Summarise(std::span<const Figures> figures) {
  return SummariseFields(figures, FigureFields());
}

Summary<ModelFigures> Summarise(std::span<const ModelFigures> figures) {
  return SummariseFields(figures, ModelFigureFields());
}

}  // namespace pointsman::evaluate
