#include "index/estimate/labels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace pointsman::estimate {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kDefaultSkillSlope = 8;
constexpr double kDefaultOutputTokens = 300;
constexpr double kMaxRelativeTokens = 8;
// Beyond, a table of hashed tokens by capabilities would not fit a processor's cache.
constexpr int kMaxCapabilityTargets = 64;
// Where neither a query nor its capability tells how hard it is.
constexpr double kMiddleDifficulty = 0.5;

// Skill of each model for each capability, and its overall skill for queries without one.
struct Skills {
  MatrixXd by_capability;  // c x m, NaN: none declared
  VectorXd overall;        // m, NaN: none declared
};

Skills ReadSkills(const v1::Catalogue& catalogue) {
  const int models = catalogue.models_size();
  const int capabilities = catalogue.capabilities_size();
  Skills skills{MatrixXd::Constant(capabilities, models, kNone), VectorXd::Constant(models, kNone)};
  for (int m = 0; m < models; ++m) {
    const v1::Model& model = catalogue.models(m);
    if (model.has_default_skill()) {
      skills.overall[m] = model.default_skill();
    } else if (!model.skills().empty()) {
      // In catalogue order, not in the map's: sums must not depend on the order of a hash table.
      double sum = 0;
      int count = 0;
      for (const v1::Capability& capability : catalogue.capabilities()) {
        const auto it = model.skills().find(capability.id());
        if (it == model.skills().end()) continue;
        sum += it->second;
        ++count;
      }
      if (count > 0) skills.overall[m] = sum / count;
    }
    for (int c = 0; c < capabilities; ++c) {
      const auto it = model.skills().find(catalogue.capabilities(c).id());
      skills.by_capability(c, m) = it == model.skills().end() ? skills.overall[m] : it->second;
    }
  }
  return skills;
}

// Mean difficulty of each capability; that of all exemplars where it has none.
VectorXd MeanDifficulties(const Labels& labels, int capabilities) {
  VectorXd sum = VectorXd::Zero(capabilities + 1);
  VectorXd count = VectorXd::Zero(capabilities + 1);
  for (size_t i = 0; i < labels.capability.size(); ++i) {
    const double difficulty = labels.difficulty[static_cast<Eigen::Index>(i)];
    if (std::isnan(difficulty)) continue;
    for (const int c : {labels.capability[i], capabilities}) {
      if (c < 0) continue;
      sum[c] += difficulty;
      count[c] += 1;
    }
  }
  const double overall =
      count[capabilities] > 0 ? sum[capabilities] / count[capabilities] : kMiddleDifficulty;
  VectorXd mean(capabilities + 1);
  for (int c = 0; c <= capabilities; ++c) mean[c] = count[c] > 0 ? sum[c] / count[c] : overall;
  return mean;
}

VectorXd TypicalTokens(const v1::Catalogue& catalogue) {
  const int capabilities = catalogue.capabilities_size();
  double sum = 0;
  int count = 0;
  for (const v1::Capability& capability : catalogue.capabilities()) {
    if (!capability.has_typical_output_tokens()) continue;
    sum += capability.typical_output_tokens();
    ++count;
  }
  VectorXd tokens =
      VectorXd::Constant(capabilities + 1, count > 0 ? sum / count : kDefaultOutputTokens);
  for (int c = 0; c < capabilities; ++c) {
    if (catalogue.capabilities(c).has_typical_output_tokens()) {
      tokens[c] = catalogue.capabilities(c).typical_output_tokens();
    }
  }
  return tokens;
}

// Mean output tokens of each model; where nothing is known of one, the mean over the others.
VectorXd MeanTokens(const Labels& labels) {
  VectorXd means = VectorXd::Zero(labels.tokens.cols());
  double sum = 0;
  int known = 0;
  for (Eigen::Index m = 0; m < means.size(); ++m) {
    const double weight = labels.token_weight.col(m).sum();
    if (weight <= 0) continue;
    means[m] = labels.token_weight.col(m).dot(labels.tokens.col(m)) / weight;
    sum += means[m];
    ++known;
  }
  for (double& mean : means) {
    if (mean <= 0) mean = known > 0 && sum > 0 ? sum / known : kDefaultOutputTokens;
  }
  return means;
}

}  // namespace

