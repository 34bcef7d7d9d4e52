#include "small_world.h"

#include <algorithm>
#include <cmath>

#include "index/estimate/labels.h"

namespace pointsman::estimate {
namespace {

constexpr int kWordsPerGroup = 14;
// Groups of words: one a topic, one that all use, one that only the background uses.
constexpr int kCommonGroup = SmallWorld::kTopics;
constexpr int kForeignGroup = SmallWorld::kTopics + 1;
constexpr int kGroups = SmallWorld::kTopics + 2;
constexpr int kBackgroundTexts = 60;

void Normalise(std::vector<float>* vector) {
  double sum = 0;
  for (const float x : *vector) sum += static_cast<double>(x) * static_cast<double>(x);
  for (float& x : *vector) x = static_cast<float>(static_cast<double>(x) / std::sqrt(sum));
}

}  // namespace

SmallWorld::SmallWorld(const SmallWorldOptions& options) : random_(options.seed) {
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<double> uniform;
  for (int group = 0; group < kGroups; ++group) {
    std::vector<float> centre(kDimension);
    for (float& x : centre) x = normal(random_);
    for (int word = 0; word < kWordsPerGroup; ++word) {
      vocabulary_.push_back(std::string(1, static_cast<char>('a' + group)) + "word" +
                            std::to_string(word));
      std::vector<float> vector(kDimension);
      for (size_t j = 0; j < kDimension; ++j) vector[j] = 0.7F * centre[j] + normal(random_);
      vectors_.push_back(std::move(vector));
    }
  }
  for (int c = 0; options.capabilities && c < kTopics; ++c) {
    catalogue.add_capabilities()->set_id("topic" + std::to_string(c));
  }
  for (int m = 0; m < options.models; ++m) {
    v1::Model* model = catalogue.add_models();
    model->set_id("model" + std::to_string(m));
    if (options.skills && m + 1 < options.models) {
      model->set_default_skill(0.3 + 0.4 * m / options.models);
    }
  }

  std::vector<double> sum(kDimension, 0.0);
  for (int i = 0; i < options.exemplars; ++i) {
    const int topic = i % kTopics;
    const EmbeddedText& text = Write(topic);
    topics.push_back(topic);
    embedded_.push_back(text);
    for (size_t j = 0; j < kDimension; ++j) sum[j] += static_cast<double>(text.unit[j]);

    bundle::v1::Exemplar& exemplar = *exemplars.Add();
    exemplar.set_id("exemplar" + std::to_string(i));
    exemplar.set_text(std::string(text.text));
    const bool labelled = uniform(random_) < options.labelled_share;
    if (labelled && options.capabilities) exemplar.set_capability("topic" + std::to_string(topic));
    if (labelled && options.difficulties)
      exemplar.set_difficulty(0.2 * topic + 0.2 * uniform(random_));
    for (int m = 0; m < options.models; ++m) {
      if (uniform(random_) >= options.measured_share) continue;
      auto& outcome = (*exemplar.mutable_outcomes())["model" + std::to_string(m)];
      outcome.set_quality(uniform(random_) < Truth(topic, text, m) ? 1 : 0);
      if (m != 0)
        outcome.set_output_tokens(100 * (1 + topic) * (1 + m) * (0.8 + 0.4 * uniform(random_)));
    }
  }
  for (const double value : sum) {
    // A lone exemplar is its own mean: there is nothing to be seen from it.
    mean_.push_back(options.exemplars == 1 ? 0 : static_cast<float>(value / options.exemplars));
  }
  for (const EmbeddedText& text : embedded_) {
    const std::vector<float> row = Centred(text);
    centred_.insert(centred_.end(), row.begin(), row.end());
  }
  for (int i = 0; i < kBackgroundTexts; ++i) background_.push_back(WriteGibberish());
}

int SmallWorld::PickWord(int group) {
  return group * kWordsPerGroup + static_cast<int>(random_() % kWordsPerGroup);
}

const EmbeddedText& SmallWorld::Write(int topic) {
  const int length = 3 + static_cast<int>(random_() % 10);
  std::vector<int> words;
  for (int i = 0; i < length; ++i) words.push_back(PickWord(i % 3 == 2 ? kCommonGroup : topic));
  return WriteWords(words);
}

const EmbeddedText& SmallWorld::WriteGibberish() {
  const int length = 3 + static_cast<int>(random_() % 10);
  std::vector<int> words;
  for (int i = 0; i < length; ++i) words.push_back(PickWord(kForeignGroup));
  return WriteWords(words);
}

const EmbeddedText& SmallWorld::WriteWords(const std::vector<int>& words) {
  std::string& text = texts_.emplace_back();
  EmbeddedText embedded;
  embedded.unit.assign(kDimension, 0);
  for (const int word : words) {
    if (!text.empty()) text += ' ';
    text += vocabulary_[static_cast<size_t>(word)];
    embedded.tokens.push_back(static_cast<uint32_t>(word));
    for (size_t j = 0; j < kDimension; ++j) {
      embedded.unit[j] += vectors_[static_cast<size_t>(word)][j];
    }
  }
  if (words.size() % 2 == 0) text += '?';
  embedded.text = text;
  Normalise(&embedded.unit);
  return written_.emplace_back(std::move(embedded));
}

double SmallWorld::Truth(int topic, const EmbeddedText& text, int model) const {
  const double strength = 0.3 + 0.15 * model + (topic == model ? 0.3 : 0);
  const double length = static_cast<double>(text.tokens.size()) / 12;
  return 1 / (1 + std::exp(-6 * (strength - 0.15 * topic - 0.3 * (length - 0.5))));
}

bundle::v1::Calibration SmallWorld::Fit() const {
  return FitCalibration(
      {catalogue, exemplars, embedded_, mean_, centred_, background_, vocabulary_.size()},
      [](std::string_view, double) {});
}

Estimator SmallWorld::Create(const bundle::v1::Calibration& calibration) const {
  return *Estimator::Create(calibration, catalogue, exemplars);
}

std::vector<float> SmallWorld::Centred(const EmbeddedText& text) const {
  std::vector<float> centred = text.unit;
  for (size_t j = 0; j < kDimension; ++j) centred[j] -= mean_[j];
  Normalise(&centred);
  return centred;
}

std::vector<search::Neighbour> SmallWorld::Neighbours(const std::vector<float>& centred,
                                                      int k) const {
  std::vector<search::Neighbour> all;
  for (int i = 0; i < exemplars.size(); ++i) {
    double dot = 0;
    for (size_t j = 0; j < kDimension; ++j) {
      dot += static_cast<double>(centred[j]) *
             static_cast<double>(centred_[static_cast<size_t>(i) * kDimension + j]);
    }
    all.push_back({i, static_cast<float>(dot)});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
  });
  all.resize(std::min(all.size(), static_cast<size_t>(k)));
  return all;
}

OwnedQuery::OwnedQuery(const SmallWorld& world, const EmbeddedText& text, int neighbours)
    : centred_(world.Centred(text)), neighbours_(world.Neighbours(centred_, neighbours)) {
  query_ = {text.text, text.tokens, text.unit, centred_, neighbours_};
}

Query OwnedQuery::without_text() const {
  Query query = query_;
  query.text.reset();
  query.tokens = {};
  return query;
}

}  // namespace pointsman::estimate
