#include "index/estimate/regression.h"

#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::estimate {
namespace {

using Eigen::Index;

class RandomNumbers {
 public:
  explicit RandomNumbers(unsigned seed) : engine_(seed) {}
  double Uniform(double from = 0, double to = 1) {
    return std::uniform_real_distribution<double>(from, to)(engine_);
  }
  double Normal() { return std::normal_distribution<double>()(engine_); }
  MatrixXd Matrix(Index rows, Index columns) {
    MatrixXd matrix(rows, columns);
    for (double& x : matrix.reshaped()) x = Normal();
    return matrix;
  }

 private:
  std::mt19937 engine_;
};

// Weighted ridge regression straight from its normal equations, intercept free of penalty.
LinearFit Refit(const MatrixXd& x, const VectorXd& weight, const VectorXd& z, double lambda) {
  MatrixXd a(x.rows(), x.cols() + 1);
  a << VectorXd::Ones(x.rows()), x;
  MatrixXd gram = a.transpose() * weight.asDiagonal() * a;
  gram.diagonal().tail(x.cols()).array() += lambda;
  const VectorXd solution = gram.ldlt().solve(a.transpose() * weight.cwiseProduct(z));
  LinearFit fit;
  fit.intercept = solution[0];
  fit.slope = solution.tail(x.cols());
  return fit;
}

TEST(RidgePathTest, FitsAsTheNormalEquationsDo) {
  RandomNumbers random(1);
  const MatrixXd x = random.Matrix(30, 5);
  VectorXd weight(30);
  for (double& w : weight) w = random.Uniform();
  const VectorXd z = random.Matrix(30, 1);
  const RidgePath path(x, weight);
  for (const double lambda : {0.1, 1.0, 30.0}) {
    const LinearFit fit = path.Fit(z, lambda);
    const LinearFit expected = Refit(x, weight, z, lambda);
    EXPECT_NEAR(fit.intercept, expected.intercept, 1e-10);
    EXPECT_LT((fit.slope - expected.slope).cwiseAbs().maxCoeff(), 1e-10);
  }
}

TEST(RidgePathTest, LeaveOneOutIsWhatARefitWithoutTheExemplarPredicts) {
  RandomNumbers random(2);
  const MatrixXd x = random.Matrix(25, 4);
  VectorXd weight(25);
  for (double& w : weight) w = random.Uniform(0.2, 1);
  weight[3] = 0;  // does not take part, and is predicted all the same
  const VectorXd z = random.Matrix(25, 1);
  const RidgePath path(x, weight);
  for (const double lambda : {0.3, 3.0, 100.0}) {
    const LinearFit fit = path.Fit(z, lambda);
    for (Index i = 0; i < 25; ++i) {
      VectorXd others = weight;
      others[i] = 0;
      const LinearFit without = Refit(x, others, z, lambda);
      EXPECT_NEAR(fit.left_out[i], without.intercept + x.row(i).dot(without.slope), 1e-9)
          << "exemplar " << i << " lambda " << lambda;
    }
  }
}

TEST(RidgePathTest, AWeightOfTwoIsAnExemplarThatOccursTwice) {
  RandomNumbers random(3);
  const MatrixXd x = random.Matrix(10, 3);
  const VectorXd z = random.Matrix(10, 1);
  VectorXd weight = VectorXd::Ones(10);
  weight[4] = 2;
  MatrixXd repeated(11, 3);
  repeated << x, x.row(4);
  VectorXd repeated_z(11);
  repeated_z << z, z[4];
  const LinearFit weighted = RidgePath(x, weight).Fit(z, 1);
  const LinearFit twice = RidgePath(repeated, VectorXd::Ones(11)).Fit(repeated_z, 1);
  EXPECT_NEAR(weighted.intercept, twice.intercept, 1e-10);
  EXPECT_LT((weighted.slope - twice.slope).cwiseAbs().maxCoeff(), 1e-10);
}

TEST(RidgePathTest, WithoutAnyWeightTheFitIsZero) {
  const LinearFit fit =
      RidgePath(MatrixXd::Ones(4, 2), VectorXd::Zero(4)).Fit(VectorXd::Ones(4), 1);
  EXPECT_EQ(fit.intercept, 0);
  EXPECT_TRUE(fit.slope.isZero());
  EXPECT_TRUE(fit.left_out.isZero());
}

// The least error over every set of columns that may be positive.
VectorXd BestOverActiveSets(const MatrixXd& gram, const VectorXd& moment) {
  const Index k = moment.size();
  VectorXd best = VectorXd::Zero(k);
  double best_error = 0;  // |Aw|^2 - 2 moment'w
  for (int set = 1; set < (1 << k); ++set) {
    std::vector<Index> columns;
    for (Index j = 0; j < k; ++j) {
      if ((set >> j) & 1) columns.push_back(j);
    }
    const MatrixXd sub = gram(columns, columns);
    const VectorXd solution = sub.ldlt().solve(VectorXd(moment(columns)));
    if (solution.minCoeff() < 0) continue;
    VectorXd w = VectorXd::Zero(k);
    w(columns) = solution;
    const double error = w.dot(gram * w) - 2 * moment.dot(w);
    if (error < best_error) {
      best_error = error;
      best = w;
    }
  }
  return best;
}

TEST(NonNegativeLeastSquaresTest, FindsTheBestOfAllActiveSets) {
  RandomNumbers random(5);
  for (int round = 0; round < 300; ++round) {
    const Index k = 1 + round % 6;
    const MatrixXd a = random.Matrix(20, k);
    const VectorXd b = random.Matrix(20, 1);
    const VectorXd w = NonNegativeLeastSquares(a.transpose() * a, a.transpose() * b);
    const VectorXd expected = BestOverActiveSets(a.transpose() * a, a.transpose() * b);
    EXPECT_LT((w - expected).cwiseAbs().maxCoeff(), 1e-8) << "round " << round;
  }
}

TEST(NonNegativeLeastSquaresTest, MeetsTheConditionsOfKarushKuhnAndTucker) {
  RandomNumbers random(6);
  for (int round = 0; round < 100; ++round) {
    const Index k = 12;
    MatrixXd a = random.Matrix(40, k);
    // Views predict alike: columns that are nearly the same.
    for (Index j = 1; j < k; ++j) a.col(j) = a.col(0) + 0.3 * a.col(j);
    const VectorXd b = random.Matrix(40, 1) + a.col(0);
    const MatrixXd gram = a.transpose() * a;
    const VectorXd moment = a.transpose() * b;
    const VectorXd w = NonNegativeLeastSquares(gram, moment);
    const VectorXd descent = moment - gram * w;
    const double tolerance = 1e-7 * moment.cwiseAbs().maxCoeff();
    for (Index j = 0; j < k; ++j) {
      EXPECT_GE(w[j], 0);
      EXPECT_LE(descent[j], tolerance) << "no column could still lower the error";
      if (w[j] > 0) {
        EXPECT_NEAR(descent[j], 0, tolerance) << "those in use are optimal";
      }
    }
  }
}

TEST(NonNegativeLeastSquaresTest, OfAViewThatOnlyHurtsIsZero) {
  EXPECT_TRUE(NonNegativeLeastSquares(MatrixXd::Identity(2, 2), VectorXd{{-1.0, -2.0}}).isZero());
  EXPECT_TRUE(NonNegativeLeastSquares(MatrixXd::Zero(3, 3), VectorXd::Zero(3)).isZero());
}

double LogLoss(const MatrixXd& p, const MatrixXd& outcome) {
  double loss = 0;
  for (Index i = 0; i < p.rows(); ++i) {
    for (Index m = 0; m < p.cols(); ++m) {
      loss -= outcome(i, m) * std::log(p(i, m)) + (1 - outcome(i, m)) * std::log(1 - p(i, m));
    }
  }
  return loss / static_cast<double>(p.size());
}

// Predictions that are too timid by a slope and off by an intercept for each model.
struct Planted {
  static constexpr double kSlope = 2;
  static constexpr double kIntercepts[] = {0.5, -1};
  MatrixXd p{4000, 2};
  MatrixXd outcome{4000, 2};

