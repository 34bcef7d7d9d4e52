// The small statistics that the fit is made of, all closed form or convex, all with weights.
//
// Build time only: nothing here runs while serving. Shapes: n exemplars, d features, t targets.
#ifndef POINTSMAN_INDEX_ESTIMATE_REGRESSION_H_
#define POINTSMAN_INDEX_ESTIMATE_REGRESSION_H_

#include <span>
#include <vector>

#include "Eigen/Dense"

namespace pointsman::estimate {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// A linear function x -> slope' x + intercept, with its leave-one-out predictions.
struct LinearFit {
  VectorXd slope;  // d
  double intercept = 0;
  VectorXd left_out;  // n: what the fit without exemplar i predicts for it
};

// Ridge regression around the weighted means for several penalties at the price of one: from one
// eigen-decomposition of X'VX. Leave-one-out residuals are exact: e_i / (1 - h_i) with leverage h_i
// (Allen's PRESS statistic; Golub, Heath and Wahba 1979).
class RidgePath {
 public:
  // `x` is n x d and is shared by all targets of equal weights; `weight` is n, >= 0.
  RidgePath(const MatrixXd& x, const VectorXd& weight);

  // Fits target `z` (n) with penalty `lambda` > 0. With no weight at all the fit is zero.
  LinearFit Fit(const VectorXd& z, double lambda) const;

 private:
  VectorXd weight_;
  double total_weight_;
  VectorXd x_mean_;       // d
  VectorXd eigenvalues_;  // d
  MatrixXd basis_;        // d x d
  MatrixXd projected_;    // n x d
  MatrixXd squared_;      // n x d, of the above
};

// Weighted least squares with weights >= 0 on the columns (Lawson and Hanson 1974): minimises
// |A w - b| over w >= 0. `gram` is A'A (k x k), `moment` is A'b (k).
VectorXd NonNegativeLeastSquares(const MatrixXd& gram, const VectorXd& moment);

// Platt scaling with one slope for all models and an intercept for each (Platt 1999): fits
//   q = sigmoid(slope * logit(p) + intercept_m)
// by Newton's method on the weighted cross-entropy, drawn gently towards slope 1 and intercept 0 so
// that a handful of outcomes does no harm. All matrices are n x models; weight 0 where missing.
struct Calibrator {
  double slope = 1;
  std::vector<double> intercepts;

  double Apply(double p, size_t model) const;
};
Calibrator FitCalibrator(const MatrixXd& p, const MatrixXd& outcome, const MatrixXd& weight);

// log(p / (1-p)) with p kept within 0.01 to 0.99: beyond, a blend of linear views means nothing.
double ClampedLogit(double p);
double Sigmoid(double x);

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_REGRESSION_H_
