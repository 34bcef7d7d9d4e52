// Times the steps from text to vector.
//
//   POINTSMAN_MODEL_DIR=<directory> embed_benchmark
//
// Texts are as long as the row says and differ from one iteration to the next, so that the table's
// rows come from where they would in service: partly from the cache, partly from memory.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "index/embed/static_embedder.h"
#include "index/embed/utf8.h"
#include "index/embed/vector_math.h"
#include "tests/bench/passages.h"

namespace {

using pointsman::embed::StaticEmbedder;

constexpr size_t kTexts = 256;
constexpr size_t kMaxTokens = 512;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

const StaticEmbedder& Embedder() {
  static const StaticEmbedder* const embedder = [] {
    const char* directory = std::getenv("POINTSMAN_MODEL_DIR");
    const std::string path = directory != nullptr ? directory : ".";
    auto created = StaticEmbedder::Create(ReadFile(path + "/tokenizer.json"),
                                          ReadFile(path + "/model.safetensors"));
    if (!created.ok()) {
      std::cerr << "POINTSMAN_MODEL_DIR=" << path << ": " << created.status() << "\n";
      std::exit(1);
    }
    return new StaticEmbedder(*std::move(created));
  }();
  return *embedder;
}

// Sentences with the mix of common and rare words, capitals, figures and punctuation that questions
// have.
std::vector<std::string> Texts(size_t tokens) {
  static const std::string kSentences[] = {
      "What is the capital of Australia, and how many people live there?",
      "James decides to run 3 sprints 3 times a week; he runs 60 meters each sprint.",
      "Find the degree for the given field extension Q(sqrt(2), sqrt(3)) over Q.",
      "Typical advertising regulatory bodies suggest that adverts must not encourage it.",
      "Write a Python function that parses a timestamp and returns None on failure.",
      "Why does std::vector::push_back invalidate iterators? Explain with an example.",
      "Summarise the following paragraph about photosynthesis in two short sentences.",
      "Translate \"the weather is unusually warm today\" into German and Portuguese.",
      "A patient presents with dyspnoea, tachycardia and an elevated troponin level.",
      "Under the Erie doctrine, which law governs a diversity action in federal court?",
  };
  return pointsman::bench::TextsOf(tokens, kTexts, kSentences, Embedder().tokenizer());
}

void SetTokens(benchmark::State& state, size_t tokens) {
  state.counters["tokens"] =
      benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kAvgIterations);
  state.counters["per_token"] = benchmark::Counter(
      static_cast<double>(tokens), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_ValidateUtf8(benchmark::State& state) {
  const auto texts = Texts(static_cast<size_t>(state.range(0)));
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(pointsman::embed::FirstInvalidUtf8(texts[i++ % kTexts]));
  }
}

void BM_Tokenise(benchmark::State& state) {
  const auto texts = Texts(static_cast<size_t>(state.range(0)));
  std::vector<uint32_t> ids;
  size_t i = 0, tokens = 0;
  for (auto _ : state) {
    ids.clear();
    Embedder().tokenizer().Encode(texts[i++ % kTexts], kMaxTokens, &ids);
    tokens += ids.size();
  }
  SetTokens(state, tokens);
}

void BM_TokeniseNonAscii(benchmark::State& state) {
  const std::string text =
      "Всеобщая декларация прав человека. Ανθρώπινα δικαιώματα, ÉGALITÉ devant la loi; "
      "すべての人間は、生まれながらにして自由であり 人人生而自由 모든 인간은 태어날 때부터";
  std::vector<uint32_t> ids;
  size_t tokens = 0;
  for (auto _ : state) {
    ids.clear();
    Embedder().tokenizer().Encode(text, kMaxTokens, &ids);
    tokens += ids.size();
  }
  SetTokens(state, tokens);
}

// Token ids drawn evenly from the whole vocabulary: nearly every row comes from memory.
void BM_GatherAndMean(benchmark::State& state) {
  const StaticEmbedder& embedder = Embedder();
  std::mt19937 rng(7);
  std::vector<std::vector<uint32_t>> ids(kTexts);
  for (auto& tokens : ids) {
    tokens.resize(static_cast<size_t>(state.range(0)));
    for (uint32_t& token : tokens) {
      token = static_cast<uint32_t>(rng() % embedder.vocabulary_size());
    }
  }
  std::vector<float> vector(embedder.dimension());
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(embedder.Embed(ids[i++ % kTexts], vector));
    benchmark::ClobberMemory();
  }
}

void BM_TextToUnitVector(benchmark::State& state) {
  const StaticEmbedder& embedder = Embedder();
  const auto texts = Texts(static_cast<size_t>(state.range(0)));
  const std::vector<float> exemplar_mean(embedder.dimension(), 0.01f);
  std::vector<float> vector(embedder.dimension());
  std::vector<uint32_t> ids;
  size_t i = 0, tokens = 0;
  for (auto _ : state) {
    const std::string& text = texts[i++ % kTexts];
    benchmark::DoNotOptimize(pointsman::embed::FirstInvalidUtf8(text));
    ids.clear();
    embedder.tokenizer().Encode(text, kMaxTokens, &ids);
    benchmark::DoNotOptimize(embedder.Embed(ids, vector));
    benchmark::DoNotOptimize(pointsman::embed::Normalise(vector));
    benchmark::DoNotOptimize(pointsman::embed::Centre(exemplar_mean, vector));
    tokens += ids.size();
  }
  SetTokens(state, tokens);
}

BENCHMARK(BM_ValidateUtf8)->Arg(64);
BENCHMARK(BM_Tokenise)->Arg(16)->Arg(64)->Arg(256);
BENCHMARK(BM_TokeniseNonAscii);
BENCHMARK(BM_GatherAndMean)->Arg(16)->Arg(64)->Arg(256);
BENCHMARK(BM_TextToUnitVector)->Arg(16)->Arg(64)->Arg(256);

}  // namespace

BENCHMARK_MAIN();
