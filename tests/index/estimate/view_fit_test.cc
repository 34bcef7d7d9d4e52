#include "index/estimate/view_fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/estimate/regression.h"

namespace pointsman::estimate {
namespace {

using Eigen::Index;

const auto kNoProgress = [](double) {};

MatrixXf RandomUnitRows(Index n, Index d, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  MatrixXf x(n, d);
  for (float& value : x.reshaped()) value = normal(random);
  x.rowwise().normalize();
  return x;
}

// One column a group, all exemplars known.
Targets OneTarget(const VectorXd& value) {
  Targets targets;
  targets.value = value;
  targets.weight = MatrixXd::Ones(value.size(), 1);
  targets.mean = VectorXd::Constant(1, value.mean());
  targets.groups = {{bundle::v1::TARGET_KIND_LEVEL, 0, 1}};
  return targets;
}

double MeanSquaredError(const MatrixXd& prediction, const Targets& targets) {
  return (prediction - targets.value).squaredNorm() / static_cast<double>(prediction.size());
}

TEST(FindNeighboursTest, FindsWhatComparingWithEveryOtherFinds) {
  const MatrixXf x = RandomUnitRows(300, 6, 1);  // more than one block of rows
  const NeighbourLists lists = FindNeighbours(x, 20, kNoProgress);
  ASSERT_EQ(lists.row.cols(), 20);
  for (Index i = 0; i < 300; ++i) {
    std::vector<std::pair<float, int>> others;
    for (Index j = 0; j < 300; ++j) {
      if (j != i) others.push_back({-x.row(i).dot(x.row(j)), static_cast<int>(j)});
    }
    std::sort(others.begin(), others.end());
    std::set<int> seen;
    for (Index j = 0; j < 20; ++j) {
      EXPECT_NEAR(lists.similarity(i, j), -others[static_cast<size_t>(j)].first, 1e-5);
      EXPECT_NEAR(lists.similarity(i, j), x.row(i).dot(x.row(lists.row(i, j))), 1e-5);
      EXPECT_NE(lists.row(i, j), i) << "nobody is his own neighbour";
      seen.insert(lists.row(i, j));
    }
    EXPECT_EQ(seen.size(), 20u);
  }
}

TEST(FindNeighboursTest, WithFewExemplarsAllOthersAreNeighbours) {
  EXPECT_EQ(FindNeighbours(RandomUnitRows(5, 3, 2), 100, kNoProgress).row.cols(), 4);
  EXPECT_EQ(FindNeighbours(RandomUnitRows(1, 3, 2), 100, kNoProgress).row.cols(), 0);
}

TEST(FindNeighboursTest, EqualOnesComeByRow) {
  MatrixXf x(4, 2);
  x << 1, 0, 1, 0, 1, 0, 1, 0;
  const NeighbourLists lists = FindNeighbours(x, 3, kNoProgress);
  EXPECT_EQ(lists.row(1, 0), 0);
  EXPECT_EQ(lists.row(1, 1), 2);
  EXPECT_EQ(lists.row(1, 2), 3);
}

TEST(ClusterRowsTest, SeparatesWhatIsSeparate) {
  MatrixXf x(60, 3);
  for (Index i = 0; i < 60; ++i) x.row(i) = Eigen::RowVector3f::Unit(i / 20);
  x.array() += 0.05F * RandomUnitRows(60, 3, 4).array();
  x.rowwise().normalize();
  std::vector<size_t> order(60);
  for (size_t i = 0; i < 60; ++i) order[i] = i % 3 * 20 + i / 3;
  const std::vector<int> cluster = ClusterRows(x, 3, order);
  for (size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(cluster[i] == cluster[0], i < 20);
    EXPECT_EQ(cluster[i] == cluster[59], i >= 40);
  }
}

TEST(ClusterRowsTest, EveryExemplarHasAClusterWithinTheNumberAskedFor) {
  for (const Index n : {1, 7, 8, 300}) {
    std::vector<size_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), size_t{0});
    for (const int c : ClusterRows(RandomUnitRows(n, 4, 5), 16, order)) {
      EXPECT_GE(c, 0);
      EXPECT_LT(c, 16);
    }
  }
}

