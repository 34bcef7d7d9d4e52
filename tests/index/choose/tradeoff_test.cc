// Tradeoff intervals: for which tradeoffs each candidate would be the choice.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenario.h"

namespace pointsman::choose {
namespace {

using ::testing::DoubleEq;

struct Line {
  double intercept;
  double slope;
};

std::vector<Candidate> Intervals(const std::vector<Line>& lines) {
  std::vector<Candidate> candidates;
  for (const Line& line : lines) {
    Candidate& candidate = candidates.emplace_back();
    candidate.tradeoff_intercept = line.intercept;
    candidate.tradeoff_slope = line.slope;
  }
  FillTradeoffIntervals(candidates);
  return candidates;
}

double Value(const Line& line, double t) { return line.intercept - t * line.slope; }

double Best(const std::vector<Line>& lines, double t) {
  double best = -1e300;
  for (const Line& line : lines) best = std::max(best, Value(line, t));
  return best;
}

TEST(TradeoffTest, ALoneCandidateWinsEverywhere) {
  const auto candidates = Intervals({{0.5, 0.7}});
  EXPECT_EQ(candidates[0].tradeoff_lower, 0);
  EXPECT_EQ(candidates[0].tradeoff_upper, 1);
}

TEST(TradeoffTest, TwoCandidatesMeetWhereTheirValuesAreEqual) {
  // 0.9 - 1.9 t = 0.6 - 0.7 t at t = 0.25.
  const auto candidates = Intervals({{0.6, 0.7}, {0.9, 1.9}});
  EXPECT_EQ(candidates[1].tradeoff_lower, 0);
  EXPECT_THAT(candidates[1].tradeoff_upper, DoubleEq(0.25));
  EXPECT_THAT(candidates[0].tradeoff_lower, DoubleEq(0.25));
  EXPECT_EQ(candidates[0].tradeoff_upper, 1);
}

TEST(TradeoffTest, ADominatedCandidateHasNoInterval) {
  const auto candidates = Intervals({{0.9, 1}, {0.8, 1.1}});
  EXPECT_FALSE(IsKnown(candidates[1].tradeoff_lower));
  EXPECT_FALSE(IsKnown(candidates[1].tradeoff_upper));
}

TEST(TradeoffTest, OfEqualLinesTheFirstWins) {
  const auto candidates = Intervals({{0.9, 1}, {0.9, 1}});
  EXPECT_EQ(candidates[0].tradeoff_upper, 1);
  EXPECT_FALSE(IsKnown(candidates[1].tradeoff_lower));
}

TEST(TradeoffTest, CrossingsOutsideZeroToOneDoNotCount) {
  const auto candidates = Intervals({{0.9, 0.5}, {0.1, 0.4}});  // would cross at t = 8
  EXPECT_EQ(candidates[0].tradeoff_upper, 1);
  EXPECT_FALSE(IsKnown(candidates[1].tradeoff_lower));
}

TEST(TradeoffTest, NoCandidatesNoIntervals) { EXPECT_TRUE(Intervals({}).empty()); }

// Random lines, some of them equal, some meeting in one point, some touching at 0 and 1.
TEST(TradeoffPropertyTest, IntervalsTileZeroToOneAndEachHolderIsTheBestThere) {
  std::mt19937 random(13);
  std::uniform_real_distribution<double> uniform;
  for (int round = 0; round < 2000; ++round) {
    std::vector<Line> lines;
    const int count = 1 + round % 9;
    const double meet_at = uniform(random);
    for (int i = 0; i < count; ++i) {
      const double kind = uniform(random);
      if (kind < 0.15 && !lines.empty()) {
        lines.push_back(lines[0]);
      } else if (kind < 0.3) {
        const double slope = uniform(random);
        lines.push_back({0.5 + meet_at * slope, slope});  // through (meet_at, 0.5)
      } else if (kind < 0.4) {
        lines.push_back({0.75, uniform(random)});  // ties at t = 0
      } else if (kind < 0.5) {
        const double slope = uniform(random);
        lines.push_back({0.1 + slope, slope});  // ties at t = 1
      } else {
        lines.push_back({uniform(random), 2 * uniform(random)});
      }
    }
    std::vector<Candidate> holders;
    const std::vector<Candidate> candidates = Intervals(lines);
    for (size_t i = 0; i < lines.size(); ++i) {
      ASSERT_EQ(IsKnown(candidates[i].tradeoff_lower), IsKnown(candidates[i].tradeoff_upper));
      if (IsKnown(candidates[i].tradeoff_lower)) holders.push_back(candidates[i]);
    }
    std::sort(holders.begin(), holders.end(), [](const Candidate& a, const Candidate& b) {
      return a.tradeoff_lower != b.tradeoff_lower ? a.tradeoff_lower < b.tradeoff_lower
                                                  : a.tradeoff_upper < b.tradeoff_upper;
    });
    ASSERT_FALSE(holders.empty());
    EXPECT_EQ(holders.front().tradeoff_lower, 0);
    EXPECT_EQ(holders.back().tradeoff_upper, 1);
    for (size_t i = 1; i < holders.size(); ++i) {
      EXPECT_EQ(holders[i - 1].tradeoff_upper, holders[i].tradeoff_lower);
    }
    constexpr int kGrid = 400;
    for (int g = 0; g <= kGrid; ++g) {
      const double t = static_cast<double>(g) / kGrid;
      for (const Candidate& holder : holders) {
        if (t < holder.tradeoff_lower || t > holder.tradeoff_upper) continue;
        EXPECT_NEAR(Value({holder.tradeoff_intercept, holder.tradeoff_slope}, t), Best(lines, t),
                    1e-12)
            << "round " << round << " t " << t;
      }
    }
  }
}

TEST(TradeoffPropertyTest, TheChoiceAtEachTradeoffHoldsItsInterval) {
  std::mt19937 random(17);
  std::uniform_real_distribution<double> uniform;
  for (int round = 0; round < 50; ++round) {
    Scenario s;
    for (int m = 0; m < 6; ++m) {
      const bool twin = m > 0 && uniform(random) < 0.3;
      const std::string id = "m" + std::to_string(m);
      s.Add(id, uniform(random), uniform(random));
      if (twin) {
        const v1::Model& first = s.catalogue.models(0);
        s.catalogue.mutable_models(m)->set_output_usd_per_mtok(first.output_usd_per_mtok());
        s.Believed(id).success = s.Believed(first.id()).success;
      }
    }
    s.policy().set_latency_target_ms(5000);
    if (round % 2 == 0) s.AddRule("prefer").mutable_then()->add_prefer_models("m1");
    for (int g = 0; g <= 40; ++g) {
      s.terms.tradeoff = g / 40.0;
      s.Decide();
      const Candidate& choice = s.CandidateOf(s.Chosen());
      EXPECT_LE(choice.tradeoff_lower, *s.terms.tradeoff + 1e-12);
      EXPECT_GE(choice.tradeoff_upper, *s.terms.tradeoff - 1e-12);
    }
  }
}

TEST(TradeoffTest, IntervalsAreThoseOfBestValueWhateverTheObjective) {
  Scenario s;
  s.Add("small", 0.6, 0.1);
  s.Add("large", 0.9, 1.0);
  s.Decide();
  const double corner = s.CandidateOf("large").tradeoff_upper;
  s.policy().set_objective(v1::OBJECTIVE_MOST_CAPABLE_WITHIN);
  s.Decide();
  EXPECT_EQ(s.CandidateOf("large").tradeoff_upper, corner);
  EXPECT_EQ(s.CandidateOf("small").tradeoff_lower, corner);
}

}  // namespace
}  // namespace pointsman::choose
