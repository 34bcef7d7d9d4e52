// The form of a text as some forty numbers: lengths, options, digits, operators, question words.
//
// What a text looks like tells how hard it is where the vector does not: ten long options make a
// different task from two words. Standardised at build time and read by a linear view.
#ifndef POINTSMAN_INDEX_ESTIMATE_FORM_FEATURES_H_
#define POINTSMAN_INDEX_ESTIMATE_FORM_FEATURES_H_

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pointsman::estimate {

inline constexpr int kFormFeatures = 45;
using FormFeatures = std::array<float, kFormFeatures>;

// Counts different 64-bit hashes without clearing its table between texts. One for each thread.
class DistinctCounter {
 public:
  void Start();
  // True if `hash` was not yet seen since Start.
  bool Insert(uint64_t hash);
  int count() const { return count_; }

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t epoch = 0;
  };
  void Grow();

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  uint32_t epoch_ = 0;
  int count_ = 0;
};

// Working memory of one text at a time.
struct FormScratch {
  DistinctCounter words;
  DistinctCounter numbers;
};

// One pass over `text`, which should be capped by the caller; ASCII letters and digits make words,
// every other character outside ASCII counts towards the share of non-ASCII only.
FormFeatures ExtractForm(std::string_view text, FormScratch* scratch);

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_FORM_FEATURES_H_
