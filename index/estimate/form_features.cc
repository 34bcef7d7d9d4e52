#include "index/estimate/form_features.h"

#include <algorithm>
#include <cmath>

#include "index/estimate/ascii.h"

namespace pointsman::estimate {
namespace {

constexpr uint64_t kFnvOffset = 0xcbf29ce484222325u;
constexpr uint64_t kFnvPrime = 0x100000001b3u;

constexpr uint64_t HashWord(std::string_view word) {
  uint64_t hash = kFnvOffset;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(ToLower(c))) * kFnvPrime;
  return hash;
}

// Words whose mere presence is a feature. Question words have one each; the others share one a
// group.
struct MarkerWord {
  std::string_view word;
  uint8_t feature;
};
constexpr MarkerWord kMarkerWords[] = {
    {"what", 0},       {"which", 1},    {"how", 2},       {"why", 3},        {"who", 4},
    {"when", 5},       {"where", 6},    {"not", 7},       {"except", 7},     {"never", 7},
    {"no", 7},         {"false", 7},    {"following", 8}, {"all", 9},        {"none", 9},
    {"both", 9},       {"if", 10},      {"suppose", 10},  {"assume", 10},    {"let", 10},
    {"calculate", 11}, {"compute", 11}, {"find", 11},     {"determine", 11}, {"evaluate", 11},
    {"solve", 11},     {"many", 12},    {"much", 12},     {"most", 13},      {"best", 13},
    {"likely", 13},
};
constexpr size_t kMarkers = 14;

// The same by hash, sorted.
struct Marker {
  uint64_t hash = 0;
  uint8_t feature = 0;
};
constexpr auto kMarkerTable = [] {
  std::array<Marker, std::size(kMarkerWords)> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = {HashWord(kMarkerWords[i].word), kMarkerWords[i].feature};
  }
  std::sort(table.begin(), table.end(),
            [](const Marker& a, const Marker& b) { return a.hash < b.hash; });
  return table;
}();

// Classes of single characters that are counted, as bits.
enum CharacterBit : uint8_t {
  kOperator = 1,
  kCode = 2,
  kPunctuation = 4,
  kQuote = 8,
};
constexpr auto kCharacterBits = [] {
  std::array<uint8_t, 256> bits{};
  for (const char c : std::string_view("+-*/=<>^%"))
    bits[static_cast<unsigned char>(c)] |= kOperator;
  for (const char c : std::string_view("{}[]();_\\|`~$#@&")) {
    bits[static_cast<unsigned char>(c)] |= kCode;
  }
  for (const char c : std::string_view(".,;:!?"))
    bits[static_cast<unsigned char>(c)] |= kPunctuation;
  for (const char c : std::string_view("\"'")) bits[static_cast<unsigned char>(c)] |= kQuote;
  return bits;
}();

// Everything that is counted in one pass.
struct Counts {
  double characters = 0;
  double letters = 0, capitals = 0, digits = 0, non_ascii = 0;
  double operators = 0, code = 0, punctuation = 0, quotes = 0, question_marks = 0;
  bool dollar = false, percent = false, backslash = false, blank = false;
  double space_separated = 0, lines = 1, sentences = 0;
  double words = 0, word_characters = 0, long_words = 0, longest_word = 0;
  double numbers = 0, decimals = 0, largest_number = 0;
  std::array<bool, kMarkers> markers{};
};

void CountCharacters(std::string_view text, Counts* counts) {
  bool in_run = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!StartsCharacter(c)) continue;
    counts->characters += 1;
    const uint8_t bits = kCharacterBits[static_cast<unsigned char>(c)];
    counts->operators += (bits & kOperator) != 0;
    counts->code += (bits & kCode) != 0;
    counts->punctuation += (bits & kPunctuation) != 0;
    counts->quotes += (bits & kQuote) != 0;
    counts->letters += IsLetter(c);
    counts->capitals += IsUpper(c);
    counts->digits += IsDigit(c);
    counts->non_ascii += !IsAscii(c);
    counts->lines += c == '\n';
    counts->question_marks += c == '?';
    const bool last = i + 1 == text.size();
    if (c == '.' || c == '!' || c == '?') counts->sentences += last || IsSpace(text[i + 1]);
    counts->dollar |= c == '$';
    counts->percent |= c == '%';
    counts->backslash |= c == '\\';
    counts->blank |= c == '_' && !last && text[i + 1] == '_';
    const bool space = IsSpace(c);
    counts->space_separated += !space && !in_run;
    in_run = !space;
  }
}

