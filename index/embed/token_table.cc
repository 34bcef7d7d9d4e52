#include "index/embed/token_table.h"

#include <algorithm>
#include <bit>

namespace pointsman::embed::internal {

TokenTable::TokenTable(size_t tokens)
    : slots_(std::bit_ceil(2 * std::max<size_t>(tokens, 1))),
      mask_(slots_.size() - 1),
      shift_(64 - std::countr_zero(slots_.size())) {}

void TokenTable::Insert(std::string_view token, uint32_t id) {
  const uint64_t hash = Hash(token);
  size_t i = Home(hash);
  while (slots_[i].length != 0) i = (i + 1) & mask_;
  slots_[i] = {.tag = Tag(hash),
               .id = id,
               .offset = static_cast<uint32_t>(text_.size()),
               .length = static_cast<uint32_t>(token.size())};
  text_.append(token);
  longest_ = std::max(longest_, token.size());
}

uint64_t TokenTable::Hash(std::string_view token) {
  uint64_t hash = 0;
  for (const char byte : token) hash = ExtendHash(hash, byte);
  return hash;
}

}  // namespace pointsman::embed::internal
