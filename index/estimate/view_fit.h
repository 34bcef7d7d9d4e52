// Fits the views of the estimate, each with the predictions it makes of an exemplar that is left
// out.
//
// Build time only. Every hyper-parameter comes from a small grid by the left-out error itself,
// level apart from contrast apart from difficulty: nothing is tuned to one data set. Shapes: n
// exemplars, d features, t target columns, c capabilities, k neighbours.
#ifndef POINTSMAN_INDEX_ESTIMATE_VIEW_FIT_H_
#define POINTSMAN_INDEX_ESTIMATE_VIEW_FIT_H_

#include <functional>
#include <vector>

#include "Eigen/Dense"
#include "index/estimate/labels.h"
#include "index/estimate/lexical_features.h"

namespace pointsman::estimate {

using MatrixXf = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixXi = Eigen::Matrix<int, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Called with the share of a step that is done, 0..1.
using StepProgress = std::function<void(double share)>;

// Prediction of each target for each exemplar by a fit that has not seen it: n x t.
using LeftOut = MatrixXd;

struct LinearView {
  MatrixXd slope;      // d x t
  VectorXd intercept;  // t
  LeftOut left_out;
};
LinearView FitLinearView(const MatrixXd& x, const Targets& targets,
                         const std::vector<double>& penalties);

// For each exemplar its nearest others, best first, by the inner product of rows of `x` (n x d).
// With fewer than k others, k is what there is.
struct NeighbourLists {
  MatrixXi row;         // n x k
  MatrixXf similarity;  // n x k
};
NeighbourLists FindNeighbours(const MatrixXf& x, int k, const StepProgress& progress);

// Spherical k-means: the clusters that stand in where no exemplar has a capability. Starts from the
// first rows of `order`, a permutation. Returns the cluster of each row.
std::vector<int> ClusterRows(const MatrixXf& x, int clusters, const std::vector<size_t>& order);

// P(capability | vector) and, through the capabilities' mean outcomes, a prediction of each target.
struct CapabilityView {
  MatrixXd slope;          // d x c
  VectorXd intercept;      // c
  double temperature = 1;  // at which the mix itself is reported
  std::vector<double> group_temperature;
  std::vector<MatrixXd> group_means;  // c x columns of the group
  LeftOut left_out;
};
// `capability` is -1 where not labelled; such rows take part through the mix that the head gives.
CapabilityView FitCapabilityView(const MatrixXd& x, const std::vector<int>& capability,
                                 int capabilities, const Targets& targets);

// Kernel mean of the neighbours' targets, shrunk to the capability view.
struct KernelView {
  std::vector<double> bandwidth;       // of each group
  std::vector<double> prior_strength;  // of each group
  LeftOut left_out;
};
KernelView FitKernelView(const NeighbourLists& neighbours, const Targets& targets,
                         const LeftOut& prior);

// Ridge regression on hashed words by conjugate gradients; left out by fold, not one by one.
LinearView FitLexicalView(const std::vector<std::vector<LexicalTerm>>& texts,
                          const std::vector<int>& fold, int folds, const Targets& targets,
                          const StepProgress& progress);

// The views of one kind of query, blended: non-negative weights around the targets' means, level
// first, then the level view for the contrasts made of it.
struct Blend {
  MatrixXd weights;       // (views + 1) x t, the last of the level view
  LinearView level_view;  // inputs of the level -> contrasts
  MatrixXd blended;       // n x t, left out
};
Blend FitBlend(const std::vector<const LeftOut*>& views, const Targets& targets);

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_VIEW_FIT_H_
