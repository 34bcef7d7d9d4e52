#ifndef POINTSMAN_INDEX_EMBED_TOKEN_TABLE_H_
#define POINTSMAN_INDEX_EMBED_TOKEN_TABLE_H_

// A hash table from the text of a vocabulary entry to its id, made for WordPiece, which asks for
// many substrings of one word: with a polynomial hash, one pass over the word (PrefixHashes) gives
// the hash of any substring in constant time.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pointsman::embed::internal {

inline constexpr size_t kMaxWordBytes = 1024;
inline constexpr uint64_t kHashBase = 0x9E3779B97F4A7C15;

// kHashPowers[n] = kHashBase^n mod 2^64.
inline constexpr auto kHashPowers = [] {
  std::array<uint64_t, kMaxWordBytes + 1> powers{1};
  for (size_t n = 1; n < powers.size(); ++n) powers[n] = powers[n - 1] * kHashBase;
  return powers;
}();

constexpr uint64_t ExtendHash(uint64_t hash, char byte) {
  return hash * kHashBase + static_cast<uint8_t>(byte);
}

// The hashes of all substrings of one word of at most kMaxWordBytes. Reused from word to word.
class PrefixHashes {
 public:
  void Assign(std::string_view word) {
    uint64_t hash = prefix_[0] = 0;
    for (size_t i = 0; i < word.size(); ++i) prefix_[i + 1] = hash = ExtendHash(hash, word[i]);
  }
  uint64_t Substring(size_t begin, size_t end) const {
    return prefix_[end] - prefix_[begin] * kHashPowers[end - begin];
  }

 private:
  std::array<uint64_t, kMaxWordBytes + 1> prefix_;  // set as far as the word goes
};

class TokenTable {
 public:
  // A table with room for `tokens` entries.
  explicit TokenTable(size_t tokens);

  // `token` must be neither empty nor in the table; all of them together must stay below 4 GiB.
  void Insert(std::string_view token, uint32_t id);

  // `hash` must be that of `token`.
  std::optional<uint32_t> Find(std::string_view token, uint64_t hash) const {
    for (size_t i = Home(hash);; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.length == 0) return std::nullopt;
      if (slot.tag == Tag(hash) && token == std::string_view(&text_[slot.offset], slot.length)) {
        return slot.id;
      }
    }
  }
  std::optional<uint32_t> Find(std::string_view token) const { return Find(token, Hash(token)); }

  // Length in bytes of the longest token: nothing longer need be asked for.
  size_t longest() const { return longest_; }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t id = 0;
    uint32_t offset = 0;  // into text_
    uint32_t length = 0;  // 0: the slot is free
  };

  static uint64_t Hash(std::string_view token);
  // The high bits of the product depend on all bits of the hash: the top ones choose the slot, the
  // next ones are the tag.
  static constexpr uint64_t Mix(uint64_t hash) { return (hash ^ (hash >> 32)) * kHashBase; }
  size_t Home(uint64_t hash) const { return static_cast<size_t>(Mix(hash) >> shift_); }
  static uint32_t Tag(uint64_t hash) { return static_cast<uint32_t>(Mix(hash) >> 8); }

  std::vector<Slot> slots_;  // a power of two, at most half of them in use
  std::string text_;
  size_t mask_ = 0;
  int shift_ = 0;
  size_t longest_ = 0;
};

}  // namespace pointsman::embed::internal

#endif  // POINTSMAN_INDEX_EMBED_TOKEN_TABLE_H_
