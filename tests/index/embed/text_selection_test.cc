#include "index/embed/text_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "index/embed/utf8.h"

namespace pointsman::embed {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Role = Turn::Role;

MATCHER_P2(Is, text, weight, "") { return arg.text == text && arg.weight == weight; }

SelectedText Select(const std::vector<Turn>& turns, const TextSelectionOptions& options = {}) {
  return SelectText(turns, options);
}

TEST(SelectTextTest, TakesAShortQuestionWhole) {
  const SelectedText selected = Select({{Role::kUser, "How many moons has Mars?"}});
  EXPECT_THAT(selected.segments, ElementsAre(Is("How many moons has Mars?", 1.0f)));
  EXPECT_EQ(selected.main, "How many moons has Mars?");
  EXPECT_EQ(selected.main_tail, "");
  EXPECT_FALSE(selected.truncated);
}

TEST(SelectTextTest, WeighsEarlierUserTurnsByHalvesAndTakesThree) {
  const SelectedText selected = Select({{Role::kUser, "a"},
                                        {Role::kUser, "b"},
                                        {Role::kAssistant, "x"},
                                        {Role::kUser, "c"},
                                        {Role::kUser, "d"},
                                        {Role::kUser, "e"}});
  EXPECT_THAT(selected.segments,
              ElementsAre(Is("e", 1.0f), Is("d", 0.5f), Is("c", 0.25f), Is("b", 0.125f)));
}

TEST(SelectTextTest, LeavesOutWhatTheAssistantSaid) {
  const SelectedText selected = Select({{Role::kUser, "a"}, {Role::kAssistant, "x"}});
  EXPECT_THAT(selected.segments, ElementsAre(Is("a", 1.0f)));
}

TEST(SelectTextTest, TakesTheHeadOfTheSystemPrompt) {
  const std::string prompt = "You translate. " + std::string(10'000, 'x');
  const SelectedText selected =
      Select({{Role::kSystem, prompt}, {Role::kUser, "a"}}, {.max_system_bytes = 20});
  EXPECT_THAT(selected.segments, ElementsAre(Is("a", 1.0f), Is("You translate.", 0.1f)));
  EXPECT_FALSE(selected.truncated);
}

TEST(SelectTextTest, TakesBothEndsOfTheLatestToolOutputAfterTheQuestion) {
  const SelectedText selected = Select({{Role::kTool, "before"},
                                        {Role::kUser, "a"},
                                        {Role::kTool, "first"},
                                        {Role::kTool, "begin ......... end"}},
                                       {.max_tool_bytes = 12});
  EXPECT_THAT(selected.segments, ElementsAre(Is("a", 1.0f), Is("begin", 0.05f), Is("end", 0.05f)));
  EXPECT_FALSE(selected.truncated);
}

TEST(SelectTextTest, CutsTheMiddleOfALongQuestionAndSaysSo) {
  const std::string question = "Why does this fail? " + std::string(100'000, '#') + " Please help.";
  const SelectedText selected = Select({{Role::kUser, question}}, {.max_question_bytes = 44});
  EXPECT_THAT(selected.segments,
              ElementsAre(Is("Why does this fail?", 0.5f), Is("Please help.", 0.5f)));
  EXPECT_EQ(selected.main, "Why does this fail?");
  EXPECT_EQ(selected.main_tail, "Please help.");
  EXPECT_TRUE(selected.truncated);
}

TEST(SelectTextTest, SaysSoWhenAnEarlierUserTurnIsCut) {
  const SelectedText selected = Select({{Role::kUser, std::string(2000, 'x')}, {Role::kUser, "a"}});
  EXPECT_TRUE(selected.truncated);
}

TEST(SelectTextTest, NeverCutsInsideACharacter) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "é한𝄞";
  for (size_t cap = 0; cap < 200; ++cap) {
    const SelectedText selected = Select({{Role::kUser, text}}, {.max_question_bytes = cap});
    size_t bytes = 0;
    for (const auto& segment : selected.segments) {
      EXPECT_EQ(FirstInvalidUtf8(segment.text), std::nullopt) << cap;
      bytes += segment.text.size();
    }
    EXPECT_LE(bytes, cap);
    EXPECT_GE(bytes + 8, cap);
  }
}

TEST(SelectTextTest, StaysWithinTheCapsAndEightSegmentsWhateverComes) {
  const std::string huge(1 << 20, 'x');
  std::vector<Turn> turns = {{Role::kSystem, huge}};
  for (int i = 0; i < 1000; ++i) turns.push_back({Role::kUser, huge});
  turns.push_back({Role::kTool, huge});
  const SelectedText selected = Select(turns);
  EXPECT_THAT(selected.segments, SizeIs(8));
  size_t bytes = 0;
  for (const auto& segment : selected.segments) bytes += segment.text.size();
  EXPECT_LE(bytes, 4096u + 3 * 1024 + 512 + 512);
}

TEST(SelectTextTest, LooksBackNoFurtherThanMaxTurns) {
  std::vector<Turn> turns = {{Role::kUser, "too long ago"}};
  for (int i = 0; i < 64; ++i) turns.push_back({Role::kAssistant, "x"});
  EXPECT_THAT(Select(turns).segments, IsEmpty());
}

TEST(SelectTextTest, WithoutAUserTurnThereIsNoMainText) {
  EXPECT_THAT(Select({}).segments, IsEmpty());
  const SelectedText selected = Select({{Role::kSystem, "You translate."}});
  EXPECT_EQ(selected.main, "");
  EXPECT_THAT(selected.segments, ElementsAre(Is("You translate.", 0.1f)));
}

}  // namespace
}  // namespace pointsman::embed
