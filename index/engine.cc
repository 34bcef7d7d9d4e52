#include "index/engine.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "index/embed/vector_math.h"
#include "index/engine_internals.h"

namespace pointsman {
namespace {

// Processors differ in the last digits of a figure, not in decisions.
constexpr double kGoldenConfidenceTolerance = 1e-4;

double Microseconds(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / 1000;
}

absl::Status ReplayGolden(const Engine& engine) {
  Engine::Scratch scratch;
  for (const bundle::v1::GoldenQuery& query : engine.golden().queries()) {
    v1::RouteResponse response;
    const absl::Status status = engine.Decide(query.request(), scratch, &response);
    if (!status.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("golden query `", query.id(), "`: ", status.message()));
    }
    const bundle::v1::GoldenRecord& recorded = query.recorded();
    if (response.outcome() != recorded.outcome() || response.model() != recorded.model() ||
        std::abs(response.confidence() - recorded.confidence()) > kGoldenConfidenceTolerance) {
      return absl::FailedPreconditionError(absl::StrCat(
          "golden query `", query.id(), "`: recorded ", v1::Outcome_Name(recorded.outcome()), " `",
          recorded.model(), "` with confidence ", recorded.confidence(), "; gives ",
          v1::Outcome_Name(response.outcome()), " `", response.model(), "` with ",
          response.confidence()));
    }
  }
  return absl::OkStatus();
}

// Scales so that the largest number is 1 or -1: the squares of a caller's numbers could be too
// large or too small for a float, though the direction is sound.
void ScaleToOne(std::vector<float>* vector) {
  float largest = 0;
  for (const float value : *vector) largest = std::max(largest, std::abs(value));
  for (float& value : *vector) value /= largest;
}

absl::Status InFile(const char* file, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(file, ": ", status.message()));
}

}  // namespace

Engine::Scratch::Scratch() : buffers_(std::make_unique<Buffers>()) {}
Engine::Scratch::~Scratch() = default;
Engine::Scratch::Scratch(Scratch&&) noexcept = default;
Engine::Scratch& Engine::Scratch::operator=(Scratch&&) noexcept = default;

Engine::Engine(std::unique_ptr<const Internals> internals) : internals_(std::move(internals)) {}
Engine::~Engine() = default;

absl::StatusOr<std::unique_ptr<const Engine>> Engine::Load(const std::string& directory) {
  return Load(directory, LoadOptions());
}

absl::StatusOr<std::unique_ptr<const Engine>> Engine::Load(const std::string& directory,
                                                           const LoadOptions& options) {
  absl::StatusOr<bundle::BundleParts> parts =
      bundle::ReadBundle(directory, {options.trusted_keys.get(), options.expected_digest});
  if (!parts.ok()) return parts.status();
  absl::StatusOr<std::unique_ptr<const Engine>> engine =
      Assemble(*std::move(parts), options.bounds);
  if (!engine.ok()) {
    return absl::Status(engine.status().code(),
                        absl::StrCat(directory, "/", engine.status().message()));
  }
  if (options.replay_golden) {
    const absl::Status replayed = ReplayGolden(**engine);
    if (!replayed.ok()) {
      return absl::Status(replayed.code(),
                          absl::StrCat(directory, "/golden.binpb: ", replayed.message()));
    }
  }
  return engine;
}

absl::StatusOr<std::unique_ptr<const Engine>> Engine::Assemble(bundle::BundleParts parts,
                                                               const RequestBounds& bounds) {
  auto catalogue = choose::Catalogue::Compile(parts.catalogue);
  if (!catalogue.ok()) return InFile("catalogue.binpb", catalogue.status());
  auto policies = choose::PolicySet::Compile(parts.policies, *catalogue,
                                             parts.calibration.reference_cost_usd());
  if (!policies.ok()) return InFile("policies.binpb", policies.status());
  auto embedder = embed::StaticEmbedder::Create(parts.tokenizer_json, parts.safetensors);
  if (!embedder.ok()) return InFile("model.safetensors", embedder.status());
  auto index = search::VectorIndex::FromBytes(parts.faiss, parts.exemplars.exemplars_size(),
                                              static_cast<int>(embedder->dimension()));
  if (!index.ok()) return InFile("vectors.faiss", index.status());
  if (parts.calibration.mean_size() != static_cast<int>(embedder->dimension())) {
    return absl::InvalidArgumentError(
        absl::StrCat("calibration.binpb: mean has ", parts.calibration.mean_size(),
                     " numbers; the embedder has ", embedder->dimension(), " dimensions"));
  }
  auto estimator =
      estimate::Estimator::Create(parts.calibration, parts.catalogue, parts.exemplars.exemplars());
  if (!estimator.ok()) return InFile("calibration.binpb", estimator.status());
  const int best = parts.calibration.best_single_model();
  if (best < 0 || best >= catalogue->size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("calibration.binpb: best_single_model must be 0 to ", catalogue->size() - 1,
                     "; is ", best));
  }
  return std::unique_ptr<const Engine>(new Engine(std::unique_ptr<const Internals>(
      new Internals{bounds, std::move(parts.manifest), std::move(parts.catalogue),
                    std::move(parts.policies), std::move(parts.exemplars), std::move(parts.golden),
                    std::move(parts.signed_by), best, *std::move(catalogue), *std::move(policies),
                    *std::move(embedder), *std::move(index), *std::move(estimator)})));
}

