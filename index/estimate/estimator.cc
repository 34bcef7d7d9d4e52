#include "index/estimate/estimator.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/estimate/labels.h"
#include "index/estimate/regression.h"
#include "index/estimate/views.h"
#include "index/string_view.h"

namespace pointsman::estimate {
namespace {

using bundle::v1::Calibration;

// Below this familiarity an estimate moves towards declared skill, in proportion.
constexpr double kFullTrustFamiliarity = 0.02;
constexpr double kNormalQuantile95 = 1.6448536269514722;  // two-sided 90 %
// Evidence below which an interval no longer widens: it is all of 0..1 by then.
constexpr double kMinEvidence = 0.5;
// First column of the contrasts: the level is column 0.
constexpr int kContrasts = 1;
// Output tokens are never expected below this share of the model's mean.
constexpr double kMinTokenShare = 0.1;

// Logits are double: a low temperature makes fifty times as much of their rounding.
void Softmax(std::span<const double> logits, float temperature, std::vector<float>* mix) {
  mix->resize(logits.size());
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    (*mix)[c] =
        std::exp(static_cast<float>((logits[c] - largest) / static_cast<double>(temperature)));
    sum += static_cast<double>((*mix)[c]);
  }
  const auto scale = static_cast<float>(1 / sum);
  for (float& share : *mix) share *= scale;
}

absl::Status WrongSize(std::string_view name, int64_t expected, int64_t found) {
  return absl::InvalidArgumentError(
      absl::StrCat("calibration.", ToAbsl(name), ": ", expected, " expected, has ", found));
}

}  // namespace

void Estimator::LinearMap::Apply(std::span<const float> x, double* out) const {
  std::copy(intercept.begin(), intercept.end(), out);
  const float* row = slope.data();
  for (int i = 0; i < inputs; ++i, row += outputs) {
    const auto value = static_cast<double>(x[static_cast<size_t>(i)]);
    if (value == 0) continue;
    for (int o = 0; o < outputs; ++o) out[o] += value * static_cast<double>(row[o]);
  }
}

absl::StatusOr<Estimator::LinearMap> Estimator::ReadMap(const bundle::v1::LinearMap& map,
                                                        int inputs, int outputs,
                                                        std::string_view name) {
  const bundle::v1::Matrix& slope = map.slope();
  if (slope.rows() != inputs || slope.columns() != outputs ||
      slope.values_size() != static_cast<int64_t>(inputs) * outputs ||
      map.intercept_size() != outputs) {
    return absl::InvalidArgumentError(
        absl::StrCat("calibration.", ToAbsl(name), ": ", inputs, " x ", outputs, " expected, has ",
                     slope.rows(), " x ", slope.columns(), ", ", slope.values_size(),
                     " values and ", map.intercept_size(), " intercepts"));
  }
  LinearMap read;
  read.inputs = inputs;
  read.outputs = outputs;
  read.slope.assign(slope.values().begin(), slope.values().end());
  read.intercept.assign(map.intercept().begin(), map.intercept().end());
  return read;
}

