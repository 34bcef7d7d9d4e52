#include "index/estimate/lexical_features.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace pointsman::estimate {
namespace {

// Finaliser of MurmurHash3: every bit of the input reaches every bit of the result.
constexpr uint32_t Mix(uint32_t h) {
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  return h ^ (h >> 16);
}

constexpr uint32_t HashToken(uint32_t token) { return Mix(token * 0x9e3779b1 + 1); }
constexpr uint32_t HashPair(uint32_t first, uint32_t second) {
  return Mix(first * 0x9e3779b1 + second * 0x85ebca77 + 0x7f4a7c15);
}

float DampedCount(uint32_t count) {
  return count == 1 ? 1 : 1 + std::log(static_cast<float>(count));
}

}  // namespace

void LexicalExtractor::Count(uint32_t hash) {
  for (size_t i = hash % kSlots;; i = (i + 1) % kSlots) {
    Slot& slot = slots_[i];
    if (slot.epoch != epoch_) {
      slot = {hash, epoch_, static_cast<uint32_t>(hashes_.size())};
      hashes_.push_back(hash);
      counts_.push_back(1);
      return;
    }
    if (slot.hash == hash) {
      ++counts_[slot.term];
      return;
    }
  }
}

const std::vector<LexicalTerm>& LexicalExtractor::Extract(std::span<const uint32_t> tokens) {
  if (++epoch_ == 0) {
    std::fill(slots_.begin(), slots_.end(), Slot());
    epoch_ = 1;
  }
  hashes_.clear();
  counts_.clear();
  tokens = tokens.first(std::min(tokens.size(), kLexicalTokens));
  for (size_t i = 0; i < tokens.size(); ++i) {
    Count(HashToken(tokens[i]));
    if (i > 0) Count(HashPair(tokens[i - 1], tokens[i]));
  }
  terms_.clear();
  float squares = 0;
  for (size_t t = 0; t < hashes_.size(); ++t) {
    const float value = DampedCount(counts_[t]);
    squares += value * value;
    terms_.push_back({hashes_[t] % kLexicalBuckets, (hashes_[t] >> 31) != 0 ? value : -value});
  }
  const float scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  for (LexicalTerm& term : terms_) term.value *= scale;
  return terms_;
}

}  // namespace pointsman::estimate
