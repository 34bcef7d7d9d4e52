#ifndef POINTSMAN_TESTS_INDEX_EMBED_SMALL_MODEL_H_
#define POINTSMAN_TESTS_INDEX_EMBED_SMALL_MODEL_H_

// A model small enough to read: a tokenizer of a few words, and safetensors files made by hand.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"

namespace pointsman::embed {

inline constexpr uint32_t kUnk = 1;

// Ids are positions in this list.
inline const std::vector<std::string>& SmallVocabulary() {
  static const auto& tokens = *new std::vector<std::string>{
      "[PAD]", "[UNK]", "[MASK]", "how",  "many", "moon", "##s",       "has", "mars", "?",
      "un",    "##aff", "##able", "cafe", "中",   "ß",    "moonlight", "[",   "]",    "!",
  };
  return tokens;
}

inline uint32_t Id(std::string_view token) {
  const auto& tokens = SmallVocabulary();
  for (uint32_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id] == token) return id;
  }
  return UINT32_MAX;
}

inline nlohmann::json SmallTokenizer() {
  nlohmann::json tokenizer = {
      {"added_tokens", nlohmann::json::array()},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", true},
        {"handle_chinese_chars", true},
        {"strip_accents", nullptr},
        {"lowercase", true}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"model",
       {{"type", "WordPiece"},
        {"unk_token", "[UNK]"},
        {"continuing_subword_prefix", "##"},
        {"max_input_chars_per_word", 100}}},
  };
  for (const std::string& token : SmallVocabulary()) tokenizer["model"]["vocab"][token] = Id(token);
  for (const char* special : {"[PAD]", "[UNK]", "[MASK]"}) {
    tokenizer["added_tokens"].push_back({{"id", Id(special)},
                                         {"content", special},
                                         {"single_word", false},
                                         {"lstrip", false},
                                         {"rstrip", false},
                                         {"normalized", false},
                                         {"special", true}});
  }
  return tokenizer;
}

// The bytes of a number as they are in memory, which is little-endian.
template <typename T>
std::string Bytes(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::string SafetensorsFile(std::string_view header, std::string_view data) {
  return Bytes(uint64_t{header.size()}).append(header).append(data);
}

template <std::same_as<nlohmann::json> Json>
std::string SafetensorsFile(const Json& header, std::string_view data) {
  return SafetensorsFile(header.dump(), data);
}

// The header of one tensor "embeddings" of float32.
inline nlohmann::json SmallHeader(size_t rows, size_t columns) {
  return {{"embeddings",
           {{"dtype", "F32"},
            {"shape", {rows, columns}},
            {"data_offsets", {0, rows * columns * sizeof(float)}}}}};
}

inline std::string FloatBytes(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) bytes += Bytes(value);
  return bytes;
}

}  // namespace pointsman::embed

#endif  // POINTSMAN_TESTS_INDEX_EMBED_SMALL_MODEL_H_