absl::Status Engine::Decide(const v1::RouteRequest& request, Scratch& scratch,
                            v1::RouteResponse* response, Clock clock) const {
  const Internals& in = *internals_;
  Scratch::Buffers& buffers = *scratch.buffers_;
  const auto now = [clock] { return clock == nullptr ? 0 : clock(); };
  const int64_t start = now();

  // bytes -> request
  ResolvedRequest resolved;
  const absl::Status status =
      ResolveRequest(request,
                     {in.catalogue, in.policies, in.bounds, in.manifest.embedder_id(),
                      static_cast<int>(in.embedder.dimension())},
                     &resolved);
  if (!status.ok()) return status;

  // request -> text -> vector
  embed::EncodedText& encoded = buffers.encoded;
  const bool has_text = resolved.vector.empty();
  if (has_text) {
    embed::EncodeText(in.embedder, resolved.turns, embed::kMaxSegmentTokens, &encoded);
    resolved.terms.text = encoded.question;
  } else {
    encoded.tokens.clear();
    encoded.unit.assign(resolved.vector.begin(), resolved.vector.end());
    ScaleToOne(&encoded.unit);
    encoded.empty = !embed::Normalise(encoded.unit);
    encoded.truncated = false;
    encoded.question_unit = encoded.unit;
  }
  buffers.centred = encoded.unit;
  const bool empty = encoded.empty || !embed::Centre(in.estimator.mean(), buffers.centred);
  const int64_t embedded = now();

  // vector -> neighbours
  buffers.neighbours.clear();
  if (!empty) {
    const absl::Status searched =
        in.index.Search(buffers.centred, in.estimator.neighbours(), &buffers.neighbours);
    if (!searched.ok()) return searched;
  }
  const int64_t found = now();

  // neighbours -> estimate
  estimate::Query query;
  if (has_text) query.text = encoded.question;
  query.tokens = encoded.tokens;
  query.question_unit = encoded.question_unit;
  query.centred = buffers.centred;
  query.neighbours = buffers.neighbours;
  const estimate::QueryEstimate estimate = empty ? in.estimator.Prior(&buffers.estimate)
                                                 : in.estimator.Estimate(query, &buffers.estimate);
  const int64_t estimated = now();

  // estimate -> candidates -> decision
  choose::Decision& decision = buffers.decision;
  choose::Choose(in.catalogue, in.policies, resolved.terms, estimate, &decision);
  if (empty) decision.degradations.push_back({v1::DEGRADATION_KIND_EMPTY_INPUT});
  if (encoded.truncated) decision.degradations.push_back({v1::DEGRADATION_KIND_TRUNCATED});
  if (!has_text) decision.degradations.push_back({v1::DEGRADATION_KIND_NO_TEXT});
  const int64_t chosen = now();

  // decision -> response
  const RenderContext context{in.catalogue, in.policies,  in.estimator.capability_names(),
                              in.manifest,  in.exemplars, in.best_single_model};
  RenderDecision(context, request, resolved.terms, estimate, decision, response);
  if (request.explain() && !empty) {
    in.estimator.EvidenceWeights(buffers.neighbours, &buffers.evidence_weights);
    RenderEvidence(context, in.bounds, buffers.neighbours, buffers.evidence_weights, response);
  }
  if (clock != nullptr) {
    v1::StageTimings* timings = response->mutable_timings();
    timings->set_embed_us(Microseconds(start, embedded));
    timings->set_search_us(Microseconds(embedded, found));
    timings->set_estimate_us(Microseconds(found, estimated));
    timings->set_choose_us(Microseconds(estimated, chosen));
    timings->set_total_us(Microseconds(start, now()));
  }
  return absl::OkStatus();
}

const bundle::v1::Manifest& Engine::manifest() const { return internals_->manifest; }
const v1::Catalogue& Engine::catalogue() const { return internals_->catalogue_source; }
const v1::PolicySet& Engine::policies() const { return internals_->policies_source; }
const bundle::v1::GoldenSet& Engine::golden() const { return internals_->golden; }
const std::string& Engine::signed_by() const { return internals_->signed_by; }
std::vector<double> Engine::CapabilityShares() const {
  absl::flat_hash_map<absl::string_view, size_t> index;
  for (const v1::Capability& capability : catalogue().capabilities()) {
    index.emplace(capability.id(), index.size());
  }
  std::vector<double> shares(index.size(), 0);
  double labelled = 0;
  for (const bundle::v1::Exemplar& exemplar : internals_->exemplars.exemplars()) {
    const auto capability = index.find(exemplar.capability());
    if (capability == index.end()) continue;
    ++shares[capability->second];
    ++labelled;
  }
  for (double& share : shares) share /= std::max(labelled, 1.0);
  return shares;
}
const std::string& Engine::best_single_model() const {
  return internals_->catalogue.model(internals_->best_single_model).id;
}

}  // namespace pointsman
