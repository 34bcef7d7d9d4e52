// WordPiece::FromJson: reads a tokenizer.json and refuses what Encode could not follow.

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "index/embed/unicode_tables.h"
#include "index/embed/wordpiece.h"
#include "nlohmann/json.hpp"

namespace pointsman::embed {
namespace {

using internal::AddedToken;
using nlohmann::json;

// BERT's tokenizer.json takes half a MiB; this keeps the token table's offsets far below 32 bits.
constexpr size_t kMaxJsonBytes = size_t{64} << 20;
// Ids become row numbers of a table in memory: 16 million rows is far beyond any static model.
constexpr uint32_t kMaxTokenId = (1u << 24) - 1;
// A word must fit into a buffer on the stack. BERT's own bound is 100.
constexpr uint32_t kMaxWordCharacters = internal::kMaxWordBytes / 4;
// Each is compared with the text wherever its first byte occurs, so this bounds the work a byte.
constexpr size_t kMaxAddedTokens = 256;

std::string Show(const json& value) {
  constexpr size_t kMaxShown = 80;
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  if (text.size() > kMaxShown) text.replace(kMaxShown, std::string::npos, "...");
  return text;
}

absl::Status Invalid(absl::string_view key, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat("tokenizer.json: ", key, " ", problem));
}

// The value below `object`, or null if there is none.
const json& Get(const json& object, const char* key) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

// The value at `key` of the member `section`, or null.
const json& Get(const json& document, const char* section, const char* key) {
  return Get(Get(document, section), key);
}

absl::Status Require(const json& document, const char* section, const char* key,
                     const json& wanted) {
  const json& value = Get(document, section, key);
  if (value == wanted) return absl::OkStatus();
  return Invalid(absl::StrCat(section, ".", key),
                 absl::StrCat("is ", Show(value), ", must be ", Show(wanted)));
}

std::optional<uint32_t> WholeNumber(const json& value, uint32_t min, uint32_t max) {
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto number = value.get<uint64_t>();
  if (number < min || number > max) return std::nullopt;
  return static_cast<uint32_t>(number);
}

absl::Status NotANumber(absl::string_view key, const json& value, uint32_t min, uint32_t max) {
  return Invalid(
      key, absl::StrCat("is ", Show(value), ", must be a whole number from ", min, " to ", max));
}

absl::StatusOr<std::string> ReadString(absl::string_view key, const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return Invalid(key, absl::StrCat("is ", Show(value), ", must be a string"));
}

// Whether text is folded ("uncased") or left as it is ("cased").
absl::StatusOr<bool> ReadUncased(const json& document) {
  const json& lowercase = Get(document, "normalizer", "lowercase");
  const json& strip_accents = Get(document, "normalizer", "strip_accents");
  if (!lowercase.is_boolean()) {
    return Invalid("normalizer.lowercase",
                   absl::StrCat("is ", Show(lowercase), ", must be true or false"));
  }
  // In the reference, an unset strip_accents follows lowercase.
  if (!strip_accents.is_null() && strip_accents != lowercase) {
    return Invalid("normalizer.strip_accents",
                   absl::StrCat("is ", Show(strip_accents),
                                ", must be null or the same as lowercase, ", Show(lowercase)));
  }
  return lowercase.get<bool>();
}

absl::StatusOr<AddedToken> ReadAddedToken(const std::string& key, const json& token,
                                          const json& vocabulary) {
  for (const char* option : {"single_word", "lstrip", "rstrip", "normalized"}) {
    if (const json& value = Get(token, option); value != false) {
      return Invalid(absl::StrCat(key, ".", option),
                     absl::StrCat("is ", Show(value), ", must be false"));
    }
  }
  auto content = ReadString(absl::StrCat(key, ".content"), Get(token, "content"));
  if (!content.ok()) return content.status();
  if (content->empty()) return Invalid(absl::StrCat(key, ".content"), "is empty");
  const json& id_value = Get(token, "id");
  const auto id = WholeNumber(id_value, 0, kMaxTokenId);
  if (!id.has_value()) return NotANumber(absl::StrCat(key, ".id"), id_value, 0, kMaxTokenId);
  const json& known = Get(vocabulary, content->c_str());
  if (!known.is_null() && known != *id) {
    return Invalid(absl::StrCat(key, ".id"), absl::StrCat("is ", *id, ", but model.vocab has ",
                                                          Show(known), " for ", Show(*content)));
  }
  return AddedToken{*std::move(content), *id};
}

// Longest first, so that the first to match is the longest that matches.
absl::StatusOr<std::vector<AddedToken>> ReadAddedTokens(const json& tokens,
                                                        const json& vocabulary) {
  std::vector<AddedToken> added_tokens;
  if (tokens.is_null()) return added_tokens;
  if (!tokens.is_array() || tokens.size() > kMaxAddedTokens) {
    return Invalid("added_tokens", absl::StrCat("must be an array of at most ", kMaxAddedTokens,
                                                " entries, is ", Show(tokens)));
  }
  for (size_t i = 0; i < tokens.size(); ++i) {
    auto added = ReadAddedToken(absl::StrCat("added_tokens[", i, "]"), tokens[i], vocabulary);
    if (!added.ok()) return added.status();
    added_tokens.push_back(*std::move(added));
  }
  std::sort(added_tokens.begin(), added_tokens.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.text.size() > b.text.size(); });
  return added_tokens;
}

}  // namespace

