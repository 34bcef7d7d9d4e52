#include "index/choose/catalogue.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::choose {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Model PricedModel(const std::string& id) {
  v1::Model model;
  model.set_id(id);
  model.set_input_usd_per_mtok(3);
  model.set_output_usd_per_mtok(15);
  model.set_cached_input_usd_per_mtok(0.3);
  model.set_output_tokens_per_second(50);
  model.set_time_to_first_token_ms(400);
  return model;
}

ModelTraits Compiled(const v1::Model& model) {
  v1::Catalogue catalogue;
  *catalogue.add_models() = model;
  return Catalogue::Compile(catalogue)->model(0);
}

TEST(CatalogueTest, CostAddsUncachedCachedAndOutputTokensAtTheirPrices) {
  const ModelTraits traits = Compiled(PricedModel("m"));
  EXPECT_THAT(traits.CostUsd(1e6, 0, 1e6), DoubleEq(18));
  EXPECT_THAT(traits.CostUsd(1e6, 4e5, 0), DoubleEq(0.6 * 3 + 0.4 * 0.3));
}

TEST(CatalogueTest, MoreCachedThanInputTokensCountAsAllCached) {
  EXPECT_THAT(Compiled(PricedModel("m")).CostUsd(1e6, 5e6, 0), DoubleEq(0.3));
}

TEST(CatalogueTest, CachedTokensCostAsOthersWhereNoPriceForThemIsKnown) {
  v1::Model model = PricedModel("m");
  model.clear_cached_input_usd_per_mtok();
  EXPECT_THAT(Compiled(model).CostUsd(1e6, 4e5, 0), DoubleEq(3));
}

TEST(CatalogueTest, CostIsUnknownWithoutEitherPrice) {
  v1::Model without_input = PricedModel("m");
  without_input.clear_input_usd_per_mtok();
  EXPECT_FALSE(IsKnown(Compiled(without_input).CostUsd(0, 0, 10)));
  v1::Model without_output = PricedModel("m");
  without_output.clear_output_usd_per_mtok();
  EXPECT_FALSE(IsKnown(Compiled(without_output).CostUsd(10, 0, 0)));
}

TEST(CatalogueTest, LatencyIsTimeToFirstTokenAndTheStream) {
  EXPECT_THAT(Compiled(PricedModel("m")).LatencyMs(100), DoubleEq(400 + 2000));
}

TEST(CatalogueTest, LatencyIsUnknownWithoutSpeedOrTimeToFirstToken) {
  v1::Model without_speed = PricedModel("m");
  without_speed.clear_output_tokens_per_second();
  EXPECT_FALSE(IsKnown(Compiled(without_speed).LatencyMs(10)));
  v1::Model without_start = PricedModel("m");
  without_start.clear_time_to_first_token_ms();
  EXPECT_FALSE(IsKnown(Compiled(without_start).LatencyMs(10)));
}

TEST(CatalogueTest, NamesAreFoundAndOthersAreNot) {
  v1::Catalogue source;
  *source.add_models() = PricedModel("a");
  *source.add_models() = PricedModel("b");
  source.mutable_models(1)->add_features("vision");
  source.mutable_models(1)->add_tags("region:eu");
  source.mutable_models(1)->add_tags("class:internal");
  source.add_capabilities()->set_id("proof");
  const auto catalogue = Catalogue::Compile(source);
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  EXPECT_EQ(catalogue->FindModel("b"), 1);
  EXPECT_EQ(catalogue->FindModel("c"), -1);
  EXPECT_EQ(catalogue->FindFeature("vision"), 0);
  EXPECT_EQ(catalogue->FindFeature("tools"), -1);
  EXPECT_EQ(catalogue->FindCapability("proof"), 0);
  EXPECT_EQ(catalogue->FindCapability("greeting"), -1);
  EXPECT_TRUE(catalogue->model(1).features[0]);
  EXPECT_FALSE(catalogue->model(0).features[0]);
  EXPECT_TRUE(catalogue->model(1).HasTag("region:eu"));
  EXPECT_TRUE(catalogue->model(1).HasTag("class:internal"));
  EXPECT_FALSE(catalogue->model(1).HasTag("region:us"));
  EXPECT_THAT(catalogue->model_ids(), ElementsAre("a", "b"));
}

TEST(CatalogueTest, RefusesDuplicateIds) {
  v1::Catalogue source;
  *source.add_models() = PricedModel("twin");
  *source.add_models() = PricedModel("twin");
  EXPECT_THAT(Catalogue::Compile(source).status().ToString(), HasSubstr("duplicate id `twin`"));
}

TEST(CatalogueTest, RefusesNoModelsAndMoreThanFitASet) {
  v1::Catalogue source;
  EXPECT_FALSE(Catalogue::Compile(source).ok());
  for (int i = 0; i < kMaxModels; ++i) *source.add_models() = PricedModel(std::to_string(i));
  EXPECT_TRUE(Catalogue::Compile(source).ok());
  *source.add_models() = PricedModel("one too many");
  EXPECT_THAT(Catalogue::Compile(source).status().ToString(), HasSubstr("257 given"));
}

TEST(CatalogueTest, RefusesMoreFeaturesThanFitASet) {
  v1::Catalogue source;
  *source.add_models() = PricedModel("m");
  for (int i = 0; i < kMaxFeatures; ++i) {
    source.mutable_models(0)->add_features("f" + std::to_string(i));
  }
  EXPECT_TRUE(Catalogue::Compile(source).ok());
  source.mutable_models(0)->add_features("one_too_many");
  EXPECT_THAT(Catalogue::Compile(source).status().ToString(), HasSubstr("128"));
}

}  // namespace
}  // namespace pointsman::choose
