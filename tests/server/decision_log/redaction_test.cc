#include "server/decision_log/redaction.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/decision_log/samples.h"

namespace pointsman::server {
namespace {

using testing::HasSubstr;

class RedactionTest : public testing::Test {
 protected:
  absl::StatusOr<Redactor> Read(const std::string& patterns) {
    WriteFile(directory_ / "patterns", patterns);
    return Redactor::Read(directory_ / "patterns");
  }

  void ExpectRefused(const std::string& patterns, int line, const std::string& reason) {
    const auto redactor = Read(patterns);
    ASSERT_EQ(redactor.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(redactor.status().message()),
                HasSubstr(absl::StrCat(directory_ / "patterns", ":", line, ": ")));
    EXPECT_THAT(std::string(redactor.status().message()), HasSubstr(reason));
  }

  TemporaryDirectory directory_;
  std::string storage_;
};

TEST_F(RedactionTest, EveryMatchOfEveryPatternIsReplaced) {
  const auto redactor = Read("# mail\n[a-z]+@[a-z.]+\r\n\n\\d{4} \\d{4}\n");
  ASSERT_TRUE(redactor.ok()) << redactor.status();
  EXPECT_EQ(redactor->Apply("ann@x.org, bob@y.org: 1234 5678.", &storage_),
            "[redacted], [redacted]: [redacted].");
}

TEST_F(RedactionTest, ATextWithoutAMatchComesBackUncopied) {
  const auto redactor = Read("secret");
  const std::string text = "nothing of note";
  EXPECT_EQ(redactor->Apply(text, &storage_).data(), text.data());
  EXPECT_EQ(Redactor().Apply(text, &storage_).data(), text.data());
}

TEST_F(RedactionTest, APatternThatRe2RefusesIsNamedWithItsLine) {
  ExpectRefused("fine\n# comment\n(open\n", 3, "not an RE2 pattern");
}

TEST_F(RedactionTest, APatternThatMatchesTheEmptyTextIsRefused) {
  ExpectRefused("x*", 1, "matches the empty text");
}

TEST_F(RedactionTest, TooManyAndTooLongPatternsAreRefused) {
  std::string many;
  for (size_t i = 0; i < kMaxRedactPatterns; ++i) many += absl::StrCat("p", i, "\n");
  EXPECT_TRUE(Read(many).ok());
  ExpectRefused(many + "one more\n", 257, "more than 256");
  ExpectRefused(std::string(1001, 'x'), 1, "at most 1000 bytes");
}

TEST_F(RedactionTest, AFileThatIsNotThereIsNamed) {
  const auto redactor = Redactor::Read(directory_ / "none");
  EXPECT_EQ(redactor.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(redactor.status().message()), HasSubstr(directory_ / "none"));
}

}  // namespace
}  // namespace pointsman::server
