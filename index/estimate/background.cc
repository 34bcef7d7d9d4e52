#include "index/estimate/background.h"

#include <algorithm>
#include <random>

namespace pointsman::estimate {

namespace {

constexpr int kBags = 200;
constexpr size_t kMinBagTokens = 10;
constexpr size_t kMaxBagTokens = 80;
constexpr double kRankOffset = 2.7;

}  // namespace

extern const char kBackgroundPromptLines[];  // generated from background_prompts.txt

std::vector<std::string_view> BackgroundPrompts() {
  std::vector<std::string_view> prompts;
  std::string_view rest = kBackgroundPromptLines;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (!line.empty()) prompts.push_back(line);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return prompts;
}

std::vector<std::vector<uint32_t>> RandomTokenBags(size_t vocabulary_size) {
  std::vector<double> cumulative(vocabulary_size);
  double sum = 0;
  for (size_t rank = 0; rank < vocabulary_size; ++rank) {
    sum += 1 / (static_cast<double>(rank) + kRankOffset);
    cumulative[rank] = sum;
  }
  // The generator is specified to the bit; distributions are not, so these two are our own.
  std::mt19937_64 random(1);
  const auto uniform = [&random] { return static_cast<double>(random() >> 11) * 0x1.0p-53; };
  std::vector<std::vector<uint32_t>> bags(kBags);
  for (std::vector<uint32_t>& bag : bags) {
    bag.resize(kMinBagTokens + random() % (kMaxBagTokens - kMinBagTokens));
    for (uint32_t& token : bag) {
      token = static_cast<uint32_t>(
          std::upper_bound(cumulative.begin(), cumulative.end() - 1, uniform() * sum) -
          cumulative.begin());
    }
  }
  return bags;
}

}  // namespace pointsman::estimate
