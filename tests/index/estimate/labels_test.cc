#include "index/estimate/labels.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::estimate {
namespace {

using ::testing::ElementsAre;
using Exemplars = google::protobuf::RepeatedPtrField<bundle::v1::Exemplar>;

// Models `skilled` (0.8, 0.6 for proofs) and `plain` (nothing declared); two capabilities.
v1::Catalogue SmallCatalogue() {
  v1::Catalogue catalogue;
  v1::Model* skilled = catalogue.add_models();
  skilled->set_id("skilled");
  skilled->set_default_skill(0.8);
  (*skilled->mutable_skills())["proof"] = 0.6;
  skilled->set_verbosity(3);
  catalogue.add_models()->set_id("plain");
  catalogue.add_capabilities()->set_id("greeting");
  catalogue.mutable_capabilities(0)->set_typical_output_tokens(20);
  catalogue.add_capabilities()->set_id("proof");
  return catalogue;
}

bundle::v1::Exemplar& Add(Exemplars* exemplars, const char* capability, double difficulty) {
  bundle::v1::Exemplar& exemplar = *exemplars->Add();
  exemplar.set_id(std::to_string(exemplars->size()));
  exemplar.set_capability(capability);
  if (!std::isnan(difficulty)) exemplar.set_difficulty(difficulty);
  return exemplar;
}

void Measure(bundle::v1::Exemplar* exemplar, const char* model, double quality,
             double tokens = -1) {
  bundle::v1::MeasuredOutcome& outcome = (*exemplar->mutable_outcomes())[model];
  outcome.set_quality(quality);
  if (tokens >= 0) outcome.set_output_tokens(tokens);
}

std::vector<bundle::v1::TargetKind> KindsOf(const Targets& targets) {
  std::vector<bundle::v1::TargetKind> kinds;
  Eigen::Index column = 0;
  for (const TargetGroup& group : targets.groups) {
    kinds.push_back(group.kind);
    EXPECT_EQ(group.first, column) << "groups follow one another";
    column += group.columns;
  }
  EXPECT_EQ(targets.value.cols(), column);
  return kinds;
}

constexpr double kUnlabelled = std::numeric_limits<double>::quiet_NaN();

TEST(RaschTest, SkillEqualToDifficultySucceedsHalfTheTime) {
  EXPECT_DOUBLE_EQ(RaschSuccess(0.4, 0.4, 8), 0.5);
  // What catalogue.proto promises of slope 8.
  EXPECT_NEAR(RaschSuccess(0.5, 0.4, 8), 0.69, 0.005);
  EXPECT_NEAR(RaschSuccess(0.7, 0.4, 8), 0.92, 0.005);
}

TEST(LabelsTest, AMeasuredOutcomeCountsInFull) {
  Exemplars exemplars;
  Measure(&Add(&exemplars, "proof", 0.5), "skilled", 0.25, 700);
  const Labels labels = MakeLabels(SmallCatalogue(), exemplars);
  EXPECT_EQ(labels.quality(0, 0), 0.25);
  EXPECT_EQ(labels.weight(0, 0), 1);
  EXPECT_EQ(labels.tokens(0, 0), 700);
  EXPECT_EQ(labels.token_weight(0, 0), 1);
}

TEST(LabelsTest, WhereNoneWasMeasuredDeclaredSkillSaysWhatToExpectAndCountsLess) {
  Exemplars exemplars;
  Add(&exemplars, "proof", 0.5);
  Add(&exemplars, "greeting", 0.1);
  const Labels labels = MakeLabels(SmallCatalogue(), exemplars);
  EXPECT_DOUBLE_EQ(labels.quality(0, 0), RaschSuccess(0.6, 0.5, 8)) << "skill for proofs";
  EXPECT_DOUBLE_EQ(labels.quality(1, 0), RaschSuccess(0.8, 0.1, 8)) << "the default skill";
  EXPECT_EQ(labels.weight(0, 0), kDeclaredWeight);
}

TEST(LabelsTest, AModelWithoutSkillHasNoExpectation) {
  Exemplars exemplars;
  Add(&exemplars, "proof", 0.5);
  const Labels labels = MakeLabels(SmallCatalogue(), exemplars);
  EXPECT_EQ(labels.weight(0, 1), 0);
  EXPECT_EQ(labels.quality(0, 1), 0);
}

TEST(LabelsTest, TheSlopeOfTheCatalogueIsUsed) {
  Exemplars exemplars;
  Add(&exemplars, "proof", 0.3);
  v1::Catalogue catalogue = SmallCatalogue();
  catalogue.set_skill_slope(2);
  EXPECT_DOUBLE_EQ(MakeLabels(catalogue, exemplars).quality(0, 0), RaschSuccess(0.6, 0.3, 2));
}

TEST(LabelsTest, WithoutDefaultSkillTheMeanOfTheDeclaredOnesStandsIn) {
  v1::Catalogue catalogue = SmallCatalogue();
  catalogue.add_capabilities()->set_id("sql");
  v1::Model& model = *catalogue.mutable_models(0);
  model.clear_default_skill();
  (*model.mutable_skills())["greeting"] = 0.9;
  Exemplars exemplars;
  Add(&exemplars, "sql", 0.5);
  EXPECT_DOUBLE_EQ(MakeLabels(catalogue, exemplars).quality(0, 0),
                   RaschSuccess((0.6 + 0.9) / 2, 0.5, 8));
}

TEST(LabelsTest, AnExemplarWithoutDifficultyIsAsHardAsItsCapability) {
  Exemplars exemplars;
  Add(&exemplars, "proof", 0.6);
  Add(&exemplars, "proof", 0.8);
  Add(&exemplars, "proof", kUnlabelled);
  Add(&exemplars, "greeting", kUnlabelled);
  const Labels labels = MakeLabels(SmallCatalogue(), exemplars);
  EXPECT_DOUBLE_EQ(labels.quality(2, 0), RaschSuccess(0.6, 0.7, 8));
  EXPECT_DOUBLE_EQ(labels.quality(3, 0), RaschSuccess(0.8, 0.7, 8)) << "the mean of all exemplars";
  EXPECT_TRUE(std::isnan(labels.difficulty[2]));
}

TEST(LabelsTest, AnExemplarWithoutCapabilityMeetsTheOverallSkill) {
  Exemplars exemplars;
  Add(&exemplars, "", 0.5);
  const Labels labels = MakeLabels(SmallCatalogue(), exemplars);
  EXPECT_EQ(labels.capability[0], -1);
  EXPECT_DOUBLE_EQ(labels.quality(0, 0), RaschSuccess(0.8, 0.5, 8));
}

TEST(LabelsTest, WithNeitherCapabilityNorDifficultyOnlyMeasurementsCount) {
  Exemplars exemplars;
  Measure(&Add(&exemplars, "", kUnlabelled), "plain", 1);
  const Labels labels = MakeLabels(SmallCatalogue(), exemplars);
  EXPECT_EQ(labels.weight(0, 0), 0);
  EXPECT_EQ(labels.weight(0, 1), 1);
  EXPECT_EQ(labels.token_weight(0, 0), 0);
}

TEST(LabelsTest, UnmeasuredTokensAreTheCapabilitysTimesTheModelsVerbosity) {
  Exemplars exemplars;
  Add(&exemplars, "greeting", 0.1);
  Add(&exemplars, "proof", 0.1);
  const Labels labels = MakeLabels(SmallCatalogue(), exemplars);
  EXPECT_EQ(labels.tokens(0, 0), 60);
  EXPECT_EQ(labels.tokens(0, 1), 20);
  EXPECT_EQ(labels.tokens(1, 1), 20) << "the mean over the capabilities that have it";
  EXPECT_EQ(labels.token_weight(0, 0), kDeclaredWeight);

  v1::Catalogue silent = SmallCatalogue();
  silent.mutable_capabilities(0)->clear_typical_output_tokens();
  EXPECT_EQ(MakeLabels(silent, exemplars).tokens(0, 1), 300) << "of nothing is known";
}

TEST(LabelsTest, SaysWhichModelsHaveOutcomesAndSkills) {
  Exemplars exemplars;
  Measure(&Add(&exemplars, "proof", 0.5), "plain", 1);
  const Labels labels = MakeLabels(SmallCatalogue(), exemplars);
  EXPECT_THAT(labels.has_outcomes, ElementsAre(false, true));
  EXPECT_THAT(labels.has_skill, ElementsAre(true, false));
}

TEST(LabelsTest, DeclaredSuccessIsAtTheCapabilitysMeanDifficulty) {
  Exemplars exemplars;
  Add(&exemplars, "proof", 0.4);
  Add(&exemplars, "proof", 0.8);
  const Labels labels = MakeLabels(SmallCatalogue(), exemplars);
  EXPECT_NEAR(labels.declared_success(1, 0), RaschSuccess(0.6, 0.6, 8), 1e-12);
  EXPECT_TRUE(std::isnan(labels.declared_success(1, 1)));
  const double a = RaschSuccess(0.6, 0.4, 8) - 0.5;
  const double b = RaschSuccess(0.6, 0.8, 8) - 0.5;
  EXPECT_NEAR(labels.declared_deviation, std::sqrt((a * a + b * b) / 2), 1e-12);
}

TEST(TargetsTest, WithCompleteOutcomesLevelIsTheMeanAndContrastTheRest) {
  Exemplars exemplars;
  bundle::v1::Exemplar& first = Add(&exemplars, "", kUnlabelled);
  Measure(&first, "skilled", 1);
  Measure(&first, "plain", 0);
  bundle::v1::Exemplar& second = Add(&exemplars, "", kUnlabelled);
  Measure(&second, "skilled", 0.8);
  Measure(&second, "plain", 0.6);
  const Targets targets = MakeTargets(MakeLabels(SmallCatalogue(), exemplars));
  EXPECT_THAT(KindsOf(targets),
              ElementsAre(bundle::v1::TARGET_KIND_LEVEL, bundle::v1::TARGET_KIND_CONTRAST))
      << "no exemplar carries a difficulty, and nothing is known of tokens";
  EXPECT_NEAR(targets.value(0, 0), 0.5, 1e-12);
  EXPECT_NEAR(targets.value(0, 1), 0.5, 1e-12);
  EXPECT_NEAR(targets.value(0, 2), -0.5, 1e-12);
  EXPECT_NEAR(targets.value(1, 0), 0.7, 1e-12);
  EXPECT_NEAR(targets.mean[0], 0.6, 1e-12);
  EXPECT_NEAR(targets.mean[1], 0.3, 1e-12);
}

TEST(TargetsTest, LevelDoesNotDependOnWhichModelsWereMeasured) {
  // Outcomes are the sum of a query's ease and a model's strength; a strong model alone must not
  // make a query look easy.
  v1::Catalogue catalogue;
  for (const char* id : {"a", "b", "c", "d"}) catalogue.add_models()->set_id(id);
  const double strength[] = {-0.3, -0.1, 0.1, 0.3};
  Exemplars exemplars;
  for (int i = 0; i < 4; ++i) {  // in two halves of equal ease, so that the models' means hold
    bundle::v1::Exemplar& exemplar = Add(&exemplars, "", kUnlabelled);
    for (int m = i % 2; m < 4; m += 2) {
      Measure(&exemplar, catalogue.models(m).id().c_str(), (i < 2 ? 0.4 : 0.6) + strength[m]);
    }
  }
  const Targets targets = MakeTargets(MakeLabels(catalogue, exemplars));
  EXPECT_NEAR(targets.value(0, 0), 0.4, 1e-12);
  EXPECT_NEAR(targets.value(1, 0), 0.4, 1e-12);
  EXPECT_NEAR(targets.value(2, 0), 0.6, 1e-12);
  EXPECT_NEAR(targets.value(3, 0), 0.6, 1e-12);
  EXPECT_NEAR(targets.value(0, 1), -0.3, 1e-12);
  EXPECT_NEAR(targets.value(1, 4), 0.3, 1e-12);
}

TEST(TargetsTest, LevelAndContrastAddUpToTheOutcomeAndWeightIsWhereOneIs) {
  std::mt19937 random(2);
  std::uniform_real_distribution<double> uniform;
  const v1::Catalogue catalogue = SmallCatalogue();
  Exemplars exemplars;
  for (int i = 0; i < 200; ++i) {
    bundle::v1::Exemplar& exemplar =
        Add(&exemplars, i % 3 == 0 ? "" : "proof", i % 4 == 0 ? kUnlabelled : uniform(random));
    if (uniform(random) < 0.5) Measure(&exemplar, "skilled", uniform(random));
    if (uniform(random) < 0.5) Measure(&exemplar, "plain", uniform(random));
  }
  const Labels labels = MakeLabels(catalogue, exemplars);
  const Targets targets = MakeTargets(labels);
  ASSERT_THAT(KindsOf(targets),
              ElementsAre(bundle::v1::TARGET_KIND_LEVEL, bundle::v1::TARGET_KIND_CONTRAST,
                          bundle::v1::TARGET_KIND_DIFFICULTY, bundle::v1::TARGET_KIND_TOKENS,
                          bundle::v1::TARGET_KIND_CAPABILITY));
  for (Eigen::Index i = 0; i < 200; ++i) {
    for (Eigen::Index m = 0; m < 2; ++m) {
      if (labels.weight(i, m) == 0) {
        EXPECT_EQ(targets.weight(i, 1 + m), 0);
        continue;
      }
      EXPECT_GT(targets.weight(i, 0), 0);
      EXPECT_GE(targets.weight(i, 1 + m), 0);
      EXPECT_NEAR(targets.value(i, 0) + targets.value(i, 1 + m), labels.quality(i, m), 1e-12);
    }
    EXPECT_EQ(targets.weight(i, 3), std::isnan(labels.difficulty[i]) ? 0 : 1);
  }
}

TEST(TargetsTest, TokensAreRelativeToTheModelsMeanAndARamblingAnswerIsCut) {
  Exemplars exemplars;
  for (int i = 0; i < 20; ++i) {
    Measure(&Add(&exemplars, "", kUnlabelled), "plain", 1, i == 0 ? 100'000 : 100);
  }
  const Labels labels = MakeLabels(SmallCatalogue(), exemplars);
  EXPECT_DOUBLE_EQ(labels.mean_tokens[1], (100'000 + 19 * 100) / 20.0);
  EXPECT_DOUBLE_EQ(labels.mean_tokens[0], labels.mean_tokens[1]) << "as the models that are known";
  const Targets targets = MakeTargets(labels);
  const TargetGroup& tokens = targets.groups.back();
  ASSERT_EQ(tokens.kind, bundle::v1::TARGET_KIND_TOKENS);
  EXPECT_DOUBLE_EQ(targets.value(0, tokens.first + 1), 8);
  EXPECT_DOUBLE_EQ(targets.value(1, tokens.first + 1), 100 / labels.mean_tokens[1]);
  EXPECT_TRUE(targets.weight.col(tokens.first).isZero()) << "nothing is known of `skilled`";
}

TEST(TargetsTest, CapabilitiesAreOneHotWhereTheyAreLabelled) {
  Exemplars exemplars;
  Add(&exemplars, "proof", 0.5);
  Add(&exemplars, "", 0.5);
  const Targets targets = MakeTargets(MakeLabels(SmallCatalogue(), exemplars));
  const TargetGroup& group = targets.groups.back();
  ASSERT_EQ(group.kind, bundle::v1::TARGET_KIND_CAPABILITY);
  ASSERT_EQ(group.columns, 2);
  EXPECT_EQ(targets.value(0, group.first), 0);
  EXPECT_EQ(targets.value(0, group.first + 1), 1);
  EXPECT_EQ(targets.weight(0, group.first), 1);
  EXPECT_TRUE(targets.weight.row(1).tail(2).isZero()) << "not labelled";
}

TEST(TargetsTest, AnExemplarOfWhichNothingIsKnownHasNoWeight) {
  Exemplars exemplars;
  Measure(&Add(&exemplars, "", kUnlabelled), "plain", 1);
  Add(&exemplars, "", kUnlabelled);
  const Targets targets = MakeTargets(MakeLabels(SmallCatalogue(), exemplars));
  EXPECT_TRUE(targets.weight.row(1).isZero());
  EXPECT_TRUE(targets.value.allFinite());
}

}  // namespace
}  // namespace pointsman::estimate