TEST(LinearViewTest, ChoosesThePenaltyWithTheSmallestLeftOutError) {
  const MatrixXd x = RandomUnitRows(80, 5, 6).cast<double>();
  const VectorXd slope{{1, -1, 0.5, 0, 0}};
  const Targets targets =
      OneTarget(x * slope + 0.3 * RandomUnitRows(80, 1, 7).cast<double>().col(0));
  const std::vector<double> penalties = {0.1, 1, 10, 100};
  const LinearView view = FitLinearView(x, targets, penalties);
  const RidgePath path(x, targets.weight.col(0));
  double best = 1e300;
  for (const double penalty : penalties) {
    best =
        std::min(best, MeanSquaredError(path.Fit(targets.value.col(0), penalty).left_out, targets));
  }
  EXPECT_NEAR(MeanSquaredError(view.left_out, targets), best, 1e-12);
}

TEST(CapabilityViewTest, LearnsToTellCapabilitiesApartAndTheirMeans) {
  MatrixXd x(90, 3);
  std::vector<int> capability;
  VectorXd value(90);
  for (Index i = 0; i < 90; ++i) {
    capability.push_back(static_cast<int>(i % 3));
    x.row(i) = Eigen::RowVector3d::Unit(i % 3);
    value[i] = 0.2 + 0.3 * static_cast<double>(i % 3);
  }
  x += 0.1 * RandomUnitRows(90, 3, 8).cast<double>();
  const Targets targets = OneTarget(value);
  const CapabilityView view = FitCapabilityView(x, capability, 3, targets);
  for (Index i = 0; i < 90; ++i) {
    VectorXd logits = view.intercept + view.slope.transpose() * x.row(i).transpose();
    Index best = 0;
    logits.maxCoeff(&best);
    EXPECT_EQ(best, i % 3);
  }
  // Close to the truth, drawn towards the mean by the shrinkage.
  EXPECT_NEAR(view.group_means[0](0, 0), 0.2, 0.08);
  EXPECT_NEAR(view.group_means[0](2, 0), 0.8, 0.08);
  EXPECT_LT(MeanSquaredError(view.left_out, targets), 0.01);
}

TEST(CapabilityViewTest, WithoutAnyLabelPredictsAboutTheMean) {
  const MatrixXd x = RandomUnitRows(40, 3, 9).cast<double>();
  const Targets targets = OneTarget(RandomUnitRows(40, 1, 10).cast<double>().col(0));
  const CapabilityView view = FitCapabilityView(x, std::vector<int>(40, -1), 2, targets);
  EXPECT_TRUE(view.left_out.allFinite());
  EXPECT_TRUE(view.slope.isZero());
}

TEST(KernelViewTest, IsTheShrunkWeightedMeanOfTheNeighbours) {
  const MatrixXf x = RandomUnitRows(50, 4, 11);
  const NeighbourLists neighbours = FindNeighbours(x, 10, kNoProgress);
  Targets targets = OneTarget(x.col(0).cast<double>());
  targets.weight(7, 0) = 0.25;
  targets.weight(8, 0) = 0;
  const LeftOut prior = MatrixXd::Constant(50, 1, 0.1);
  const KernelView view = FitKernelView(neighbours, targets, prior);
  for (Index i = 0; i < 50; ++i) {
    double sum = 0, squares = 0, weighted = 0;
    for (Index j = 0; j < 10; ++j) {
      const Index row = neighbours.row(i, j);
      const double w =
          targets.weight(row, 0) *
          std::exp(static_cast<double>(neighbours.similarity(i, j) - neighbours.similarity(i, 0)) /
                   view.bandwidth[0]);
      sum += w;
      squares += w * w;
      weighted += w * targets.value(row, 0);
    }
    const double evidence = sum * sum / squares;
    const double strength = view.prior_strength[0];
    EXPECT_NEAR(view.left_out(i, 0),
                (strength * 0.1 + evidence * weighted / sum) / (strength + evidence), 1e-12);
  }
}

TEST(KernelViewTest, WithoutNeighboursIsThePrior) {
  const NeighbourLists none = FindNeighbours(RandomUnitRows(1, 3, 12), 10, kNoProgress);
  const LeftOut prior = MatrixXd::Constant(1, 1, 0.4);
  const KernelView view = FitKernelView(none, OneTarget(VectorXd::Ones(1)), prior);
  EXPECT_DOUBLE_EQ(view.left_out(0, 0), 0.4);
  EXPECT_GT(view.bandwidth[0], 0);
}

