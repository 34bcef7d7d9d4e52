#include "index/estimate/view_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "index/estimate/regression.h"
#include "index/estimate/views.h"

namespace pointsman::estimate {
namespace {

using Eigen::Index;

// Grids, wide enough that the left-out error has its minimum inside on all data seen so far.
constexpr double kBandwidths[] = {0.02, 0.05, 0.1, 0.2, 0.5};    // in cosine
constexpr double kPriorStrengths[] = {3, 10, 30, 100, 300};      // in exemplars
constexpr double kMeanStrengths[] = {3, 10, 30};                 // in exemplars
constexpr double kHeadPenalties[] = {1, 3, 10, 30, 100};         // for unit vectors
constexpr double kTemperatures[] = {0.02, 0.05, 0.1, 0.2, 0.4};  // of one-hot regressions
const std::vector<double> kLevelPenalties = {0.03, 0.1, 0.3};    // for differences of probability
// Pull of a model's own token blend to the shared one, in exemplars; the least of it keeps a model
// without measured tokens at the shared blend.
constexpr double kTokenBlendStrength = 100;
// Pull of the contrasts' blend to equal weights, as a share of what the exemplars say.
constexpr double kEqualWeight = 0.2;
constexpr double kEqualWeightShare = 0.3;
constexpr double kMinPull = 1e-9;
constexpr int kClusterRounds = 20;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double SquaredError(const Eigen::Ref<const VectorXd>& prediction, const Targets& targets, Index t) {
  return targets.weight.col(t).dot((prediction - targets.value.col(t)).cwiseAbs2());
}

void SoftmaxRow(const Eigen::Ref<const VectorXd>& logits, double temperature, VectorXd* out) {
  *out = ((logits.array() - logits.maxCoeff()) / temperature).exp();
  *out /= out->sum();
}

MatrixXd SoftmaxRows(const MatrixXd& logits, double temperature) {
  MatrixXd mix(logits.rows(), logits.cols());
  VectorXd row;
  for (Index i = 0; i < logits.rows(); ++i) {
    SoftmaxRow(logits.row(i).transpose(), temperature, &row);
    mix.row(i) = row.transpose();
  }
  return mix;
}

// Targets predicted through the mix, each exemplar's own outcomes taken out of the means again.
struct CapabilityPrior {
  MatrixXd left_out;  // n x columns
  MatrixXd means;     // c x columns
};
CapabilityPrior PriorFromMix(const MatrixXd& mix, const Targets& targets, Index first,
                             Index columns, double strength) {
  CapabilityPrior prior{MatrixXd::Zero(mix.rows(), columns), MatrixXd::Zero(mix.cols(), columns)};
  for (Index j = 0; j < columns; ++j) {
    const Index t = first + j;
    const VectorXd weighted = targets.weight.col(t).cwiseProduct(targets.value.col(t));
    const VectorXd numerator = (mix.transpose() * weighted).array() + strength * targets.mean[t];
    const VectorXd denominator = (mix.transpose() * targets.weight.col(t)).array() + strength;
    prior.means.col(j) = numerator.cwiseQuotient(denominator);
    for (Index i = 0; i < mix.rows(); ++i) {
      double sum = 0;
      for (Index c = 0; c < mix.cols(); ++c) {
        const double share = mix(i, c);
        sum += share * (numerator[c] - share * weighted[i]) /
               (denominator[c] - share * targets.weight(i, t));
      }
      prior.left_out(i, j) = sum;
    }
  }
  return prior;
}

// The targets of some columns alone, as one group.
Targets Columns(const Targets& targets, Index first, Index columns) {
  return {targets.value.middleCols(first, columns),
          targets.weight.middleCols(first, columns),
          targets.mean.segment(first, columns),
          {{bundle::v1::TARGET_KIND_UNSPECIFIED, 0, columns}}};
}

MatrixXd LevelInputs(const VectorXd& level, double mean) {
  MatrixXd inputs(level.size(), kLevelInputs);
  inputs.col(0) = level.array() - mean;
  inputs.col(1) = inputs.col(0).array().square();
  return inputs;
}

// Normal equations of a blend of `views` over some columns.
struct BlendProblem {
  MatrixXd gram;    // views x views
  VectorXd moment;  // views

