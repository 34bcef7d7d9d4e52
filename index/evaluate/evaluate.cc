#include "index/evaluate/evaluate.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "index/builder.h"
#include "index/engine.h"
#include "index/evaluate/temporary_directory.h"
#include "index/evaluate/trial.h"
#include "index/string_view.h"

namespace pointsman::evaluate {
namespace {

constexpr char kPolicy[] = "evaluation";
constexpr double kTokensPerMtok = 1e6;

using Exemplars = std::vector<bundle::v1::Exemplar>;
using ModelIndex = absl::flat_hash_map<std::string, size_t>;

ModelIndex IndexModels(const v1::Catalogue& catalogue) {
  ModelIndex index;
  for (const v1::Model& model : catalogue.models()) index.emplace(model.id(), index.size());
  return index;
}

// Quality only, no limits: the answer then ranks every model and tells at which tradeoffs each
// would be the choice.
v1::PolicySet EvaluationPolicy() {
  v1::PolicySet policies;
  policies.set_default_policy(kPolicy);
  v1::Policy* policy = policies.add_policies();
  policy->set_name(kPolicy);
  policy->set_tradeoff(0);
  return policies;
}

double ListCostUsd(const v1::Model& model, double input_tokens, double output_tokens) {
  if (!model.has_input_usd_per_mtok() || !model.has_output_usd_per_mtok()) return kNotKnown;
  return (input_tokens * model.input_usd_per_mtok() + output_tokens * model.output_usd_per_mtok()) /
         kTokensPerMtok;
}

// Sets what the engine says of `exemplar`, and then what was measured.
Trial MakeTrial(const v1::Catalogue& catalogue, const ModelIndex& index,
                const v1::RouteResponse& response, const bundle::v1::Exemplar& exemplar) {
  Trial trial;
  trial.familiarity = response.familiarity();
  trial.models.resize(index.size());
  for (const v1::Candidate& candidate : response.candidates()) {
    const size_t m = index.at(candidate.model());
    ModelTrial& model = trial.models[m];
    model.success = candidate.success_probability();
    model.lower = candidate.success_interval().lower();
    model.upper = candidate.success_interval().upper();
    if (candidate.has_cost_usd()) model.cost_usd = candidate.cost_usd();
    if (candidate.has_tradeoff_interval()) {
      trial.choices.push_back({candidate.tradeoff_interval().lower(), m});
    }
  }
  // Candidates are ranked at tradeoff 0, where the best may win at that point alone: the order
  // among equal lower ends is then the rank.
  std::stable_sort(trial.choices.begin(), trial.choices.end(),
                   [](const Choice& a, const Choice& b) { return a.tradeoff < b.tradeoff; });
  for (const auto& [id, outcome] : exemplar.outcomes()) {
    const size_t m = index.at(id);
    ModelTrial& model = trial.models[m];
    if (!outcome.has_quality()) continue;
    model.quality = outcome.quality();
    if (outcome.has_output_tokens()) {
      model.cost_usd =
          ListCostUsd(catalogue.models(static_cast<int>(m)),
                      static_cast<double>(response.input_tokens()), outcome.output_tokens());
    }
  }
  return trial;
}

Exemplars Select(const Exemplars& exemplars, const std::vector<size_t>& indices) {
  Exemplars selected;
  for (const size_t i : indices) selected.push_back(exemplars[i]);
  return selected;
}

absl::StatusOr<std::vector<Trial>> RunTrials(const Engine& engine, const Exemplars& test,
                                             const BuildProgress& progress) {
  const ModelIndex index = IndexModels(engine.catalogue());
  std::vector<Trial> trials;
  Engine::Scratch scratch;
  v1::RouteRequest request;
  for (const bundle::v1::Exemplar& exemplar : test) {
    request.set_text(exemplar.text());
    v1::RouteResponse response;
    const absl::Status status = engine.Decide(request, scratch, &response);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("test query `", exemplar.id(), "`: ", status.message()));
    }
    trials.push_back(MakeTrial(engine.catalogue(), index, response, exemplar));
    progress("decide", static_cast<int64_t>(trials.size()), static_cast<int64_t>(test.size()));
  }
  return trials;
}

}  // namespace

absl::StatusOr<std::optional<ModelPair>> ParsePair(std::string_view text,
                                                   const v1::Catalogue& catalogue) {
  if (text.empty()) {
    if (catalogue.models_size() != 2) return std::nullopt;
    const bool first_is_dearer =
        catalogue.models(0).output_usd_per_mtok() > catalogue.models(1).output_usd_per_mtok();
    return ModelPair{first_is_dearer ? size_t{1} : size_t{0},
                     first_is_dearer ? size_t{0} : size_t{1}};
  }
  const std::vector<std::string> ids = absl::StrSplit(ToAbsl(text), ',');
  if (ids.size() != 2 || ids[0] == ids[1]) {
    return absl::InvalidArgumentError(
        absl::StrCat("pair must be two different models, WEAK,STRONG; is `", ToAbsl(text), "`"));
  }
  const ModelIndex index = IndexModels(catalogue);
  for (const std::string& id : ids) {
    if (!index.contains(id)) {
      return absl::InvalidArgumentError(
          absl::StrCat("pair: the catalogue has no model `", id, "`"));
    }
  }
  return ModelPair{index.at(ids[0]), index.at(ids[1])};
}

absl::StatusOr<Evaluation> Evaluate(const Inputs& inputs, const Protocol& protocol,
                                    std::optional<ModelPair> pair, const Progress& progress) {
  absl::StatusOr<std::vector<Split>> splits = MakeSplits(inputs.labelled.size(), protocol);
  if (!splits.ok()) return splits.status();
  absl::StatusOr<TemporaryDirectory> directory = TemporaryDirectory::Create();
  if (!directory.ok()) return directory.status();

  Evaluation evaluation;
  evaluation.pair = pair;
  for (const v1::Model& model : inputs.catalogue.models()) evaluation.models.push_back(model.id());
  bundle::BundleSources sources;
  sources.catalogue = inputs.catalogue;
  sources.policies = EvaluationPolicy();
  sources.safetensors = inputs.safetensors;
  sources.tokenizer_json = inputs.tokenizer_json;
  const std::string bundle_path = directory->path() + "/bundle";
  for (size_t i = 0; i < splits->size(); ++i) {
    const Split& split = (*splits)[i];
    const std::string prefix = absl::StrCat("split ", i + 1, " of ", splits->size(), ": ");
    const BuildProgress stage_progress = [&](std::string_view stage, int64_t done, int64_t total) {
      progress(absl::StrCat(prefix, ToAbsl(stage)), done, total);
    };
    sources.exemplars = Select(inputs.labelled, split.train);
    const auto built = BuildBundle(sources, BuildOptions(), bundle_path, stage_progress);
    if (!built.ok()) return built.status();
    const auto engine = Engine::Load(bundle_path);
    if (!engine.ok()) return engine.status();
    const Exemplars test =
        inputs.test.has_value() ? *inputs.test : Select(inputs.labelled, split.test);
    const auto trials = RunTrials(**engine, test, stage_progress);
    if (!trials.ok()) return trials.status();
    evaluation.splits.push_back({split.seed, split.fold, static_cast<int64_t>(split.train.size()),
                                 ComputeFigures(*trials, evaluation.models.size(), pair)});
  }
  return evaluation;
}

}  // namespace pointsman::evaluate
