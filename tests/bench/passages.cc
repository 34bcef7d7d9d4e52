#include "tests/bench/passages.h"

#include <cstdint>
#include <random>

#include "index/embed/utf8.h"

namespace pointsman::bench {

std::vector<std::string> TextsOf(size_t tokens, size_t count, std::span<const std::string> passages,
                                 const embed::WordPiece& tokenizer) {
  std::vector<uint32_t> ids;
  const auto tokens_of = [&](const std::string& text) {
    ids.clear();
    tokenizer.Encode(text, tokens + 1, &ids);
    return ids.size();
  };
  std::mt19937 random(7);
  std::vector<std::string> texts(count);
  for (std::string& text : texts) {
    while (tokens_of(text) < tokens) text += passages[random() % passages.size()] + " ";
    while (tokens_of(text) > tokens) {
      do {
        text.pop_back();
      } while (embed::FirstInvalidUtf8(text).has_value());
    }
  }
  return texts;
}

}  // namespace pointsman::bench
