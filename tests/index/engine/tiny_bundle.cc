#include "tiny_bundle.h"

#include <algorithm>
#include <stdexcept>

#include "index/embed/static_embedder.h"
#include "index/embed/text_encoder.h"
#include "index/stable_hash.h"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/index/embed/small_model.h"

namespace pointsman {
namespace {

constexpr size_t kDimension = 8;

struct Topic {
  const char* capability;
  double difficulty;
  double small_success;  // of the cheap model
  std::vector<std::string> words;
};

const std::vector<Topic>& Topics() {
  static const auto& topics = *new std::vector<Topic>{
      {"greeting", 0.05, 1, {"hello", "hi", "thanks", "good", "morning", "friend", "nice", "day"}},
      {"proof",
       0.9,
       0,
       {"prove", "theorem", "integral", "prime", "sum", "root", "lemma", "infinite"}},
      {"coding", 0.5, 0.5, {"function", "bug", "python", "loop", "error", "class", "list", "sort"}},
  };
  return topics;
}

// Words of all topics, which tell nothing.
const std::vector<std::string>& CommonWords() {
  static const auto& words =
      *new std::vector<std::string>{"the", "a", "of", "is", "please", "what", "that", "?"};
  return words;
}

// A number in -1..1 that depends on the names alone.
float Noise(const std::string& word, size_t dimension) {
  const uint64_t hash = StableHash(word, dimension);
  return 2 * static_cast<float>(hash >> 40) * 0x1.0p-24F - 1;
}

struct Model {
  std::string tokenizer_json;
  std::string safetensors;
};

Model TinyModel() {
  std::vector<std::string> vocabulary = {"[PAD]", "[UNK]", "[MASK]"};
  std::vector<float> rows(3 * kDimension, 0.0F);
  const auto add = [&](const std::string& word, size_t topic) {
    vocabulary.push_back(word);
    for (size_t j = 0; j < kDimension; ++j) {
      rows.push_back(0.4F * Noise(word, j) + (j == topic ? 1.0F : 0.0F));
    }
  };
  for (size_t t = 0; t < Topics().size(); ++t) {
    for (const std::string& word : Topics()[t].words) add(word, t);
  }
  for (const std::string& word : CommonWords()) add(word, Topics().size());

  nlohmann::json tokenizer = embed::SmallTokenizer();
  tokenizer["model"]["vocab"] = nlohmann::json::object();
  for (size_t id = 0; id < vocabulary.size(); ++id) {
    tokenizer["model"]["vocab"][vocabulary[id]] = id;
  }
  return {tokenizer.dump(),
          embed::SafetensorsFile(embed::SmallHeader(vocabulary.size(), kDimension),
                                 embed::FloatBytes(rows))};
}

void AddModel(std::string_view id, double usd_per_mtok, double skill, v1::Catalogue* catalogue) {
  v1::Model* model = catalogue->add_models();
  model->set_id(std::string(id));
  model->set_input_usd_per_mtok(usd_per_mtok);
  model->set_output_usd_per_mtok(4 * usd_per_mtok);
  model->set_context_window_tokens(100'000);
  model->set_output_tokens_per_second(100);
  model->set_time_to_first_token_ms(200);
  model->set_default_skill(skill);
}

v1::PolicySet TinyPolicies() {
  v1::PolicySet set;
  set.set_default_policy("balanced");
  set.add_policies()->set_name("balanced");
  v1::Policy* quality = set.add_policies();
  quality->set_name("quality");
  quality->set_tradeoff(0);
  v1::Policy* guarded = set.add_policies();
  guarded->set_name("guarded");
  guarded->set_on_unfamiliar(v1::UNFAMILIAR_ACTION_ABSTAIN);
  v1::Rule* rule = guarded->add_rules();
  rule->set_name("python_to_large");
  rule->mutable_when()->set_text_pattern("(?i)python");
  rule->mutable_then()->add_only_models("large");
  return set;
}

bundle::v1::Exemplar TinyExemplar(size_t topic_index, size_t i) {
  const Topic& topic = Topics()[topic_index];
  const auto word = [&](size_t at) { return topic.words[at % topic.words.size()]; };
  bundle::v1::Exemplar exemplar;
  exemplar.set_id(std::string(topic.capability) + "-" + std::to_string(i));
  std::string text = word(i) + " " + CommonWords()[i % 7] + " " + word(3 * i + 1);
  if (i % 2 == 0) text += " " + word(5 * i + 2) + " " + CommonWords()[(i + 3) % 7];
  if (i % 3 == 0) text += "?";
  exemplar.set_text(text);
  exemplar.set_capability(topic.capability);
  exemplar.set_difficulty(topic.difficulty);
  const double draw = static_cast<double>(StableHash(exemplar.id()) >> 40) * 0x1.0p-24;
  auto& outcomes = *exemplar.mutable_outcomes();
  if (i % 5 != 4) {
    outcomes["small"].set_quality(draw < 0.1 + 0.8 * topic.small_success ? 1 : 0);
    outcomes["small"].set_output_tokens(40 + 10 * static_cast<double>(i % 4));
  }
  outcomes["large"].set_quality(draw < 0.95 ? 1 : 0);
  return exemplar;
}

}  // namespace

bundle::BundleSources TinySources() {
  bundle::BundleSources sources;
  for (const Topic& topic : Topics()) {
    v1::Capability* capability = sources.catalogue.add_capabilities();
    capability->set_id(topic.capability);
    capability->set_typical_output_tokens(200);
  }
  AddModel("small", 0.5, 0.4, &sources.catalogue);
  AddModel("large", 5, 0.95, &sources.catalogue);
  sources.catalogue.mutable_models(1)->add_features("tools");
  sources.catalogue.mutable_models(1)->add_tags("region:eu");
  sources.policies = TinyPolicies();
  for (size_t topic = 0; topic < Topics().size(); ++topic) {
    for (size_t i = 0; i < 20; ++i) sources.exemplars.push_back(TinyExemplar(topic, i));
  }
  Model model = TinyModel();
  sources.tokenizer_json = std::move(model.tokenizer_json);
  sources.safetensors = std::move(model.safetensors);
  return sources;
}

absl::StatusOr<bundle::v1::Manifest> Build(const bundle::BundleSources& sources,
                                           const std::string& directory,
                                           const BuildOptions& options) {
  return BuildBundle(sources, options, directory, [](std::string_view, int64_t, int64_t) {});
}

std::unique_ptr<const Engine> BuiltEngine(const bundle::BundleSources& sources,
                                          const BuildOptions& options) {
  const bundle::ScratchDirectory scratch;
  const auto manifest = Build(sources, scratch / "bundle", options);
  if (!manifest.ok()) throw std::runtime_error(manifest.status().ToString());
  auto engine = Engine::Load(scratch / "bundle");
  if (!engine.ok()) throw std::runtime_error(engine.status().ToString());
  return *std::move(engine);
}

const Engine& TinyEngine() {
  static const auto& engine = *new std::unique_ptr<const Engine>(BuiltEngine(TinySources()));
  return *engine;
}

v1::RouteRequest TextRequest(std::string_view text) {
  v1::RouteRequest request;
  request.set_text(std::string(text));
  return request;
}

v1::RouteResponse Decide(const Engine& engine, const v1::RouteRequest& request) {
  Engine::Scratch scratch;
  v1::RouteResponse response;
  const absl::Status status = engine.Decide(request, scratch, &response);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  return response;
}

bool IsDegraded(const v1::RouteResponse& response, v1::DegradationKind kind) {
  return std::any_of(response.degradations().begin(), response.degradations().end(),
                     [kind](const v1::Degradation& d) { return d.kind() == kind; });
}

std::vector<float> VectorOf(std::string_view text) {
  const Model model = TinyModel();
  const auto embedder = embed::StaticEmbedder::Create(model.tokenizer_json, model.safetensors);
  const embed::Turn turn{embed::Turn::Role::kUser, text};
  embed::EncodedText encoded;
  embed::EncodeText(*embedder, {&turn, 1}, embed::kMaxSegmentTokens, &encoded);
  return encoded.unit;
}

}  // namespace pointsman
