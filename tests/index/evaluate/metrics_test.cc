// Figures against values worked out by hand, and against slow definitions written down from the
// textbook.
#include "index/evaluate/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace pointsman::evaluate {
namespace {

using Numbers = std::vector<double>;

// Predictions with many ties and outcomes that follow them loosely.
struct Sample {
  Numbers predictions;
  Numbers outcomes;
};

Sample RandomSample(int count, unsigned seed) {
  std::mt19937 random(seed);
  Sample sample;
  for (int i = 0; i < count; ++i) {
    sample.predictions.push_back(static_cast<double>(random() % 21) / 20);
    sample.outcomes.push_back(static_cast<double>(random() % 100) <
                              100 * sample.predictions.back());
  }
  return sample;
}

template <typename T>
std::vector<T> Shuffled(const std::vector<T>& values, unsigned seed) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  std::vector<T> shuffled;
  shuffled.reserve(order.size());
  for (const size_t i : order) shuffled.push_back(values[i]);
  return shuffled;
}

TEST(Auc, CountsPairsThatAreRankedRight) {
  EXPECT_DOUBLE_EQ(Auc(Numbers{.1, .4, .35, .8}, Numbers{0, 0, 1, 1}), 0.75);
}

TEST(Auc, GivesATieHalf) { EXPECT_DOUBLE_EQ(Auc(Numbers{.5, .5}, Numbers{0, 1}), 0.5); }

TEST(Auc, CannotBeHadOfOneClass) { EXPECT_TRUE(std::isnan(Auc(Numbers{.2, .3}, Numbers{1, 1}))); }

TEST(Auc, CountsAPartialSuccessAsThatPartOfOne) {
  // Failures: 1 at .2, .5 at .6. Successes: .5 at .6, 1 at .9. Won: .5 * (1 + .25) + 1 * 1.5.
  EXPECT_DOUBLE_EQ(Auc(Numbers{.2, .6, .9}, Numbers{0, .5, 1}), (0.625 + 1.5) / (1.5 * 1.5));
}

TEST(Auc, EqualsTheShareOfAllPairs) {
  const Sample sample = RandomSample(300, 1);
  double won = 0;
  double pairs = 0;
  for (size_t i = 0; i < 300; ++i) {
    for (size_t j = 0; j < 300; ++j) {
      if (sample.outcomes[i] != 1 || sample.outcomes[j] != 0) continue;
      pairs += 1;
      won += sample.predictions[i] > sample.predictions[j]    ? 1
             : sample.predictions[i] == sample.predictions[j] ? 0.5
                                                              : 0;
    }
  }
  EXPECT_NEAR(Auc(sample.predictions, sample.outcomes), won / pairs, 1e-12);
}

TEST(BrierScore, IsTheMeanSquaredError) {
  EXPECT_DOUBLE_EQ(BrierScore(Numbers{.8, .4}, Numbers{1, 0}), (0.04 + 0.16) / 2);
}

TEST(CalibrationError, IsTheMeanGapOfItsBins) {
  // Two bins: {.1, .3} with outcomes {0, 1} is off by .3, {.6, .8} with {1, 1} by .3.
  EXPECT_DOUBLE_EQ(CalibrationError(Numbers{.8, .1, .6, .3}, Numbers{1, 0, 1, 1}, 2), 0.3);
}

TEST(CalibrationError, IsNoughtForAConstantThatIsRight) {
  // All predictions tie: no order of the outcomes may make it look wrong.
  EXPECT_NEAR(CalibrationError(Numbers(100, .25),
                               [] {
                                 Numbers outcomes(100, 0);
                                 std::fill(outcomes.begin(), outcomes.begin() + 25, 1);
                                 return outcomes;
                               }()),
              0, 1e-12);
}

TEST(CalibrationError, DoesNotDependOnTheOrderOfQueries) {
  const Sample sample = RandomSample(400, 2);
  const double error = CalibrationError(sample.predictions, sample.outcomes);
  for (unsigned seed = 0; seed < 5; ++seed) {
    EXPECT_NEAR(
        CalibrationError(Shuffled(sample.predictions, seed), Shuffled(sample.outcomes, seed)),
        error, 1e-12);
  }
}

TEST(CalibrationError, OfFewerQueriesThanBinsIsTheMeanAbsoluteError) {
  EXPECT_NEAR(CalibrationError(Numbers{.2, .9}, Numbers{0, 1}), 0.15, 1e-12);
}

