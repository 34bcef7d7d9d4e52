#include <algorithm>
#include <cmath>
#include <numeric>

#include "Eigen/Dense"
#include "index/estimate/familiarity.h"

namespace pointsman::estimate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Additive smoothing, in tokens, towards the vocabulary's own order of frequency.
constexpr double kExemplarSmoothing = 500;
constexpr double kBackgroundSmoothing = 2000;
// Zipf-Mandelbrot: the frequency of the entry at a rank is about 1/(rank + 2.7).
constexpr double kRankOffset = 2.7;
constexpr double kMaxTokenScore = 6;
// Share of the mean variance added to each direction of the discriminant's covariance.
constexpr double kCovarianceShrinkage = 0.3;

constexpr size_t kLengthBins = 3;
// The tails matter; this many order statistics of a bin give p-values to a fraction of a percent.
constexpr size_t kMaxScoresPerBin = 4096;

struct TokenCounts {
  std::vector<double> count;
  double total = 0;

  explicit TokenCounts(size_t vocabulary) : count(vocabulary, 0.0) {}
  void Add(std::span<const uint32_t> tokens, double sign) {
    for (const uint32_t token : tokens) {
      if (token >= count.size()) continue;
      count[token] += sign;
      total += sign;
    }
  }
};

class TokenScorer {
 public:
  TokenScorer(const TokenCounts& exemplars, const TokenCounts& background)
      : exemplars_(exemplars), background_(background), prior_(background.count.size()) {
    double sum = 0;
    for (size_t t = 0; t < prior_.size(); ++t) {
      prior_[t] = 1 / (static_cast<double>(t) + kRankOffset);
      sum += prior_[t];
    }
    for (double& p : prior_) p /= sum;
  }

  double Score(size_t token) const {
    const double in = (exemplars_.count[token] + kExemplarSmoothing * prior_[token]) /
                      (exemplars_.total + kExemplarSmoothing);
    const double out = (background_.count[token] + kBackgroundSmoothing * prior_[token]) /
                       (background_.total + kBackgroundSmoothing);
    return std::clamp(std::log(in / out), -kMaxTokenScore, kMaxTokenScore);
  }

  double Term(std::span<const uint32_t> tokens) const {
    if (tokens.empty()) return 0;
    double sum = 0;
    for (const uint32_t token : tokens) {
      if (token < prior_.size()) sum += Score(token);
    }
    return sum / std::sqrt(static_cast<double>(tokens.size()));
  }

 private:
  const TokenCounts& exemplars_;
  const TokenCounts& background_;
  std::vector<double> prior_;
};

// Sums from which the mean and the scatter of any subset of texts follow.
struct Moments {
  double count = 0;
  VectorXd sum;
  MatrixXd squares;

  explicit Moments(Index d) : sum(VectorXd::Zero(d)), squares(MatrixXd::Zero(d, d)) {}

  static Moments Of(const MatrixXd& rows) {
    Moments moments(rows.cols());
    moments.count = static_cast<double>(rows.rows());
    moments.sum = rows.colwise().sum().transpose();
    moments.squares.noalias() = rows.transpose() * rows;
    return moments;
  }
  VectorXd Mean() const { return sum / std::max(count, 1.0); }
  MatrixXd Scatter() const { return squares - sum * sum.transpose() / std::max(count, 1.0); }
};

VectorXd Discriminant(const Moments& exemplars, const Moments& background) {
  // Both classes count alike, however many exemplars there are.
  MatrixXd covariance = (exemplars.Scatter() / std::max(exemplars.count, 1.0) +
                         background.Scatter() / std::max(background.count, 1.0)) /
                        2;
  const double ridge =
      kCovarianceShrinkage * covariance.trace() / static_cast<double>(covariance.rows()) + 1e-9;
  covariance.diagonal().array() += ridge;
  return covariance.ldlt().solve(exemplars.Mean() - background.Mean());
}

MatrixXd UnitRows(std::span<const FamiliarityText> texts, const std::vector<size_t>& subset,
                  size_t dimension) {
  MatrixXd rows(static_cast<Index>(subset.size()), static_cast<Index>(dimension));
  for (size_t i = 0; i < subset.size(); ++i) {
    for (size_t j = 0; j < dimension; ++j) {
      rows(static_cast<Index>(i), static_cast<Index>(j)) =
          static_cast<double>(texts[subset[i]].unit[j]);
    }
  }
  return rows;
}

struct Standard {
  double mean = 0;
  double deviation = 1;
};
Standard Standardise(const std::vector<double>& values) {
  const double n = std::max(static_cast<double>(values.size()), 1.0);
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double deviation = std::sqrt(squares / n);
  return {mean, deviation > 1e-9 ? deviation : 1.0};
}

}  // namespace

