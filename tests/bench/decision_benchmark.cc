// Times decisions of one bundle, stage by stage, in one thread.
//
//   decision_benchmark BUNDLE PASSAGES.jsonl
//
// PASSAGES has {"text": ...} a line: real queries that are not in the bundle; from them texts of
// 16, 64 and 256 tokens are made, and decided one after the other. Prints a JSON object to standard
// output: medians in microseconds by stage and length, and how often memory was allocated.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/embed/wordpiece.h"
#include "index/engine.h"
#include "index/search/vector_index.h"
#include "nlohmann/json.hpp"
#include "tests/bench/allocation_counter.h"
#include "tests/bench/passages.h"

namespace {

using pointsman::Engine;
using pointsman::bench::Allocations;

constexpr size_t kTexts = 256;
constexpr int kRounds = 10;  // each text is decided this often; the first round is warm-up
constexpr size_t kMaxTokens = 512;
constexpr size_t kLengths[] = {16, 64, 256};

int64_t NowNanoseconds() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> ReadPassages(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> passages;
  for (std::string line; std::getline(file, line);) {
    passages.push_back(nlohmann::json::parse(line).at("text"));
  }
  return passages;
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Allocations of Encode once its buffer has grown, over all texts: the promise is none.
int64_t TokenizerAllocations(const pointsman::embed::WordPiece& tokenizer,
                             std::span<const std::string> texts) {
  std::vector<uint32_t> ids;
  ids.reserve(kMaxTokens);
  const int64_t before = Allocations();
  for (const std::string& text : texts) {
    ids.clear();
    tokenizer.Encode(text, kMaxTokens, &ids);
  }
  return Allocations() - before;
}

// Decides all texts, round after round, and adds the medians under names that end in the length.
absl::Status Time(const Engine& engine, std::span<const std::string> texts, size_t tokens,
                  nlohmann::ordered_json* figures) {
  std::vector<double> embed_us, search_us, choose_us, total_us;
  Engine::Scratch scratch;
  int64_t allocated = 0;
  for (int round = 0; round < kRounds; ++round) {
    for (const std::string& text : texts) {
      pointsman::v1::RouteRequest request;
      request.set_text(text);
      pointsman::v1::RouteResponse response;
      const int64_t before = Allocations();
      const absl::Status status = engine.Decide(request, scratch, &response, NowNanoseconds);
      if (!status.ok()) return status;
      if (round == 0) continue;
      allocated += Allocations() - before;
      const pointsman::v1::StageTimings& timings = response.timings();
      embed_us.push_back(timings.embed_us());
      search_us.push_back(timings.search_us());
      choose_us.push_back(timings.estimate_us() + timings.choose_us());
      total_us.push_back(timings.total_us());
    }
  }
  (*figures)[absl::StrCat("embed_us_", tokens)] = Median(embed_us);
  (*figures)[absl::StrCat("search_us_", tokens)] = Median(search_us);
  (*figures)[absl::StrCat("estimate_and_choose_us_", tokens)] = Median(choose_us);
  (*figures)[absl::StrCat("total_us_", tokens)] = Median(total_us);
  (*figures)[absl::StrCat("allocations_per_decision_", tokens)] =
      static_cast<double>(allocated) / static_cast<double>(total_us.size());
  return absl::OkStatus();
}

int Fail(const absl::Status& status) {
  std::cerr << "decision_benchmark: " << status.message() << "\n";
  return 1;
}

int Run(const std::string& bundle, const std::string& passages_file) {
  pointsman::search::ConfigureForServing();
  const auto engine = Engine::Load(bundle);
  if (!engine.ok()) return Fail(engine.status());
  const auto tokenizer =
      pointsman::embed::WordPiece::FromJson(ReadFile(bundle + "/tokenizer.json"));
  if (!tokenizer.ok()) return Fail(tokenizer.status());
  const std::vector<std::string> passages = ReadPassages(passages_file);

  nlohmann::ordered_json figures;
  int64_t tokenizer_allocations = 0;
  for (const size_t tokens : kLengths) {
    const auto texts = pointsman::bench::TextsOf(tokens, kTexts, passages, *tokenizer);
    const absl::Status status = Time(**engine, texts, tokens, &figures);
    if (!status.ok()) return Fail(status);
    tokenizer_allocations += TokenizerAllocations(*tokenizer, texts);
  }
  figures["tokenizer_allocations"] = tokenizer_allocations;
  std::cout << figures.dump(1) << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: decision_benchmark BUNDLE PASSAGES.jsonl\n";
    return 2;
  }
  return Run(argv[1], argv[2]);
}
