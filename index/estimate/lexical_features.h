// The words of a text as a sparse vector: words, pairs of words and character 4-grams, hashed with
// a sign into 16,384 buckets ("hashing trick", Weinberger et al. 2009), weighted 1 + log(count),
// scaled to unit length.
#ifndef POINTSMAN_INDEX_ESTIMATE_LEXICAL_FEATURES_H_
#define POINTSMAN_INDEX_ESTIMATE_LEXICAL_FEATURES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pointsman::estimate {

inline constexpr uint32_t kLexicalBuckets = 1 << 14;

struct LexicalTerm {
  uint32_t bucket;  // below kLexicalBuckets; a bucket may occur more than once
  float value;
};

// Working memory of one text at a time. `terms` is the result of the last extraction.
class LexicalExtractor {
 public:
  // Letters, digits and all bytes outside ASCII make words; at most the first 512 words are read.
  // The span lives until the next call.
  const std::vector<LexicalTerm>& Extract(std::string_view text);

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t epoch = 0;
    uint32_t term = 0;  // index into hashes_ and counts_
  };
  void Add(uint32_t hash);
  void Grow();

  std::vector<Slot> slots_ = std::vector<Slot>(4096);
  uint32_t epoch_ = 0;
  std::vector<uint32_t> hashes_;
  std::vector<uint32_t> counts_;
  std::string folded_;  // the words in lower case, one space around each
  std::vector<LexicalTerm> terms_;
};

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_LEXICAL_FEATURES_H_
