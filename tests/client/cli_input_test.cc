// What the command reads: conversations, lines, and how far it has come.
#include <sstream>

#include "client/cli/input.h"
#include "client/cli/progress_bar.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::string Problem(const std::string& json) {
  return std::string(ParseConversation(json, "chat.json").status().message());
}

TEST(Conversation, ReadsTheFormOfTheApi) {
  const auto conversation =
      ParseConversation(R"({"turns": [{"role": "ROLE_USER", "content": "hi"}]})", "chat.json");
  ASSERT_TRUE(conversation.ok()) << conversation.status();
  EXPECT_EQ(conversation->turns(0).role(), v1::ROLE_USER);
  EXPECT_EQ(conversation->turns(0).content(), "hi");
}

TEST(Conversation, ReadsChatMessages) {
  const auto conversation = ParseConversation(
      R"([{"role": "system", "content": "be brief"}, {"role": "tool", "content": ""}])",
      "chat.json");
  ASSERT_TRUE(conversation.ok()) << conversation.status();
  EXPECT_EQ(conversation->turns(0).role(), v1::ROLE_SYSTEM);
  EXPECT_EQ(conversation->turns(1).role(), v1::ROLE_TOOL);
  EXPECT_TRUE(ParseConversation(R"({"messages": [{"role": "user", "content": "x"}]})", "f").ok());
}

TEST(Conversation, ErrorsNameFileAndTurn) {
  EXPECT_EQ(Problem("{"), "chat.json is not valid JSON");
  EXPECT_THAT(Problem("{}"), HasSubstr("must be a list of turns"));
  EXPECT_THAT(Problem("[]"), HasSubstr("must be a list of turns"));
  EXPECT_EQ(Problem(R"([{"role": "user", "content": "x"}, {"role": "robot", "content": "x"}])"),
            "chat.json: turn 2: `role` must be system, user, assistant or tool");
  EXPECT_EQ(Problem(R"([{"role": "user", "content": 7}])"),
            "chat.json: turn 1: `content` must be a string");
  EXPECT_EQ(Problem("[7]"), "chat.json: turn 1: must be an object");
}

TEST(LineReader, ReadsLinesWithAndWithoutTheirBreaks) {
  std::istringstream in("one\r\n\nthree");
  LineReader reader(in);
  EXPECT_EQ(reader.Next().value(), "one");
  EXPECT_EQ(reader.Next().value(), "");
  EXPECT_EQ(reader.Next().value(), "three");
  EXPECT_EQ(reader.line_number(), 3);
  EXPECT_EQ(reader.bytes_read(), 11);
  EXPECT_TRUE(absl::IsNotFound(reader.Next().status()));
  EXPECT_TRUE(absl::IsNotFound(reader.Next().status()));
}

TEST(LineReader, AnEmptyInputHasNoLines) {
  std::istringstream in("");
  EXPECT_TRUE(absl::IsNotFound(LineReader(in).Next().status()));
}

TEST(LineReader, SkipsALineThatIsTooLong) {
  std::istringstream in(std::string(kMaxInputBytes + 10, 'x') + "\nnext\n");
  LineReader reader(in);
  EXPECT_TRUE(absl::IsInvalidArgument(reader.Next().status()));
  EXPECT_EQ(reader.Next().value(), "next");
  EXPECT_EQ(reader.line_number(), 2);
}

TEST(ReadInput, NamesTheFileThatIsMissing) {
  EXPECT_EQ(ReadInput("no/such/file").status().message(), "cannot open no/such/file");
}

TEST(ProgressText, ShowsShareRateAndTimeLeft) {
  EXPECT_EQ(ProgressText(500, 1000, 20, 2s),
            "[###############---------------]  50 %  20 lines, 10 a second, 2 s left");
}

TEST(ProgressText, WithoutASizeShowsNoShare) {
  EXPECT_EQ(ProgressText(500, 0, 20, 2s), "20 lines, 10 a second");
}

}  // namespace
}  // namespace pointsman::cli
