#include "server/histogram.h"

#include <cmath>
#include <thread>

#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

TEST(HistogramTest, CountsCumulativelyUpToAndIncludingEachBound) {
  Histogram histogram({1, 10});
  for (const double value : {0.5, 1.0, 1.5, 10.0, 11.0}) histogram.Observe(value);
  const auto collected = histogram.Collect();
  ASSERT_EQ(collected.bucket.size(), 3u);
  EXPECT_EQ(collected.bucket[0].cumulative_count, 2u);
  EXPECT_EQ(collected.bucket[1].cumulative_count, 4u);
  EXPECT_EQ(collected.bucket[2].cumulative_count, 5u);
  EXPECT_TRUE(std::isinf(collected.bucket[2].upper_bound));
  EXPECT_EQ(collected.sample_count, 5u);
  EXPECT_DOUBLE_EQ(collected.sample_sum, 24);
}

TEST(HistogramTest, LosesNothingBetweenThreads) {
  constexpr int kObservations = 50'000;
  Histogram histogram({0.5});
  std::thread other([&] {
    for (int i = 0; i < kObservations; ++i) histogram.Observe(1);
  });
  for (int i = 0; i < kObservations; ++i) histogram.Observe(0);
  other.join();
  const auto collected = histogram.Collect();
  EXPECT_EQ(collected.bucket[0].cumulative_count, static_cast<uint64_t>(kObservations));
  EXPECT_EQ(collected.sample_count, static_cast<uint64_t>(2 * kObservations));
  EXPECT_DOUBLE_EQ(collected.sample_sum, kObservations);
}

TEST(HistogramFamilyTest, LabelsItsHistograms) {
  HistogramFamily family("seconds", "Time", {1}, "stage");
  family.Add("embed")->Observe(0.1);
  family.Add("search");
  const auto collected = family.Collect();
  EXPECT_EQ(collected.name, "seconds");
  ASSERT_EQ(collected.metric.size(), 2u);
  EXPECT_EQ(collected.metric[0].label[0].name, "stage");
  EXPECT_EQ(collected.metric[0].label[0].value, "embed");
  EXPECT_EQ(collected.metric[0].histogram.sample_count, 1u);
  EXPECT_EQ(collected.metric[1].histogram.sample_count, 0u);
}

}  // namespace
}  // namespace pointsman::server