double RaschSuccess(double skill, double difficulty, double slope) {
  return 1 / (1 + std::exp(-slope * (skill - difficulty)));
}

Labels MakeLabels(const v1::Catalogue& catalogue,
                  const google::protobuf::RepeatedPtrField<bundle::v1::Exemplar>& exemplars) {
  const int n = exemplars.size();
  const int models = catalogue.models_size();
  const int capabilities = catalogue.capabilities_size();
  absl::flat_hash_map<std::string, int> capability_index;
  for (int c = 0; c < capabilities; ++c) capability_index[catalogue.capabilities(c).id()] = c;

  Labels labels;
  labels.capabilities = capabilities;
  labels.quality = labels.weight = labels.tokens = labels.token_weight = MatrixXd::Zero(n, models);
  labels.difficulty = VectorXd::Constant(n, kNone);
  labels.capability.assign(static_cast<size_t>(n), -1);
  labels.has_outcomes.assign(static_cast<size_t>(models), false);
  labels.has_skill.assign(static_cast<size_t>(models), false);
  for (int i = 0; i < n; ++i) {
    const auto it = capability_index.find(exemplars[i].capability());
    if (it != capability_index.end()) labels.capability[static_cast<size_t>(i)] = it->second;
    if (exemplars[i].has_difficulty()) labels.difficulty[i] = exemplars[i].difficulty();
  }

  const Skills skills = ReadSkills(catalogue);
  const double slope = catalogue.has_skill_slope() ? catalogue.skill_slope() : kDefaultSkillSlope;
  const VectorXd mean_difficulty = MeanDifficulties(labels, capabilities);
  const VectorXd typical_tokens = TypicalTokens(catalogue);
  labels.declared_success = MatrixXd::Constant(capabilities, models, kNone);
  for (int m = 0; m < models; ++m) {
    for (int c = 0; c < capabilities; ++c) {
      if (std::isnan(skills.by_capability(c, m))) continue;
      labels.declared_success(c, m) =
          RaschSuccess(skills.by_capability(c, m), mean_difficulty[c], slope);
      labels.has_skill[static_cast<size_t>(m)] = true;
    }
    if (!std::isnan(skills.overall[m])) labels.has_skill[static_cast<size_t>(m)] = true;
  }

  double squared = 0;
  double count = 0;
  for (int i = 0; i < n; ++i) {
    const bundle::v1::Exemplar& exemplar = exemplars[i];
    const int c = labels.capability[static_cast<size_t>(i)];
    const bool labelled = c >= 0 || !std::isnan(labels.difficulty[i]);
    for (int m = 0; m < models; ++m) {
      const double verbosity =
          catalogue.models(m).has_verbosity() ? catalogue.models(m).verbosity() : 1;
      const auto outcome = exemplar.outcomes().find(catalogue.models(m).id());
      if (outcome != exemplar.outcomes().end()) {
        labels.quality(i, m) = outcome->second.quality();
        labels.weight(i, m) = 1;
        labels.has_outcomes[static_cast<size_t>(m)] = true;
        if (outcome->second.has_output_tokens()) {
          labels.tokens(i, m) = outcome->second.output_tokens();
          labels.token_weight(i, m) = 1;
        }
      }
      if (!labelled) continue;
      const double skill = c >= 0 ? skills.by_capability(c, m) : skills.overall[m];
      if (labels.weight(i, m) == 0 && !std::isnan(skill)) {
        const double difficulty =
            std::isnan(labels.difficulty[i]) ? mean_difficulty[c] : labels.difficulty[i];
        labels.quality(i, m) = RaschSuccess(skill, difficulty, slope);
        labels.weight(i, m) = kDeclaredWeight;
        if (c >= 0) {
          const double deviation = labels.quality(i, m) - labels.declared_success(c, m);
          squared += deviation * deviation;
          count += 1;
        }
      }
      if (labels.token_weight(i, m) == 0) {
        labels.tokens(i, m) = typical_tokens[c >= 0 ? c : capabilities] * verbosity;
        labels.token_weight(i, m) = kDeclaredWeight;
      }
    }
  }
  labels.mean_tokens = MeanTokens(labels);
  labels.declared_deviation = count > 0 ? std::sqrt(squared / count) : 0;
  return labels;
}