  // Draws the solution to `weights` as if `share` as much again had been seen in their favour.
  // Views that say much the same would otherwise trade places from one sample to the next.
  void Pull(const VectorXd& weights, double share) {
    const double strength = share * gram.diagonal().mean() + kMinPull;
    gram.diagonal().array() += strength;
    moment += strength * weights;
  }

  void Add(const std::vector<MatrixXd>& views, const Targets& targets, Index t) {
    MatrixXd centred(targets.value.rows(), gram.cols());
    for (Index v = 0; v < gram.cols(); ++v) {
      centred.col(v) = views[static_cast<size_t>(v)].col(t).array() - targets.mean[t];
    }
    const MatrixXd weighted = targets.weight.col(t).asDiagonal() * centred;
    gram += weighted.transpose() * centred;
    moment += weighted.transpose() * (targets.value.col(t).array() - targets.mean[t]).matrix();
  }
};
BlendProblem EmptyProblem(size_t views) {
  const auto count = static_cast<Index>(views);
  return {MatrixXd::Zero(count, count), VectorXd::Zero(count)};
}

// Non-negative weights, views x columns. All columns share theirs, since weights of their own
// overfit; those of contrasts, which are mostly noise, are drawn to equal ones. But models differ
// in how their answers' lengths follow the query, so each column of tokens has its own, drawn to
// the shared ones.
MatrixXd BlendWeights(const std::vector<MatrixXd>& views, const Targets& targets,
                      bundle::v1::TargetKind kind) {
  BlendProblem shared = EmptyProblem(views.size());
  for (Index t = 0; t < targets.value.cols(); ++t) shared.Add(views, targets, t);
  if (kind == bundle::v1::TARGET_KIND_CONTRAST) {
    shared.Pull(VectorXd::Constant(shared.moment.size(), kEqualWeight), kEqualWeightShare);
  }
  const bool apart = kind == bundle::v1::TARGET_KIND_TOKENS;
  const VectorXd together = NonNegativeLeastSquares(shared.gram, shared.moment);
  MatrixXd weights = together.replicate(1, targets.value.cols());
  for (Index t = 0; apart && t < targets.value.cols(); ++t) {
    BlendProblem own = EmptyProblem(views.size());
    own.Add(views, targets, t);
    own.Pull(together, kTokenBlendStrength / std::max(targets.weight.col(t).sum(), 1.0));
    weights.col(t) = NonNegativeLeastSquares(own.gram, own.moment);
  }
  return weights;
}

}  // namespace

LinearView FitLinearView(const MatrixXd& x, const Targets& targets,
                         const std::vector<double>& penalties) {
  LinearView view{MatrixXd::Zero(x.cols(), targets.value.cols()),
                  VectorXd::Zero(targets.value.cols()),
                  LeftOut::Zero(x.rows(), targets.value.cols())};
  std::unique_ptr<RidgePath> path;
  Index path_column = -1;
  for (const auto& [kind, first, columns] : targets.groups) {
    std::vector<std::vector<LinearFit>> fits(penalties.size());
    std::vector<double> errors(penalties.size(), 0.0);
    for (Index t = first; t < first + columns; ++t) {
      // Where all outcomes were measured the weights are equal, and one decomposition serves all.
      if (path_column < 0 || targets.weight.col(t) != targets.weight.col(path_column)) {
        path = std::make_unique<RidgePath>(x, targets.weight.col(t));
        path_column = t;
      }
      for (size_t p = 0; p < penalties.size(); ++p) {
        fits[p].push_back(path->Fit(targets.value.col(t), penalties[p]));
        errors[p] += SquaredError(fits[p].back().left_out, targets, t);
      }
    }
    const auto best =
        static_cast<size_t>(std::min_element(errors.begin(), errors.end()) - errors.begin());
    for (Index j = 0; j < columns; ++j) {
      const LinearFit& fit = fits[best][static_cast<size_t>(j)];
      view.slope.col(first + j) = fit.slope;
      view.intercept[first + j] = fit.intercept;
      view.left_out.col(first + j) = fit.left_out;
    }
  }
  return view;
}

NeighbourLists FindNeighbours(const MatrixXf& x, int k, const StepProgress& progress) {
  constexpr Index kBlock = 256;
  const Index n = x.rows();
  const Index count = std::min<Index>(k, n - 1);
  NeighbourLists lists{MatrixXi(n, count), MatrixXf(n, count)};
  MatrixXf similarity;
  std::vector<int> order(static_cast<size_t>(n));
  for (Index begin = 0; begin < n; begin += kBlock) {
    const Index rows = std::min(kBlock, n - begin);
    similarity.noalias() = x.middleRows(begin, rows) * x.transpose();
    for (Index i = 0; i < rows; ++i) {
      similarity(i, begin + i) = -2;  // below any cosine: nobody is his own neighbour
      const float* row = &similarity(i, 0);
      const auto nearer = [row](int a, int b) {
        return row[a] != row[b] ? row[a] > row[b] : a < b;
      };
      std::iota(order.begin(), order.end(), 0);
      std::nth_element(order.begin(), order.begin() + count, order.end(), nearer);
      std::sort(order.begin(), order.begin() + count, nearer);
      for (Index j = 0; j < count; ++j) {
        lists.row(begin + i, j) = order[static_cast<size_t>(j)];
        lists.similarity(begin + i, j) = row[order[static_cast<size_t>(j)]];
      }
    }
    progress(static_cast<double>(begin + rows) / static_cast<double>(n));
  }
  return lists;
}

std::vector<int> ClusterRows(const MatrixXf& x, int clusters, const std::vector<size_t>& order) {
  const Index n = x.rows();
  const Index count = std::clamp<Index>(n / 8, 1, clusters);
  MatrixXf centres(count, x.cols());
  for (Index c = 0; c < count; ++c) {
    centres.row(c) = x.row(static_cast<Index>(order[static_cast<size_t>(c)]));
  }
  std::vector<int> cluster(static_cast<size_t>(n), 0);
  MatrixXf similarity;
  for (int round = 0; round < kClusterRounds; ++round) {
    similarity.noalias() = x * centres.transpose();
    MatrixXf sums = MatrixXf::Zero(count, x.cols());
    for (Index i = 0; i < n; ++i) {
      Index best = 0;
      similarity.row(i).maxCoeff(&best);
      cluster[static_cast<size_t>(i)] = static_cast<int>(best);
      sums.row(best) += x.row(i);
    }
    for (Index c = 0; c < count; ++c) {
      const float norm = sums.row(c).norm();
      if (norm > 1e-6F) centres.row(c) = sums.row(c) / norm;
    }
  }
  return cluster;
}

CapabilityView FitCapabilityView(const MatrixXd& x, const std::vector<int>& capability,
                                 int capabilities, const Targets& targets) {
  const Index n = x.rows();
  MatrixXd one_hot = MatrixXd::Zero(n, capabilities);
  VectorXd labelled = VectorXd::Zero(n);
  for (Index i = 0; i < n; ++i) {
    const int c = capability[static_cast<size_t>(i)];
    if (c < 0) continue;
    one_hot(i, c) = 1;
    labelled[i] = 1;
  }
  CapabilityView view;
  view.left_out = LeftOut::Zero(n, targets.value.cols());
  const RidgePath path(x, labelled);
  MatrixXd left_out_logits;
  double best_error = kInfinity;
  for (const double penalty : kHeadPenalties) {
    MatrixXd slope(x.cols(), capabilities);
    VectorXd intercept(capabilities);
    MatrixXd left_out(n, capabilities);
    for (Index c = 0; c < capabilities; ++c) {
      const LinearFit fit = path.Fit(one_hot.col(c), penalty);
      slope.col(c) = fit.slope;
      intercept[c] = fit.intercept;
      left_out.col(c) = fit.left_out;
    }
    const double error = labelled.dot((left_out - one_hot).rowwise().squaredNorm());
    if (error < best_error) {
      best_error = error;
      view.slope = slope;
      view.intercept = intercept;
      left_out_logits = left_out;
    }
  }

  std::vector<MatrixXd> mixes;
  double best_log_loss = kInfinity;
  for (const double temperature : kTemperatures) {
    mixes.push_back(SoftmaxRows(left_out_logits, temperature));
    double log_loss = 0;
    for (Index i = 0; i < n; ++i) {
      const int c = capability[static_cast<size_t>(i)];
      if (c >= 0) log_loss -= std::log(std::max(mixes.back()(i, c), 1e-9));
    }
    if (log_loss < best_log_loss) {
      best_log_loss = log_loss;
      view.temperature = temperature;
    }
  }
  for (const auto& [kind, first, columns] : targets.groups) {
    double best = kInfinity;
    view.group_temperature.push_back(1);
    view.group_means.emplace_back();
    for (size_t i = 0; i < mixes.size(); ++i) {
      for (const double strength : kMeanStrengths) {
        CapabilityPrior prior = PriorFromMix(mixes[i], targets, first, columns, strength);
        double error = 0;
        for (Index j = 0; j < columns; ++j) {
          error += SquaredError(prior.left_out.col(j), targets, first + j);
        }
        if (error >= best) continue;
        best = error;
        view.group_temperature.back() = kTemperatures[i];
        view.group_means.back() = std::move(prior.means);
        view.left_out.middleCols(first, columns) = prior.left_out;
      }
    }
  }
  return view;
}

KernelView FitKernelView(const NeighbourLists& neighbours, const Targets& targets,
                         const LeftOut& prior) {
  const Index n = neighbours.row.rows();
  const Index k = neighbours.row.cols();
  KernelView view;
  view.left_out = prior;
  for (const auto& [kind, first, columns] : targets.groups) {
    double best = kInfinity;
    view.bandwidth.push_back(kBandwidths[0]);
    view.prior_strength.push_back(kPriorStrengths[0]);
    MatrixXd mean(n, columns);
    MatrixXd evidence(n, columns);
    MatrixXd prediction(n, columns);
    VectorXd kernel(k);
    for (const double bandwidth : kBandwidths) {
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < k; ++j) {
          kernel[j] = std::exp(
              static_cast<double>(neighbours.similarity(i, j) - neighbours.similarity(i, 0)) /
              bandwidth);
        }
        for (Index c = 0; c < columns; ++c) {
          double sum = 0;
          double squares = 0;
          double weighted = 0;
          for (Index j = 0; j < k; ++j) {
            const Index row = neighbours.row(i, j);
            const double w = kernel[j] * targets.weight(row, first + c);
            sum += w;
            squares += w * w;
            weighted += w * targets.value(row, first + c);
          }
          mean(i, c) = sum > 0 ? weighted / sum : 0;
          evidence(i, c) = sum > 0 ? sum * sum / squares : 0;
        }
      }
      for (const double strength : kPriorStrengths) {
        prediction = (strength * prior.middleCols(first, columns).array() +
                      evidence.array() * mean.array()) /
                     (strength + evidence.array());
        double error = 0;
        for (Index c = 0; c < columns; ++c) {
          error += SquaredError(prediction.col(c), targets, first + c);
        }
        if (error >= best) continue;
        best = error;
        view.bandwidth.back() = bandwidth;
        view.prior_strength.back() = strength;
        view.left_out.middleCols(first, columns) = prediction;
      }
    }
  }
  return view;
}

