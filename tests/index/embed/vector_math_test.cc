#include "index/embed/vector_math.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace pointsman::embed {
namespace {

using ::testing::ElementsAre;

TEST(DotTest, AgreesWithASimpleLoopAtEveryLength) {
  for (size_t n = 0; n < 70; ++n) {
    std::vector<float> a(n), b(n);
    std::iota(a.begin(), a.end(), -3.0f);
    std::iota(b.begin(), b.end(), 2.0f);
    // Whole numbers this small are exact in any order.
    EXPECT_EQ(Dot(a, b), std::inner_product(a.begin(), a.end(), b.begin(), 0.0f)) << n;
  }
}

TEST(AddScaledTest, AddsInPlace) {
  std::vector<float> sum = {1, 2};
  AddScaled(0.5f, std::vector<float>{4, -4}, sum);
  EXPECT_THAT(sum, ElementsAre(3, 0));
}

TEST(NormaliseTest, GivesUnitLength) {
  std::vector<float> vector = {3, 4};
  ASSERT_TRUE(Normalise(vector));
  EXPECT_THAT(vector, ElementsAre(testing::FloatEq(0.6f), testing::FloatEq(0.8f)));
}

TEST(NormaliseTest, RefusesWhatHasNoDirectionAndLeavesItAlone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {0.0f, kInfinity, std::nanf(""), 3e38f}) {
    std::vector<float> vector = {bad, 0};
    EXPECT_FALSE(Normalise(vector)) << bad;
    EXPECT_THAT(vector, ElementsAre(testing::NanSensitiveFloatEq(bad), 0));
  }
}

TEST(CentreTest, SubtractsTheMeanAndNormalises) {
  std::vector<float> vector = {1, 0};
  ASSERT_TRUE(Centre(std::vector<float>{0.5f, 0}, vector));
  EXPECT_THAT(vector, ElementsAre(1, 0));
}

TEST(CentreTest, RefusesTheMeanItself) {
  std::vector<float> vector = {0.6f, 0.8f};
  EXPECT_FALSE(Centre(std::vector<float>{0.6f, 0.8f}, vector));
}

}  // namespace
}  // namespace pointsman::embed
