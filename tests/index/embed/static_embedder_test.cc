#include "index/embed/static_embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/index/embed/small_model.h"

namespace pointsman::embed {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Outcome = StaticEmbedder::Outcome;

// Row `r` of the table is r, r + 1/8, r + 2/8, ...
float Value(size_t row, size_t column) {
  return static_cast<float>(row) + static_cast<float>(column) / 8;
}

absl::StatusOr<StaticEmbedder> Create(size_t rows, size_t columns) {
  std::vector<float> values;
  for (size_t i = 0; i < rows * columns; ++i) values.push_back(Value(i / columns, i % columns));
  return StaticEmbedder::Create(SmallTokenizer().dump(),
                                SafetensorsFile(SmallHeader(rows, columns), FloatBytes(values)));
}

StaticEmbedder Small(size_t columns) {
  auto embedder = Create(SmallVocabulary().size(), columns);
  EXPECT_TRUE(embedder.ok()) << embedder.status();
  return *std::move(embedder);
}

TEST(StaticEmbedderTest, GivesTheMeanAtEveryDimension) {
  const std::vector<uint32_t> tokens = {3, 4, 4, 9};
  for (const size_t dimension : {1u, 15u, 16u, 63u, 64u, 65u, 130u, 256u, 300u}) {
    const StaticEmbedder embedder = Small(dimension);
    EXPECT_EQ(embedder.dimension(), dimension);
    std::vector<float> mean(dimension, -1);
    ASSERT_EQ(embedder.Embed(tokens, mean), Outcome::kOk);
    for (size_t column = 0; column < dimension; ++column) {
      ASSERT_EQ(mean[column], Value(5, column)) << dimension;
    }
  }
}

TEST(StaticEmbedderTest, UnknownTokensDoNotCount) {
  const StaticEmbedder embedder = Small(2);
  std::vector<float> mean(2);
  ASSERT_EQ(embedder.Embed(std::vector<uint32_t>{kUnk, 7, 1'000'000, kUnk}, mean), Outcome::kOk);
  EXPECT_THAT(mean, ElementsAre(7, 7.125f));
}

TEST(StaticEmbedderTest, NoKnownTokenIsEmpty) {
  const StaticEmbedder embedder = Small(2);
  for (const auto& tokens : {std::vector<uint32_t>{}, std::vector<uint32_t>{kUnk, kUnk}}) {
    std::vector<float> mean(2, 9);
    EXPECT_EQ(embedder.Embed(tokens, mean), Outcome::kEmpty);
    EXPECT_THAT(mean, Each(0));
  }
}

TEST(StaticEmbedderTest, ReadsFloat16) {
  nlohmann::json header = SmallHeader(SmallVocabulary().size(), 1);
  header["embeddings"]["dtype"] = "F16";
  header["embeddings"]["data_offsets"] = {0, 2 * SmallVocabulary().size()};
  std::string data(2 * SmallVocabulary().size(), '\0');
  const struct {
    size_t row;
    uint16_t bits;
    float value;
  } cases[] = {{2, 0x3C00, 1.0f},       {3, 0xC000, -2.0f},       {4, 0x7BFF, 65504.0f},
               {5, 0x0001, 0x1p-24f},   {6, 0x83FF, -0x3FFp-24f}, {7, 0x0400, 0x1p-14f},
               {8, 0x3555, 0x1.554p-2f}};
  for (const auto& c : cases) data.replace(2 * c.row, 2, Bytes(c.bits));
  const auto embedder =
      StaticEmbedder::Create(SmallTokenizer().dump(), SafetensorsFile(header, data));
  ASSERT_TRUE(embedder.ok()) << embedder.status();
  for (const auto& c : cases) {
    float value = 0;
    const uint32_t token = static_cast<uint32_t>(c.row);
    ASSERT_EQ(embedder->Embed({&token, 1}, {&value, 1}), Outcome::kOk);
    EXPECT_EQ(value, c.value);
  }
}

TEST(StaticEmbedderTest, RefusesATableWithTooFewRows) {
  EXPECT_EQ(Create(19, 2).status().message(),
            "model.safetensors: embeddings has 19 rows, but the ids of tokenizer.json go up to 19");
}

TEST(StaticEmbedderTest, NamesTheValueThatIsNotFinite) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), -2e30f}) {
    std::vector<float> values(SmallVocabulary().size() * 2, 1.0f);
    values[7] = bad;
    const auto status =
        StaticEmbedder::Create(
            SmallTokenizer().dump(),
            SafetensorsFile(SmallHeader(SmallVocabulary().size(), 2), FloatBytes(values)))
            .status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("embeddings[3][1] is "));
  }
}

TEST(StaticEmbedderTest, PassesOnWhatIsWrongWithEitherFile) {
  EXPECT_THAT(StaticEmbedder::Create("{}", "").status().ToString(), HasSubstr("tokenizer.json"));
  EXPECT_THAT(StaticEmbedder::Create(SmallTokenizer().dump(), "").status().ToString(),
              HasSubstr("safetensors"));
}

}  // namespace
}  // namespace pointsman::embed