bundle::v1::FamiliarityModel FitFamiliarity(std::span<const FamiliarityText> exemplars,
                                            std::span<const float> best_similarity,
                                            std::span<const int> fold, int folds,
                                            std::span<const FamiliarityText> background,
                                            size_t vocabulary_size) {
  const size_t n = exemplars.size();
  const size_t dimension = background[0].unit.size();
  TokenCounts exemplar_tokens(vocabulary_size);
  TokenCounts background_tokens(vocabulary_size);
  for (const FamiliarityText& text : exemplars) exemplar_tokens.Add(text.tokens, 1);
  for (const FamiliarityText& text : background) background_tokens.Add(text.tokens, 1);
  std::vector<size_t> all_background(background.size());
  std::iota(all_background.begin(), all_background.end(), size_t{0});
  const Moments background_moments = Moments::Of(UnitRows(background, all_background, dimension));

  std::vector<Moments> fold_moments;
  std::vector<std::vector<size_t>> members(static_cast<size_t>(folds));
  for (size_t i = 0; i < n; ++i) members[static_cast<size_t>(fold[i])].push_back(i);
  Moments all(static_cast<Index>(dimension));
  for (const std::vector<size_t>& member : members) {
    fold_moments.push_back(Moments::Of(UnitRows(exemplars, member, dimension)));
    all.count += fold_moments.back().count;
    all.sum += fold_moments.back().sum;
    all.squares += fold_moments.back().squares;
  }

  // Terms of each exemplar by a fit that has not seen its fold.
  std::vector<double> token_terms(n);
  std::vector<double> discriminant_terms(n);
  for (size_t f = 0; f < members.size(); ++f) {
    for (const size_t i : members[f]) exemplar_tokens.Add(exemplars[i].tokens, -1);
    Moments others = all;
    others.count -= fold_moments[f].count;
    others.sum -= fold_moments[f].sum;
    others.squares -= fold_moments[f].squares;
    const VectorXd w = Discriminant(others, background_moments);
    const TokenScorer scorer(exemplar_tokens, background_tokens);
    for (const size_t i : members[f]) {
      token_terms[i] = scorer.Term(exemplars[i].tokens);
      double projection = 0;
      for (size_t j = 0; j < dimension; ++j) {
        projection += w[static_cast<Index>(j)] * static_cast<double>(exemplars[i].unit[j]);
      }
      discriminant_terms[i] = projection;
    }
    for (const size_t i : members[f]) exemplar_tokens.Add(exemplars[i].tokens, 1);
  }
  const std::vector<double> similarity_terms(best_similarity.begin(), best_similarity.end());

  bundle::v1::FamiliarityModel model;
  const TokenScorer scorer(exemplar_tokens, background_tokens);
  for (size_t t = 0; t < vocabulary_size; ++t) {
    model.add_token_scores(static_cast<float>(scorer.Score(t)));
  }
  const VectorXd w = Discriminant(all, background_moments);
  for (const double value : w) model.add_discriminant(static_cast<float>(value));
  const Standard standards[] = {Standardise(token_terms), Standardise(discriminant_terms),
                                Standardise(similarity_terms)};
  for (const Standard& standard : standards) {
    model.add_term_means(standard.mean);
    model.add_term_deviations(standard.deviation);
  }

  std::vector<size_t> lengths(n);
  for (size_t i = 0; i < n; ++i) lengths[i] = exemplars[i].tokens.size();
  std::vector<size_t> sorted = lengths;
  std::sort(sorted.begin(), sorted.end());
  std::vector<size_t> bounds;
  for (size_t b = 1; b < kLengthBins; ++b) {
    bounds.push_back(n == 0 ? 0 : sorted[b * n / kLengthBins]);
    model.add_length_bounds(static_cast<int32_t>(bounds.back()));
  }
  std::vector<std::vector<float>> bins(kLengthBins);
  for (size_t i = 0; i < n; ++i) {
    const double score =
        (token_terms[i] - standards[0].mean) / standards[0].deviation +
        (discriminant_terms[i] - standards[1].mean) / standards[1].deviation +
        kSimilarityShare * (similarity_terms[i] - standards[2].mean) / standards[2].deviation;
    const auto bin = static_cast<size_t>(
        std::upper_bound(bounds.begin(), bounds.end(), lengths[i]) - bounds.begin());
    bins[bin].push_back(static_cast<float>(score));
  }
  for (std::vector<float>& bin : bins) {
    std::sort(bin.begin(), bin.end());
    const size_t kept = std::min(bin.size(), kMaxScoresPerBin);
    for (size_t i = 0; i < kept; ++i) {
      model.add_bin_scores(bin[kept == bin.size() ? i : i * (bin.size() - 1) / (kept - 1)]);
    }
    model.add_bin_sizes(static_cast<int32_t>(kept));
  }
  return model;
}

}  // namespace pointsman::estimate
