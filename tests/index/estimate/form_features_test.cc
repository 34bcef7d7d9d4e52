#include "index/estimate/form_features.h"

#include <cmath>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::estimate {
namespace {

// Places of the features that are looked at here; the order is part of the bundle's format.
enum Feature {
  kLogCharacters = 0,
  kLogWords = 1,
  kLogLines = 2,
  kMeanWordLength = 3,
  kOptions = 4,
  kLogMeanOption = 5,
  kOptionsWithDigit = 8,
  kLogStem = 9,
  kDigits = 10,
  kOperators = 11,
  kCode = 12,
  kCapitals = 13,
  kNonAscii = 14,
  kPunctuation = 15,
  kLogNumbers = 17,
  kLargestNumber = 18,
  kLogDistinctNumbers = 19,
  kLogDecimals = 20,
  kDollar = 21,
  kPercent = 22,
  kQuestionMarks = 23,
  kBackslash = 24,
  kBlank = 25,
  kLogSentences = 26,
  kDistinctWords = 28,
  kLongWords = 29,
  kLongestWord = 30,
  kMarkers = 31,
};

class FormFeaturesTest : public ::testing::Test {
 protected:
  float Of(std::string_view text, int feature) {
    return ExtractForm(text, &scratch_)[static_cast<size_t>(feature)];
  }
  FormScratch scratch_;
};

TEST_F(FormFeaturesTest, CountsALine) {
  // 17 characters: W-h-a-t space i-s space 3-.-5 space + space 1-2 ?
  const FormFeatures f = ExtractForm("What is 3.5 + 12?", &scratch_);
  EXPECT_FLOAT_EQ(f[kLogCharacters], std::log1p(17.0F));
  EXPECT_FLOAT_EQ(f[kLogWords], std::log1p(5.0F));
  EXPECT_FLOAT_EQ(f[kLogLines], std::log1p(1.0F));
  EXPECT_FLOAT_EQ(f[kMeanWordLength], 10.0F / 5) << "What, is, 3, 5 and 12";
  EXPECT_FLOAT_EQ(f[kDigits], 4.0F / 17);
  EXPECT_FLOAT_EQ(f[kOperators], 1.0F / 17);
  EXPECT_FLOAT_EQ(f[kCapitals], 1.0F / 6);
  EXPECT_FLOAT_EQ(f[kPunctuation], 2.0F / 17);
  EXPECT_FLOAT_EQ(f[kLogNumbers], std::log1p(2.0F));
  EXPECT_FLOAT_EQ(f[kLargestNumber], std::log10(13.0F));
  EXPECT_FLOAT_EQ(f[kLogDecimals], std::log1p(1.0F));
  EXPECT_FLOAT_EQ(f[kQuestionMarks], std::log1p(1.0F));
  EXPECT_FLOAT_EQ(f[kLogSentences], std::log1p(1.0F));
  EXPECT_FLOAT_EQ(f[kMarkers + 0], 1) << "what";
  EXPECT_FLOAT_EQ(f[kMarkers + 1], 0) << "which";
}

TEST_F(FormFeaturesTest, FindsLetteredOptions) {
  const char text[] = "Which one?\nA. red\nB) 12 blue\nc: a\nNone.\nD.x";
  EXPECT_FLOAT_EQ(Of(text, kOptions), 4);
  EXPECT_FLOAT_EQ(Of(text, kLogMeanOption), std::log1p((3 + 7 + 1 + 1) / 4.0F));
  EXPECT_FLOAT_EQ(Of(text, kOptionsWithDigit), 0.25F);
}

TEST_F(FormFeaturesTest, TheStemIsTheTextWithoutOptions) {
  // "Pick\nA. b\nC. d": 14 characters, two options of one character and three of marks each.
  EXPECT_FLOAT_EQ(Of("Pick\nA. b\nC. d", kLogStem), std::log1p(14.0F - 2 - 6));
}

TEST_F(FormFeaturesTest, MarksAreSeen) {
  EXPECT_EQ(Of("costs $5", kDollar), 1);
  EXPECT_EQ(Of("costs 5", kDollar), 0);
  EXPECT_EQ(Of("by 5 %", kPercent), 1);
  EXPECT_EQ(Of("\\frac", kBackslash), 1);
  EXPECT_EQ(Of("The __ of it", kBlank), 1);
  EXPECT_EQ(Of("snake_case", kBlank), 0);
  EXPECT_FLOAT_EQ(Of("f(x);", kCode), 3.0F / 5);
}

TEST_F(FormFeaturesTest, MarkerWordsCountInAnyCaseAndOnlyAsWholeWords) {
  EXPECT_EQ(Of("WHY not", kMarkers + 3), 1);
  EXPECT_EQ(Of("whyever", kMarkers + 3), 0);
  EXPECT_EQ(Of("never again", kMarkers + 7), 1) << "negation";
  EXPECT_EQ(Of("solve it", kMarkers + 11), 1) << "a demand to compute";
}

TEST_F(FormFeaturesTest, RepeatedWordsAndNumbersCountOnceAsDistinct) {
  EXPECT_FLOAT_EQ(Of("go Go GO stop", kDistinctWords), 0.5F);
  EXPECT_FLOAT_EQ(Of("7 7 8", kLogDistinctNumbers), std::log1p(2.0F));
}

TEST_F(FormFeaturesTest, CharactersOutsideAsciiCountOnceEach) {
  EXPECT_FLOAT_EQ(Of("né", kNonAscii), 0.5F);
  EXPECT_FLOAT_EQ(Of("中国", kNonAscii), 1);
  EXPECT_FLOAT_EQ(Of("中国", kLogCharacters), std::log1p(2.0F));
}

TEST_F(FormFeaturesTest, LongWordsAreMeasured) {
  EXPECT_FLOAT_EQ(Of("a extraordinary", kLongWords), 0.5F);
  EXPECT_FLOAT_EQ(Of("a extraordinary", kLongestWord), 1.3F);
}

TEST_F(FormFeaturesTest, AnIdentifierOfManyDigitsIsNoMagnitude) {
  EXPECT_FLOAT_EQ(Of("order 123456789012345678", kLargestNumber), 0);
  EXPECT_FLOAT_EQ(Of("order 12345678901234", kLargestNumber), std::log10(12345678901235.0F));
}

TEST_F(FormFeaturesTest, AnEmptyTextIsFinite) {
  for (const float value : ExtractForm("", &scratch_)) EXPECT_TRUE(std::isfinite(value));
}

TEST_F(FormFeaturesTest, RandomBytesGiveFiniteAndBoundedNumbers) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::string text(random() % 5000, '\0');
    const bool printable = round % 2 == 0;
    for (char& c : text) c = static_cast<char>(printable ? 32 + random() % 95 : random());
    for (const float value : ExtractForm(text, &scratch_)) {
      EXPECT_TRUE(std::isfinite(value));
      EXPECT_GE(value, 0);
      EXPECT_LT(value, 600) << "a word of 5,000 letters is the largest there is";
    }
  }
}

TEST_F(FormFeaturesTest, WhatCameBeforeDoesNotMatter) {
  const FormFeatures first = ExtractForm("Why? 12 apples, 12 pears.", &scratch_);
  ExtractForm(std::string(3000, 'x') + " Why 12 apples", &scratch_);
  EXPECT_EQ(ExtractForm("Why? 12 apples, 12 pears.", &scratch_), first);
}

TEST(DistinctCounterTest, CountsEachHashOnceBeyondItsFirstTable) {
  DistinctCounter counter;
  for (int round = 0; round < 3; ++round) {
    counter.Start();
    for (uint64_t i = 0; i < 5000; ++i) EXPECT_TRUE(counter.Insert(i * 0x9e3779b97f4a7c15u));
    for (uint64_t i = 0; i < 5000; ++i) EXPECT_FALSE(counter.Insert(i * 0x9e3779b97f4a7c15u));
    EXPECT_EQ(counter.count(), 5000);
  }
}

}  // namespace
}  // namespace pointsman::estimate
