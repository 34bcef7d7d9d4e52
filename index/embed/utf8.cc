#include "index/embed/utf8.h"

#include <cstdint>
#include <cstring>

namespace pointsman::embed {

Utf8Character DecodeUtf8(std::string_view utf8) {
  constexpr Utf8Character kInvalid = {0xFFFD, 1};
  const auto byte = [utf8](size_t i) { return static_cast<uint8_t>(utf8[i]); };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};

  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || utf8.size() < length) return kInvalid;
  char32_t code_point = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if (!IsUtf8Continuation(utf8[i])) return kInvalid;
    code_point = (code_point << 6) | (byte(i) & 0x3Fu);
  }
  const bool overlong =
      (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (overlong || surrogate || code_point > 0x10FFFF) return kInvalid;
  return {code_point, length};
}

size_t EncodeUtf8(char32_t code_point, char* out) {
  if (code_point < 0x80) {
    out[0] = static_cast<char>(code_point);
    return 1;
  }
  const size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; --i) {
    out[i] = static_cast<char>(0x80 | (code_point & 0x3F));
    code_point >>= 6;
  }
  out[0] = static_cast<char>((0xF00u >> length) | code_point);  // as many leading ones as bytes
  return length;
}

std::optional<size_t> FirstInvalidUtf8(std::string_view utf8) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  size_t i = 0;
  while (i < utf8.size()) {
    if (uint64_t chunk; utf8.size() - i >= sizeof chunk) {
      std::memcpy(&chunk, utf8.data() + i, sizeof chunk);
      if ((chunk & kHighBits) == 0) {  // eight ASCII characters
        i += sizeof chunk;
        continue;
      }
    }
    const size_t length = DecodeUtf8(utf8.substr(i)).length;
    if (length == 1 && static_cast<uint8_t>(utf8[i]) >= 0x80) return i;
    i += length;
  }
  return std::nullopt;
}

}  // namespace pointsman::embed
