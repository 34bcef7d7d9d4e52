// Character classes of ASCII, independent of locale.
#ifndef POINTSMAN_INDEX_ESTIMATE_ASCII_H_
#define POINTSMAN_INDEX_ESTIMATE_ASCII_H_

namespace pointsman::estimate {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool IsLetter(char c) { return IsUpper(c) || (c >= 'a' && c <= 'z'); }
constexpr bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr char ToLower(char c) { return IsUpper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }
// First byte of a character, in UTF-8.
constexpr bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_ASCII_H_
