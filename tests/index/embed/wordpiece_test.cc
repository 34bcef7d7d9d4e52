#include "index/embed/wordpiece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include "tests/index/embed/small_model.h"

namespace pointsman::embed {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

WordPiece Make(const nlohmann::json& tokenizer) {
  auto made = WordPiece::FromJson(tokenizer.dump());
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

std::vector<std::string> Encode(std::string_view text,
                                const WordPiece& tokenizer = Make(SmallTokenizer())) {
  std::vector<uint32_t> ids;
  EXPECT_FALSE(tokenizer.Encode(text, kNoLimit, &ids));
  std::vector<std::string> tokens;
  for (const uint32_t id : ids) tokens.push_back(SmallVocabulary()[id]);
  return tokens;
}

std::string Repeat(std::string_view text, size_t times) {
  std::string repeated;
  for (size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(WordPieceTest, SplitsWordsPunctuationAndPieces) {
  EXPECT_THAT(Encode("How many moons\thas\nMars?"),
              ElementsAre("how", "many", "moon", "##s", "has", "mars", "?"));
}

TEST(WordPieceTest, TakesTheLongestPieceFirst) {
  EXPECT_THAT(Encode("moonlights unaffable"),
              ElementsAre("moonlight", "##s", "un", "##aff", "##able"));
}

TEST(WordPieceTest, GivesOneUnknownForAWordItCannotSpell) {
  EXPECT_THAT(Encode("moons moonx has"), ElementsAre("moon", "##s", "[UNK]", "has"));
}

TEST(WordPieceTest, GivesNothingForTextWithoutWords) {
  EXPECT_THAT(Encode(""), IsEmpty());
  EXPECT_THAT(Encode(" \t\r\n\u3000\u200B\u0301"), IsEmpty());
}

TEST(WordPieceTest, StripsAccentsComposedOrNot) {
  EXPECT_THAT(Encode("CAFÉ cafe\u0301"), ElementsAre("cafe", "cafe"));
}

TEST(WordPieceTest, DropsControlCharactersInsideAWord) {
  EXPECT_THAT(Encode(std::string_view("mo\0o\u200Bn\x7F", 9)), ElementsAre("moon"));
}

TEST(WordPieceTest, IsolatesIdeographs) {
  EXPECT_THAT(Encode("中中moon"), ElementsAre("中", "中", "moon"));
}

TEST(WordPieceTest, FoldsToPunctuation) {
  EXPECT_THAT(Encode("\u037E"), ElementsAre("[UNK]"));  // Greek question mark: a semicolon
  EXPECT_THAT(Encode("moon\u037Ehas"), ElementsAre("moon", "[UNK]", "has"));
}

TEST(WordPieceTest, CasedTokenizerLeavesTextAsItIs) {
  nlohmann::json tokenizer = SmallTokenizer();
  tokenizer["normalizer"]["lowercase"] = false;
  EXPECT_THAT(Encode("moon Moon café", Make(tokenizer)), ElementsAre("moon", "[UNK]", "[UNK]"));
}

TEST(WordPieceTest, MatchesAddedTokensLiterallyEvenInsideWords) {
  EXPECT_THAT(Encode("moon[MASK]s [mask]"),
              ElementsAre("moon", "[MASK]", "[UNK]", "[", "[UNK]", "]"));
}

TEST(WordPieceTest, PrefersTheLongestAddedToken) {
  nlohmann::json tokenizer = SmallTokenizer();
  tokenizer["added_tokens"][0]["content"] = "moon";
  tokenizer["added_tokens"][0]["id"] = Id("moon");
  tokenizer["added_tokens"][1]["content"] = "moonlight";
  tokenizer["added_tokens"][1]["id"] = Id("moonlight");
  EXPECT_THAT(Encode("moonlightmoonMoon", Make(tokenizer)),
              ElementsAre("moonlight", "moon", "moon"));
}

TEST(WordPieceTest, AWordOfMoreThanTheMaximumIsUnknown) {
  nlohmann::json tokenizer = SmallTokenizer();
  tokenizer["model"]["max_input_chars_per_word"] = 5;
  EXPECT_THAT(Encode("moons moonss", Make(tokenizer)), ElementsAre("moon", "##s", "[UNK]"));
}

TEST(WordPieceTest, OrdersMarksCanonically) {
  // Both marks stay when accents are stripped; U+302E has the lower class but one: 224 after 216.
  const std::string ordered = "a\U0001D165\u302E";
  nlohmann::json tokenizer = SmallTokenizer();
  tokenizer["model"]["vocab"][ordered] = Id("moon");
  EXPECT_THAT(Encode("a\u302E\U0001D165 " + ordered, Make(tokenizer)), ElementsAre("moon", "moon"));
  // A stripped mark that is a starter keeps them apart.
  EXPECT_THAT(Encode("a\u302E\u0941\U0001D165", Make(tokenizer)), ElementsAre("[UNK]"));
}

TEST(WordPieceTest, AppendsAndStopsAtTheLimit) {
  const WordPiece tokenizer = Make(SmallTokenizer());
  std::vector<uint32_t> ids = {Id("!")};
  EXPECT_TRUE(tokenizer.Encode("how many moons", 3, &ids));
  EXPECT_THAT(ids, ElementsAre(Id("!"), Id("how"), Id("many"), Id("moon")));
}

TEST(WordPieceTest, ReachingTheLimitExactlyIsNoTruncation) {
  const WordPiece tokenizer = Make(SmallTokenizer());
  std::vector<uint32_t> ids;
  EXPECT_FALSE(tokenizer.Encode("how many moons  ", 4, &ids));
  ids.clear();
  EXPECT_FALSE(tokenizer.Encode(" ", 0, &ids));
  EXPECT_TRUE(tokenizer.Encode("how", 0, &ids));
  EXPECT_THAT(ids, IsEmpty());
}

TEST(WordPieceTest, AnUnspellableWordAtTheLimitIsStillOneUnknown) {
  const WordPiece tokenizer = Make(SmallTokenizer());
  std::vector<uint32_t> ids;
  EXPECT_FALSE(tokenizer.Encode("moonsx", 1, &ids));
  EXPECT_THAT(ids, ElementsAre(kUnk));
}

TEST(WordPieceTest, SkipsInvalidBytes) { EXPECT_THAT(Encode("mo\xFFon\xC3"), ElementsAre("moon")); }

TEST(WordPieceTest, AllocatesNothingOnceTheBufferIsLargeEnough) {
  const WordPiece tokenizer = Make(SmallTokenizer());
  std::vector<uint32_t> ids;
  ids.reserve(16);
  const uint32_t* const before = ids.data();
  tokenizer.Encode("How many moons has Mars? unaffable " + std::string(1000, 'x'), 16, &ids);
  EXPECT_EQ(ids.data(), before);
}

// Whatever is repeated, a text sixteen times as long must not take a hundred times as long.
TEST(WordPieceTest, TakesLinearTime) {
  const WordPiece tokenizer = Make(SmallTokenizer());
  const auto seconds = [&tokenizer](const std::string& text) {
    std::vector<uint32_t> ids;
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 3; ++i) {
      ids.clear();
      const auto start = std::chrono::steady_clock::now();
      tokenizer.Encode(text, kNoLimit, &ids);
      best = std::min(
          best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  };
  for (const char* unit :
       {"x", "\u0301", "\u302E\U0001D165", "[", "moon", "?", "한", "\xFF", "[MASK"}) {
    const double shorter = seconds(Repeat(unit, 1 << 14));
    const double longer = seconds(Repeat(unit, 1 << 18));
    EXPECT_LT(longer, 100 * shorter + 1e-3) << unit;
  }
}

TEST(WordPieceTest, TellsHowManyRowsItsIdsNeed) {
  EXPECT_EQ(Make(SmallTokenizer()).vocabulary_size(), SmallVocabulary().size());
  EXPECT_EQ(Make(SmallTokenizer()).unknown_token(), kUnk);
}

struct BadTokenizer {
  const char* pointer;  // where the good tokenizer is changed
  nlohmann::json value;
  const char* message;
};

class WordPieceFromJsonTest : public testing::TestWithParam<BadTokenizer> {};

TEST_P(WordPieceFromJsonTest, NamesTheKeyAndTheValue) {
  nlohmann::json tokenizer = SmallTokenizer();
  tokenizer[nlohmann::json::json_pointer(GetParam().pointer)] = GetParam().value;
  const auto status = WordPiece::FromJson(tokenizer.dump()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), std::string("tokenizer.json: ") + GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, WordPieceFromJsonTest,
    testing::Values(
        BadTokenizer{"/model/type", "BPE", R"(model.type is "BPE", must be "WordPiece")"},
        BadTokenizer{"/model", 3, R"(model.type is null, must be "WordPiece")"},
        BadTokenizer{"/normalizer", nullptr,
                     R"(normalizer.type is null, must be "BertNormalizer")"},
        BadTokenizer{"/normalizer/clean_text", false,
                     "normalizer.clean_text is false, must be true"},
        BadTokenizer{"/normalizer/handle_chinese_chars", false,
                     "normalizer.handle_chinese_chars is false, must be true"},
        BadTokenizer{"/normalizer/lowercase", "yes",
                     R"(normalizer.lowercase is "yes", must be true or false)"},
        BadTokenizer{"/normalizer/strip_accents", false,
                     "normalizer.strip_accents is false, must be null or the same as lowercase, "
                     "true"},
        BadTokenizer{"/pre_tokenizer/type", "Whitespace",
                     R"(pre_tokenizer.type is "Whitespace", must be "BertPreTokenizer")"},
        BadTokenizer{"/model/continuing_subword_prefix", 7,
                     "model.continuing_subword_prefix is 7, must be a string"},
        BadTokenizer{"/model/unk_token", "<unk>",
                     R"(model.unk_token is "<unk>", not in model.vocab)"},
        BadTokenizer{"/model/max_input_chars_per_word", 257,
                     "model.max_input_chars_per_word is 257, must be a whole number from 1 to 256"},
        BadTokenizer{"/model/vocab", nlohmann::json::array(),
                     "model.vocab is [], must be an object"},
        BadTokenizer{"/model/vocab/moon", -1,
                     R"(model.vocab["moon"] is -1, must be a whole number from 0 to 16777215)"},
        BadTokenizer{"/added_tokens", "none",
                     R"(added_tokens must be an array of at most 256 entries, is "none")"},
        BadTokenizer{"/added_tokens/1/normalized", true,
                     "added_tokens[1].normalized is true, must be false"},
        BadTokenizer{"/added_tokens/1/content", "", "added_tokens[1].content is empty"},
        BadTokenizer{"/added_tokens/1/id", 5,
                     R"(added_tokens[1].id is 5, but model.vocab has 1 for "[UNK]")"}));

TEST(WordPieceFromJsonTest, RefusesTextThatIsNoJsonObject) {
  for (const char* text : {"", "[]", "{\"model\":", "\xFF"}) {
    EXPECT_EQ(WordPiece::FromJson(text).status().message(),
              "tokenizer.json: the file is not a JSON object");
  }
}

}  // namespace
}  // namespace pointsman::embed