TEST(LexicalViewTest, PredictsATargetThatAWordTells) {
  constexpr uint32_t kProve = 3;
  constexpr uint32_t kGreet = 4;
  LexicalExtractor extractor;
  std::vector<std::vector<LexicalTerm>> texts;
  std::vector<int> fold;
  VectorXd value(200);
  for (int i = 0; i < 200; ++i) {
    const bool hard = i % 2 == 0;
    texts.push_back(extractor.Extract(
        std::vector<uint32_t>{1, hard ? kProve : kGreet, 2, static_cast<uint32_t>(1000 + i)}));
    fold.push_back(i % 5);
    value[i] = hard ? 0 : 1;
  }
  const Targets targets = OneTarget(value);
  const LinearView view = FitLexicalView(texts, fold, 5, targets, kNoProgress);
  EXPECT_LT(MeanSquaredError(view.left_out, targets), 0.02) << "a constant has 0.25";
  const auto predict = [&](uint32_t verb) {
    double sum = view.intercept[0];
    for (const LexicalTerm& term : extractor.Extract(std::vector<uint32_t>{1, verb, 2, 999})) {
      sum += static_cast<double>(term.value) * view.slope(term.bucket, 0);
    }
    return sum;
  };
  EXPECT_GT(predict(kGreet), 0.8);
  EXPECT_LT(predict(kProve), 0.2);
}

class BlendTest : public ::testing::Test {
 protected:
  BlendTest() {
    const MatrixXd noise = RandomUnitRows(400, 3, 13).cast<double>();
    targets_ = OneTarget(RandomUnitRows(400, 2, 14).cast<double>().col(0));
    for (Index v = 0; v < 3; ++v) views_.push_back(targets_.value + noise.col(v));
    views_.push_back(-targets_.value);  // a view that is always wrong
    for (const LeftOut& view : views_) pointers_.push_back(&view);
  }
  Targets targets_;
  std::vector<LeftOut> views_;
  std::vector<const LeftOut*> pointers_;
};

TEST_F(BlendTest, IsAtLeastAsGoodAsAnyViewAlone) {
  const Blend blend = FitBlend(pointers_, targets_);
  const double blended = MeanSquaredError(blend.blended, targets_);
  for (const LeftOut& view : views_) EXPECT_LE(blended, MeanSquaredError(view, targets_) + 1e-12);
}

TEST_F(BlendTest, WeightsAreNotNegativeAndAHarmfulViewHasNone) {
  const Blend blend = FitBlend(pointers_, targets_);
  ASSERT_EQ(blend.weights.cols(), 1);
  ASSERT_EQ(blend.weights.rows(), 5) << "four views, and the level view comes last";
  EXPECT_GE(blend.weights.minCoeff(), 0);
  EXPECT_EQ(blend.weights(3, 0), 0);
  EXPECT_EQ(blend.weights(4, 0), 0) << "the level is not predicted from itself";
}

TEST_F(BlendTest, IsTheMeanAndTheWeightedDeviationsFromIt) {
  const Blend blend = FitBlend(pointers_, targets_);
  VectorXd expected = VectorXd::Constant(400, targets_.mean[0]);
  for (size_t v = 0; v < views_.size(); ++v) {
    expected.array() +=
        blend.weights(static_cast<Index>(v), 0) * (views_[v].col(0).array() - targets_.mean[0]);
  }
  EXPECT_LT((blend.blended.col(0) - expected).cwiseAbs().maxCoeff(), 1e-12);
}

TEST_F(BlendTest, ContrastsThatFollowTheLevelAreFoundByTheLevelView) {
  // Two models that differ the more, the easier the query; no view says so.
  const VectorXd level = targets_.value.col(0);
  Targets targets = targets_;
  targets.value.conservativeResize(400, 3);
  targets.value.col(1) = 0.5 * level;
  targets.value.col(2) = -0.5 * level;
  targets.weight = MatrixXd::Ones(400, 3);
  targets.mean = targets.value.colwise().mean().transpose();
  targets.groups = {{bundle::v1::TARGET_KIND_LEVEL, 0, 1},
                    {bundle::v1::TARGET_KIND_CONTRAST, 1, 2}};
  LeftOut view = targets.mean.transpose().replicate(400, 1);
  view.col(0) = level;
  const Blend blend = FitBlend({&view}, targets);
  EXPECT_GT(blend.weights(1, 1), 0.5);
  EXPECT_LT(MeanSquaredError(blend.blended, targets), 1e-3);
}

}  // namespace
}  // namespace pointsman::estimate