  Planted() {
    RandomNumbers random(9);
    for (Index i = 0; i < p.rows(); ++i) {
      for (Index m = 0; m < 2; ++m) {
        p(i, m) = random.Uniform(0.2, 0.8);
        const double truth = Sigmoid(kSlope * ClampedLogit(p(i, m)) + kIntercepts[m]);
        outcome(i, m) = random.Uniform() < truth;
      }
    }
  }
};

TEST(CalibratorTest, RecoversAPlantedSlopeAndIntercepts) {
  const Planted planted;
  const Calibrator calibrator = FitCalibrator(planted.p, planted.outcome, MatrixXd::Ones(4000, 2));
  EXPECT_NEAR(calibrator.slope, Planted::kSlope, 0.15);
  EXPECT_NEAR(calibrator.intercepts[0], Planted::kIntercepts[0], 0.15);
  EXPECT_NEAR(calibrator.intercepts[1], Planted::kIntercepts[1], 0.15);
}

TEST(CalibratorTest, LowersTheLogLoss) {
  const Planted planted;
  const Calibrator calibrator = FitCalibrator(planted.p, planted.outcome, MatrixXd::Ones(4000, 2));
  MatrixXd calibrated = planted.p;
  for (Index i = 0; i < calibrated.rows(); ++i) {
    for (Index m = 0; m < 2; ++m) {
      calibrated(i, m) = calibrator.Apply(planted.p(i, m), static_cast<size_t>(m));
    }
  }
  EXPECT_LT(LogLoss(calibrated, planted.outcome), LogLoss(planted.p, planted.outcome) - 0.02);
}

TEST(CalibratorTest, OutcomesWithoutWeightDoNotCount) {
  Planted planted;
  MatrixXd weight = MatrixXd::Ones(4000, 2);
  const Calibrator before =
      FitCalibrator(planted.p.topRows(2000), planted.outcome.topRows(2000), weight.topRows(2000));
  weight.bottomRows(2000).setZero();
  planted.outcome.bottomRows(2000).setOnes();
  const Calibrator after = FitCalibrator(planted.p, planted.outcome, weight);
  EXPECT_NEAR(before.slope, after.slope, 1e-9);
  EXPECT_NEAR(before.intercepts[1], after.intercepts[1], 1e-9);
}

TEST(CalibratorTest, WithoutOutcomesChangesNothing) {
  const Calibrator calibrator =
      FitCalibrator(MatrixXd::Constant(3, 2, 0.4), MatrixXd::Zero(3, 2), MatrixXd::Zero(3, 2));
  EXPECT_NEAR(calibrator.slope, 1, 1e-12);
  EXPECT_NEAR(calibrator.Apply(0.4, 1), 0.4, 1e-12);
}

TEST(CalibratorTest, AHandfulOfOutcomesDoesNotSwingIt) {
  // Three failures where success was all but certain.
  const Calibrator calibrator =
      FitCalibrator(MatrixXd::Constant(3, 1, 0.9), MatrixXd::Zero(3, 1), MatrixXd::Ones(3, 1));
  EXPECT_LT(calibrator.Apply(0.9, 0), 0.9);
  EXPECT_GT(calibrator.Apply(0.9, 0), 0.3);
}

TEST(CalibratorTest, RisesWithThePredictionAndStaysAProbability) {
  const Calibrator calibrator{1.7, {-0.3}};
  double last = 0;
  for (int i = -20; i <= 120; ++i) {
    const double p = calibrator.Apply(i / 100.0, 0);
    EXPECT_GT(p, 0);
    EXPECT_LT(p, 1);
    EXPECT_GE(p, last);
    last = p;
  }
}

}  // namespace
}  // namespace pointsman::estimate
