#include "index/estimate/fit.h"

#include <algorithm>
#include <cmath>

#include "index/estimate/familiarity.h"
#include "index/estimate/form_features.h"
#include "index/estimate/labels.h"
#include "index/estimate/regression.h"
#include "index/estimate/view_fit.h"
#include "index/estimate/views.h"
#include "index/stable_hash.h"

namespace pointsman::estimate {
namespace {

using bundle::v1::Calibration;
using Eigen::Index;

constexpr double kMinDeviation = 1e-6;

const std::vector<double>& VectorPenalties() {
  static const std::vector<double> penalties = {1, 3, 10, 30, 100};
  return penalties;
}
const std::vector<double>& FormPenalties() {
  static const std::vector<double> penalties = {10, 30, 100, 300, 1000, 3000};
  return penalties;
}
const std::vector<double>& TokenPenalties() {
  static const std::vector<double> penalties = {10, 30, 100, 300, 1000};
  return penalties;
}

template <typename Derived>
void WriteMatrix(const Eigen::MatrixBase<Derived>& matrix, bundle::v1::Matrix* to) {
  to->set_rows(static_cast<int32_t>(matrix.rows()));
  to->set_columns(static_cast<int32_t>(matrix.cols()));
  to->mutable_values()->Reserve(static_cast<int>(matrix.size()));
  for (Index i = 0; i < matrix.rows(); ++i) {
    for (Index j = 0; j < matrix.cols(); ++j) to->add_values(static_cast<float>(matrix(i, j)));
  }
}

void WriteMap(const MatrixXd& slope, const VectorXd& intercept, bundle::v1::LinearMap* to) {
  WriteMatrix(slope, to->mutable_slope());
  for (const double value : intercept) to->add_intercept(static_cast<float>(value));
}

// Form features of every text, standardised and clipped: n x f. Means and deviations go into the
// calibration, so that serving standardises alike.
MatrixXd FitForm(std::span<const EmbeddedText> texts, Calibration* calibration) {
  MatrixXd form(static_cast<Index>(texts.size()), kFormFeatures);
  FormScratch scratch;
  for (size_t i = 0; i < texts.size(); ++i) {
    const FormFeatures features = ExtractForm(texts[i].text, &scratch);
    for (size_t f = 0; f < features.size(); ++f) {
      form(static_cast<Index>(i), static_cast<Index>(f)) = static_cast<double>(features[f]);
    }
  }
  for (Index f = 0; f < form.cols(); ++f) {
    const double mean = form.col(f).mean();
    const double deviation =
        std::sqrt((form.col(f).array() - mean).square().mean());
    const bool varies = deviation > kMinDeviation;
    calibration->add_form_means(static_cast<float>(mean));
    calibration->add_form_deviations(varies ? static_cast<float>(deviation) : 0);
    form.col(f) = varies ? ((form.col(f).array() - mean) / deviation)
                               .max(-static_cast<double>(kMaxFormDeviation))
                               .min(static_cast<double>(kMaxFormDeviation))
                               .matrix()
                               .eval()
                         : VectorXd::Zero(form.rows());
  }
  return form;
}

void FitTokens(const MatrixXd& vectors, const MatrixXd& form, const Labels& labels,
               Calibration* calibration) {
  const Index models = labels.tokens.cols();
  Targets targets;
  targets.columns.assign(static_cast<size_t>(models), 1);
  targets.value = labels.tokens;
  targets.weight = labels.token_weight;
  targets.mean = VectorXd::Ones(models);
  double sum = 0;
  double known = 0;
  VectorXd means(models);
  for (Index m = 0; m < models; ++m) {
    const double weight = labels.token_weight.col(m).sum();
    means[m] = weight > 0 ? labels.token_weight.col(m).dot(labels.tokens.col(m)) / weight : 0;
    if (means[m] <= 0) continue;
    sum += means[m];
    known += 1;
  }
  constexpr double kUnknownTokens = 300;  // the API's default for an answer of unknown length
  for (Index m = 0; m < models; ++m) {
    if (means[m] <= 0) means[m] = known > 0 ? sum / known : kUnknownTokens;
    targets.value.col(m) /= means[m];
    calibration->add_mean_tokens(means[m]);
  }
  MatrixXd inputs(vectors.rows(), vectors.cols() + form.cols());
  inputs << static_cast<double>(kTokenVectorScale) * vectors,
      static_cast<double>(kTokenFormScale) * form;
  LinearView view = FitLinearView(inputs, targets, TokenPenalties());
  // A model of which nothing was measured is expected to write its mean.
  for (Index m = 0; m < models; ++m) {
    if (targets.weight.col(m).sum() <= 0) view.intercept[m] = 1;
  }
  WriteMap(view.slope, view.intercept, calibration->mutable_token_view());
}

// Success that declared skill alone gives each model for each capability (or cluster); where none is
// declared, the model's mean outcome; where it has none either, the mean over all models.
MatrixXd DeclaredSuccess(const Labels& labels, const Targets& targets, Index capabilities) {
  const Index models = labels.quality.cols();
  MatrixXd declared(capabilities, models);
  for (Index m = 0; m < models; ++m) {
    const double mean = std::clamp(targets.mean[0] + targets.mean[1 + m], 0.0, 1.0);
    for (Index c = 0; c < capabilities; ++c) {
      const bool has = c < labels.declared_success.rows() &&
                       !std::isnan(labels.declared_success(c, m));
      declared(c, m) = has ? labels.declared_success(c, m) : mean;
    }
  }
  return declared;
}

void FitGroups(const CapabilityView& capability, const KernelView& kernel,
               const std::vector<std::vector<double>>& blend,
               const std::vector<std::vector<double>>& blend_without_text, const Targets& targets,
               Calibration* calibration) {
  Index first = 0;
  for (size_t g = 0; g < targets.columns.size(); ++g) {
    bundle::v1::TargetGroup* group = calibration->add_groups();
    group->set_columns(targets.columns[g]);
    group->set_bandwidth(kernel.bandwidth[g]);
    group->set_prior_strength(kernel.prior_strength[g]);
    group->set_temperature(capability.group_temperature[g]);
    WriteMatrix(capability.group_means[g], group->mutable_capability_means());
    for (int j = 0; j < targets.columns[g]; ++j) group->add_means(targets.mean[first + j]);
    for (const double weight : blend[g]) group->add_blend(weight);
    for (const double weight : blend_without_text[g]) group->add_blend_without_text(weight);
    first += targets.columns[g];
  }
}

// Left-out probabilities after calibration, and the calibrator itself.
MatrixXd FitScaling(const MatrixXd& blended, const Labels& labels, bundle::v1::PlattScaling* to) {
  const Index models = labels.quality.cols();
  MatrixXd p(blended.rows(), models);
  for (Index m = 0; m < models; ++m) p.col(m) = blended.col(0) + blended.col(1 + m);
  const Calibrator calibrator = FitCalibrator(p, labels.quality, labels.weight);
  to->set_slope(calibrator.slope);
  for (const double intercept : calibrator.intercepts) to->add_intercepts(intercept);
  for (Index m = 0; m < models; ++m) {
    for (Index i = 0; i < p.rows(); ++i) {
      p(i, m) = calibrator.Apply(p(i, m), static_cast<size_t>(m));
    }
  }
  return p;
}

std::vector<float> BestSimilarityInOtherFold(const NeighbourLists& neighbours,
                                             const std::vector<int>& fold) {
  std::vector<float> best(fold.size(), 0);
  for (Index i = 0; i < neighbours.row.rows(); ++i) {
    for (Index j = 0; j < neighbours.row.cols(); ++j) {
      best[static_cast<size_t>(i)] = neighbours.similarity(i, j);
      if (fold[static_cast<size_t>(neighbours.row(i, j))] != fold[static_cast<size_t>(i)]) break;
    }
  }
  return best;
}

}  // namespace

Calibration FitCalibration(const FitInput& input, const FitProgress& progress) {
  const auto n = static_cast<Index>(input.texts.size());
  const auto d = static_cast<Index>(input.mean.size());
  Calibration calibration;
  for (const float value : input.mean) calibration.add_mean(value);
  calibration.set_neighbours(kNeighbours);

  const Labels labels = MakeLabels(input.catalogue, input.exemplars);
  const Targets targets = MakeTargets(labels);
  std::vector<int> fold;
  for (const bundle::v1::Exemplar& exemplar : input.exemplars) {
    fold.push_back(static_cast<int>(StableHash(exemplar.id()) % kFolds));
  }
  const Eigen::Map<const MatrixXf> vectors(input.centred.data(), n, d);
  const MatrixXd x = vectors.cast<double>();

  const NeighbourLists neighbours = FindNeighbours(
      vectors, kNeighbours, [&](double share) { progress("neighbours", share); });

  progress("capability view", 0);
  const bool clustered = input.catalogue.capabilities_size() == 0;
  const std::vector<int> capability =
      clustered ? ClusterRows(vectors, kClusters) : labels.capability;
  const int capabilities =
      clustered ? 1 + *std::max_element(capability.begin(), capability.end())
                : input.catalogue.capabilities_size();
  const CapabilityView capability_view =
      FitCapabilityView(x, capability, capabilities, targets);
  WriteMap(capability_view.slope, capability_view.intercept,
           calibration.mutable_capability_head());
  calibration.set_capability_temperature(capability_view.temperature);

  progress("kernel view", 0);
  const KernelView kernel_view = FitKernelView(neighbours, targets, capability_view.left_out);

  progress("linear view", 0);
  const LinearView linear_view = FitLinearView(x, targets, VectorPenalties());
  WriteMap(linear_view.slope, linear_view.intercept, calibration.mutable_linear_view());

  progress("form view", 0);
  const MatrixXd form = FitForm(input.texts, &calibration);
  const LinearView form_view = FitLinearView(form, targets, FormPenalties());
  WriteMap(form_view.slope, form_view.intercept, calibration.mutable_form_view());

  LexicalExtractor extractor;
  std::vector<std::vector<LexicalTerm>> terms;
  for (const EmbeddedText& text : input.texts) terms.push_back(extractor.Extract(text.text));
  const LinearView lexical_view =
      FitLexicalView(terms, fold, kFolds, targets,
                     [&](double share) { progress("lexical view", share); });
  WriteMap(lexical_view.slope, lexical_view.intercept, calibration.mutable_lexical_view());

  progress("blend", 0);
  const std::vector<const LeftOut*> views = {&kernel_view.left_out, &capability_view.left_out,
                                             &linear_view.left_out, &form_view.left_out,
                                             &lexical_view.left_out};
  const std::vector<const LeftOut*> vector_views(views.begin(), views.begin() + kVectorViews);
  const auto blend = FitBlend(views, targets);
  const auto blend_without_text = FitBlend(vector_views, targets);
  FitGroups(capability_view, kernel_view, blend, blend_without_text, targets, &calibration);
  const MatrixXd p =
      FitScaling(ApplyBlend(views, blend, targets), labels, calibration.mutable_scaling());
  FitScaling(ApplyBlend(vector_views, blend_without_text, targets), labels,
             calibration.mutable_scaling_without_text());
  Index best = 0;
  p.colwise().mean().maxCoeff(&best);
  calibration.set_best_single_model(static_cast<int32_t>(best));

  progress("tokens", 0);
  FitTokens(x, form, labels, &calibration);
  WriteMatrix(DeclaredSuccess(labels, targets, capabilities),
              calibration.mutable_declared_success());
  calibration.set_declared_deviation(labels.declared_deviation);
  for (const bool has : labels.has_outcomes) calibration.add_has_outcomes(has);
  for (const bool has : labels.has_skill) calibration.add_has_skill(has);
  calibration.mutable_uncertainty()->set_base_variance(0.02);
  calibration.mutable_uncertainty()->set_strength(kernel_view.prior_strength[0]);
  calibration.mutable_uncertainty()->set_correlation(0.5);

  progress("familiarity", 0);
  const auto views_of = [](std::span<const EmbeddedText> texts) {
    std::vector<FamiliarityText> result;
    for (const EmbeddedText& text : texts) result.push_back({text.tokens, text.unit});
    return result;
  };
  *calibration.mutable_familiarity() =
      FitFamiliarity(views_of(input.texts), BestSimilarityInOtherFold(neighbours, fold), fold,
                     kFolds, views_of(input.background), input.vocabulary_size);
  progress("familiarity", 1);
  return calibration;
}

}  // namespace pointsman::estimate
