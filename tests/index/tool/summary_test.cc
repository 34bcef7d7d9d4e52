#include "index/tool/summary.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/tool/table.h"
#include "nlohmann/json.hpp"

namespace pointsman::tool {
namespace {

using ::testing::HasSubstr;

bundle::BundleParts Parts() {
  bundle::BundleParts parts;
  parts.catalogue.add_models()->set_id("small");
  parts.catalogue.mutable_models(0)->set_input_usd_per_mtok(0.1);
  parts.catalogue.add_models()->set_id("large");
  parts.catalogue.add_capabilities()->set_id("maths");
  parts.catalogue.add_capabilities()->set_id("greeting");
  parts.policies.add_policies()->set_name("balanced");
  parts.policies.set_default_policy("balanced");
  for (const double difficulty : {0.2, 0.6}) {
    bundle::v1::Exemplar* exemplar = parts.exemplars.add_exemplars();
    exemplar->set_capability("maths");
    exemplar->set_difficulty(difficulty);
    (*exemplar->mutable_outcomes())["large"].set_quality(difficulty);
  }
  parts.exemplars.add_exemplars()->set_id("unlabelled");
  parts.calibration.set_best_single_model(1);
  bundle::v1::TargetGroup* group = parts.calibration.add_groups();
  for (const double weight : {0.5, 0.25, 0.0, 0.125, 0.125}) group->add_blend(weight);
  return parts;
}

TEST(Summarise, CountsOutcomesByModel) {
  const BundleSummary summary = Summarise(Parts());
  ASSERT_EQ(summary.models.size(), 2u);
  EXPECT_EQ(summary.models[0].outcomes, 0);
  EXPECT_EQ(summary.models[1].outcomes, 2);
  EXPECT_DOUBLE_EQ(summary.models[1].quality_sum, 0.8);
}

TEST(Summarise, CountsExemplarsByCapabilityAndThoseWithout) {
  const BundleSummary summary = Summarise(Parts());
  ASSERT_EQ(summary.capabilities.size(), 3u);
  EXPECT_EQ(summary.capabilities[0].id, "maths");
  EXPECT_EQ(summary.capabilities[0].exemplars, 2);
  EXPECT_DOUBLE_EQ(summary.capabilities[0].difficulty_sum, 0.8);
  EXPECT_EQ(summary.capabilities[1].exemplars, 0);
  EXPECT_EQ(summary.capabilities[2].id, "");
  EXPECT_EQ(summary.capabilities[2].exemplars, 1);
}

TEST(FormatSummary, ShowsWhatIsKnownAndADashForWhatIsNot) {
  const bundle::BundleParts parts = Parts();
  const std::string text = FormatSummary(parts, Summarise(parts));
  EXPECT_THAT(text, HasSubstr("policies   balanced (default)"));
  EXPECT_THAT(
      text, HasSubstr("large          -           -        -         -         2          0.40\n"));
  EXPECT_THAT(text, HasSubstr("maths                    2             0.40  ########"));
  EXPECT_THAT(text, HasSubstr("greeting                 0                -\n"));
  EXPECT_THAT(text, HasSubstr("(no capability)          1                -  ########"));
  EXPECT_THAT(text, HasSubstr("best single model      large"));
}

TEST(FormatSummary, JsonHoldsTheSame) {
  const bundle::BundleParts parts = Parts();
  const auto json = nlohmann::json::parse(FormatSummaryAsJson(parts, Summarise(parts)));
  EXPECT_EQ(json["models"][1]["model"]["id"], "large");
  EXPECT_EQ(json["models"][1]["outcomes"], 2);
  EXPECT_NEAR(json["models"][1]["mean_quality"].get<double>(), 0.4, 1e-12);
  EXPECT_TRUE(json["models"][0]["mean_quality"].is_null());
  EXPECT_EQ(json["capabilities"][0]["capability"], "maths");
  EXPECT_TRUE(json["capabilities"][2]["capability"].is_null());
  EXPECT_EQ(json["calibration"]["groups"]["level"]["blend"]["kernel"], 0.5);
  EXPECT_EQ(json["calibration"]["best_single_model"], "large");
  EXPECT_EQ(json["policies"]["default_policy"], "balanced");
}

TEST(FormatTable, AlignsTheFirstColumnLeftAndTheOthersRight) {
  EXPECT_EQ(FormatTable({{"name", "n"}, {"a", "10"}, {"longer", "7"}}),
            "name     n\n"
            "a       10\n"
            "longer   7\n");
}

}  // namespace
}  // namespace pointsman::tool