absl::StatusOr<WordPiece> WordPiece::FromJson(std::string_view text) {
  if (text.size() > kMaxJsonBytes) {
    return Invalid("the file", absl::StrCat("has ", text.size(), " bytes, more than the ",
                                            kMaxJsonBytes, " allowed"));
  }
  const json document = json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return Invalid("the file", "is not a JSON object");

  const std::tuple<const char*, const char*, json> required[] = {
      {"model", "type", "WordPiece"},
      {"normalizer", "type", "BertNormalizer"},
      {"normalizer", "clean_text", true},
      {"normalizer", "handle_chinese_chars", true},
      {"pre_tokenizer", "type", "BertPreTokenizer"},
  };
  for (const auto& [section, key, wanted] : required) {
    if (absl::Status status = Require(document, section, key, wanted); !status.ok()) return status;
  }
  const absl::StatusOr<bool> uncased = ReadUncased(document);
  if (!uncased.ok()) return uncased.status();
  const auto prefix = ReadString("model.continuing_subword_prefix",
                                 Get(document, "model", "continuing_subword_prefix"));
  if (!prefix.ok()) return prefix.status();
  const auto unknown = ReadString("model.unk_token", Get(document, "model", "unk_token"));
  if (!unknown.ok()) return unknown.status();
  const json& max_characters = Get(document, "model", "max_input_chars_per_word");
  const auto max_word_characters = WholeNumber(max_characters, 1, kMaxWordCharacters);
  if (!max_word_characters.has_value()) {
    return NotANumber("model.max_input_chars_per_word", max_characters, 1, kMaxWordCharacters);
  }
  const json& vocabulary = Get(document, "model", "vocab");
  if (!vocabulary.is_object()) {
    return Invalid("model.vocab", absl::StrCat("is ", Show(vocabulary), ", must be an object"));
  }

  const auto is_piece = [&prefix](std::string_view token) {
    return token.size() > prefix->size() && token.substr(0, prefix->size()) == *prefix;
  };
  const auto& entries = vocabulary.get_ref<const json::object_t&>();
  const auto pieces = std::count_if(entries.begin(), entries.end(),
                                    [&](const auto& entry) { return is_piece(entry.first); });
  WordPiece tokenizer(entries.size(), static_cast<size_t>(pieces));
  tokenizer.uncased_ = *uncased;
  tokenizer.max_word_characters_ = *max_word_characters;
  for (const auto& [token, value] : entries) {
    const auto id = WholeNumber(value, 0, kMaxTokenId);
    if (!id.has_value()) {
      return NotANumber(absl::StrCat("model.vocab[", Show(token), "]"), value, 0, kMaxTokenId);
    }
    tokenizer.vocabulary_size_ = std::max<size_t>(tokenizer.vocabulary_size_, *id + 1);
    if (token.empty()) continue;  // No word is empty.
    tokenizer.words_.Insert(token, *id);
    if (is_piece(token)) {
      tokenizer.pieces_.Insert(std::string_view(token).substr(prefix->size()), *id);
    }
  }
  const std::optional<uint32_t> unknown_id = tokenizer.words_.Find(*unknown);
  if (!unknown_id.has_value()) {
    return Invalid("model.unk_token", absl::StrCat("is ", Show(*unknown), ", not in model.vocab"));
  }
  tokenizer.unknown_token_ = *unknown_id;

  auto added_tokens = ReadAddedTokens(Get(document, "added_tokens"), vocabulary);
  if (!added_tokens.ok()) return added_tokens.status();
  for (const AddedToken& added : *added_tokens) {
    tokenizer.vocabulary_size_ = std::max<size_t>(tokenizer.vocabulary_size_, added.id + 1);
  }
  tokenizer.added_tokens_ = *std::move(added_tokens);
  tokenizer.SetActions();
  return tokenizer;
}

void WordPiece::SetActions() {
  using internal::CharacterClass;
  for (char32_t c = 0; c < 0x80; ++c) {
    const internal::CodePoint& entry = internal::Lookup(c);
    const int32_t folded = static_cast<int32_t>(c) + (uncased_ ? entry.fold : 0);
    switch (entry.cased) {
      case CharacterClass::kWord:
        actions_[c] = static_cast<uint8_t>(folded);
        break;
      case CharacterClass::kSpace:
        actions_[c] = kSpaceByte;
        break;
      case CharacterClass::kIsolated:
        actions_[c] = kIsolatedByte;
        break;
      default:
        actions_[c] = kDecode;
    }
  }
  for (const AddedToken& added : added_tokens_) {
    actions_[static_cast<uint8_t>(added.text[0])] = kMaybeAddedToken;
  }
}

}  // namespace pointsman::embed