absl::StatusOr<Estimator> Estimator::Create(
    const Calibration& calibration, const v1::Catalogue& catalogue,
    const google::protobuf::RepeatedPtrField<bundle::v1::Exemplar>& exemplars) {
  Estimator e;
  e.models_ = catalogue.models_size();
  e.capabilities_ = calibration.capability_head().slope().columns();
  e.neighbours_ = calibration.neighbours();
  e.mean_.assign(calibration.mean().begin(), calibration.mean().end());
  const int dimension = calibration.mean_size();
  const int declared = catalogue.capabilities_size();
  if (e.capabilities_ < 1 || (declared > 0 && e.capabilities_ != declared)) {
    return WrongSize("capability_head.slope.columns", declared, e.capabilities_);
  }
  if (e.neighbours_ < 1) return WrongSize("neighbours", 1, e.neighbours_);
  for (int c = 0; c < e.capabilities_; ++c) {
    e.capability_names_.push_back(declared > 0 ? catalogue.capabilities(c).id()
                                               : absl::StrCat("cluster-", c));
  }

  const Labels labels = MakeLabels(catalogue, exemplars);
  const Targets targets = MakeTargets(labels);
  e.targets_ = static_cast<int>(targets.value.cols());
  for (Eigen::Index i = 0; i < targets.value.rows(); ++i) {
    for (Eigen::Index t = 0; t < targets.value.cols(); ++t) {
      e.target_value_.push_back(static_cast<float>(targets.value(i, t)));
      e.target_weight_.push_back(static_cast<float>(targets.weight(i, t)));
    }
    for (Eigen::Index m = 0; m < labels.weight.cols(); ++m) {
      e.outcome_weight_.push_back(static_cast<float>(labels.weight(i, m)));
    }
  }
  for (Eigen::Index m = 0; m < labels.weight.cols(); ++m) {
    e.total_weight_.push_back(labels.weight.col(m).sum());
  }
  e.declared_success_.assign(static_cast<size_t>(e.capabilities_ * e.models_), 0);
  if (calibration.declared_success().values_size() != e.capabilities_ * e.models_) {
    return WrongSize("declared_success", e.capabilities_ * e.models_,
                     calibration.declared_success().values_size());
  }
  std::copy(calibration.declared_success().values().begin(),
            calibration.declared_success().values().end(), e.declared_success_.begin());

  if (calibration.groups_size() != static_cast<int>(targets.groups.size())) {
    return WrongSize("groups", static_cast<int>(targets.groups.size()), calibration.groups_size());
  }
  for (int g = 0; g < calibration.groups_size(); ++g) {
    const bundle::v1::TargetGroup& from = calibration.groups(g);
    Group group;
    const TargetGroup& target = targets.groups[static_cast<size_t>(g)];
    group.kind = target.kind;
    group.first = static_cast<int>(target.first);
    group.columns = static_cast<int>(target.columns);
    if (group.kind == bundle::v1::TARGET_KIND_DIFFICULTY) e.difficulty_column_ = group.first;
    if (group.kind == bundle::v1::TARGET_KIND_TOKENS) e.token_column_ = group.first;
    if (group.kind == bundle::v1::TARGET_KIND_CAPABILITY) e.capability_column_ = group.first;
    if (from.kind() != group.kind) {
      return absl::InvalidArgumentError(
          absl::StrCat("calibration.groups[", g, "].kind: ", TargetKind_Name(group.kind),
                       " expected, is ", TargetKind_Name(from.kind())));
    }
    if (from.means_size() != group.columns ||
        from.capability_means().values_size() != e.capabilities_ * group.columns) {
      return WrongSize(absl::StrCat("groups[", g, "].means"), group.columns, from.means_size());
    }
    if (from.blend_size() != kViews * group.columns ||
        from.blend_without_text_size() != kViews * group.columns) {
      return WrongSize(absl::StrCat("groups[", g, "].blend"), kViews * group.columns,
                       from.blend_size());
    }
    if (!(from.bandwidth() > 0) || !(from.temperature() > 0) || !(from.prior_strength() > 0)) {
      return absl::InvalidArgumentError(absl::StrCat("calibration.groups[", g,
                                                     "]: bandwidth, temperature and prior_strength "
                                                     "must be > 0"));
    }
    group.bandwidth = static_cast<float>(from.bandwidth());
    group.prior_strength = static_cast<float>(from.prior_strength());
    group.temperature = static_cast<float>(from.temperature());
    group.capability_means.assign(from.capability_means().values().begin(),
                                  from.capability_means().values().end());
    group.means.assign(from.means().begin(), from.means().end());
    group.blend.assign(from.blend().begin(), from.blend().end());
    group.blend_without_text.assign(from.blend_without_text().begin(),
                                    from.blend_without_text().end());
    e.groups_.push_back(std::move(group));
  }

  const auto read = [](absl::StatusOr<LinearMap> map, LinearMap* to) {
    if (!map.ok()) return map.status();
    *to = *std::move(map);
    return absl::OkStatus();
  };
  absl::Status status =
      read(ReadMap(calibration.capability_head(), dimension, e.capabilities_, "capability_head"),
           &e.head_);
  if (status.ok()) {
    status =
        read(ReadMap(calibration.linear_view(), dimension, e.targets_, "linear_view"), &e.linear_);
  }
  if (status.ok()) {
    status =
        read(ReadMap(calibration.form_view(), kFormFeatures, e.targets_, "form_view"), &e.form_);
  }
  if (status.ok()) {
    status = read(ReadMap(calibration.lexical_view(), static_cast<int>(kLexicalBuckets), e.targets_,
                          "lexical_view"),
                  &e.lexical_);
  }
  if (status.ok()) {
    status =
        read(ReadMap(calibration.level_view(), kLevelInputs, e.models_, "level_view"), &e.level_);
  }
  if (status.ok()) {
    status = read(ReadMap(calibration.level_view_without_text(), kLevelInputs, e.models_,
                          "level_view_without_text"),
                  &e.level_without_text_);
  }
  if (!status.ok()) return status;
  if (!(calibration.capability_temperature() > 0)) {
    return absl::InvalidArgumentError("calibration.capability_temperature: must be > 0");
  }
  e.head_temperature_ = static_cast<float>(calibration.capability_temperature());

  if (calibration.form_means_size() != kFormFeatures ||
      calibration.form_deviations_size() != kFormFeatures) {
    return WrongSize("form_means", kFormFeatures, calibration.form_means_size());
  }
  e.form_mean_.assign(calibration.form_means().begin(), calibration.form_means().end());
  for (const float deviation : calibration.form_deviations()) {
    e.form_scale_.push_back(deviation > 0 ? 1 / deviation : 0);
  }

  for (const auto& [from, to] :
       {std::pair(&calibration.scaling(), &e.scaling_),
        std::pair(&calibration.scaling_without_text(), &e.scaling_without_text_)}) {
    if (from->intercepts_size() != e.models_) {
      return WrongSize("scaling.intercepts", e.models_, from->intercepts_size());
    }
    to->slope = from->slope();
    to->intercepts.assign(from->intercepts().begin(), from->intercepts().end());
  }
  if (calibration.mean_tokens_size() != e.models_) {
    return WrongSize("mean_tokens", e.models_, calibration.mean_tokens_size());
  }
  e.mean_tokens_.assign(calibration.mean_tokens().begin(), calibration.mean_tokens().end());
  e.has_outcomes_ = labels.has_outcomes;
  e.has_skill_ = labels.has_skill;
  const bundle::v1::Uncertainty& uncertainty = calibration.uncertainty();
  if (uncertainty.prior_deviation_size() != e.models_) {
    return WrongSize("uncertainty.prior_deviation", e.models_, uncertainty.prior_deviation_size());
  }
  e.prior_deviation_.assign(uncertainty.prior_deviation().begin(),
                            uncertainty.prior_deviation().end());
  e.base_variance_ = uncertainty.base_variance();
  e.strength_ = uncertainty.strength();
  e.correlation_ = uncertainty.correlation();
  if (!(e.strength_ > 0) || e.base_variance_ < 0) {
    return absl::InvalidArgumentError(
        "calibration.uncertainty: strength must be > 0 and base_variance >= 0");
  }
  if (calibration.familiarity().discriminant_size() != dimension) {
    return WrongSize("familiarity.discriminant", dimension,
                     calibration.familiarity().discriminant_size());
  }
  absl::StatusOr<Familiarity> familiarity = Familiarity::Create(calibration.familiarity());
  if (!familiarity.ok()) return familiarity.status();
  e.familiarity_ = *std::move(familiarity);
  return e;
}

