#include "server/ext_proc/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"

namespace pointsman::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

bool IsJson(std::string_view text) {
  JsonReader reader(text);
  return reader.Skip() && reader.Finish();
}

std::string Problem(std::string_view text) {
  JsonReader reader(text);
  EXPECT_FALSE(reader.Skip() && reader.Finish()) << text;
  return reader.problem();
}

std::string Unescaped(std::string_view text) {
  JsonReader reader(text);
  std::string value;
  EXPECT_TRUE(reader.ReadString(&value) && reader.Finish()) << reader.problem();
  return value;
}

TEST(JsonReader, ReadsMembersInOrderAndSkipsTheRest) {
  JsonReader reader(R"( {"a": [1, {"x": null}], "b": "two", "c": {}} )");
  std::vector<std::string> keys;
  std::string key;
  std::string b;
  ASSERT_EQ(reader.Peek(), JsonReader::Kind::kObject);
  ASSERT_TRUE(reader.EnterObject());
  while (reader.NextMember(&key)) {
    keys.push_back(key);
    ASSERT_TRUE(key == "b" ? reader.ReadString(&b) : reader.Skip());
  }
  EXPECT_TRUE(reader.Finish());
  EXPECT_THAT(keys, ::testing::ElementsAre("a", "b", "c"));
  EXPECT_EQ(b, "two");
}

TEST(JsonReader, KnowsWhereAValueIs) {
  const std::string text = R"({"model" :  "auto" ,"x":1})";
  JsonReader reader(text);
  std::string key;
  ASSERT_TRUE(reader.EnterObject() && reader.NextMember(&key));
  reader.Peek();
  const size_t begin = reader.position();
  ASSERT_TRUE(reader.Skip());
  EXPECT_EQ(text.substr(begin, reader.position() - begin), "\"auto\"");
}

TEST(JsonReader, Unescapes) {
  EXPECT_EQ(Unescaped(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(Unescaped(R"("\u0041\u00e9\u8ECA\ud83d\ude00é")"), "A\u00e9\u8eca\U0001f600\u00e9");
  EXPECT_EQ(Unescaped(R"("a\u0000b")"), std::string("a\0b", 3));
}

TEST(JsonReader, ASurrogateWithoutItsPartnerBecomesTheReplacementCharacter) {
  EXPECT_EQ(Unescaped(R"("\ud83d")"), "\ufffd");
  EXPECT_EQ(Unescaped(R"("\ude00x")"), "\ufffdx");
  EXPECT_EQ(Unescaped(R"("\ud83d\u0041")"), "\ufffdA");
  EXPECT_EQ(Unescaped(R"("\ud83d\ud83d\ude00")"), "\ufffd\U0001f600");
  EXPECT_EQ(Unescaped(R"("\ud83d\n")"), "\ufffd\n");
}

TEST(JsonReader, NamesTheByteAndWhatItShouldBe) {
  EXPECT_EQ(Problem(""), "byte 0: must begin a JSON value; the text ends there");
  EXPECT_EQ(Problem("{\"a\" 1}"), "byte 5: must be `:`; is `1`");
  EXPECT_EQ(Problem("[1 2]"), "byte 3: must be `,` or `]`; is `2`");
  EXPECT_EQ(Problem("[1,]"), "byte 3: must begin a JSON value; is `]`");
  EXPECT_EQ(Problem("{\"a\":1,}"), "byte 7: must begin a name in quotes; is `}`");
  EXPECT_EQ(Problem("\"a"), "byte 2: must be the end of a string, `\"`; the text ends there");
  EXPECT_EQ(Problem("\"a\nb\""), "byte 2: must not be a bare control character; is 0x0a");
  EXPECT_EQ(Problem("\"\\x\""),
            "byte 2: must be one of \"\\/bfnrt, or u and four hex digits; is `x`");
  EXPECT_EQ(Problem("{} {}"), "byte 3: must be the end, after the value; is `{`");
  EXPECT_EQ(Problem("\"a\xff\""), "byte 2: must be valid UTF-8; is 0xff");
}

TEST(JsonReader, NestingIsBounded) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(IsJson(nested(JsonReader::kMaxDepth)));
  EXPECT_THAT(Problem(nested(JsonReader::kMaxDepth + 1)), StartsWith("byte 128: must be nested"));
  EXPECT_THAT(Problem(std::string(1'000'000, '{')), HasSubstr("must begin a name"));
}

TEST(JsonReader, NumbersOfAnySizeAreChecked) {
  EXPECT_TRUE(IsJson("1e999999999"));
  EXPECT_TRUE(IsJson("-0.0E-0"));
  EXPECT_TRUE(IsJson(std::string(100'000, '9')));
  for (const char* text : {"01", "+1", "1.", ".5", "1e", "-", "1e+", "0x1", "NaN", "Infinity"}) {
    EXPECT_FALSE(IsJson(text)) << text;
  }
}

// Against an independent parser: bytes of valid texts are changed, removed and repeated.
TEST(JsonReader, AgreesWithAnotherParserOnWhatIsJson) {
  const std::vector<std::string> seeds = {
      R"({"model":"auto","messages":[{"role":"user","content":"h\u00e9 \u20ac"}],"n":-1.5e3})",
      R"([true,false,null,[],{},"",[[["x"]]],{"a":{"b":[0,1,2]}}])",
      R"( { "k\\ey" : "v\"al" , "é" : "車" } )"};
  constexpr std::string_view kBytes = "{}[]\",:\\u0019tfne-+. \n\x01\xc3\xa9";
  std::mt19937 random(7);
  const auto below = [&random](size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random);
  };
  int valid = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string text = seeds[below(seeds.size())];
    for (size_t edits = below(3); edits > 0; --edits) {
      const size_t at = below(text.size());
      switch (below(3)) {
        case 0:
          text[at] = kBytes[below(kBytes.size())];
          break;
        case 1:
          text.erase(at, 1 + below(3));
          break;
        default:
          text.insert(at, text.substr(below(text.size()), below(12)));
      }
      if (text.empty()) text = " ";
    }
    // The other refuses surrogates without a partner, which are JSON all the same.
    if (text.find("\\ud") != std::string::npos) continue;
    const bool expected = nlohmann::json::accept(text);
    ASSERT_EQ(IsJson(text), expected) << text;
    valid += expected;
    if (expected && nlohmann::json::parse(text).is_string()) {
      EXPECT_EQ(Unescaped(text), nlohmann::json::parse(text).get<std::string>());
    }
  }
  EXPECT_GT(valid, 5000);
}

TEST(JsonReader, UnescapesAsAnotherParserDoes) {
  std::mt19937 random(11);
  for (int i = 0; i < 2000; ++i) {
    std::string value;
    for (size_t length = random() % 40; length > 0; --length) {
      constexpr const char* kPieces[] = {"a", "\"", "\\", "\n", "\x01",
                                         "é", "車", "🚂", "/",  "\x7f"};
      value += kPieces[random() % std::size(kPieces)];
    }
    const bool ascii = random() % 2 == 0;
    EXPECT_EQ(Unescaped(nlohmann::json(value).dump(-1, ' ', ascii)), value);
  }
}

}  // namespace
}  // namespace pointsman::server
