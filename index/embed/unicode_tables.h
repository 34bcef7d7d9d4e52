#ifndef POINTSMAN_INDEX_EMBED_UNICODE_TABLES_H_
#define POINTSMAN_INDEX_EMBED_UNICODE_TABLES_H_

// What BERT's normaliser and pre-tokenizer do to one code point. The tables are generated from the
// reference implementation (generate_unicode_tables.py), so they agree with it on every code point;
// only wordpiece.cc reads them.

#include <cstdint>

namespace pointsman::embed::internal {

enum class CharacterClass : uint8_t {
  kWord,      // part of a word
  kSpace,     // white space: ends a word
  kIsolated,  // a word of its own: punctuation, or a CJK ideograph
  kStripped,  // non-spacing mark, dropped after decomposition
  kRemoved,   // control character and the like, dropped before anything else
};

struct CodePoint {
  static constexpr uint8_t kHangul = 255;  // a syllable: decomposes by arithmetic, see wordpiece.cc

  // What the code point becomes when decomposed, stripped of accents and lower-cased:
  // itself (fold_length 0), itself + fold (1), or fold_length entries of kFolds from `fold` on.
  int32_t fold;
  uint8_t fold_length;
  // Canonical combining class, where it can matter after stripping; 0 for a starter.
  uint8_t order;
  CharacterClass cased;    // class when text is left as it is
  CharacterClass uncased;  // class of what the code point folds to
};

inline constexpr int kBlockShift = 6;
extern const uint8_t kBlockOfCodePoint[0x110000 >> kBlockShift];
extern const uint16_t kEntryOfCodePoint[];
extern const CodePoint kEntries[];
extern const char32_t kFolds[];

// `c` must be at most U+10FFFF.
inline const CodePoint& Lookup(char32_t c) {
  constexpr char32_t kMask = (1u << kBlockShift) - 1;
  const uint32_t block = kBlockOfCodePoint[c >> kBlockShift];
  return kEntries[kEntryOfCodePoint[(block << kBlockShift) | (c & kMask)]];
}

}  // namespace pointsman::embed::internal

#endif  // POINTSMAN_INDEX_EMBED_UNICODE_TABLES_H_
