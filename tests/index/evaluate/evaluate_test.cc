// Whole evaluations: bundles are built, loaded and asked.
#include "index/evaluate/evaluate.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/evaluate/report.h"
#include "tests/index/evaluate/two_topics.h"

namespace pointsman::evaluate {
namespace {

using ::testing::HasSubstr;

Protocol Holdout(double share, int seeds) {
  Protocol protocol;
  protocol.holdout = share;
  protocol.seeds = seeds;
  return protocol;
}

absl::StatusOr<Evaluation> EvaluateInputs(const Inputs& inputs, const Protocol& protocol) {
  return Evaluate(inputs, protocol, std::nullopt, [](std::string_view, int64_t, int64_t) {});
}

TEST(Evaluate, ShowsThatTheTopicDecides) {
  const auto evaluation = EvaluateInputs(TwoTopics(600), Holdout(0.4, 2));
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  ASSERT_EQ(evaluation->splits.size(), 2u);
  for (const SplitResult& split : evaluation->splits) {
    EXPECT_EQ(split.train_queries, 360);
    const Figures& figures = split.figures.overall;
    EXPECT_EQ(figures.queries, 240);
    EXPECT_GT(figures.accuracy, 0.82);  // the specialist of the topic: .9
    EXPECT_LT(figures.best_single_accuracy, 0.75);
    EXPECT_GT(figures.auc, 0.7);
    EXPECT_LT(figures.parity_cost_share, 0.2);  // a specialist costs a tenth
    EXPECT_GE(figures.oracle_accuracy, figures.accuracy);
    EXPECT_LT(figures.calibration_error, 0.15);
  }
}

TEST(Evaluate, CostsMeasuredAnswersAtListPrices) {
  const auto evaluation = EvaluateInputs(TwoTopics(200), Holdout(0.5, 1));
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  const std::vector<ModelFigures>& models = evaluation->splits[0].figures.models;
  // 100 output tokens and some ten of the query, at 1 and at 10 USD per million.
  EXPECT_GT(models[0].cost_usd, 100e-6);
  EXPECT_LT(models[0].cost_usd, 120e-6);
  EXPECT_NEAR(models[2].cost_usd, 10 * models[0].cost_usd, 1e-9);
}

TEST(Evaluate, GivesTheSameFiguresOnEveryRun) {
  const Inputs inputs = TwoTopics(120);
  const auto first = EvaluateInputs(inputs, Holdout(0.5, 1));
  const auto again = EvaluateInputs(inputs, Holdout(0.5, 1));
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(ReportJson(*first), ReportJson(*again));
}

TEST(Evaluate, TestsOnAnotherSetWhereThereIsOne) {
  Inputs inputs = TwoTopics(120);
  inputs.test = TwoTopicQueries(30, "other-");
  const auto evaluation = EvaluateInputs(inputs, Protocol());
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  ASSERT_EQ(evaluation->splits.size(), 1u);
  EXPECT_EQ(evaluation->splits[0].train_queries, 120);
  EXPECT_EQ(evaluation->splits[0].figures.overall.queries, 30);
}

TEST(Evaluate, TellsHowFarItHasCome) {
  std::set<std::string> stages;
  const auto evaluation = Evaluate(TwoTopics(60), Holdout(0.5, 2), std::nullopt,
                                   [&](std::string_view stage, int64_t done, int64_t total) {
                                     EXPECT_LE(done, total);
                                     stages.emplace(stage);
                                   });
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  EXPECT_THAT(stages, testing::Contains("split 1 of 2: embed"));
  EXPECT_THAT(stages, testing::Contains("split 2 of 2: decide"));
}

TEST(Evaluate, NamesTheTestQueryThatCannotBeDecided) {
  Inputs inputs = TwoTopics(60);
  inputs.test = TwoTopicQueries(3, "other-");
  (*inputs.test)[1].set_text(std::string(2 << 20, 'a'));
  EXPECT_THAT(std::string(EvaluateInputs(inputs, Protocol()).status().message()),
              HasSubstr("test query `other-1`: "));
}

TEST(ParsePair, FindsModelsByName) {
  const auto pair = ParsePair("poet,all_rounder", TwoTopics(2).catalogue);
  ASSERT_TRUE(pair.ok() && pair->has_value());
  EXPECT_EQ((*pair)->weak, 1u);
  EXPECT_EQ((*pair)->strong, 2u);
}

TEST(ParsePair, TakesTheDearerOfTwoModelsAsTheStrongOne) {
  v1::Catalogue catalogue = TwoTopics(2).catalogue;
  EXPECT_FALSE(ParsePair("", catalogue)->has_value());
  catalogue.mutable_models()->DeleteSubrange(0, 1);
  catalogue.mutable_models()->SwapElements(0, 1);
  const auto pair = ParsePair("", catalogue);
  ASSERT_TRUE(pair.ok() && pair->has_value());
  EXPECT_EQ((*pair)->weak, 1u);
  EXPECT_EQ((*pair)->strong, 0u);
}

TEST(ParsePair, RefusesWhatNamesNoPair) {
  const v1::Catalogue catalogue = TwoTopics(2).catalogue;
  for (const char* text : {"poet", "poet,poet", "poet,calculator,all_rounder", "poet,nobody"}) {
    EXPECT_EQ(ParsePair(text, catalogue).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
  EXPECT_THAT(std::string(ParsePair("poet,nobody", catalogue).status().message()),
              HasSubstr("`nobody`"));
}

}  // namespace
}  // namespace pointsman::evaluate