void Estimator::KernelAndCapability(const Query& query, EstimateScratch* scratch) const {
  const auto t = static_cast<size_t>(targets_);
  scratch->logits.resize(static_cast<size_t>(capabilities_));
  head_.Apply(query.centred, scratch->logits.data());

  double* const kernel_view = scratch->views.data() + kKernelView * t;
  double* const capability_view = scratch->views.data() + kCapabilityView * t;
  const size_t k = query.neighbours.size();
  scratch->level_kernel.resize(k);
  for (const Group& group : groups_) {
    const auto first = static_cast<size_t>(group.first);
    const auto columns = static_cast<size_t>(group.columns);
    Softmax(scratch->logits, group.temperature, &scratch->group_mix);
    for (size_t j = 0; j < columns; ++j) capability_view[first + j] = 0;
    const float* means = group.capability_means.data();
    for (size_t c = 0; c < scratch->group_mix.size(); ++c, means += columns) {
      const auto share = static_cast<double>(scratch->group_mix[c]);
      for (size_t j = 0; j < columns; ++j) {
        capability_view[first + j] += share * static_cast<double>(means[j]);
      }
    }

    // Double: the square of a far neighbour's weight is no longer a float.
    scratch->sums.assign(3 * columns, 0);
    double* const sum = scratch->sums.data();
    double* const squares = sum + columns;
    double* const weighted = squares + columns;
    for (size_t i = 0; i < k; ++i) {
      const float kernel = std::exp(
          (query.neighbours[i].similarity - query.neighbours[0].similarity) / group.bandwidth);
      if (first == 0) scratch->level_kernel[i] = kernel;
      const size_t at = static_cast<size_t>(query.neighbours[i].row) * t + first;
      const float* const value = target_value_.data() + at;
      const float* const weight = target_weight_.data() + at;
      for (size_t j = 0; j < columns; ++j) {
        const auto w = static_cast<double>(kernel * weight[j]);
        sum[j] += w;
        squares[j] += w * w;
        weighted[j] += w * static_cast<double>(value[j]);
      }
    }
    for (size_t j = 0; j < columns; ++j) {
      const double prior = capability_view[first + j];
      if (sum[j] <= 0) {
        kernel_view[first + j] = prior;
        continue;
      }
      const double evidence = sum[j] * sum[j] / squares[j];
      const auto strength = static_cast<double>(group.prior_strength);
      kernel_view[first + j] =
          (strength * prior + evidence * (weighted[j] / sum[j])) / (strength + evidence);
    }
  }
}

