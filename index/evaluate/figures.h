// The figures of one split: trials in, numbers out. A figure that cannot be had is NaN.
//
// Figures that compare models with one another, or with a choice among them, are over complete
// trials; those of a single model are over all trials on which it was measured. Costs are shares of
// what always calling the best single model costs: the model of the highest mean quality on the
// test part, known only afterwards, so a baseline that flatters itself.
#ifndef POINTSMAN_INDEX_EVALUATE_FIGURES_H_
#define POINTSMAN_INDEX_EVALUATE_FIGURES_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "index/evaluate/cost_curve.h"
#include "index/evaluate/trial.h"

namespace pointsman::evaluate {

// Two models of the catalogue, by index.
struct ModelPair {
  size_t weak = 0;
  size_t strong = 0;
};

struct Figures {
  double queries = 0;           // complete trials
  double incomplete = 0;        // the others
  double accuracy = kNotKnown;  // mean quality of the choice at tradeoff 0
  double cost_share = kNotKnown;
  double parity_cost_share =
      kNotKnown;  // of the cheapest tradeoff that matches the best single
                  // model; 1 where none does: then only that model itself does
  double best_single_accuracy = kNotKnown;
  double cheapest_accuracy = kNotKnown;
  double cheapest_cost_share = kNotKnown;
  double random_accuracy = kNotKnown;
  double random_cost_share = kNotKnown;
  double oracle_accuracy = kNotKnown;  // of the best model for each query, the cheapest of those
  double oracle_cost_share = kNotKnown;
  double auc = kNotKnown;  // this and the next four: means over models
  double brier = kNotKnown;
  double calibration_error = kNotKnown;
  double calibration_noise_floor = kNotKnown;
  double interval_coverage = kNotKnown;
  double apgr = kNotKnown;  // this and the next two: of the pair, if there is one
  double cpt50 = kNotKnown;
  double cpt80 = kNotKnown;
  double unfamiliar_share = kNotKnown;  // trials of a familiarity below kUnfamiliar
};

struct ModelFigures {
  double queries = 0;  // trials on which it was measured
  double accuracy = kNotKnown;
  double cost_usd = kNotKnown;  // mean of an answer
  double auc = kNotKnown;
  double brier = kNotKnown;
  double calibration_error = kNotKnown;
  double calibration_noise_floor = kNotKnown;
  double interval_coverage = kNotKnown;
};

inline constexpr double kUnfamiliar = 0.05;

// One figure of a struct of figures, for whatever treats all of them alike.
template <typename Owner>
struct Field {
  std::string_view name;
  double Owner::* value;
  std::string_view meaning;
};

std::span<const Field<Figures>> FigureFields();
std::span<const Field<ModelFigures>> ModelFigureFields();

struct SplitFigures {
  Figures overall;
  std::vector<ModelFigures> models;  // in catalogue order
  std::vector<CurvePoint> curve;     // at Tradeoffs(); the cost is a share, as above
};

// The tradeoffs at which the curve is reported.
std::span<const double> Tradeoffs();

SplitFigures ComputeFigures(std::span<const Trial> trials, size_t model_count,
                            std::optional<ModelPair> pair);

// Mean and standard deviation (of a sample) of `Owner`'s figures over several of it; NaN where
// there are too few of them that are known.
template <typename Owner>
struct Summary {
  Owner mean;
  Owner deviation;
};
Summary<Figures> Summarise(std::span<const Figures> figures);
Summary<ModelFigures> Summarise(std::span<const ModelFigures> figures);

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_FIGURES_H_
