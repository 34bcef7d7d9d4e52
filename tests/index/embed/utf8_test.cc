#include "index/embed/utf8.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace pointsman::embed {
namespace {

TEST(FirstInvalidUtf8Test, AcceptsEveryCodePointAndEncodeRoundTrips) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    char bytes[4];
    const std::string_view text(bytes, EncodeUtf8(c, bytes));
    ASSERT_EQ(FirstInvalidUtf8(text), std::nullopt) << static_cast<uint32_t>(c);
    const Utf8Character decoded = DecodeUtf8(text);
    ASSERT_EQ(decoded.code_point, c);
    ASSERT_EQ(decoded.length, text.size());
  }
}

TEST(FirstInvalidUtf8Test, AcceptsTheReplacementCharacterItself) {
  EXPECT_EQ(FirstInvalidUtf8("a\uFFFD"), std::nullopt);
}

TEST(FirstInvalidUtf8Test, NamesTheByteInWhateverPositionItIs) {
  for (size_t position = 0; position < 40; ++position) {
    std::string text(40, 'x');
    text[position] = '\xFF';
    EXPECT_EQ(FirstInvalidUtf8(text), position);
  }
}

TEST(FirstInvalidUtf8Test, NamesTheFirstByteOfAMalformedCharacter) {
  for (const char* malformed : {
           "\x80",              // continuation without a start
           "\xC0\xAF",          // overlong, two bytes
           "\xE0\x80\x80",      // overlong, three bytes
           "\xF0\x80\x80\x80",  // overlong, four bytes
           "\xED\xA0\x80",      // surrogate
           "\xF4\x90\x80\x80",  // above U+10FFFF
           "\xF8\x88\x80\x80",  // five-byte form
           "\xE2\x82",          // cut short
           "\xE2\x28\xA1",      // second byte is no continuation
       }) {
    EXPECT_EQ(FirstInvalidUtf8(std::string("ab") + malformed), 2u) << malformed;
  }
}

}  // namespace
}  // namespace pointsman::embed
