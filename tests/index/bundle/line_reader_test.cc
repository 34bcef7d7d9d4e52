#include "index/bundle/line_reader.h"

#include <sys/stat.h>

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/bundle/scratch_directory.h"

namespace pointsman::bundle {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LineReaderTest : public ::testing::Test {
 protected:
  // All lines that can be read of a file; problems_ tells why no more.
  std::vector<std::string> ReadAll(const std::string& name, size_t max_line_bytes = 1000,
                                   int64_t max_bytes = 1'000'000) {
    std::vector<std::string> lines;
    const auto reader =
        LineReader::Open(directory_ / name, name, max_line_bytes, max_bytes, &problems_);
    if (reader == nullptr) return lines;
    std::string line;
    while (reader->Next(&line)) {
      lines.push_back(line);
      last_line_number_ = reader->line_number();
    }
    EXPECT_FALSE(reader->Next(&line)) << "the end must stay the end";
    return lines;
  }

  std::string Message() const { return std::string(problems_.ToStatus().message()); }

  ScratchDirectory directory_;
  Problems problems_;
  int last_line_number_ = 0;
};

TEST_F(LineReaderTest, ReadsLinesWithAndWithoutAnEnd) {
  directory_.Write("a.jsonl", "one\ntwo\n\n \t\r\nfive");
  EXPECT_THAT(ReadAll("a.jsonl"), ElementsAre("one", "two", "five"));
  EXPECT_EQ(last_line_number_, 5);
  EXPECT_TRUE(problems_.empty());
}

TEST_F(LineReaderTest, ReadsGzip) {
  directory_.WriteGzip("a.jsonl.gz", "one\ntwo\n");
  EXPECT_THAT(ReadAll("a.jsonl.gz"), ElementsAre("one", "two"));
}

TEST_F(LineReaderTest, ReadsAnEmptyFile) {
  directory_.Write("a.jsonl", "");
  EXPECT_THAT(ReadAll("a.jsonl"), IsEmpty());
  EXPECT_TRUE(problems_.empty());
}

TEST_F(LineReaderTest, ALineOfTheGreatestLengthIsRead) {
  directory_.Write("a.jsonl", std::string(1000, 'x') + "\nshort\n");
  EXPECT_THAT(ReadAll("a.jsonl"), ElementsAre(std::string(1000, 'x'), "short"));
}

TEST_F(LineReaderTest, ALongerLineIsRefusedWithItsNumber) {
  directory_.Write("a.jsonl", "one\n" + std::string(1001, 'x') + "\nthree\n");
  EXPECT_THAT(ReadAll("a.jsonl"), ElementsAre("one"));
  EXPECT_THAT(Message(), HasSubstr("a.jsonl:2: the line is longer than 1000 bytes"));
}

// The line is made of a hole in a sparse file and is never all in memory.
TEST_F(LineReaderTest, AnEndlessLineIsRefusedWithoutReadingItWhole) {
  directory_.Write("a.jsonl", "one\n");
  ASSERT_EQ(truncate((directory_ / "a.jsonl").c_str(), int64_t{100} << 30), 0);
  EXPECT_THAT(ReadAll("a.jsonl", 1000, int64_t{1} << 50), ElementsAre("one"));
  EXPECT_THAT(Message(), HasSubstr("a.jsonl:2: the line is longer"));
}

TEST_F(LineReaderTest, AFileNamedGzipThatIsNoneIsRefused) {
  directory_.Write("a.jsonl.gz", "{\"id\": \"a\"}\n");
  EXPECT_THAT(ReadAll("a.jsonl.gz"), IsEmpty());
  EXPECT_EQ(Message(), "a.jsonl.gz: named .gz but not gzip");
}

TEST_F(LineReaderTest, AnEmptyFileNamedGzipIsRefused) {
  directory_.Write("a.jsonl.gz", "");
  ReadAll("a.jsonl.gz");
  EXPECT_EQ(Message(), "a.jsonl.gz: named .gz but not gzip");
}

TEST_F(LineReaderTest, GzipThatIsNotNamedSoIsRefused) {
  directory_.WriteGzip("a.jsonl", "one\n");
  ReadAll("a.jsonl");
  EXPECT_EQ(Message(), "a.jsonl: gzip, but not named .gz");
}

TEST_F(LineReaderTest, TruncatedGzipIsRefusedWhereverItIsCut) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "line " + std::to_string(i * i) + "\n";
  directory_.WriteGzip("whole.gz", text);
  const std::string whole = directory_.Read("whole.gz");
  for (size_t length = 1; length < whole.size(); length += 7) {
    problems_ = Problems();
    directory_.Write("a.jsonl.gz", std::string_view(whole).substr(0, length));
    ReadAll("a.jsonl.gz");
    EXPECT_THAT(Message(), HasSubstr("a.jsonl.gz")) << length;
  }
}

TEST_F(LineReaderTest, CorruptedGzipIsRefused) {
  directory_.WriteGzip("whole.gz", std::string(500, 'a') + "\n" + std::string(500, 'b') + "\n");
  std::string bytes = directory_.Read("whole.gz");
  bytes[bytes.size() - 6] = static_cast<char>(bytes[bytes.size() - 6] ^ 1);  // in the checksum
  directory_.Write("a.jsonl.gz", bytes);
  ReadAll("a.jsonl.gz");
  EXPECT_THAT(Message(), HasSubstr("cannot be read further"));
}

TEST_F(LineReaderTest, WhatDecompressesToTooMuchIsRefused) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "0123456789\n";
  directory_.WriteGzip("a.jsonl.gz", text);
  EXPECT_LT(directory_.Read("a.jsonl.gz").size(), 10'000u);
  ReadAll("a.jsonl.gz", 1000, 500'000);
  EXPECT_THAT(Message(), HasSubstr("more than 500000 bytes once decompressed"));
}

TEST_F(LineReaderTest, ADirectoryAPipeAndAMissingFileAreRefused) {
  directory_.Write("d.jsonl/file", "");
  ASSERT_EQ(mkfifo((directory_ / "p.jsonl").c_str(), 0600), 0);
  for (const char* name : {"d.jsonl", "p.jsonl", "missing.jsonl"}) {
    problems_ = Problems();
    ReadAll(name);
    EXPECT_EQ(Message(), std::string(name) + ": not a regular file");
  }
}

}  // namespace
}  // namespace pointsman::bundle
