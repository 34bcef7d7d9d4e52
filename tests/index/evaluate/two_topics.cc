#include "tests/index/evaluate/two_topics.h"

#include <array>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/index/embed/small_model.h"

namespace pointsman::evaluate {
namespace {

constexpr size_t kDimensions = 8;
constexpr size_t kWordsOfTopic = 12;
constexpr size_t kWordsOfQuery = 6;
constexpr std::array<std::array<const char*, kWordsOfTopic>, 2> kWords = {{
    {"sum", "plus", "minus", "times", "divide", "seven", "twelve", "number", "equals", "half",
     "double", "total"},
    {"rose", "verse", "moon", "rhyme", "sea", "heart", "poem", "spring", "dream", "song", "night",
     "star"},
}};

double Uniform(std::mt19937& random) { return static_cast<double>(random()) / 4294967296.0; }

void MakeEmbedder(Inputs* inputs) {
  nlohmann::json tokenizer = embed::SmallTokenizer();
  nlohmann::json& vocabulary = tokenizer["model"]["vocab"];
  std::mt19937 random(1);
  std::vector<float> table(vocabulary.size() * kDimensions);
  for (float& value : table) value = static_cast<float>(Uniform(random) - 0.5);
  for (size_t topic = 0; topic < kWords.size(); ++topic) {
    for (const char* word : kWords[topic]) {
      if (vocabulary.contains(word)) continue;
      vocabulary[word] = table.size() / kDimensions;
      for (size_t i = 0; i < kDimensions; ++i) {
        const double of_topic = i == topic ? 1 : 0;
        table.push_back(static_cast<float>(of_topic + 0.5 * (Uniform(random) - 0.5)));
      }
    }
  }
  inputs->tokenizer_json = tokenizer.dump();
  inputs->safetensors = embed::SafetensorsFile(
      embed::SmallHeader(table.size() / kDimensions, kDimensions), embed::FloatBytes(table));
}

void AddModel(const char* id, double usd_per_mtok, v1::Catalogue* catalogue) {
  v1::Model* model = catalogue->add_models();
  model->set_id(id);
  model->set_input_usd_per_mtok(usd_per_mtok);
  model->set_output_usd_per_mtok(usd_per_mtok);
}

}  // namespace

std::vector<bundle::v1::Exemplar> TwoTopicQueries(int queries, const std::string& prefix) {
  std::mt19937 random(2);
  std::vector<bundle::v1::Exemplar> labelled;
  for (int i = 0; i < queries; ++i) {
    const size_t topic = static_cast<size_t>(i) % 2;
    bundle::v1::Exemplar& exemplar = labelled.emplace_back();
    exemplar.set_id(absl::StrCat(prefix, i));
    for (size_t w = 0; w < kWordsOfQuery; ++w) {
      absl::StrAppend(exemplar.mutable_text(), w == 0 ? "" : " ",
                      kWords[topic][random() % kWordsOfTopic]);
    }
    const auto measure = [&](const char* model, double success) {
      bundle::v1::MeasuredOutcome& outcome = (*exemplar.mutable_outcomes())[model];
      outcome.set_quality(Uniform(random) < success ? 1 : 0);
      outcome.set_output_tokens(100);
    };
    measure("calculator", topic == 0 ? 0.9 : 0.2);
    measure("poet", topic == 1 ? 0.9 : 0.2);
    measure("all_rounder", 0.65);
  }
  return labelled;
}

Inputs TwoTopics(int queries) {
  Inputs inputs;
  MakeEmbedder(&inputs);
  AddModel("calculator", 1, &inputs.catalogue);
  AddModel("poet", 1, &inputs.catalogue);
  AddModel("all_rounder", 10, &inputs.catalogue);
  inputs.labelled = TwoTopicQueries(queries, "query-");
  return inputs;
}

}  // namespace pointsman::evaluate
