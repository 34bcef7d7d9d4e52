#include "reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "index/estimate/form_features.h"
#include "index/estimate/lexical_features.h"
#include "index/estimate/views.h"

namespace pointsman::estimate {
namespace {

using Vector = std::vector<double>;

// Constants of estimator.h's formulas.
constexpr double kFullTrustFamiliarity = 0.02;
constexpr double kMinEvidence = 0.5;
constexpr double kMinTokenShare = 0.1;
constexpr double kNormalQuantile95 = 1.6448536269514722;

// intercept + x' slope.
Vector Apply(const bundle::v1::LinearMap& map, const Vector& x) {
  Vector out(map.intercept().begin(), map.intercept().end());
  const int outputs = map.slope().columns();
  for (int i = 0; i < static_cast<int>(x.size()); ++i) {
    for (int o = 0; o < outputs; ++o) {
      out[static_cast<size_t>(o)] +=
          x[static_cast<size_t>(i)] * static_cast<double>(map.slope().values(i * outputs + o));
    }
  }
  return out;
}

Vector Softmax(const Vector& logits, double temperature) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  Vector mix;
  double sum = 0;
  for (const double logit : logits) {
    mix.push_back(std::exp((logit - largest) / temperature));
    sum += mix.back();
  }
  for (double& share : mix) share /= sum;
  return mix;
}

Vector Doubles(std::span<const float> values) { return Vector(values.begin(), values.end()); }

// Form features in units of their deviations from their means, cut at four; 0 where there is no
// text or the feature never varies.
Vector StandardisedForm(const bundle::v1::Calibration& calibration, const Query& query) {
  Vector form(kFormFeatures, 0.0);
  if (!query.text.has_value()) return form;
  FormScratch scratch;
  const FormFeatures features = ExtractForm(*query.text, &scratch);
  for (int f = 0; f < kFormFeatures; ++f) {
    const auto deviation = static_cast<double>(calibration.form_deviations(f));
    if (deviation <= 0) continue;
    const double z = (static_cast<double>(features[static_cast<size_t>(f)]) -
                      static_cast<double>(calibration.form_means(f))) /
                     deviation;
    form[static_cast<size_t>(f)] = std::clamp(z, -4.0, 4.0);
  }
  return form;
}

double Logit(double p) { return std::log(p / (1 - p)); }

// (sum of weights)^2 / sum of squares.
double EffectiveNumber(double sum, double squares) { return squares > 0 ? sum * sum / squares : 0; }

}  // namespace

// exp((s_i - s_1) / tau).
double Reference::Kernel(const Query& query, size_t neighbour, double bandwidth) const {
  return std::exp((static_cast<double>(query.neighbours[neighbour].similarity) -
                   static_cast<double>(query.neighbours[0].similarity)) /
                  bandwidth);
}

std::vector<Vector> Reference::Views(const Query& query) const {
  const auto columns = static_cast<size_t>(targets_.value.cols());
  std::vector<Vector> views(kViews, Vector(columns, 0.0));
  const Vector x = Doubles(query.centred);
  const Vector logits = Apply(calibration_.capability_head(), x);
  int t = 0;
  for (const bundle::v1::TargetGroup& group : calibration_.groups()) {
    const Vector mix = Softmax(logits, group.temperature());
    for (int j = 0; j < group.means_size(); ++j, ++t) {
      double prior = 0;
      for (int c = 0; c < static_cast<int>(mix.size()); ++c) {
        prior += mix[static_cast<size_t>(c)] *
                 static_cast<double>(group.capability_means().values(c * group.means_size() + j));
      }
      double sum = 0, squares = 0, weighted = 0;
      for (size_t i = 0; i < query.neighbours.size(); ++i) {
        const int row = query.neighbours[i].row;
        const double w = Kernel(query, i, group.bandwidth()) * targets_.weight(row, t);
        sum += w;
        squares += w * w;
        weighted += w * targets_.value(row, t);
      }
      const double evidence = EffectiveNumber(sum, squares);
      const double kappa = group.prior_strength();
      views[kCapabilityView][static_cast<size_t>(t)] = prior;
      views[kKernelView][static_cast<size_t>(t)] =
          evidence > 0 ? (kappa * prior + evidence * weighted / sum) / (kappa + evidence) : prior;
    }
  }
  views[kLinearView] = Apply(calibration_.linear_view(), x);
  if (!query.text.has_value()) return views;
  views[kFormView] = Apply(calibration_.form_view(), StandardisedForm(calibration_, query));
  LexicalExtractor extractor;
  Vector words(kLexicalBuckets, 0.0);
  for (const LexicalTerm& term : extractor.Extract(query.tokens)) {
    words[term.bucket] += static_cast<double>(term.value);
  }
  views[kLexicalView] = Apply(calibration_.lexical_view(), words);
  return views;
}

