#include "index/builder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "index/bundle/store.h"
#include "index/choose/catalogue.h"
#include "index/embed/static_embedder.h"
#include "index/embed/text_encoder.h"
#include "index/embed/vector_math.h"
#include "index/engine.h"
#include "index/estimate/background.h"
#include "index/estimate/fit.h"
#include "index/request.h"
#include "index/search/vector_index.h"
#include "index/version.h"

namespace pointsman {
namespace {

using estimate::EmbeddedText;

// A step is reported in thousandths where only a share of it is known.
constexpr int64_t kProgressSteps = 1000;

EmbeddedText EmbedOne(const embed::StaticEmbedder& embedder, std::string_view text,
                      embed::EncodedText* encoded) {
  const embed::Turn turn{embed::Turn::Role::kUser, text};
  embed::EncodeText(embedder, {&turn, 1}, embed::kMaxSegmentTokens, encoded);
  return {encoded->question, encoded->tokens, encoded->unit};
}

struct Vectors {
  std::vector<EmbeddedText> texts;
  std::vector<float> mean;     // d
  std::vector<float> centred;  // n x d
};

absl::StatusOr<Vectors> EmbedExemplars(const embed::StaticEmbedder& embedder,
                                       const std::vector<bundle::v1::Exemplar>& exemplars,
                                       const BuildProgress& progress) {
  const size_t d = embedder.dimension();
  const auto n = static_cast<int64_t>(exemplars.size());
  Vectors vectors;
  std::vector<double> sum(d, 0.0);
  embed::EncodedText encoded;
  for (const bundle::v1::Exemplar& exemplar : exemplars) {
    vectors.texts.push_back(EmbedOne(embedder, exemplar.text(), &encoded));
    if (encoded.empty) {
      return absl::InvalidArgumentError(
          absl::StrCat("exemplar `", exemplar.id(),
                       "`: the embedder knows no token of its text, so it has no vector"));
    }
    for (size_t i = 0; i < d; ++i) {
      sum[i] += static_cast<double>(vectors.texts.back().unit[i]);
    }
    progress("embed", static_cast<int64_t>(vectors.texts.size()), n);
  }
  for (const double value : sum) {
    vectors.mean.push_back(static_cast<float>(value / static_cast<double>(n)));
  }
  // A lone exemplar is its own mean: there is nothing to be seen from it.
  if (n == 1) std::fill(vectors.mean.begin(), vectors.mean.end(), 0.0F);
  for (const EmbeddedText& text : vectors.texts) {
    std::vector<float> centred = text.unit;
    if (!embed::Centre(vectors.mean, centred)) centred = text.unit;
    vectors.centred.insert(vectors.centred.end(), centred.begin(), centred.end());
  }
  return vectors;
}

// Largest expected cost of any model on an exemplar of mean length with its mean answer: what one
// unit of cost means to policies that name no reference.
double ReferenceCost(const choose::Catalogue& catalogue,
                     const std::vector<bundle::v1::Exemplar>& exemplars,
                     const bundle::v1::Calibration& calibration) {
  double input_tokens = 0;
  for (const bundle::v1::Exemplar& exemplar : exemplars) {
    input_tokens += EstimateTokens(exemplar.text());
  }
  input_tokens /= static_cast<double>(exemplars.size());
  double dearest = 0;
  for (int m = 0; m < catalogue.size(); ++m) {
    const double cost = catalogue.model(m).CostUsd(input_tokens, 0, calibration.mean_tokens(m));
    if (choose::IsKnown(cost)) dearest = std::max(dearest, cost);
  }
  return dearest > 0 ? dearest : 1;
}

// The way in which a decision misses what the author of a golden query demands; empty if it meets
// it.
std::string UnmetExpectation(const bundle::v1::GoldenExpectation& expect,
                             const v1::RouteResponse& response) {
  if (expect.outcome() != v1::OUTCOME_UNSPECIFIED && expect.outcome() != response.outcome()) {
    return absl::StrCat("expects ", v1::Outcome_Name(expect.outcome()), ", is ",
                        v1::Outcome_Name(response.outcome()));
  }
  const auto contains = [&](const auto& models) {
    return std::find(models.begin(), models.end(), response.model()) != models.end();
  };
  if (expect.models_size() > 0 && !contains(expect.models())) {
    return absl::StrCat("expects one of ", absl::StrJoin(expect.models(), ", "), "; is `",
                        response.model(), "`");
  }
  if (contains(expect.not_models())) {
    return absl::StrCat("expects none of ", absl::StrJoin(expect.not_models(), ", "), "; is `",
                        response.model(), "`");
  }
  return {};
}

// Decides every golden query with the engine that will serve, and records what it says.
absl::Status RecordGolden(const std::vector<bundle::v1::GoldenQuery>& golden,
                          bundle::BundleParts* parts) {
  if (golden.empty()) return absl::OkStatus();
  auto engine = Engine::Assemble(*parts, RequestBounds());
  if (!engine.ok()) return engine.status();
  Engine::Scratch scratch;
  std::vector<std::string> unmet;
  for (const bundle::v1::GoldenQuery& source : golden) {
    bundle::v1::GoldenQuery* query = parts->golden.add_queries();
    *query = source;
    v1::RouteResponse response;
    const absl::Status status = (*engine)->Decide(query->request(), scratch, &response);
    if (!status.ok()) {
      unmet.push_back(absl::StrCat("golden query `", query->id(), "`: ", status.message()));
      continue;
    }
    const std::string problem = UnmetExpectation(query->expect(), response);
    if (!problem.empty()) {
      unmet.push_back(absl::StrCat("golden query `", query->id(), "`: ", problem));
    }
    query->mutable_recorded()->set_outcome(response.outcome());
    query->mutable_recorded()->set_model(response.model());
    query->mutable_recorded()->set_confidence(response.confidence());
  }
  if (unmet.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(unmet, "\n"));
}

}  // namespace

absl::StatusOr<bundle::v1::Manifest> BuildBundle(const bundle::BundleSources& sources,
                                                 const BuildOptions& options,
                                                 const std::string& directory,
                                                 const BuildProgress& progress) {
  absl::Status status = bundle::CheckReplaceable(directory);
  if (!status.ok()) return status;
  auto catalogue = choose::Catalogue::Compile(sources.catalogue);
  if (!catalogue.ok()) return catalogue.status();
  auto embedder = embed::StaticEmbedder::Create(sources.tokenizer_json, sources.safetensors);
  if (!embedder.ok()) return embedder.status();
  if (sources.exemplars.empty()) {
    return absl::InvalidArgumentError("exemplars: at least one is needed; there is none");
  }

  auto vectors = EmbedExemplars(*embedder, sources.exemplars, progress);
  if (!vectors.ok()) return vectors.status();
  const std::string factory =
      options.index_factory.empty()
          ? search::ChooseFactory(static_cast<int64_t>(sources.exemplars.size()))
          : options.index_factory;
  progress("index", 0, 1);
  auto index = search::VectorIndex::Build(factory, static_cast<int>(embedder->dimension()),
                                          vectors->centred);
  if (!index.ok()) return index.status();
  auto index_bytes = index->Serialise();
  if (!index_bytes.ok()) return index_bytes.status();
  progress("index", 1, 1);

  bundle::BundleParts parts;
  for (const bundle::v1::Exemplar& exemplar : sources.exemplars) {
    *parts.exemplars.add_exemplars() = exemplar;
  }
  std::vector<EmbeddedText> background;
  embed::EncodedText encoded;
  for (const std::string_view prompt : estimate::BackgroundPrompts()) {
    background.push_back(EmbedOne(*embedder, prompt, &encoded));
  }
  for (std::vector<uint32_t>& bag : estimate::RandomTokenBags(embedder->vocabulary_size())) {
    EmbeddedText text{{}, std::move(bag), std::vector<float>(embedder->dimension())};
    if (embedder->Embed(text.tokens, text.unit) == embed::StaticEmbedder::Outcome::kOk &&
        embed::Normalise(text.unit)) {
      background.push_back(std::move(text));
    }
  }
  parts.calibration = estimate::FitCalibration(
      {sources.catalogue, parts.exemplars.exemplars(), vectors->texts, vectors->mean,
       vectors->centred, background, embedder->vocabulary_size()},
      [&](std::string_view step, double share) {
        progress(step, static_cast<int64_t>(share * kProgressSteps), kProgressSteps);
      });
  parts.calibration.set_reference_cost_usd(
      ReferenceCost(*catalogue, sources.exemplars, parts.calibration));

  if (options.drop_text) {
    for (bundle::v1::Exemplar& exemplar : *parts.exemplars.mutable_exemplars()) {
      exemplar.clear_text();
    }
  }
  parts.manifest.set_version(options.version);
  parts.manifest.set_dimensions(static_cast<int32_t>(embedder->dimension()));
  parts.manifest.set_embedder_id(
      bundle::EmbedderId(parts.manifest.dimensions(), sources.safetensors, sources.tokenizer_json));
  parts.manifest.set_index_factory(factory);
  parts.manifest.set_capability_count(parts.calibration.capability_head().slope().columns());
  parts.manifest.set_builder_version(kVersion);
  parts.manifest.set_texts_dropped(options.drop_text);
  parts.catalogue = sources.catalogue;
  parts.policies = sources.policies;
  parts.faiss = *std::move(index_bytes);
  parts.safetensors = sources.safetensors;
  parts.tokenizer_json = sources.tokenizer_json;

  progress("golden queries", 0, 1);
  status = RecordGolden(sources.golden, &parts);
  if (!status.ok()) return status;
  progress("golden queries", 1, 1);
  return bundle::WriteBundle(parts, directory);
}

}  // namespace pointsman
