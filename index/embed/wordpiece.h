#ifndef POINTSMAN_INDEX_EMBED_WORDPIECE_H_
#define POINTSMAN_INDEX_EMBED_WORDPIECE_H_

// The BERT WordPiece tokenizer: UTF-8 text in, vocabulary ids out, the same ids as the Python
// package `tokenizers` gives with add_special_tokens=False (tests/index/embed/tokenizer_identity.py
// shows it), at some tens of nanoseconds a token.
//
//   absl::StatusOr<WordPiece> tokenizer = WordPiece::FromJson(text_of_tokenizer_json);
//   std::vector<uint32_t> tokens;  // reused from call to call
//   bool truncated = tokenizer->Encode("How many moons has Mars?", 512, &tokens);

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/embed/token_table.h"

namespace pointsman::embed {

namespace internal {

// A token that is looked for in the raw text, such as [MASK].
struct AddedToken {
  std::string text;
  uint32_t id;
};

}  // namespace internal

// Immutable and thread-safe.
class WordPiece {
 public:
  // Builds a tokenizer from the text of a Hugging Face `tokenizer.json`. InvalidArgument, naming
  // the key and its value, for anything that Encode could not follow: another model, normaliser or
  // pre-tokenizer, an option outside those below, ids that are not numbers.
  //   normalizer         BertNormalizer, clean_text and handle_chinese_chars on; lowercase and
  //                      strip_accents both on ("uncased") or both off ("cased")
  //   pre_tokenizer      BertPreTokenizer
  //   model              WordPiece, any prefix, max_input_chars_per_word up to 256
  //   added_tokens       matched literally, before normalising
  // Truncation, padding and post-processing are not read: they are the caller's business.
  static absl::StatusOr<WordPiece> FromJson(std::string_view text);

  // Appends the ids of `utf8` to `tokens`, at most `max_tokens` of them. Returns whether it stopped
  // there, with text left that would have given more. Neither [CLS] nor [SEP] is added. Bytes that
  // are no valid UTF-8 are skipped; to refuse them instead, ask FirstInvalidUtf8 beforehand.
  // Time is linear in the text, and memory is allocated only to grow `tokens`.
  bool Encode(std::string_view utf8, size_t max_tokens, std::vector<uint32_t>* tokens) const;

  // The id that stands for a word which the vocabulary cannot spell.
  uint32_t unknown_token() const { return unknown_token_; }

  // One more than the largest id, which is the number of rows an embedding table needs.
  size_t vocabulary_size() const { return vocabulary_size_; }

 private:
  class Encoder;

  // What a byte of the text asks for. From kFirstLetter on it is the (folded) byte of a word.
  enum ByteAction : uint8_t {
    kDecode,
    kMaybeAddedToken,  // an added token may begin here; if none does, kDecode
    kSpaceByte,
    kIsolatedByte,
    kFirstLetter = '0',
  };

  WordPiece(size_t words, size_t pieces) : words_(words), pieces_(pieces) {}

  void SetActions();

  internal::TokenTable words_;                      // the whole vocabulary
  internal::TokenTable pieces_;                     // what continues a word, without the prefix
  std::vector<internal::AddedToken> added_tokens_;  // longest first
  std::array<uint8_t, 256> actions_ = {};           // a ByteAction for each byte
  bool uncased_ = true;
  uint32_t unknown_token_ = 0;
  size_t vocabulary_size_ = 0;
  size_t max_word_characters_ = 0;
};

}  // namespace pointsman::embed

#endif  // POINTSMAN_INDEX_EMBED_WORDPIECE_H_
