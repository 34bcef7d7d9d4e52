#include "index/evaluate/split.h"

#include <algorithm>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::evaluate {
namespace {

using ::testing::HasSubstr;

Protocol Holdout(double share, int seeds = 5) {
  Protocol protocol;
  protocol.holdout = share;
  protocol.seeds = seeds;
  return protocol;
}

Protocol Folds(int folds) {
  Protocol protocol;
  protocol.folds = folds;
  protocol.seeds = 2;
  return protocol;
}

Protocol TrainCount(int64_t count) {
  Protocol protocol;
  protocol.train_count = count;
  protocol.seeds = 1;
  return protocol;
}

std::string ProblemOf(size_t count, const Protocol& protocol) {
  return std::string(MakeSplits(count, protocol).status().message());
}

TEST(MakeSplits, PutsEveryQueryIntoExactlyOnePart) {
  const auto splits = MakeSplits(101, Holdout(0.3));
  ASSERT_TRUE(splits.ok());
  ASSERT_EQ(splits->size(), 5u);
  for (const Split& split : *splits) {
    EXPECT_EQ(split.test.size(), 30u);
    std::set<size_t> all(split.train.begin(), split.train.end());
    all.insert(split.test.begin(), split.test.end());
    EXPECT_EQ(all.size(), 101u);
    EXPECT_EQ(*all.rbegin(), 100u);
    EXPECT_EQ(split.train.size() + split.test.size(), 101u);
  }
}

TEST(MakeSplits, DiffersFromSeedToSeedAndNotFromRunToRun) {
  const auto first = MakeSplits(1000, Holdout(0.5));
  const auto again = MakeSplits(1000, Holdout(0.5));
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ((*first)[3].test, (*again)[3].test);
  EXPECT_NE((*first)[3].test, (*first)[4].test);
}

TEST(MakeSplits, IsTheSameOnEveryMachine) {
  const auto splits = MakeSplits(10, TrainCount(7));
  ASSERT_TRUE(splits.ok());
  EXPECT_THAT((*splits)[0].test, testing::ElementsAre(1, 4, 5));
}

TEST(MakeSplits, TestsEveryQueryOnceOverTheFoldsOfASeed) {
  const auto splits = MakeSplits(23, Folds(5));
  ASSERT_TRUE(splits.ok());
  ASSERT_EQ(splits->size(), 10u);
  for (const int seed : {0, 1}) {
    std::vector<size_t> tested;
    for (const Split& split : *splits) {
      if (split.seed == seed) tested.insert(tested.end(), split.test.begin(), split.test.end());
    }
    std::sort(tested.begin(), tested.end());
    ASSERT_EQ(tested.size(), 23u);
    for (size_t i = 0; i < tested.size(); ++i) EXPECT_EQ(tested[i], i);
  }
}

TEST(MakeSplits, TrainsOnAllOnceWhereTheTestSetIsAnother) {
  const auto splits = MakeSplits(4, Protocol());
  ASSERT_TRUE(splits.ok());
  ASSERT_EQ(splits->size(), 1u);
  EXPECT_EQ((*splits)[0].train.size(), 4u);
  EXPECT_TRUE((*splits)[0].test.empty());
}

TEST(MakeSplits, NamesTheBoundAndTheValueOfWhatCannotBe) {
  EXPECT_THAT(ProblemOf(10, Holdout(1)), HasSubstr("above 0 and below 1; is 1"));
  EXPECT_THAT(ProblemOf(10, Holdout(0.01)), HasSubstr("leaves an empty part"));
  EXPECT_THAT(ProblemOf(10, Holdout(0.5, 0)), HasSubstr("seeds must be 1 to 1000; is 0"));
  EXPECT_THAT(ProblemOf(10, TrainCount(10)), HasSubstr("below the 10 labelled queries; is 10"));
  EXPECT_THAT(ProblemOf(10, Folds(11)), HasSubstr("folds must be 2 to the 10 labelled queries"));
}

}  // namespace
}  // namespace pointsman::evaluate
