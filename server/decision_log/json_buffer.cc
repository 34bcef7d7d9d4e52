#include "server/decision_log/json_buffer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "index/embed/utf8.h"

namespace pointsman::server {
namespace {

constexpr size_t kFirstCapacity = 4096;
constexpr char kHexDigits[] = "0123456789abcdef";

bool IsPlain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

// True if a byte of `word` may need attention: below 0x20, above 0x7F, a quote or a backslash. The
// borrow between bytes can report a plain byte beside such a one, never miss one.
bool HasSpecial(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighs = 0x8080808080808080;
  const uint64_t quote = word ^ (kOnes * '"');
  const uint64_t backslash = word ^ (kOnes * '\\');
  return (((word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | word) & kHighs) != 0;
}

// Length of the longest prefix that is written as it is.
size_t PlainPrefix(std::string_view text) {
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= text.size(); i += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, sizeof(word));
    if (HasSpecial(word)) break;
  }
  while (i < text.size() && IsPlain(static_cast<unsigned char>(text[i]))) ++i;
  return i;
}

}  // namespace

void JsonBuffer::Free() {
  data_.reset();
  size_ = 0;
  capacity_ = 0;
}

void JsonBuffer::Grow(size_t bytes) {
  const size_t capacity = std::max({kFirstCapacity, capacity_ * 2, size_ + bytes});
  auto data = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

void JsonBuffer::EscapedAscii(unsigned char c) {
  switch (c) {
    case '"':
      return Raw("\\\"");
    case '\\':
      return Raw("\\\\");
    case '\n':
      return Raw("\\n");
    case '\r':
      return Raw("\\r");
    case '\t':
      return Raw("\\t");
    default:
      Raw("\\u00");
      Raw(kHexDigits[c >> 4]);
      Raw(kHexDigits[c & 15]);
  }
}

size_t JsonBuffer::NonAscii(std::string_view text) {
  const embed::Utf8Character character = embed::DecodeUtf8(text);
  if (character.code_point == 0xFFFD) {
    Raw("\xEF\xBF\xBD");
  } else if (character.code_point == 0x85) {
    Raw("\\u0085");
  } else if (character.code_point == 0x2028) {
    Raw("\\u2028");
  } else if (character.code_point == 0x2029) {
    Raw("\\u2029");
  } else {
    Raw(text.substr(0, character.length));
  }
  return character.length;
}

void JsonBuffer::Quoted(std::string_view text) {
  Raw('"');
  while (true) {
    const size_t plain = PlainPrefix(text);
    Raw(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) {
      EscapedAscii(first);
      text.remove_prefix(1);
    } else {
      text.remove_prefix(NonAscii(text));
    }
  }
  Raw('"');
}

template <typename Real>
void JsonBuffer::Shortest(Real value) {
  if (!std::isfinite(value)) {
    return Raw(std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  }
  constexpr size_t kLongest = 32;  // -2.2250738585072014e-308 has 24
  char* const begin = Room(kLongest);
  const std::to_chars_result result = std::to_chars(begin, begin + kLongest, value);
  size_ += static_cast<size_t>(result.ptr - begin);
}

void JsonBuffer::Number(double value) { Shortest(value); }
void JsonBuffer::Number(float value) { Shortest(value); }

void JsonBuffer::Integer(int64_t value) {
  constexpr size_t kLongest = 20;
  char* const begin = Room(kLongest);
  const std::to_chars_result result = std::to_chars(begin, begin + kLongest, value);
  size_ += static_cast<size_t>(result.ptr - begin);
}

}  // namespace pointsman::server