// mean + sum over views of weight * (view - mean); the level view sees the blended level.
Vector Reference::Blended(const Query& query) const {
  std::vector<Vector> views = Views(query);
  Vector blended;
  size_t t = 0;
  for (int g = 0; g < calibration_.groups_size(); ++g) {
    const bundle::v1::TargetGroup& group = calibration_.groups(g);
    if (group.kind() == bundle::v1::TARGET_KIND_CONTRAST) {
      const double level = blended[0] - calibration_.groups(0).means(0);
      const Vector contrasts =
          Apply(query.text.has_value() ? calibration_.level_view()
                                       : calibration_.level_view_without_text(),
                {level, level * level});
      std::copy(contrasts.begin(), contrasts.end(), views[kLevelView].begin() + 1);
    }
    const auto& weights = query.text.has_value() ? group.blend() : group.blend_without_text();
    for (int j = 0; j < group.means_size(); ++j, ++t) {
      double sum = group.means(j);
      for (int v = 0; v < kViews; ++v) {
        sum += weights.Get(j * kViews + v) * (views[static_cast<size_t>(v)][t] - group.means(j));
      }
      blended.push_back(sum);
    }
  }
  return blended;
}

double Reference::Familiarity(const Query& query) const {
  const bundle::v1::FamiliarityModel& model = calibration_.familiarity();
  const auto z = [&](double value, int term) {
    return (value - model.term_means(term)) / model.term_deviations(term);
  };
  double projection = 0;
  for (int j = 0; j < model.discriminant_size(); ++j) {
    projection += static_cast<double>(model.discriminant(j)) *
                  static_cast<double>(query.question_unit[static_cast<size_t>(j)]);
  }
  double score = z(projection, 1) +
                 kSimilarityShare * z(static_cast<double>(query.neighbours[0].similarity), 2);
  if (!query.tokens.empty()) {
    double sum = 0;
    for (const uint32_t token : query.tokens) {
      sum += static_cast<double>(model.token_scores(static_cast<int>(token)));
    }
    score += z(sum / std::sqrt(static_cast<double>(query.tokens.size())), 0);
  }
  int bin = 0;
  int begin = 0;
  while (bin < model.length_bounds_size() &&
         static_cast<int>(query.tokens.size()) >= model.length_bounds(bin)) {
    begin += model.bin_sizes(bin++);
  }
  int not_above = 0;
  for (int i = begin; i < begin + model.bin_sizes(bin); ++i) {
    not_above += static_cast<double>(model.bin_scores(i)) <= score;
  }
  return (not_above + 1.0) / (model.bin_sizes(bin) + 1.0);
}

double Reference::MeasuredEvidence(const Query& query, int model) const {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < query.neighbours.size(); ++i) {
    if (labels_.weight(query.neighbours[i].row, model) != 1) continue;
    const double w = Kernel(query, i, calibration_.groups(0).bandwidth());
    sum += w;
    squares += w * w;
  }
  return EffectiveNumber(sum, squares);
}

double Reference::AllEvidence(const Query& query, int model) const {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < query.neighbours.size(); ++i) {
    const double w = Kernel(query, i, calibration_.groups(0).bandwidth());
    const double weight = labels_.weight(query.neighbours[i].row, model);
    sum += w * weight;
    squares += w * w * weight;
  }
  return EffectiveNumber(sum, squares);
}

