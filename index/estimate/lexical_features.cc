#include "index/estimate/lexical_features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "index/estimate/ascii.h"

namespace pointsman::estimate {
namespace {

constexpr int kMaxWords = 512;
constexpr size_t kGram = 4;

// Kinds of terms, mixed into the hash so that the word "then" is not the 4-gram "then".
constexpr uint32_t kWordSeed = 0x9e3779b9;
constexpr uint32_t kPairSeed = 0x7f4a7c15;
constexpr uint32_t kGramSeed = 0x85ebca6b;

constexpr uint32_t Mix(uint32_t h) {
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  return h ^ (h >> 16);
}

constexpr bool IsWordByte(char c) { return IsLetter(c) || IsDigit(c) || !IsAscii(c); }

// 1 + log(count) for the counts that occur in practice.
const std::array<float, 64>& DampedCounts() {
  static const auto table = [] {
    std::array<float, 64> damped{};
    for (size_t i = 1; i < damped.size(); ++i) {
      damped[i] = static_cast<float>(1 + std::log(static_cast<double>(i)));
    }
    return damped;
  }();
  return table;
}

}  // namespace

void LexicalExtractor::Add(uint32_t hash) {
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    Slot& slot = slots_[i];
    if (slot.epoch != epoch_) {
      slot = {hash, epoch_, static_cast<uint32_t>(hashes_.size())};
      hashes_.push_back(hash);
      counts_.push_back(1);
      if (hashes_.size() * 2 >= slots_.size()) Grow();
      return;
    }
    if (slot.hash == hash) {
      ++counts_[slot.term];
      return;
    }
  }
}

void LexicalExtractor::Grow() {
  slots_.assign(slots_.size() * 2, Slot());
  epoch_ = 1;
  const size_t mask = slots_.size() - 1;
  for (uint32_t term = 0; term < hashes_.size(); ++term) {
    size_t i = hashes_[term] & mask;
    while (slots_[i].epoch == epoch_) i = (i + 1) & mask;
    slots_[i] = {hashes_[term], epoch_, term};
  }
}

const std::vector<LexicalTerm>& LexicalExtractor::Extract(std::string_view text) {
  if (++epoch_ == 0) {
    std::fill(slots_.begin(), slots_.end(), Slot());
    epoch_ = 1;
  }
  hashes_.clear();
  counts_.clear();
  folded_.assign(1, ' ');
  uint32_t previous = 0;
  int words = 0;
  for (size_t i = 0; i < text.size() && words < kMaxWords;) {
    if (!IsWordByte(text[i])) {
      ++i;
      continue;
    }
    uint32_t hash = kWordSeed;
    for (; i < text.size() && IsWordByte(text[i]); ++i) {
      const char c = ToLower(text[i]);
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
      folded_.push_back(c);
    }
    folded_.push_back(' ');
    hash = Mix(hash);
    Add(hash);
    if (words > 0) Add(Mix(previous * 31 + hash + kPairSeed));
    previous = hash;
    ++words;
  }
  for (size_t i = 0; i + kGram <= folded_.size(); ++i) {
    uint32_t gram;
    std::memcpy(&gram, folded_.data() + i, kGram);
    Add(Mix(gram * 0x9e3779b1 + kGramSeed));
  }
  terms_.clear();
  const std::array<float, 64>& damped = DampedCounts();
  float norm = 0;
  for (size_t t = 0; t < hashes_.size(); ++t) {
    const float value = damped[std::min<size_t>(counts_[t], damped.size() - 1)];
    norm += value * value;
    terms_.push_back({hashes_[t] % kLexicalBuckets, (hashes_[t] >> 31) != 0 ? value : -value});
  }
  const float scale = norm > 0 ? 1 / std::sqrt(norm) : 0;
  for (LexicalTerm& term : terms_) term.value *= scale;
  return terms_;
}

}  // namespace pointsman::estimate
