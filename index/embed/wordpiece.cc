#include "index/embed/wordpiece.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "index/embed/unicode_tables.h"
#include "index/embed/utf8.h"

namespace pointsman::embed {
namespace {

using internal::AddedToken;
using internal::CharacterClass;
using internal::CodePoint;
using internal::Lookup;
using internal::PrefixHashes;
using internal::TokenTable;

// The word being read, normalised.
class Word {
 public:
  explicit Word(size_t max_characters) : max_characters_(max_characters) {}

  bool empty() const { return characters_ == 0; }
  bool too_long() const { return characters_ > max_characters_; }
  std::string_view text() const { return {bytes_, size_}; }

  void Clear() { characters_ = size_ = run_begin_ = 0; }

  // Beyond the bound only the count goes on, so that a word costs a constant, however long it is.
  void Append(char ascii) {
    if (++characters_ <= max_characters_) bytes_[size_++] = ascii;
  }

  // Puts the character behind the last one of the same or a lower order, as canonical ordering
  // wants it (Unicode 15.0, section 3.11, D109).
  void Append(char32_t c, uint8_t order) {
    if (++characters_ > max_characters_) return;
    char utf8[4];
    const size_t length = EncodeUtf8(c, utf8);
    const size_t place = order == 0 ? size_ : PlaceFor(order);
    std::memmove(bytes_ + place + length, bytes_ + place, size_ - place);
    std::memcpy(bytes_ + place, utf8, length);
    size_ += length;
  }

  // Characters to come must stay behind those that are here. A starter sees to that by itself, but
  // not if it is stripped.
  void EndRun() { run_begin_ = size_; }

 private:
  size_t PlaceFor(uint8_t order) const {
    size_t place = size_;
    while (place > run_begin_) {
      size_t previous = place - 1;
      while (IsUtf8Continuation(bytes_[previous])) --previous;
      if (Lookup(DecodeUtf8(text().substr(previous)).code_point).order <= order) break;
      place = previous;
    }
    return place;
  }

  const size_t max_characters_;
  size_t characters_ = 0;
  size_t size_ = 0;
  size_t run_begin_ = 0;
  char bytes_[internal::kMaxWordBytes];
};

}  // namespace

// One call of Encode.
class WordPiece::Encoder {
 public:
  Encoder(const WordPiece& tokenizer, size_t max_tokens, std::vector<uint32_t>* tokens)
      : tokenizer_(tokenizer),
        tokens_(*tokens),
        limit_(tokens->size() +
               std::min(max_tokens, std::numeric_limits<size_t>::max() - tokens->size())),
        word_(tokenizer.max_word_characters_) {}

  // Returns whether all of `text` was read before the limit.
  bool Run(std::string_view text) {
    for (size_t i = 0; i < text.size();) {
      const uint8_t action = tokenizer_.actions_[static_cast<uint8_t>(text[i])];
      if (action >= kFirstLetter) {
        word_.Append(static_cast<char>(action));
        ++i;
      } else if (action == kSpaceByte) {
        if (!EndWord()) return false;
        ++i;
      } else if (action == kIsolatedByte) {
        if (!EndWord()) return false;
        word_.Append(text[i++]);
        if (!EndWord()) return false;
      } else if (const AddedToken* added =
                     action == kMaybeAddedToken ? MatchAdded(text.substr(i)) : nullptr) {
        if (!EndWord() || !Emit(added->id)) return false;
        i += added->text.size();
      } else {
        const auto [c, length] = DecodeUtf8(text.substr(i));
        if (!Read(c)) return false;
        i += length;
      }
    }
    return EndWord();
  }

 private:
  // Any character, by the tables.
  bool Read(char32_t c) {
    const CodePoint& entry = Lookup(c);
    switch (tokenizer_.uncased_ ? entry.uncased : entry.cased) {
      case CharacterClass::kWord:
        AppendFolded(c, entry);
        return true;
      case CharacterClass::kSpace:
        return EndWord();
      case CharacterClass::kIsolated:
        if (!EndWord()) return false;
        AppendFolded(c, entry);
        return EndWord();
      case CharacterClass::kStripped:
        if (entry.order == 0) word_.EndRun();
        return true;
      case CharacterClass::kRemoved:
        return true;
    }
    return true;
  }

  void AppendFolded(char32_t c, const CodePoint& entry) {
    if (!tokenizer_.uncased_) {
      word_.Append(c, 0);
    } else if (entry.fold_length == 0) {
      word_.Append(c, entry.order);
    } else if (entry.fold_length == 1) {
      word_.Append(c + static_cast<char32_t>(entry.fold), 0);
    } else if (entry.fold_length == CodePoint::kHangul) {
      // Unicode 15.0, section 3.12, "Hangul Syllable Decomposition".
      constexpr char32_t kVowels = 21, kTrailing = 28;
      const char32_t syllable = c - 0xAC00;
      word_.Append(0x1100 + syllable / (kVowels * kTrailing), 0);
      word_.Append(0x1161 + syllable / kTrailing % kVowels, 0);
      if (syllable % kTrailing != 0) word_.Append(0x11A7 + syllable % kTrailing, 0);
    } else {
      for (int i = 0; i < entry.fold_length; ++i) {
        const char32_t part = internal::kFolds[entry.fold + i];
        word_.Append(part, Lookup(part).order);
      }
    }
  }

  const AddedToken* MatchAdded(std::string_view text) const {
    for (const AddedToken& added : tokenizer_.added_tokens_) {
      if (text.substr(0, added.text.size()) == added.text) return &added;
    }
    return nullptr;
  }

  bool Emit(uint32_t id) {
    if (tokens_.size() == limit_) return false;
    tokens_.push_back(id);
    return true;
  }

  // Emits the tokens of the word read so far, if any, and begins the next. Returns false, with the
  // tokens cut at the limit, if they go beyond it.
  bool EndWord() {
    if (!word_.empty()) {
      const size_t first = tokens_.size();
      if (word_.too_long() || !Split()) {
        tokens_.resize(first);
        tokens_.push_back(tokenizer_.unknown_token_);
      }
    }
    word_.Clear();
    if (tokens_.size() <= limit_) return true;
    tokens_.resize(limit_);
    return false;
  }

  // Greedy longest match, from the left. Returns false if the vocabulary cannot spell the word.
  bool Split() {
    const std::string_view word = word_.text();
    hashes_.Assign(word);
    const TokenTable* table = &tokenizer_.words_;
    for (size_t begin = 0; begin < word.size(); table = &tokenizer_.pieces_) {
      std::optional<uint32_t> id;
      size_t end = std::min(word.size(), begin + table->longest());
      for (; end > begin; --end) {
        if (end < word.size() && IsUtf8Continuation(word[end])) continue;
        id = table->Find(word.substr(begin, end - begin), hashes_.Substring(begin, end));
        if (id.has_value()) break;
      }
      if (!id.has_value()) return false;
      tokens_.push_back(*id);
      begin = end;
    }
    return true;
  }

  const WordPiece& tokenizer_;
  std::vector<uint32_t>& tokens_;
  const size_t limit_;
  Word word_;
  PrefixHashes hashes_;
};

bool WordPiece::Encode(std::string_view utf8, size_t max_tokens,
                       std::vector<uint32_t>* tokens) const {
  return !Encoder(*this, max_tokens, tokens).Run(utf8);
}

}  // namespace pointsman::embed
