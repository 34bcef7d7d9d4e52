// What must hold of every estimate, and what the fit must learn from a world whose truth is known.
#include "index/estimate/estimator.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "small_world.h"

namespace pointsman::estimate {
namespace {

using ::testing::HasSubstr;

void ExpectSound(const QueryEstimate& estimate) {
  for (const ModelEstimate& model : estimate.models) {
    EXPECT_GE(model.lower, 0);
    EXPECT_LE(model.lower, model.success);
    EXPECT_LE(model.success, model.upper);
    EXPECT_LE(model.upper, 1);
    EXPECT_GE(model.deviation, 0);
    EXPECT_TRUE(std::isfinite(model.deviation));
    EXPECT_GT(model.output_tokens, 0);
    EXPECT_TRUE(std::isfinite(model.output_tokens));
    EXPECT_GE(model.effective_evidence, 0);
  }
  float sum = 0;
  for (const float share : estimate.capabilities) {
    EXPECT_GE(share, 0);
    sum += share;
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_GE(estimate.familiarity, 0);
  EXPECT_LE(estimate.familiarity, 1);
  if (!std::isnan(estimate.difficulty)) {
    EXPECT_GE(estimate.difficulty, 0);
    EXPECT_LE(estimate.difficulty, 1);
  }
}

TEST(EstimatorTest, EveryEstimateIsSoundWhateverTheLabels) {
  for (const double measured : {0.0, 0.3, 1.0}) {
    for (const bool capabilities : {false, true}) {
      for (const int exemplars : {1, 2, 9, 120}) {
        SmallWorldOptions options;
        options.measured_share = measured;
        options.capabilities = capabilities;
        options.exemplars = exemplars;
        SmallWorld world(options);
        const Estimator estimator = world.Create(world.Fit());
        EstimateScratch scratch;
        ExpectSound(estimator.Prior(&scratch));
        for (int i = 0; i < 8; ++i) {
          const OwnedQuery query(world, i % 2 == 0 ? world.Write(i % 4) : world.WriteGibberish());
          ExpectSound(estimator.Estimate(query.query(), &scratch));
          ExpectSound(estimator.Estimate(query.without_text(), &scratch));
        }
      }
    }
  }
}

TEST(EstimatorTest, TheSameWorldGivesTheSameCalibrationAndTheSameEstimates) {
  SmallWorld a;
  SmallWorld b;
  ASSERT_EQ(a.Fit().SerializeAsString(), b.Fit().SerializeAsString());
  const Estimator estimator = a.Create(a.Fit());
  EstimateScratch fresh;
  EstimateScratch used;
  for (int i = 0; i < 20; ++i) {
    const OwnedQuery other(a, a.WriteGibberish());
    estimator.Estimate(other.without_text(), &used);
    const OwnedQuery query(a, a.Write(i % 4));
    const QueryEstimate first = estimator.Estimate(query.query(), &fresh);
    const QueryEstimate second = estimator.Estimate(query.query(), &used);
    for (size_t m = 0; m < first.models.size(); ++m) {
      EXPECT_EQ(first.models[m].success, second.models[m].success);
      EXPECT_EQ(first.models[m].deviation, second.models[m].deviation);
      EXPECT_EQ(first.models[m].output_tokens, second.models[m].output_tokens);
    }
  }
}

class LearnedTest : public ::testing::Test {
 protected:
  LearnedTest() : world_(Options()), estimator_(world_.Create(world_.Fit())) {}
  static SmallWorldOptions Options() {
    SmallWorldOptions options;
    options.exemplars = 600;
    return options;
  }
  SmallWorld world_;
  Estimator estimator_;
  EstimateScratch scratch_;
};

TEST_F(LearnedTest, EstimatesAreNearerToTheTruthThanTheMeanIsAndAreCalibrated) {
  double error = 0;
  double spread = 0;
  double bias = 0;
  constexpr int kQueries = 400;
  const QueryEstimate prior = estimator_.Prior(&scratch_);
  const std::vector<ModelEstimate> means(prior.models.begin(), prior.models.end());
  for (int i = 0; i < kQueries; ++i) {
    const int topic = i % SmallWorld::kTopics;
    const EmbeddedText& text = world_.Write(topic);
    const OwnedQuery query(world_, text);
    const QueryEstimate estimate = estimator_.Estimate(query.query(), &scratch_);
    for (int m = 0; m < 3; ++m) {
      const double truth = world_.Truth(topic, text, m);
      const double success = estimate.models[static_cast<size_t>(m)].success;
      error += (success - truth) * (success - truth);
      spread += std::pow(means[static_cast<size_t>(m)].success - truth, 2);
      bias += (success - truth) / (3 * kQueries);
    }
  }
  EXPECT_LT(error, 0.4 * spread);
  EXPECT_NEAR(bias, 0, 0.05);
}

TEST_F(LearnedTest, CapabilitiesAreRecognised) {
  int recognised = 0;
  for (int i = 0; i < 100; ++i) {
    const int topic = i % SmallWorld::kTopics;
    const OwnedQuery query(world_, world_.Write(topic));
    const auto mix = estimator_.Estimate(query.query(), &scratch_).capabilities;
    recognised += std::max_element(mix.begin(), mix.end()) - mix.begin() == topic;
  }
  EXPECT_GE(recognised, 90);
}

TEST_F(LearnedTest, OutputTokensFollowTheMeasuredOnes) {
  // The truth for this model is 300 tokens times topic + 1.
  double last = 0;
  for (int topic = 0; topic < SmallWorld::kTopics; ++topic) {
    double mean = 0;
    for (int i = 0; i < 20; ++i) {
      const OwnedQuery query(world_, world_.Write(topic));
      mean += estimator_.Estimate(query.query(), &scratch_).models[2].output_tokens / 20;
    }
    EXPECT_NEAR(mean, 300 * (topic + 1), 200);
    EXPECT_GT(mean, last);
    last = mean;
  }
}

TEST_F(LearnedTest, GibberishIsUnfamiliarAndNearDeclaredSkillAndTextOfATopicIsNot) {
  double familiar = 0;
  for (int i = 0; i < 50; ++i) {
    const OwnedQuery gibberish(world_, world_.WriteGibberish());
    EXPECT_LT(estimator_.Estimate(gibberish.query(), &scratch_).familiarity, 0.02);
    const OwnedQuery topical(world_, world_.Write(i % 4));
    familiar += estimator_.Estimate(topical.query(), &scratch_).familiarity / 50;
  }
  EXPECT_NEAR(familiar, 0.5, 0.15);
}

TEST(EstimatorEvidenceTest, MoreMeasuredEvidenceNarrowsTheInterval) {
  // One calibration, and exemplars of which more and more lose their outcomes.
  SmallWorldOptions options;
  options.exemplars = 300;
  options.skills = false;
  SmallWorld world(options);
  const bundle::v1::Calibration calibration = world.Fit();
  std::vector<const EmbeddedText*> texts;
  for (int i = 0; i < 60; ++i) texts.push_back(&world.Write(i % 4));
  EstimateScratch scratch;
  double last_width = 0;
  double last_evidence = 1e9;
  for (const int kept_of_ten : {10, 5, 2}) {
    for (int i = 0; i < 300; ++i) {
      if (i / 4 % 10 >= kept_of_ten) world.exemplars[i].clear_outcomes();
    }
    const Estimator estimator = world.Create(calibration);
    double width = 0;
    double evidence = 0;
    for (const EmbeddedText* text : texts) {
      const OwnedQuery query(world, *text);
      for (const ModelEstimate& m : estimator.Estimate(query.query(), &scratch).models) {
        width += m.upper - m.lower;
        evidence += m.effective_evidence;
      }
    }
    EXPECT_GT(width, last_width) << kept_of_ten << " of ten kept";
    EXPECT_LT(evidence, last_evidence) << kept_of_ten << " of ten kept";
    last_width = width;
    last_evidence = evidence;
  }
}

TEST(EstimatorEvidenceTest, WithoutOutcomesThereIsNoMeasuredEvidenceAndSkillRanksTheModels) {
  SmallWorldOptions options;
  options.measured_share = 0;
  SmallWorld world(options);
  const Estimator estimator = world.Create(world.Fit());
  EstimateScratch scratch;
  for (int i = 0; i < 20; ++i) {
    const OwnedQuery query(world, world.Write(i % 4));
    const auto models = estimator.Estimate(query.query(), &scratch).models;
    for (const ModelEstimate& model : models) {
      EXPECT_EQ(model.effective_evidence, 0);
      EXPECT_FALSE(model.has_outcomes);
    }
    EXPECT_TRUE(models[0].has_skill);
    EXPECT_FALSE(models[2].has_skill);
    EXPECT_LT(models[0].success, models[1].success) << "declared skills 0.3 and 0.43";
  }
}

TEST(EstimatorPriorTest, AnEmptyQueryIsTheMeanOfAllAndFamiliarToNobody) {
  SmallWorldOptions options;
  options.exemplars = 400;
  SmallWorld world(options);
  const Estimator estimator = world.Create(world.Fit());
  EstimateScratch scratch;
  const QueryEstimate prior = estimator.Prior(&scratch);
  EXPECT_EQ(prior.familiarity, 0);
  for (int m = 0; m < 3; ++m) {
    double mean = 0;
    for (const bundle::v1::Exemplar& exemplar : world.exemplars) {
      mean += exemplar.outcomes().at("model" + std::to_string(m)).quality() / 400;
    }
    EXPECT_NEAR(prior.models[static_cast<size_t>(m)].success, mean, 0.06);
  }
}

TEST(EvidenceWeightsTest, AddUpToOneAndFallWithSimilarity) {
  SmallWorld world;
  const Estimator estimator = world.Create(world.Fit());
  const OwnedQuery query(world, world.Write(0), 30);
  std::vector<float> weights;
  estimator.EvidenceWeights(query.query().neighbours, &weights);
  ASSERT_EQ(weights.size(), 30u);
  EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1, 1e-5);
  EXPECT_TRUE(std::is_sorted(weights.rbegin(), weights.rend()));
}

TEST(CapabilityNamesTest, AreTheCataloguesOrClusters) {
  SmallWorld with;
  EXPECT_EQ(with.Create(with.Fit()).capability_names()[1], "topic1");
  SmallWorldOptions options;
  options.capabilities = false;
  SmallWorld without(options);
  const auto names = without.Create(without.Fit()).capability_names();
  ASSERT_GT(names.size(), 1u);
  EXPECT_EQ(names[1], "cluster-1");
}

class EstimatorCreateTest : public ::testing::Test {
 protected:
  using Calibration = bundle::v1::Calibration;
  std::string ErrorAfter(const std::function<void(Calibration*)>& spoil) {
    Calibration calibration = calibration_;
    spoil(&calibration);
    return Estimator::Create(calibration, world_.catalogue, world_.exemplars).status().ToString();
  }
  SmallWorld world_;
  Calibration calibration_ = world_.Fit();
};

TEST_F(EstimatorCreateTest, AcceptsWhatWasFitted) {
  EXPECT_EQ(ErrorAfter([](Calibration*) {}), "OK");
}

TEST_F(EstimatorCreateTest, RefusesAnEmptyCalibration) {
  EXPECT_NE(ErrorAfter([](Calibration* c) { c->Clear(); }), "OK");
}

TEST_F(EstimatorCreateTest, NamesThePartWhoseShapeDoesNotFit) {
  const auto drop_value = [](bundle::v1::LinearMap* map) {
    map->mutable_slope()->mutable_values()->RemoveLast();
  };
  EXPECT_THAT(ErrorAfter([&](Calibration* c) { drop_value(c->mutable_linear_view()); }),
              HasSubstr("linear_view"));
  EXPECT_THAT(ErrorAfter([&](Calibration* c) { drop_value(c->mutable_form_view()); }),
              HasSubstr("form_view"));
  EXPECT_THAT(ErrorAfter([&](Calibration* c) { drop_value(c->mutable_lexical_view()); }),
              HasSubstr("lexical_view"));
  EXPECT_THAT(ErrorAfter([&](Calibration* c) { drop_value(c->mutable_capability_head()); }),
              HasSubstr("capability_head"));
  EXPECT_THAT(ErrorAfter([&](Calibration* c) { drop_value(c->mutable_level_view()); }),
              HasSubstr("level_view"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->mutable_groups()->RemoveLast(); }),
              HasSubstr("groups"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->mutable_groups(1)->add_blend(1); }),
              HasSubstr("groups[1].blend"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->mutable_groups()->SwapElements(0, 2); }),
              HasSubstr("groups[0].kind"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->mutable_groups(0)->set_bandwidth(0); }),
              HasSubstr("bandwidth"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->add_mean(0); }), HasSubstr("expected"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->set_neighbours(0); }), HasSubstr("neighbours"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->add_form_means(0); }), HasSubstr("form_means"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->mutable_scaling()->add_intercepts(0); }),
              HasSubstr("scaling"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->add_mean_tokens(0); }), HasSubstr("mean_tokens"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) {
                c->mutable_declared_success()->mutable_values()->RemoveLast();
              }),
              HasSubstr("declared_success"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->mutable_uncertainty()->set_strength(0); }),
              HasSubstr("uncertainty"));
  EXPECT_THAT(ErrorAfter([](Calibration* c) { c->mutable_familiarity()->add_discriminant(0); }),
              HasSubstr("familiarity"));
}

TEST_F(EstimatorCreateTest, RefusesACalibrationOfOtherExemplars) {
  SmallWorldOptions options;
  options.difficulties = false;  // one group of targets fewer
  const SmallWorld other(options);
  EXPECT_THAT(Estimator::Create(calibration_, other.catalogue, other.exemplars).status().ToString(),
              HasSubstr("groups"));
}

}  // namespace
}  // namespace pointsman::estimate