TEST(CalibrationNoiseFloor, ShrinksWithTheSquareRootOfTheQueries) {
  const double small = CalibrationNoiseFloor(RandomSample(1000, 3).predictions);
  const double large = CalibrationNoiseFloor(RandomSample(16000, 3).predictions);
  EXPECT_NEAR(small / large, 4, 0.6);
}

TEST(CalibrationNoiseFloor, IsWhatExactPredictionsShow) {
  std::mt19937 random(4);
  Numbers predictions;
  for (int i = 0; i < 3000; ++i) predictions.push_back(static_cast<double>(random()) / 4294967296);
  double mean_error = 0;
  constexpr int kRuns = 40;
  for (int run = 0; run < kRuns; ++run) {
    Numbers outcomes;
    for (const double p : predictions) {
      outcomes.push_back(static_cast<double>(random()) / 4294967296 < p);
    }
    mean_error += CalibrationError(predictions, outcomes) / kRuns;
  }
  EXPECT_NEAR(CalibrationNoiseFloor(predictions), mean_error, 0.15 * mean_error);
}

TEST(IntervalCoverage, IsTheShareOfBinsWithinTheirMeanInterval) {
  const Numbers predictions = {.1, .1, .9, .9};
  const Numbers outcomes = {0, 0, 1, 0};
  // The first bin's 0 lies within [0, .2]; the second's .5 does not within [.8, 1].
  EXPECT_DOUBLE_EQ(
      IntervalCoverage(predictions, outcomes, Numbers{0, 0, .8, .8}, Numbers{.2, .2, 1, 1}, 2),
      0.5);
}

TEST(PairCurve, OfAPerfectScoreFirstTakesWhatOnlyTheStrongModelCan) {
  // Gains of the strong model: 1, 0, 0, 0. PGR is 1 from a quarter of the calls on.
  const PairCurve curve(Numbers{.9, .1, .2, .3}, Numbers{0, 1, 1, 0}, Numbers{1, 1, 1, 0});
  EXPECT_DOUBLE_EQ(curve.Apgr(), 0.25 / 2 + 0.75);
  EXPECT_DOUBLE_EQ(curve.CallShareFor(0.5), 0.125);
  EXPECT_DOUBLE_EQ(curve.CallShareFor(0.8), 0.2);
  EXPECT_DOUBLE_EQ(curve.CallShareFor(1), 0.25);
}

TEST(PairCurve, OfOneScoreForAllIsRandomRouting) {
  const PairCurve curve(Numbers{0, 0, 0, 0}, Numbers{0, 1, 0, 1}, Numbers{1, 1, 1, 0});
  EXPECT_DOUBLE_EQ(curve.Apgr(), 0.5);
  EXPECT_DOUBLE_EQ(curve.CallShareFor(0.8), 0.8);
}

TEST(PairCurve, CountsWhereTheWeakModelIsBetter) {
  // Gains in the order of the score: -1, 1, 1. PGR: 0, -1, 0, 1.
  const PairCurve curve(Numbers{3, 2, 1}, Numbers{1, 0, 0}, Numbers{0, 1, 1});
  EXPECT_NEAR(curve.Apgr(), (-0.5 - 0.5 + 0.5) / 3, 1e-12);
  EXPECT_NEAR(curve.CallShareFor(0.5), 2.5 / 3, 1e-12);
}

TEST(PairCurve, OfEquallyGoodModelsHasNoFigures) {
  const PairCurve curve(Numbers{1, 2}, Numbers{0, 1}, Numbers{1, 0});
  EXPECT_TRUE(std::isnan(curve.Apgr()));
  EXPECT_TRUE(std::isnan(curve.CallShareFor(0.5)));
}

TEST(PairCurve, AveragesOverTheOrdersWithinATie) {
  const Sample strong = RandomSample(60, 5);
  Numbers weak_outcomes = strong.outcomes;
  for (size_t i = 0; i < weak_outcomes.size(); i += 3) weak_outcomes[i] = 0;
  const double apgr = PairCurve(strong.predictions, weak_outcomes, strong.outcomes).Apgr();
  // The slow definition: break ties by a random order and take the mean over many of them.
  std::mt19937 random(7);
  double mean = 0;
  constexpr int kRuns = 3000;
  for (int run = 0; run < kRuns; ++run) {
    Numbers scores = strong.predictions;
    for (double& score : scores) score += 1e-6 * static_cast<double>(random() % 100000) / 100000;
    mean += PairCurve(scores, weak_outcomes, strong.outcomes).Apgr() / kRuns;
  }
  EXPECT_NEAR(apgr, mean, 0.003);
}

}  // namespace
}  // namespace pointsman::evaluate