Blend FitBlend(const std::vector<const LeftOut*>& views, const Targets& targets) {
  const Index count = static_cast<Index>(views.size());
  Blend blend;
  blend.weights = MatrixXd::Zero(count + 1, targets.value.cols());
  blend.blended = targets.mean.transpose().replicate(targets.value.rows(), 1);
  for (const auto& [kind, first, columns] : targets.groups) {
    std::vector<MatrixXd> predictions;
    for (const LeftOut* view : views) predictions.push_back(view->middleCols(first, columns));
    const Targets group = Columns(targets, first, columns);
    if (kind == bundle::v1::TARGET_KIND_CONTRAST) {
      blend.level_view =
          FitLinearView(LevelInputs(blend.blended.col(0), targets.mean[0]), group, kLevelPenalties);
      predictions.push_back(blend.level_view.left_out);
    }
    const MatrixXd weights = BlendWeights(predictions, group, kind);
    blend.weights.block(0, first, weights.rows(), columns) = weights;
    for (Index j = 0; j < columns; ++j) {
      for (Index v = 0; v < weights.rows(); ++v) {
        blend.blended.col(first + j).array() +=
            weights(v, j) *
            (predictions[static_cast<size_t>(v)].col(j).array() - targets.mean[first + j]);
      }
    }
  }
  return blend;
}

}  // namespace pointsman::estimate