Targets MakeTargets(const Labels& labels) {
  const Eigen::Index n = labels.quality.rows();
  const Eigen::Index models = labels.quality.cols();
  VectorXd model_mean = VectorXd::Zero(models);
  double known_models = 0;
  double grand_mean = 0;
  for (Eigen::Index m = 0; m < models; ++m) {
    const double total = labels.weight.col(m).sum();
    if (total <= 0) continue;
    model_mean[m] = labels.weight.col(m).dot(labels.quality.col(m)) / total;
    grand_mean += model_mean[m];
    known_models += 1;
  }
  if (known_models > 0) grand_mean /= known_models;

  Targets targets;
  Eigen::Index columns = 0;
  const auto add_group = [&](bundle::v1::TargetKind kind, Eigen::Index size) {
    targets.groups.push_back({kind, columns, size});
    columns += size;
    return columns - size;
  };
  add_group(bundle::v1::TARGET_KIND_LEVEL, 1);
  add_group(bundle::v1::TARGET_KIND_CONTRAST, models);
  const bool has_difficulty = !labels.difficulty.array().isNaN().all();
  const Eigen::Index difficulty =
      has_difficulty ? add_group(bundle::v1::TARGET_KIND_DIFFICULTY, 1) : 0;
  const bool has_tokens = labels.token_weight.sum() > 0;
  const Eigen::Index tokens = has_tokens ? add_group(bundle::v1::TARGET_KIND_TOKENS, models) : 0;
  const bool has_capabilities =
      labels.capabilities > 0 && labels.capabilities <= kMaxCapabilityTargets &&
      std::any_of(labels.capability.begin(), labels.capability.end(), [](int c) { return c >= 0; });
  const Eigen::Index capability =
      has_capabilities ? add_group(bundle::v1::TARGET_KIND_CAPABILITY, labels.capabilities) : 0;
  targets.value = MatrixXd::Zero(n, columns);
  targets.weight = MatrixXd::Zero(n, columns);
  // Contrasts lose one degree of freedom to the level that is taken from the same outcomes.
  const double freedom = known_models > 1 ? known_models / (known_models - 1) : 1;
  for (Eigen::Index i = 0; i < n; ++i) {
    const double total = labels.weight.row(i).sum();
    if (total > 0) {
      double level = grand_mean;
      for (Eigen::Index m = 0; m < models; ++m) {
        level += labels.weight(i, m) * (labels.quality(i, m) - model_mean[m]) / total;
      }
      targets.value(i, 0) = level;
      targets.weight(i, 0) = total / known_models;
      for (Eigen::Index m = 0; m < models; ++m) {
        const double weight = labels.weight(i, m);
        if (weight <= 0) continue;
        targets.value(i, 1 + m) = labels.quality(i, m) - level;
        targets.weight(i, 1 + m) = weight * (1 - weight / total) * freedom;
      }
    }
    if (has_difficulty && !std::isnan(labels.difficulty[i])) {
      targets.value(i, difficulty) = labels.difficulty[i];
      targets.weight(i, difficulty) = 1;
    }
    if (has_capabilities && labels.capability[static_cast<size_t>(i)] >= 0) {
      targets.value(i, capability + labels.capability[static_cast<size_t>(i)]) = 1;
      targets.weight.row(i).segment(capability, labels.capabilities).setOnes();
    }
    for (Eigen::Index m = 0; has_tokens && m < models; ++m) {
      targets.value(i, tokens + m) =
          std::min(labels.tokens(i, m) / labels.mean_tokens[m], kMaxRelativeTokens);
      targets.weight(i, tokens + m) = labels.token_weight(i, m);
    }
  }
  targets.mean = VectorXd::Zero(columns);
  if (has_tokens)
    targets.mean.segment(tokens, models).setOnes();  // where nothing is known: the mean
  for (Eigen::Index t = 0; t < columns; ++t) {
    const double total = targets.weight.col(t).sum();
    if (total > 0) targets.mean[t] = targets.weight.col(t).dot(targets.value.col(t)) / total;
  }
  return targets;
}

}  // namespace pointsman::estimate
