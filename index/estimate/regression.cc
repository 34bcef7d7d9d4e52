#include "index/estimate/regression.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "Eigen/Eigenvalues"

namespace pointsman::estimate {
namespace {

// An exemplar that alone decides its own prediction tells nothing when it is left out.
constexpr double kMaxLeverage = 0.95;
constexpr double kMinProbability = 0.01;
// Strength of the calibrator's prior, in units of its Hessian: some five certain outcomes.
constexpr double kSlopePrior = 5;
constexpr double kInterceptPrior = 1;

}  // namespace

double ClampedLogit(double p) {
  p = std::clamp(p, kMinProbability, 1 - kMinProbability);
  return std::log(p / (1 - p));
}

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

RidgePath::RidgePath(const MatrixXd& x, const VectorXd& weight)
    : weight_(weight), total_weight_(weight.sum()) {
  if (total_weight_ <= 0) {
    x_mean_ = VectorXd::Zero(x.cols());
    return;
  }
  x_mean_ = x.transpose() * weight / total_weight_;
  MatrixXd centred = x.rowwise() - x_mean_.transpose();
  const MatrixXd weighted = weight.cwiseSqrt().asDiagonal() * centred;
  MatrixXd gram = MatrixXd::Zero(x.cols(), x.cols());
  gram.noalias() = weighted.transpose() * weighted;
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(gram);
  eigenvalues_ = solver.eigenvalues().cwiseMax(0);
  basis_ = solver.eigenvectors();
  projected_.noalias() = centred * basis_;
  squared_ = projected_.cwiseProduct(projected_);
}

LinearFit RidgePath::Fit(const VectorXd& z, double lambda) const {
  LinearFit fit;
  if (total_weight_ <= 0) {
    fit.slope = VectorXd::Zero(x_mean_.size());
    fit.left_out = VectorXd::Zero(z.size());
    return fit;
  }
  const double z_mean = weight_.dot(z) / total_weight_;
  const VectorXd residual = weight_.cwiseProduct((z.array() - z_mean).matrix());
  const VectorXd shrink = (eigenvalues_.array() + lambda).inverse();
  const VectorXd coefficients = shrink.cwiseProduct(projected_.transpose() * residual);
  const VectorXd fitted = projected_ * coefficients;
  const VectorXd spread = squared_ * shrink;
  fit.slope = basis_ * coefficients;
  fit.intercept = z_mean - x_mean_.dot(fit.slope);
  fit.left_out.resize(z.size());
  for (Eigen::Index i = 0; i < z.size(); ++i) {
    const double prediction = z_mean + fitted[i];
    if (weight_[i] <= 0) {
      fit.left_out[i] = prediction;
      continue;
    }
    const double leverage = std::min(weight_[i] * (spread[i] + 1 / total_weight_), kMaxLeverage);
    fit.left_out[i] = z[i] - (z[i] - prediction) / (1 - leverage);
  }
  return fit;
}

VectorXd NonNegativeLeastSquares(const MatrixXd& gram, const VectorXd& moment) {
  const Eigen::Index k = moment.size();
  const double tolerance = 1e-10 * std::max(1e-300, moment.cwiseAbs().maxCoeff());
  VectorXd w = VectorXd::Zero(k);
  std::vector<Eigen::Index> active;  // columns that are free to be positive
  // Each round adds the column of steepest descent; inner steps drop those that turn negative. The
  // objective falls in every round, so no set repeats; the bound only guards against rounding.
  for (Eigen::Index round = 0; round < 3 * k; ++round) {
    const VectorXd descent = moment - gram * w;
    Eigen::Index best = -1;
    for (Eigen::Index j = 0; j < k; ++j) {
      if (std::find(active.begin(), active.end(), j) != active.end()) continue;
      if (descent[j] > tolerance && (best < 0 || descent[j] > descent[best])) best = j;
    }
    if (best < 0) break;
    active.push_back(best);
    while (!active.empty()) {
      const auto size = static_cast<Eigen::Index>(active.size());
      MatrixXd sub(size, size);
      VectorXd right(size);
      for (Eigen::Index a = 0; a < size; ++a) {
        right[a] = moment[active[static_cast<size_t>(a)]];
        for (Eigen::Index b = 0; b < size; ++b) {
          sub(a, b) = gram(active[static_cast<size_t>(a)], active[static_cast<size_t>(b)]);
        }
      }
      const VectorXd solution = sub.ldlt().solve(right);
      if (solution.minCoeff() > 0) {
        w.setZero();
        for (Eigen::Index a = 0; a < size; ++a) w[active[static_cast<size_t>(a)]] = solution[a];
        break;
      }
      // Go towards the solution until the first weight reaches zero, and drop that column.
      double step = 1;
      Eigen::Index drop = 0;
      for (Eigen::Index a = 0; a < size; ++a) {
        if (solution[a] > 0) continue;
        const double from = w[active[static_cast<size_t>(a)]];
        const double ratio = from / std::max(from - solution[a], 1e-300);
        if (ratio <= step) {
          step = ratio;
          drop = a;
        }
      }
      for (Eigen::Index a = 0; a < size; ++a) {
        double& weight = w[active[static_cast<size_t>(a)]];
        weight += step * (solution[a] - weight);
      }
      w[active[static_cast<size_t>(drop)]] = 0;
      active.erase(active.begin() + drop);
    }
  }
  return w;
}

double Calibrator::Apply(double p, size_t model) const {
  return Sigmoid(slope * ClampedLogit(p) + intercepts[model]);
}

Calibrator FitCalibrator(const MatrixXd& p, const MatrixXd& outcome, const MatrixXd& weight) {
  constexpr int kMaxSteps = 30;
  constexpr double kConverged = 1e-9;
  const Eigen::Index models = p.cols();
  VectorXd theta = VectorXd::Zero(models + 1);
  theta[0] = 1;
  VectorXd prior = VectorXd::Constant(models + 1, kInterceptPrior);
  prior[0] = kSlopePrior;
  VectorXd centre = VectorXd::Zero(models + 1);
  centre[0] = 1;
  for (int step = 0; step < kMaxSteps; ++step) {
    VectorXd gradient = prior.cwiseProduct(theta - centre);
    MatrixXd hessian = prior.asDiagonal();
    for (Eigen::Index m = 0; m < models; ++m) {
      for (Eigen::Index i = 0; i < p.rows(); ++i) {
        if (weight(i, m) <= 0) continue;
        const double x = ClampedLogit(p(i, m));
        const double q = Sigmoid(theta[0] * x + theta[m + 1]);
        const double error = weight(i, m) * (q - outcome(i, m));
        const double curvature = weight(i, m) * q * (1 - q);
        gradient[0] += error * x;
        gradient[m + 1] += error;
        hessian(0, 0) += curvature * x * x;
        hessian(0, m + 1) += curvature * x;
        hessian(m + 1, m + 1) += curvature;
      }
      hessian(m + 1, 0) = hessian(0, m + 1);
    }
    const VectorXd change = hessian.ldlt().solve(gradient);
    theta -= change;
    if (change.cwiseAbs().maxCoeff() < kConverged) break;
  }
  Calibrator calibrator;
  calibrator.slope = theta[0];
  calibrator.intercepts.assign(theta.data() + 1, theta.data() + theta.size());
  return calibrator;
}

}  // namespace pointsman::estimate
