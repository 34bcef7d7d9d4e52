#include "index/evaluate/report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace pointsman::evaluate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Evaluation TwoSplits() {
  Evaluation evaluation;
  evaluation.models = {"small", "large"};
  evaluation.pair = ModelPair{0, 1};
  for (const double accuracy : {0.5, 0.75}) {
    SplitResult split;
    split.seed = static_cast<int>(evaluation.splits.size());
    split.train_queries = 100;
    split.figures.overall.accuracy = accuracy;
    split.figures.models.resize(2);
    split.figures.models[1].auc = accuracy;
    split.figures.curve = {{0, accuracy, 1}, {1, 0.25, 0.5}};
    evaluation.splits.push_back(split);
  }
  return evaluation;
}

TEST(ReportJson, GivesMeansDeviationsAndEverySplit) {
  const auto json = nlohmann::json::parse(ReportJson(TwoSplits()));
  EXPECT_EQ(json["splits"], 2);
  EXPECT_EQ(json["train_queries"], 100);
  EXPECT_EQ(json["pair"]["strong"], "large");
  EXPECT_DOUBLE_EQ(json["figures"]["accuracy"]["mean"], 0.625);
  EXPECT_NEAR(json["figures"]["accuracy"]["sd"], 0.1768, 1e-4);
  EXPECT_DOUBLE_EQ(json["models"]["large"]["auc"]["mean"], 0.625);
  EXPECT_DOUBLE_EQ(json["curve"][0]["accuracy"], 0.625);
  EXPECT_EQ(json["by_split"][1]["seed"], 1);
  EXPECT_DOUBLE_EQ(json["by_split"][1]["figures"]["accuracy"], 0.75);
}

TEST(ReportJson, HasNullForWhatIsNotKnown) {
  const auto json = nlohmann::json::parse(ReportJson(TwoSplits()));
  EXPECT_TRUE(json["figures"]["apgr"]["mean"].is_null());
  EXPECT_TRUE(json["models"]["small"]["auc"]["mean"].is_null());
}

TEST(ReportText, ShowsWhatIsKnownAndLeavesOutTheRest) {
  const std::string text = ReportText(TwoSplits());
  EXPECT_THAT(text, HasSubstr("accuracy                      0.6250      0.1768"));
  EXPECT_THAT(text, HasSubstr("large"));
  EXPECT_THAT(text, Not(HasSubstr("apgr")));
}

}  // namespace
}  // namespace pointsman::evaluate
