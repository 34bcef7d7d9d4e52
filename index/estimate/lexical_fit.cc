// Ridge regression on hashed words: 16,384 features, a few hundred of them in each text. Too many
// for a decomposition, so the normal equations are solved by conjugate gradients, all target
// columns in one pass over the sparse matrix.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "index/estimate/view_fit.h"

namespace pointsman::estimate {
namespace {

using Eigen::Index;

// Strongest first: each solution is the start of the next, which is close by.
constexpr double kPenalties[] = {100, 30, 10, 3, 1};
constexpr int kMaxIterations = 30;
constexpr float kTolerance = 1e-3F;  // of the residual's norm; the left-out error no longer moves
// Up to here every fold takes part in the choice of the penalty; above, the first one speaks for
// all.
constexpr size_t kFullSearchRows = 4000;

using Rows = std::vector<const std::vector<LexicalTerm>*>;
using Array = Eigen::Array<float, 1, Eigen::Dynamic>;

struct Problem {
  Rows rows;
  MatrixXf value;   // rows x t, minus its weighted mean
  MatrixXf weight;  // rows x t
  Array mean;       // t

  Problem(const std::vector<std::vector<LexicalTerm>>& texts, const Targets& targets,
          const std::vector<Index>& subset)
      : value(static_cast<Index>(subset.size()), targets.value.cols()),
        weight(value.rows(), value.cols()) {
    for (size_t i = 0; i < subset.size(); ++i) {
      rows.push_back(&texts[static_cast<size_t>(subset[i])]);
      value.row(static_cast<Index>(i)) = targets.value.row(subset[i]).cast<float>();
      weight.row(static_cast<Index>(i)) = targets.weight.row(subset[i]).cast<float>();
    }
    mean = weight.cwiseProduct(value).colwise().sum().array() /
           weight.colwise().sum().array().max(1e-9F);
    value.rowwise() -= mean.matrix();
  }
};

// out = A x: rows x t.
void Multiply(const Rows& rows, const MatrixXf& x, MatrixXf* out) {
  const Index columns = x.cols();
  out->setZero(static_cast<Index>(rows.size()), columns);
  for (size_t i = 0; i < rows.size(); ++i) {
    float* to = &(*out)(static_cast<Index>(i), 0);
    for (const LexicalTerm& term : *rows[i]) {
      const float* from = &x(term.bucket, 0);
      for (Index t = 0; t < columns; ++t) to[t] += term.value * from[t];
    }
  }
}

// out = A' r: buckets x t.
void MultiplyTransposed(const Rows& rows, const MatrixXf& r, MatrixXf* out) {
  const Index columns = r.cols();
  out->setZero(kLexicalBuckets, columns);
  for (size_t i = 0; i < rows.size(); ++i) {
    const float* from = &r(static_cast<Index>(i), 0);
    for (const LexicalTerm& term : *rows[i]) {
      float* to = &(*out)(term.bucket, 0);
      for (Index t = 0; t < columns; ++t) to[t] += term.value * from[t];
    }
  }
}

Array ColumnDots(const MatrixXf& a, const MatrixXf& b) {
  return a.cwiseProduct(b).colwise().sum().array();
}

// Solves (A'VA + penalty I) x = A'V z for every column, from `x` on. Columns go their own ways:
// each has its own step lengths, and stops moving once it has converged.
void Solve(const Problem& problem, const Array& penalty, MatrixXf* x) {
  MatrixXf fitted;
  MatrixXf image;
  const auto apply = [&](const MatrixXf& from, MatrixXf* to) {
    Multiply(problem.rows, from, &fitted);
    fitted.array() *= problem.weight.array();
    MultiplyTransposed(problem.rows, fitted, to);
    to->array() += from.array().rowwise() * penalty;
  };
  MatrixXf right;
  MultiplyTransposed(problem.rows, problem.weight.cwiseProduct(problem.value), &right);
  apply(*x, &image);
  MatrixXf residual = right - image;
  MatrixXf direction = residual;
  Array size = ColumnDots(residual, residual);
  const Array goal = ColumnDots(right, right) * (kTolerance * kTolerance);
  for (int i = 0; i < kMaxIterations && (size > goal).any(); ++i) {
    apply(direction, &image);
    const Array curvature = ColumnDots(direction, image);
    const Array step = (size > goal).select(size / curvature.max(1e-30F), 0.0F);
    x->array() += direction.array().rowwise() * step;
    residual.array() -= image.array().rowwise() * step;
    const Array next = ColumnDots(residual, residual);
    const Array momentum = (size > goal).select(next / size.max(1e-30F), 0.0F);
    direction = residual.array() + direction.array().rowwise() * momentum;
    size = next;
  }
}

}  // namespace

LinearView FitLexicalView(const std::vector<std::vector<LexicalTerm>>& texts,
                          const std::vector<int>& fold, int folds, const Targets& targets,
                          const StepProgress& progress) {
  const Index columns = targets.value.cols();
  const auto select = [&](auto&& keep) {
    std::vector<Index> subset;
    for (size_t i = 0; i < texts.size(); ++i) {
      if (keep(fold[i])) subset.push_back(static_cast<Index>(i));
    }
    return subset;
  };
  const auto predict = [&](const Problem& problem, const MatrixXf& x,
                           const std::vector<Index>& subset, LeftOut* left_out) {
    for (const Index i : subset) {
      Array sum = problem.mean;
      for (const LexicalTerm& term : texts[static_cast<size_t>(i)]) {
        sum += term.value * x.row(term.bucket).array();
      }
      left_out->row(i) = sum.matrix().cast<double>();
    }
  };

  // Choose the penalty of each group on the first folds, then predict the other folds with it.
  const int search_folds = texts.size() <= kFullSearchRows ? folds : 1;
  const double steps =
      search_folds * static_cast<double>(std::size(kPenalties)) + (folds - search_folds) + 1;
  double done = 0;
  const auto advance = [&] { progress(++done / steps); };
  std::vector<LeftOut> candidates(std::size(kPenalties),
                                  LeftOut::Zero(static_cast<Index>(texts.size()), columns));
  for (int f = 0; f < search_folds; ++f) {
    const Problem problem(texts, targets, select([f](int other) { return other != f; }));
    const std::vector<Index> held_out = select([f](int other) { return other == f; });
    MatrixXf x = MatrixXf::Zero(kLexicalBuckets, columns);
    for (size_t p = 0; p < std::size(kPenalties); ++p) {
      Solve(problem, Array::Constant(columns, static_cast<float>(kPenalties[p])), &x);
      predict(problem, x, held_out, &candidates[p]);
      advance();
    }
  }
  LinearView view;
  view.left_out = LeftOut::Zero(static_cast<Index>(texts.size()), columns);
  Array penalty(columns);
  const std::vector<Index> searched = select([&](int f) { return f < search_folds; });
  for (const TargetGroup& group : targets.groups) {
    double best = std::numeric_limits<double>::infinity();
    for (size_t p = 0; p < std::size(kPenalties); ++p) {
      double error = 0;
      for (const Index i : searched) {
        for (Index t = group.first; t < group.first + group.columns; ++t) {
          const double miss = candidates[p](i, t) - targets.value(i, t);
          error += targets.weight(i, t) * miss * miss;
        }
      }
      if (error >= best) continue;
      best = error;
      penalty.segment(group.first, group.columns) = static_cast<float>(kPenalties[p]);
      view.left_out.middleCols(group.first, group.columns) =
          candidates[p].middleCols(group.first, group.columns);
    }
  }
  for (int f = search_folds; f < folds; ++f) {
    const Problem problem(texts, targets, select([f](int other) { return other != f; }));
    MatrixXf x = MatrixXf::Zero(kLexicalBuckets, columns);
    Solve(problem, penalty, &x);
    predict(problem, x, select([f](int other) { return other == f; }), &view.left_out);
    advance();
  }
  const Problem all(texts, targets, select([](int) { return true; }));
  MatrixXf x = MatrixXf::Zero(kLexicalBuckets, columns);
  Solve(all, penalty, &x);
  advance();
  view.slope = x.cast<double>();
  view.intercept = all.mean.matrix().transpose().cast<double>();
  return view;
}

}  // namespace pointsman::estimate