ReferenceEstimate Reference::Estimate(const Query& query) const {
  ReferenceEstimate estimate;
  estimate.familiarity = Familiarity(query);
  estimate.capabilities = Softmax(Apply(calibration_.capability_head(), Doubles(query.centred)),
                                  calibration_.capability_temperature());
  const Vector blended = Blended(query);
  estimate.difficulty = std::numeric_limits<double>::quiet_NaN();
  Vector tokens(static_cast<size_t>(labels_.quality.cols()), 1.0);  // relative to the model's mean
  for (const TargetGroup& group : targets_.groups) {
    const auto first = blended.begin() + group.first;
    if (group.kind == bundle::v1::TARGET_KIND_DIFFICULTY) {
      estimate.difficulty = std::clamp(*first, 0.0, 1.0);
    } else if (group.kind == bundle::v1::TARGET_KIND_TOKENS) {
      tokens.assign(first, first + group.columns);
    } else if (group.kind == bundle::v1::TARGET_KIND_CAPABILITY) {
      // The mix of the head gives way to what all views say, kept positive and adding up to 1.
      double sum = 0;
      for (auto it = first; it != first + group.columns; ++it) sum += std::max(*it, 0.0);
      for (Eigen::Index c = 0; sum > 0 && c < group.columns; ++c) {
        estimate.capabilities[static_cast<size_t>(c)] = std::max(first[c], 0.0) / sum;
      }
    }
  }
  const bundle::v1::Uncertainty& uncertainty = calibration_.uncertainty();
  const bundle::v1::PlattScaling& scaling =
      query.text.has_value() ? calibration_.scaling() : calibration_.scaling_without_text();
  const auto models = static_cast<int>(labels_.quality.cols());
  const double trust = std::min(1.0, estimate.familiarity / kFullTrustFamiliarity);
  for (int m = 0; m < models; ++m) {
    ModelEstimate& model = estimate.models.emplace_back();
    const double raw = std::clamp(blended[0] + blended[static_cast<size_t>(1 + m)], 0.01, 0.99);
    const double fitted =
        1 / (1 + std::exp(-(scaling.slope() * Logit(raw) + scaling.intercepts(m))));
    double prior = 0;
    for (int c = 0; c < static_cast<int>(estimate.capabilities.size()); ++c) {
      prior += estimate.capabilities[static_cast<size_t>(c)] *
               static_cast<double>(calibration_.declared_success().values(c * models + m));
    }
    double between_capabilities = 0;
    for (int c = 0; c < static_cast<int>(estimate.capabilities.size()); ++c) {
      between_capabilities +=
          estimate.capabilities[static_cast<size_t>(c)] *
          std::pow(
              static_cast<double>(calibration_.declared_success().values(c * models + m)) - prior,
              2);
    }
    const double worth = std::max(
        0.5, std::min(AllEvidence(query, m) + uncertainty.strength(), labels_.weight.col(m).sum()));
    model.success = trust * fitted + (1 - trust) * prior;
    model.deviation =
        trust * std::sqrt(fitted * (1 - fitted) * (uncertainty.base_variance() + 1 / worth)) +
        (1 - trust) * (uncertainty.prior_deviation(m) + std::sqrt(between_capabilities));
    model.lower = std::max(0.0, model.success - kNormalQuantile95 * model.deviation);
    model.upper = std::min(1.0, model.success + kNormalQuantile95 * model.deviation);
    model.effective_evidence = MeasuredEvidence(query, m);
    model.output_tokens =
        calibration_.mean_tokens(m) * std::max(kMinTokenShare, tokens[static_cast<size_t>(m)]);
    model.has_outcomes = labels_.has_outcomes[static_cast<size_t>(m)];
    model.has_skill = labels_.has_skill[static_cast<size_t>(m)];
  }
  return estimate;
}

}  // namespace pointsman::estimate
