#include "index/estimate/lexical_features.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::estimate {
namespace {

using ::testing::IsEmpty;
using Tokens = std::vector<uint32_t>;

// Sum of each bucket.
std::map<uint32_t, double> Buckets(const Tokens& tokens) {
  LexicalExtractor extractor;
  std::map<uint32_t, double> buckets;
  for (const LexicalTerm& term : extractor.Extract(tokens)) {
    buckets[term.bucket] += static_cast<double>(term.value);
  }
  return buckets;
}

double Similarity(const Tokens& a, const Tokens& b) {
  const auto left = Buckets(a);
  const auto right = Buckets(b);
  double sum = 0;
  for (const auto& [bucket, value] : left) {
    const auto it = right.find(bucket);
    if (it != right.end()) sum += value * it->second;
  }
  return sum;
}

Tokens RandomTokens(size_t count, std::mt19937* random) {
  Tokens tokens(count);
  for (uint32_t& token : tokens) token = static_cast<uint32_t>((*random)());
  return tokens;
}

TEST(LexicalFeaturesTest, TheTermsOfATextHaveUnitLengthAndBucketsAreInBounds) {
  std::mt19937 random(1);
  LexicalExtractor extractor;
  for (const size_t count : {1u, 2u, 10u, 511u, 512u, 513u, 2000u}) {
    double squares = 0;
    for (const LexicalTerm& term : extractor.Extract(RandomTokens(count, &random))) {
      EXPECT_LT(term.bucket, kLexicalBuckets);
      squares += static_cast<double>(term.value) * static_cast<double>(term.value);
    }
    EXPECT_NEAR(squares, 1, 1e-5) << count << " tokens";
  }
}

TEST(LexicalFeaturesTest, ATextWithoutTokensHasNoTerms) {
  LexicalExtractor extractor;
  EXPECT_THAT(extractor.Extract({}), IsEmpty());
}

TEST(LexicalFeaturesTest, TokensAndPairsOfNeighboursAreTheTerms) {
  LexicalExtractor extractor;
  EXPECT_EQ(extractor.Extract(Tokens{7}).size(), 1u);
  EXPECT_EQ(extractor.Extract(Tokens{7, 8, 9}).size(), 5u);
}

TEST(LexicalFeaturesTest, TheOrderOfTokensMatters) {
  EXPECT_NE(Buckets({1, 2, 3}), Buckets({3, 2, 1}));
  EXPECT_GT(Similarity({1, 2, 3}, {3, 2, 1}), 0.5) << "they share their single tokens";
}

TEST(LexicalFeaturesTest, TextsThatShareTokensAreNearerThanTextsThatDoNot) {
  EXPECT_GT(Similarity({1, 2, 3, 4}, {1, 2, 3, 5}), 0.5);
  EXPECT_NEAR(Similarity({1, 2, 3, 4}, {11, 12, 13, 14}), 0, 0.2);
}

TEST(LexicalFeaturesTest, ATokenThatIsRepeatedCountsMoreButNotInProportion) {
  // 7 7 7 7: the token four times, the pair three times.
  LexicalExtractor extractor;
  const auto& terms = extractor.Extract(Tokens{7, 7, 7, 7});
  ASSERT_EQ(terms.size(), 2u);
  EXPECT_NEAR(std::abs(terms[0].value / terms[1].value),
              (1 + std::log(4.0F)) / (1 + std::log(3.0F)), 1e-5);
}

TEST(LexicalFeaturesTest, OnlyTheFirstTokensAreRead) {
  std::mt19937 random(2);
  Tokens tokens = RandomTokens(kLexicalTokens, &random);
  const auto before = Buckets(tokens);
  tokens.push_back(5);
  EXPECT_EQ(Buckets(tokens), before);
}

TEST(LexicalFeaturesTest, WhatCameBeforeDoesNotMatter) {
  std::mt19937 random(3);
  LexicalExtractor reused;
  const Tokens text = {101, 7, 7, 9};
  for (int round = 0; round < 20; ++round) {
    reused.Extract(RandomTokens(kLexicalTokens, &random));
    const auto& terms = reused.Extract(text);
    LexicalExtractor fresh;
    const auto& expected = fresh.Extract(text);
    ASSERT_EQ(terms.size(), expected.size());
    for (size_t t = 0; t < terms.size(); ++t) {
      EXPECT_EQ(terms[t].bucket, expected[t].bucket);
      EXPECT_EQ(terms[t].value, expected[t].value);
    }
  }
}

}  // namespace
}  // namespace pointsman::estimate
