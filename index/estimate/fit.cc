#include "index/estimate/fit.h"

#include <algorithm>
#include <array>
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

// Penalties to choose from, for unit vectors and for standardised features.
const std::vector<double> kVectorPenalties = {1, 3, 10, 30, 100};
const std::vector<double> kFormPenalties = {10, 30, 100, 300, 1000, 3000};

// What a pilot found on simulated outcomes over MMLU, GSM8K and MMLU-Pro: with these, nine of ten
// intervals hold the truth, and margins are calibrated to a few percent.
constexpr double kBaseVariance = 1.0 / 30;
constexpr double kErrorCorrelation = 0.6;

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
    const double deviation = std::sqrt((form.col(f).array() - mean).square().mean());
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

// Success that declared skill alone gives each model for each capability (or cluster); where none
// is declared, the model's mean outcome; where it has none either, the mean over all models.
MatrixXd DeclaredSuccess(const Labels& labels, const Targets& targets, Index capabilities) {
  const Index models = labels.quality.cols();
  MatrixXd declared(capabilities, models);
  for (Index m = 0; m < models; ++m) {
    const double mean = std::clamp(targets.mean[0] + targets.mean[1 + m], 0.0, 1.0);
    for (Index c = 0; c < capabilities; ++c) {
      const bool has =
          c < labels.declared_success.rows() && !std::isnan(labels.declared_success(c, m));
      declared(c, m) = has ? labels.declared_success(c, m) : mean;
    }
  }
  return declared;
}

// How far each model's success strays from the prior of an unfamiliar query: between exemplars of
// one capability where skill is declared, between capabilities or clusters where only the mean is
// known.
void FitPriorDeviation(const Labels& labels, const std::vector<int>& capability, int capabilities,
                       const MatrixXd& p, bundle::v1::Uncertainty* uncertainty) {
  const Index n = p.rows();
  for (Index m = 0; m < p.cols(); ++m) {
    if (labels.has_skill[static_cast<size_t>(m)]) {
      uncertainty->add_prior_deviation(labels.declared_deviation);
      continue;
    }
    VectorXd sum = VectorXd::Zero(capabilities);
    VectorXd count = VectorXd::Zero(capabilities);
    for (Index i = 0; i < n; ++i) {
      const int c = capability[static_cast<size_t>(i)];
      if (c < 0 || labels.weight(i, m) <= 0) continue;
      sum[c] += labels.quality(i, m);
      count[c] += 1;
    }
    const double total = count.sum();
    const double mean = total > 0 ? sum.sum() / total : p.col(m).mean();
    double between = 0;  // variance between capabilities, less what sampling makes of it
    for (int c = 0; c < capabilities; ++c) {
      if (count[c] <= 0) continue;
      const double share = sum[c] / count[c];
      between += count[c] * ((share - mean) * (share - mean) - share * (1 - share) / count[c]);
    }
    between = total > 0 ? std::sqrt(std::max(0.0, between / total)) : 0;
    uncertainty->add_prior_deviation(between + std::sqrt(mean * (1 - mean) / std::max(total, 1.0)));
  }
}

// The weights of some columns, columns x kViews, with 0 for views that took no part.
void WriteBlend(const Blend& blend, const std::vector<View>& views, const TargetGroup& group,
                google::protobuf::RepeatedField<double>* to) {
  for (Index t = group.first; t < group.first + group.columns; ++t) {
    std::array<double, kViews> weights{};
    for (size_t v = 0; v < views.size(); ++v) {
      weights[views[v]] = blend.weights(static_cast<Index>(v), t);
    }
    to->Add(weights.begin(), weights.end());
  }
}

void WriteGroups(const CapabilityView& capability, const KernelView& kernel, const Blend& blend,
                 const Blend& blend_without_text, const Targets& targets,
                 Calibration* calibration) {
  for (size_t g = 0; g < targets.groups.size(); ++g) {
    const TargetGroup& from = targets.groups[g];
    bundle::v1::TargetGroup* group = calibration->add_groups();
    group->set_kind(from.kind);
    group->set_bandwidth(kernel.bandwidth[g]);
    group->set_prior_strength(kernel.prior_strength[g]);
    group->set_temperature(capability.group_temperature[g]);
    WriteMatrix(capability.group_means[g], group->mutable_capability_means());
    for (Index t = from.first; t < from.first + from.columns; ++t) {
      group->add_means(targets.mean[t]);
    }
    WriteBlend(blend,
               {kKernelView, kCapabilityView, kLinearView, kFormView, kLexicalView, kLevelView},
               from, group->mutable_blend());
    WriteBlend(blend_without_text, {kKernelView, kCapabilityView, kLinearView, kLevelView}, from,
               group->mutable_blend_without_text());
  }
}

