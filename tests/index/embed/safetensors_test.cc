#include "index/embed/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/index/embed/small_model.h"

namespace pointsman::embed {
namespace {

std::string GoodFile() { return SafetensorsFile(SmallHeader(1, 2), FloatBytes({1.5f, -2})); }

// The message for a file whose good header was changed at `pointer`.
std::string MessageFor(const char* pointer, const nlohmann::json& value) {
  nlohmann::json header = SmallHeader(1, 2);
  header[nlohmann::json::json_pointer(pointer)] = value;
  const auto status =
      ReadSafetensors(SafetensorsFile(header, FloatBytes({1, 2})), "embeddings").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(SafetensorsTest, ReadsAMatrix) {
  const std::string file = GoodFile();
  const auto matrix = ReadSafetensors(file, "embeddings");
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  EXPECT_EQ(matrix->rows, 1u);
  EXPECT_EQ(matrix->columns, 2u);
  std::vector<float> row(2);
  ReadRow(*matrix, 0, row);
  EXPECT_THAT(row, testing::ElementsAre(1.5f, -2));
}

TEST(SafetensorsTest, AllowsMetadata) {
  nlohmann::json header = SmallHeader(1, 2);
  header["__metadata__"] = {{"format", "pt"}};
  EXPECT_TRUE(ReadSafetensors(SafetensorsFile(header, FloatBytes({1, 2})), "embeddings").ok());
}

TEST(SafetensorsTest, RefusesEveryTruncation) {
  const std::string file = GoodFile();
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(ReadSafetensors(file.substr(0, size), "embeddings").ok()) << size;
  }
}

TEST(SafetensorsTest, RefusesBytesAfterTheData) {
  EXPECT_EQ(ReadSafetensors(GoodFile() + "x", "embeddings").status().message(),
            "safetensors: the file has 9 bytes of data, but shape [1,2] of \"F32\" takes 8");
}

TEST(SafetensorsTest, RefusesAHeaderLengthBeyondTheFile) {
  EXPECT_EQ(ReadSafetensors(Bytes(UINT64_MAX) + "{}", "embeddings").status().message(),
            "safetensors: header length is 18446744073709551615, but 2 bytes follow, and 100000000 "
            "are allowed");
}

TEST(SafetensorsTest, RefusesAHeaderThatIsNoObject) {
  for (const std::string_view header : {"", "[]", "{", "\xFF"}) {
    EXPECT_EQ(ReadSafetensors(SafetensorsFile(header, ""), "embeddings").status().message(),
              "safetensors: the header is not a JSON object");
  }
}

TEST(SafetensorsTest, RefusesOtherTensors) {
  EXPECT_EQ(MessageFor("/weights", nlohmann::json::object()),
            "safetensors: unknown tensor \"weights\"; only \"embeddings\" is supported");
  EXPECT_EQ(ReadSafetensors(SafetensorsFile("{}", ""), "embeddings").status().message(),
            "safetensors: the header describes no tensor \"embeddings\"");
}

TEST(SafetensorsTest, NamesTheFieldAndItsValue) {
  EXPECT_EQ(MessageFor("/embeddings/dtype", "I8"),
            "safetensors: dtype is \"I8\", must be F32 or F16");
  for (const nlohmann::json& shape :
       {nlohmann::json{2}, nlohmann::json{0, 2}, nlohmann::json{1, -2}, nlohmann::json{1, 2, 1},
        nlohmann::json{UINT64_MAX, 2}, nlohmann::json("wide")}) {
    EXPECT_EQ(
        MessageFor("/embeddings/shape", shape),
        "safetensors: shape is " + shape.dump() + ", must be two numbers from 1 to 268435456");
  }
  for (const nlohmann::json& offsets :
       {nlohmann::json{0, 4}, nlohmann::json{4, 12}, nlohmann::json{8, 0},
        nlohmann::json{0, UINT64_MAX}, nlohmann::json{}}) {
    EXPECT_EQ(MessageFor("/embeddings/data_offsets", offsets),
              "safetensors: data_offsets are " + offsets.dump() +
                  ", must be [0,8] for shape [1,2] of \"F32\"");
  }
}

}  // namespace
}  // namespace pointsman::embed