void Estimator::TextViews(const Query& query, EstimateScratch* scratch) const {
  const auto t = static_cast<size_t>(targets_);
  if (!query.text.has_value()) {
    std::fill_n(scratch->views.data() + kFormView * t, 2 * t, 0.0);  // form and lexical
    return;
  }

  FormFeatures form = ExtractForm(*query.text, &scratch->form);
  for (size_t f = 0; f < form.size(); ++f) {
    form[f] = std::clamp((form[f] - form_mean_[f]) * form_scale_[f], -kMaxFormDeviation,
                         kMaxFormDeviation);
  }
  form_.Apply(form, scratch->views.data() + kFormView * t);

  double* const lexical = scratch->views.data() + kLexicalView * t;
  std::copy(lexical_.intercept.begin(), lexical_.intercept.end(), lexical);
  for (const LexicalTerm& term : scratch->lexical.Extract(query.tokens)) {
    const float* const row = lexical_.slope.data() + static_cast<size_t>(term.bucket) * t;
    for (size_t j = 0; j < t; ++j) lexical[j] += static_cast<double>(term.value * row[j]);
  }
}

QueryEstimate Estimator::Estimate(const Query& query, EstimateScratch* scratch) const {
  const auto t = static_cast<size_t>(targets_);
  scratch->views.resize(kViews * t);
  KernelAndCapability(query, scratch);
  linear_.Apply(query.centred, scratch->views.data() + kLinearView * t);
  TextViews(query, scratch);

  scratch->blended.resize(t);
  double* const level_view = scratch->views.data() + kLevelView * t;
  std::fill(level_view, level_view + t, 0.0);
  for (const Group& group : groups_) {
    const std::vector<double>& blend =
        query.text.has_value() ? group.blend : group.blend_without_text;
    if (group.kind == bundle::v1::TARGET_KIND_CONTRAST) {
      const float level = static_cast<float>(scratch->blended[0]) - groups_[0].means[0];
      const float inputs[kLevelInputs] = {level, level * level};
      (query.text.has_value() ? level_ : level_without_text_)
          .Apply(inputs, level_view + kContrasts);
    }
    for (int j = 0; j < group.columns; ++j) {
      const auto column = static_cast<size_t>(group.first + j);
      const auto mean = static_cast<double>(group.means[static_cast<size_t>(j)]);
      double sum = mean;
      const double* const weights = blend.data() + static_cast<size_t>(j) * kViews;
      for (size_t v = 0; v < kViews; ++v) {
        sum += weights[v] * (scratch->views[v * t + column] - mean);
      }
      scratch->blended[column] = sum;
    }
  }
  ReportMix(scratch);
  const double familiarity =
      // Create leaves none out. NOLINTNEXTLINE(bugprone-unchecked-optional-access)
      familiarity_->PValue(query.tokens, query.question_unit,
                           query.neighbours.empty() ? -1 : query.neighbours[0].similarity);
  return Finish(query, familiarity, scratch);
}

// The mix of capabilities that a query is judged to need: the blended targets where there are some,
// kept positive and scaled to add up to 1; else what the head makes of the vector.
void Estimator::ReportMix(EstimateScratch* scratch) const {
  Softmax(scratch->logits, head_temperature_, &scratch->mix);
  if (capability_column_ < 0) return;
  const double* const blended = scratch->blended.data() + static_cast<size_t>(capability_column_);
  double sum = 0;
  for (size_t c = 0; c < scratch->mix.size(); ++c) sum += std::max(blended[c], 0.0);
  if (sum <= 0) return;
  for (size_t c = 0; c < scratch->mix.size(); ++c) {
    scratch->mix[c] = static_cast<float>(std::max(blended[c], 0.0) / sum);
  }
}

QueryEstimate Estimator::Prior(EstimateScratch* scratch) const {
  scratch->blended.resize(static_cast<size_t>(targets_));
  for (const Group& group : groups_) {
    for (int j = 0; j < group.columns; ++j) {
      scratch->blended[static_cast<size_t>(group.first + j)] =
          static_cast<double>(group.means[static_cast<size_t>(j)]);
    }
  }
  scratch->logits.assign(head_.intercept.begin(), head_.intercept.end());
  ReportMix(scratch);
  return Finish(Query{std::string_view(), {}, {}, {}, {}}, 0, scratch);
}