void CountWords(std::string_view text, FormScratch* scratch, Counts* counts) {
  const auto is_word = [](char c) { return IsLetter(c) || IsDigit(c); };
  for (size_t i = 0; i < text.size();) {
    if (!is_word(text[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    uint64_t hash = kFnvOffset;
    for (; i < text.size() && is_word(text[i]); ++i) {
      hash = (hash ^ static_cast<unsigned char>(ToLower(text[i]))) * kFnvPrime;
    }
    const auto length = static_cast<double>(i - begin);
    counts->words += 1;
    counts->word_characters += length;
    counts->long_words += length >= 8;
    counts->longest_word = std::max(counts->longest_word, length);
    if (!scratch->words.Insert(hash)) continue;
    const auto marker =
        std::lower_bound(kMarkerTable.begin(), kMarkerTable.end(), hash,
                         [](const Marker& m, uint64_t value) { return m.hash < value; });
    if (marker != kMarkerTable.end() && marker->hash == hash)
      counts->markers[marker->feature] = true;
  }
}

// Numbers such as 12 and 3.75. Beyond fifteen characters they are identifiers, not magnitudes.
void CountNumbers(std::string_view text, FormScratch* scratch, Counts* counts) {
  constexpr size_t kMaxNumberLength = 14;
  for (size_t i = 0; i < text.size();) {
    if (!IsDigit(text[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    double value = 0;
    double scale = 1;
    bool fraction = false;
    for (; i < text.size(); ++i) {
      const char c = text[i];
      if (IsDigit(c)) {
        value = value * 10 + (c - '0');
        if (fraction) scale *= 10;
      } else if (c == '.' && !fraction && i + 1 < text.size() && IsDigit(text[i + 1])) {
        fraction = true;
      } else {
        break;
      }
    }
    const std::string_view number = text.substr(begin, i - begin);
    counts->numbers += 1;
    counts->decimals += fraction;
    scratch->numbers.Insert(HashWord(number));
    if (number.size() <= kMaxNumberLength) {
      counts->largest_number = std::max(counts->largest_number, value / scale);
    }
  }
}

// Lettered options, "A. ..." or "b) ...", each on a line of its own.
struct Options {
  double count = 0, total_length = 0, squared_length = 0, longest = 0, with_digit = 0;
};

Options FindOptions(std::string_view text) {
  Options options;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.size() < 2 || !IsLetter(line[0]) ||
        (line[1] != '.' && line[1] != ')' && line[1] != ':')) {
      continue;
    }
    line.remove_prefix(line.size() > 2 && IsSpace(line[2]) ? 3 : 2);
    const auto length =
        static_cast<double>(std::count_if(line.begin(), line.end(), StartsCharacter));
    options.count += 1;
    options.total_length += length;
    options.squared_length += length * length;
    options.longest = std::max(options.longest, length);
    options.with_digit += std::any_of(line.begin(), line.end(), IsDigit);
  }
  return options;
}

}  // namespace

void DistinctCounter::Start() {
  count_ = 0;
  if (++epoch_ == 0) {
    std::fill(slots_.begin(), slots_.end(), Slot());
    epoch_ = 1;
  }
}

bool DistinctCounter::Insert(uint64_t hash) {
  if (static_cast<size_t>(count_) * 2 >= slots_.size()) Grow();
  const size_t mask = slots_.size() - 1;
  for (size_t i = (hash ^ (hash >> 29)) & mask;; i = (i + 1) & mask) {
    if (slots_[i].epoch != epoch_) {
      slots_[i] = {hash, epoch_};
      ++count_;
      return true;
    }
    if (slots_[i].hash == hash) return false;
  }
}

void DistinctCounter::Grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  count_ = 0;
  for (const Slot& slot : old) {
    if (slot.epoch == epoch_) Insert(slot.hash);
  }
}

FormFeatures ExtractForm(std::string_view text, FormScratch* scratch) {
  scratch->words.Start();
  scratch->numbers.Start();
  Counts c;
  CountCharacters(text, &c);
  CountWords(text, scratch, &c);
  CountNumbers(text, scratch, &c);
  const Options o = FindOptions(text);

  const double n = std::max(c.characters, 1.0);
  const double words = std::max(c.words, 1.0);
  const double sentences = std::max(c.sentences, 1.0);
  const double option_count = std::max(o.count, 1.0);
  const double mean_option = o.total_length / option_count;
  const double option_variance =
      std::max(0.0, o.squared_length / option_count - mean_option * mean_option);
  // Each option costs a letter, a mark and a space beside its own text.
  const double stem = c.characters - o.total_length - 3 * o.count;

  FormFeatures features{};
  size_t i = 0;
  const auto add = [&](double value) { features[i++] = static_cast<float>(value); };
  add(std::log1p(n));
  add(std::log1p(c.space_separated));
  add(std::log1p(c.lines));
  add(c.word_characters / words);
  add(o.count);
  add(std::log1p(mean_option));
  add(std::log1p(o.longest));
  add(std::sqrt(option_variance) / (mean_option + 1));
  add(o.with_digit / option_count);
  add(std::log1p(std::max(stem, 0.0)));
  add(c.digits / n);
  add(c.operators / n);
  add(c.code / n);
  add(c.capitals / std::max(c.letters, 1.0));
  add(c.non_ascii / n);
  add(c.punctuation / n);
  add(c.quotes / n);
  add(std::log1p(c.numbers));
  add(std::log10(1 + c.largest_number));
  add(std::log1p(scratch->numbers.count()));
  add(std::log1p(c.decimals));
  add(c.dollar);
  add(c.percent);
  add(std::log1p(c.question_marks));
  add(c.backslash);
  add(c.blank);
  add(std::log1p(c.sentences));
  add(c.space_separated / sentences / 20);
  add(scratch->words.count() / words);
  add(c.long_words / words);
  add(c.longest_word / 10);
  for (const bool marker : c.markers) add(marker);
  static_assert(31 + kMarkers == kFormFeatures);
  return features;
}

}  // namespace pointsman::estimate