// Left-out probabilities after calibration, and the calibrator itself. A model with measured
// outcomes is calibrated to those alone.
MatrixXd FitScaling(const MatrixXd& blended, const Labels& labels, bundle::v1::PlattScaling* to) {
  const Index models = labels.quality.cols();
  MatrixXd p(blended.rows(), models);
  MatrixXd weight = labels.weight;
  for (Index m = 0; m < models; ++m) {
    p.col(m) = blended.col(0) + blended.col(1 + m);
    if (labels.has_outcomes[static_cast<size_t>(m)]) {
      weight.col(m) = (weight.col(m).array() == 1).cast<double>();
    }
  }
  const Calibrator calibrator = FitCalibrator(p, labels.quality, weight);
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

// Rows in the order of the hashes of their ids: as good as random, and the same on every machine.
std::vector<size_t> ByHash(
    const google::protobuf::RepeatedPtrField<bundle::v1::Exemplar>& exemplars) {
  std::vector<std::pair<uint64_t, size_t>> hashed;
  for (int i = 0; i < exemplars.size(); ++i) {
    hashed.emplace_back(StableHash(exemplars[i].id()), static_cast<size_t>(i));
  }
  std::sort(hashed.begin(), hashed.end());
  std::vector<size_t> order;
  for (const auto& [hash, row] : hashed) order.push_back(row);
  return order;
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

  const NeighbourLists neighbours =
      FindNeighbours(vectors, kNeighbours, [&](double share) { progress("neighbours", share); });

  progress("capability view", 0);
  const bool clustered = input.catalogue.capabilities_size() == 0;
  const std::vector<int> capability =
      clustered ? ClusterRows(vectors, kClusters, ByHash(input.exemplars)) : labels.capability;
  const int capabilities = clustered ? 1 + *std::max_element(capability.begin(), capability.end())
                                     : input.catalogue.capabilities_size();
  const CapabilityView capability_view = FitCapabilityView(x, capability, capabilities, targets);
  WriteMap(capability_view.slope, capability_view.intercept, calibration.mutable_capability_head());
  calibration.set_capability_temperature(capability_view.temperature);

  progress("kernel view", 0);
  const KernelView kernel_view = FitKernelView(neighbours, targets, capability_view.left_out);

  progress("linear view", 0);
  const LinearView linear_view = FitLinearView(x, targets, kVectorPenalties);
  WriteMap(linear_view.slope, linear_view.intercept, calibration.mutable_linear_view());

  progress("form view", 0);
  const MatrixXd form = FitForm(input.texts, &calibration);
  const LinearView form_view = FitLinearView(form, targets, kFormPenalties);
  WriteMap(form_view.slope, form_view.intercept, calibration.mutable_form_view());

  LexicalExtractor extractor;
  std::vector<std::vector<LexicalTerm>> terms;
  for (const EmbeddedText& text : input.texts) terms.push_back(extractor.Extract(text.tokens));
  const LinearView lexical_view = FitLexicalView(
      terms, fold, kFolds, targets, [&](double share) { progress("lexical view", share); });
  WriteMap(lexical_view.slope, lexical_view.intercept, calibration.mutable_lexical_view());

  progress("blend", 0);
  const std::vector<const LeftOut*> views = {&kernel_view.left_out, &capability_view.left_out,
                                             &linear_view.left_out, &form_view.left_out,
                                             &lexical_view.left_out};
  const Blend blend = FitBlend(views, targets);
  const Blend blend_without_text = FitBlend({views.begin(), views.begin() + kFormView}, targets);
  WriteGroups(capability_view, kernel_view, blend, blend_without_text, targets, &calibration);
  WriteMap(blend.level_view.slope, blend.level_view.intercept, calibration.mutable_level_view());
  WriteMap(blend_without_text.level_view.slope, blend_without_text.level_view.intercept,
           calibration.mutable_level_view_without_text());
  const MatrixXd p = FitScaling(blend.blended, labels, calibration.mutable_scaling());
  FitScaling(blend_without_text.blended, labels, calibration.mutable_scaling_without_text());
  Index best = 0;
  p.colwise().mean().maxCoeff(&best);
  calibration.set_best_single_model(static_cast<int32_t>(best));

  for (const double tokens : labels.mean_tokens) calibration.add_mean_tokens(tokens);
  WriteMatrix(DeclaredSuccess(labels, targets, capabilities),
              calibration.mutable_declared_success());
  bundle::v1::Uncertainty* uncertainty = calibration.mutable_uncertainty();
  uncertainty->set_base_variance(kBaseVariance);
  uncertainty->set_strength(kernel_view.prior_strength[0]);
  uncertainty->set_correlation(kErrorCorrelation);
  FitPriorDeviation(labels, capability, capabilities, p, uncertainty);

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
