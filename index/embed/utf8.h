#ifndef POINTSMAN_INDEX_EMBED_UTF8_H_
#define POINTSMAN_INDEX_EMBED_UTF8_H_

// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.

#include <cstddef>
#include <optional>
#include <string_view>

namespace pointsman::embed {

struct Utf8Character {
  char32_t code_point;
  size_t length;  // bytes, 1 to 4
};

// Decodes the character that `utf8` starts with. A byte that starts no well-formed character comes
// back as U+FFFD of length 1; the genuine U+FFFD has length 3. `utf8` must not be empty.
Utf8Character DecodeUtf8(std::string_view utf8);

// Writes the UTF-8 form of `code_point` (at most U+10FFFF) to `out`, which has room for 4 bytes.
// Returns its length.
size_t EncodeUtf8(char32_t code_point, char* out);

// True for a byte that cannot start a character: a cut before any other byte splits none.
constexpr bool IsUtf8Continuation(char byte) { return (byte & 0xC0) == 0x80; }

// Offset of the first byte that is not part of a well-formed character; nullopt if there is none.
std::optional<size_t> FirstInvalidUtf8(std::string_view utf8);

}  // namespace pointsman::embed

#endif  // POINTSMAN_INDEX_EMBED_UTF8_H_
