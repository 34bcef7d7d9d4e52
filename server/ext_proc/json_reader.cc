#include "server/ext_proc/json_reader.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "index/embed/utf8.h"
#include "index/string_view.h"

namespace pointsman::server {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr size_t kHexDigits = 4;
constexpr size_t kUnicodeEscape = 2 + kHexDigits;  // \uXXXX

constexpr bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Bytes of a string that are not simply part of it: its end, an escape, a control character.
constexpr auto kSpecial = [] {
  std::array<bool, 256> special{};
  for (size_t c = 0; c < ' '; ++c) special[c] = true;
  special['"'] = special['\\'] = true;
  return special;
}();

std::string Show(char c) {
  if (c > ' ' && c <= '~') return absl::StrCat("`", std::string(1, c), "`");
  return absl::StrCat("0x", absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
}

// What no four hex digits are.
constexpr uint32_t kNoHex = 0x10000;

// The four hex digits at `at`; kNoHex if they are not there.
uint32_t HexAt(std::string_view text, size_t at) {
  if (at + kHexDigits > text.size()) return kNoHex;
  uint32_t value = 0;
  for (const char c : text.substr(at, kHexDigits)) {
    uint32_t digit = 0;
    if (IsDigit(c)) {
      digit = static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A') + 10;
    } else {
      return kNoHex;
    }
    value = value * 16 + digit;
  }
  return value;
}

constexpr bool IsHighSurrogate(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
constexpr bool IsLowSurrogate(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

// The character after a backslash that stands for another; 0 if there is none.
constexpr char SimpleEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

void AppendCodePoint(char32_t code_point, std::string* out) {
  std::array<char, 4> bytes;
  out->append(bytes.data(), embed::EncodeUtf8(code_point, bytes.data()));
}

}  // namespace

JsonReader::JsonReader(std::string_view text) : text_(text) {
  if (const auto invalid = embed::FirstInvalidUtf8(text)) Fail(*invalid, "must be valid UTF-8");
}

bool JsonReader::Fail(size_t at, std::string_view must) {
  if (!ok()) return false;
  problem_ = absl::StrCat("byte ", at, ": ", ToAbsl(must), "; ",
                          at < text_.size() ? absl::StrCat("is ", Show(text_[at]))
                                            : std::string("the text ends there"));
  return false;
}

void JsonReader::SkipSpace() {
  while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
}

JsonReader::Kind JsonReader::Peek() {
  if (!ok()) return Kind::kNone;
  SkipSpace();
  switch (at_ < text_.size() ? text_[at_] : '\0') {
    case '{':
      return Kind::kObject;
    case '[':
      return Kind::kArray;
    case '"':
      return Kind::kString;
    case 't':
    case 'f':
      return Kind::kBoolean;
    case 'n':
      return Kind::kNull;
    default:
      if (at_ < text_.size() && (IsDigit(text_[at_]) || text_[at_] == '-')) return Kind::kNumber;
      Fail(at_, "must begin a JSON value");
      return Kind::kNone;
  }
}

bool JsonReader::Enter(char bracket) {
  if (!ok()) return false;
  SkipSpace();
  if (at_ >= text_.size() || text_[at_] != bracket) {
    return Fail(at_, absl::StrCat("must be `", std::string(1, bracket), "`"));
  }
  if (depth_ == kMaxDepth) {
    return Fail(at_, absl::StrCat("must be nested at most ", kMaxDepth, " levels deep"));
  }
  ++at_;
  has_elements_[++depth_] = false;
  return true;
}

bool JsonReader::Next(char closing) {
  if (!ok()) return false;
  SkipSpace();
  const char c = at_ < text_.size() ? text_[at_] : '\0';
  if (c == closing) {
    ++at_;
    --depth_;
    return false;
  }
  if (!has_elements_[depth_]) {
    has_elements_[depth_] = true;
    return true;
  }
  if (c != ',') return Fail(at_, absl::StrCat("must be `,` or `", std::string(1, closing), "`"));
  ++at_;
  SkipSpace();
  return true;
}

bool JsonReader::NextMember(std::string* key) {
  if (!Next('}')) return false;
  if (at_ >= text_.size() || text_[at_] != '"') return Fail(at_, "must begin a name in quotes");
  if (!ReadString(key)) return false;
  SkipSpace();
  if (at_ >= text_.size() || text_[at_] != ':') return Fail(at_, "must be `:`");
  ++at_;
  return true;
}

bool JsonReader::NextElement() { return Next(']'); }

bool JsonReader::ScanString(std::string_view* raw) {
  const size_t begin = ++at_;  // after the quote
  for (;;) {
    while (at_ < text_.size() && !kSpecial[static_cast<uint8_t>(text_[at_])]) ++at_;
    if (at_ >= text_.size()) return Fail(at_, "must be the end of a string, `\"`");
    if (text_[at_] == '"') break;
    if (text_[at_] != '\\') return Fail(at_, "must not be a bare control character");
    if (at_ + 1 >= text_.size()) return Fail(at_ + 1, "must go on after a backslash");
    const bool unicode = text_[at_ + 1] == 'u';
    if (unicode ? HexAt(text_, at_ + 2) == kNoHex : SimpleEscape(text_[at_ + 1]) == 0) {
      return Fail(at_ + 1, "must be one of \"\\/bfnrt, or u and four hex digits");
    }
    at_ += unicode ? kUnicodeEscape : 2;
  }
  *raw = text_.substr(begin, at_ - begin);
  ++at_;
  return true;
}

bool JsonReader::ReadString(std::string* value) {
  if (Peek() != Kind::kString) return Fail(at_, "must begin a string");
  std::string_view raw;
  if (!ScanString(&raw)) return false;
  value->clear();
  for (size_t at = 0; at < raw.size();) {
    const size_t escape = std::min(raw.find('\\', at), raw.size());
    value->append(raw, at, escape - at);
    at = escape;
    if (at == raw.size()) break;
    if (raw[at + 1] != 'u') {
      value->push_back(SimpleEscape(raw[at + 1]));
      at += 2;
      continue;
    }
    char32_t code_point = HexAt(raw, at + 2);
    at += kUnicodeEscape;
    const uint32_t next = raw.substr(at, 2) == "\\u" ? HexAt(raw, at + 2) : kNoHex;
    if (IsHighSurrogate(code_point) && IsLowSurrogate(next)) {
      code_point = 0x10000 + ((code_point - 0xD800) << 10) + (next - 0xDC00);
      at += kUnicodeEscape;
    } else if (IsHighSurrogate(code_point) || IsLowSurrogate(code_point)) {
      code_point = kReplacement;
    }
    AppendCodePoint(code_point, value);
  }
  return true;
}

bool JsonReader::ScanNumber() {
  const auto digits = [this] {
    const size_t begin = at_;
    while (at_ < text_.size() && IsDigit(text_[at_])) ++at_;
    return at_ > begin;
  };
  const auto is = [this](char c) { return at_ < text_.size() && text_[at_] == c; };
  if (is('-')) ++at_;
  if (is('0')) {
    ++at_;
  } else if (!digits()) {
    return Fail(at_, "must be a digit");
  }
  if (is('.')) {
    ++at_;
    if (!digits()) return Fail(at_, "must be a digit");
  }
  if (is('e') || is('E')) {
    ++at_;
    if (is('-') || is('+')) ++at_;
    if (!digits()) return Fail(at_, "must be a digit");
  }
  return true;
}

bool JsonReader::ScanLiteral() {
  for (const std::string_view literal : {"true", "false", "null"}) {
    if (text_.substr(at_, literal.size()) == literal) {
      at_ += literal.size();
      return true;
    }
  }
  return Fail(at_, "must begin a JSON value");
}

bool JsonReader::SkipScalar(Kind kind) {
  std::string_view raw;
  switch (kind) {
    case Kind::kString:
      return ScanString(&raw);
    case Kind::kNumber:
      return ScanNumber();
    case Kind::kBoolean:
    case Kind::kNull:
      return ScanLiteral();
    default:
      return false;
  }
}

bool JsonReader::Skip() {
  const size_t outside = depth_;
  std::bitset<kMaxDepth + 1> is_object;
  do {
    const Kind kind = Peek();
    if (kind == Kind::kObject || kind == Kind::kArray) {
      if (!(kind == Kind::kObject ? EnterObject() : EnterArray())) return false;
      is_object[depth_] = kind == Kind::kObject;
    } else if (!SkipScalar(kind)) {
      return false;
    }
    // To the next value inside, or out of what ends here.
    while (depth_ > outside && !(is_object[depth_] ? NextMember(&skipped_key_) : NextElement())) {
      if (!ok()) return false;
    }
  } while (depth_ > outside);
  return true;
}

bool JsonReader::Finish() {
  if (!ok()) return false;
  SkipSpace();
  return at_ == text_.size() || Fail(at_, "must be the end, after the value");
}

}  // namespace pointsman::server
