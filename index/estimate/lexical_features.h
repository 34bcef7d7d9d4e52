// The words of a text as a sparse vector: its WordPiece tokens and pairs of neighbouring tokens,
// hashed with a sign into 16,384 buckets ("hashing trick", Weinberger et al. 2009), weighted
// 1 + log(count), scaled to unit length.
//
// Tokens rather than characters: the embedder has made them already, they fold case and accents,
// and they serve scripts without spaces alike.
#ifndef POINTSMAN_INDEX_ESTIMATE_LEXICAL_FEATURES_H_
#define POINTSMAN_INDEX_ESTIMATE_LEXICAL_FEATURES_H_

#include <cstdint>
#include <span>
#include <vector>

namespace pointsman::estimate {

inline constexpr uint32_t kLexicalBuckets = 1 << 14;
// Tokens read of one text. Beyond, a text repeats its own vocabulary.
inline constexpr size_t kLexicalTokens = 512;

struct LexicalTerm {
  uint32_t bucket;  // below kLexicalBuckets; a bucket may occur more than once
  float value;
};

// Working memory of one text at a time.
class LexicalExtractor {
 public:
  // The result lives until the next call; it is empty for a text without tokens.
  const std::vector<LexicalTerm>& Extract(std::span<const uint32_t> tokens);

 private:
  // Twice as many slots as terms that 512 tokens can make, so that chains stay short.
  static constexpr size_t kSlots = 4 * kLexicalTokens;

  struct Slot {
    uint32_t hash = 0;
    uint32_t epoch = 0;  // of the text that filled it; any other means free
    uint32_t term = 0;   // index into hashes_ and counts_
  };
  void Count(uint32_t hash);

  std::vector<Slot> slots_ = std::vector<Slot>(kSlots);
  uint32_t epoch_ = 0;
  std::vector<uint32_t> hashes_;
  std::vector<uint32_t> counts_;
  std::vector<LexicalTerm> terms_;
};

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_LEXICAL_FEATURES_H_