Estimator::Evidence Estimator::FindEvidence(const Query& query, const EstimateScratch& scratch,
                                            size_t model) const {
  double measured = 0;
  double measured_squares = 0;
  double all = 0;
  double all_squares = 0;
  for (size_t i = 0; i < query.neighbours.size(); ++i) {
    const double weight =
        static_cast<double>(outcome_weight_[static_cast<size_t>(query.neighbours[i].row) *
                                                static_cast<size_t>(models_) +
                                            model]);
    const auto kernel = static_cast<double>(scratch.level_kernel[i]);
    const double w = weight == 1 ? kernel : 0;
    measured += w;
    measured_squares += w * w;
    all += kernel * weight;
    all_squares += kernel * kernel * weight;
  }
  const auto ratio = [](double sum, double squares) {
    return squares > 0 ? sum * sum / squares : 0;
  };
  return {ratio(measured, measured_squares), ratio(all, all_squares)};
}

QueryEstimate Estimator::Finish(const Query& query, double familiarity,
                                EstimateScratch* scratch) const {
  const auto models = static_cast<size_t>(models_);
  const Scaling& scaling = query.text.has_value() ? scaling_ : scaling_without_text_;
  const bool nothing_known = query.centred.empty();
  // How far the fit is trusted; an empty query is no stranger, it is the average of all.
  const double trust = nothing_known ? 1 : std::min(1.0, familiarity / kFullTrustFamiliarity);

  scratch->models.resize(models);
  for (size_t m = 0; m < models; ++m) {
    ModelEstimate& model = scratch->models[m];
    const double raw = scratch->blended[0] + scratch->blended[1 + m];
    const double fitted = Sigmoid(scaling.slope * ClampedLogit(raw) + scaling.intercepts[m]);
    double declared = 0;
    for (size_t c = 0; c < scratch->mix.size(); ++c) {
      declared += static_cast<double>(scratch->mix[c]) *
                  static_cast<double>(declared_success_[c * models + m]);
    }
    // In a second pass: the difference of two sums would be rounding where capabilities are alike.
    double declared_variance = 0;
    for (size_t c = 0; c < scratch->mix.size(); ++c) {
      const double off = static_cast<double>(declared_success_[c * models + m]) - declared;
      declared_variance += static_cast<double>(scratch->mix[c]) * off * off;
    }
    model.has_outcomes = has_outcomes_[m];
    model.has_skill = has_skill_[m];
    const Evidence evidence = FindEvidence(query, *scratch, m);
    model.effective_evidence = evidence.measured;
    model.success = trust * fitted + (1 - trust) * declared;
    const double worth =
        std::max(std::min(evidence.all + strength_, total_weight_[m]), kMinEvidence);
    const double fitted_deviation = std::sqrt(fitted * (1 - fitted) * (base_variance_ + 1 / worth));
    const double prior_deviation = prior_deviation_[m] + std::sqrt(declared_variance);
    const double strange = nothing_known ? 1 : 1 - trust;
    model.deviation = trust * fitted_deviation + strange * prior_deviation;
    model.lower = std::max(0.0, model.success - kNormalQuantile95 * model.deviation);
    model.upper = std::min(1.0, model.success + kNormalQuantile95 * model.deviation);
    const double relative_tokens =
        token_column_ < 0 ? 1 : scratch->blended[static_cast<size_t>(token_column_) + m];
    model.output_tokens = mean_tokens_[m] * std::max(relative_tokens, kMinTokenShare);
  }

  QueryEstimate estimate;
  estimate.models = scratch->models;
  estimate.capabilities = scratch->mix;
  if (difficulty_column_ >= 0) {
    estimate.difficulty =
        std::clamp(scratch->blended[static_cast<size_t>(difficulty_column_)], 0.0, 1.0);
  }
  estimate.familiarity = familiarity;
  estimate.correlation = correlation_;
  return estimate;
}

void Estimator::EvidenceWeights(std::span<const search::Neighbour> neighbours,
                                std::vector<float>* weights) const {
  weights->resize(neighbours.size());
  float sum = 0;
  for (size_t i = 0; i < neighbours.size(); ++i) {
    (*weights)[i] =
        std::exp((neighbours[i].similarity - neighbours[0].similarity) / groups_[0].bandwidth);
    sum += (*weights)[i];
  }
  for (float& weight : *weights) weight /= sum;
}

}  // namespace pointsman::estimate
