#include "index/estimate/familiarity.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::estimate {
namespace {

using ::testing::HasSubstr;

constexpr size_t kVocabulary = 400;
constexpr size_t kDimension = 8;
constexpr int kFolds = 5;

// Texts at home use the first tokens and lie on one side, those of the background the last ones and
// the other side; both share some.
class World {
 public:
  struct Text {
    std::vector<uint32_t> tokens;
    std::vector<float> unit;
    float best_similarity;
  };

  Text AtHome() { return Make(0, 0.5F, 0.6F); }
  Text Strange() { return Make(300, -0.5F, 0.2F); }
  static FamiliarityText View(const Text& text) { return {text.tokens, text.unit}; }

 private:
  Text Make(uint32_t first_token, float side, float similarity) {
    Text text;
    const size_t length = 3 + random_() % 20;
    for (size_t i = 0; i < length; ++i) {
      text.tokens.push_back(i % 3 == 0 ? static_cast<uint32_t>(200 + random_() % 50)
                                       : static_cast<uint32_t>(first_token + random_() % 100));
    }
    std::normal_distribution<float> normal;
    float squares = 0;
    for (size_t j = 0; j < kDimension; ++j) {
      text.unit.push_back(0.3F * normal(random_) + (j == 0 ? side : 0));
      squares += text.unit.back() * text.unit.back();
    }
    for (float& x : text.unit) x /= std::sqrt(squares);
    text.best_similarity = similarity + 0.1F * normal(random_);
    return text;
  }

  std::mt19937 random_{3};
};

bundle::v1::FamiliarityModel FitOn(const std::vector<World::Text>& exemplars,
                                   const std::vector<World::Text>& background) {
  std::vector<FamiliarityText> exemplar_views;
  std::vector<float> similarity;
  std::vector<int> fold;
  for (const World::Text& text : exemplars) {
    fold.push_back(static_cast<int>(exemplar_views.size()) % kFolds);
    exemplar_views.push_back(World::View(text));
    similarity.push_back(text.best_similarity);
  }
  std::vector<FamiliarityText> background_views;
  for (const World::Text& text : background) background_views.push_back(World::View(text));
  return FitFamiliarity(exemplar_views, similarity, fold, kFolds, background_views, kVocabulary);
}

class FamiliarityTest : public ::testing::Test {
 protected:
  FamiliarityTest() {
    std::vector<World::Text> exemplars;
    std::vector<World::Text> background;
    for (int i = 0; i < 600; ++i) exemplars.push_back(world_.AtHome());
    for (int i = 0; i < 100; ++i) background.push_back(world_.Strange());
    model_ = FitOn(exemplars, background);
  }
  double PValue(const World::Text& text) {
    return Familiarity::Create(model_)->PValue(text.tokens, text.unit, text.best_similarity);
  }

  World world_;
  bundle::v1::FamiliarityModel model_;
};

TEST_F(FamiliarityTest, PValuesOfTextsLikeTheExemplarsAreAboutUniform) {
  constexpr int kTexts = 1000;
  std::vector<double> p;
  for (int i = 0; i < kTexts; ++i) p.push_back(PValue(world_.AtHome()));
  std::sort(p.begin(), p.end());
  double largest_gap = 0;  // Kolmogorov's distance to the uniform distribution
  for (int i = 0; i < kTexts; ++i) {
    largest_gap = std::max(largest_gap, std::abs(p[static_cast<size_t>(i)] - (i + 0.5) / kTexts));
  }
  EXPECT_LT(largest_gap, 0.1);
  const auto flagged = std::lower_bound(p.begin(), p.end(), 0.05) - p.begin();
  EXPECT_LT(flagged, 0.1 * kTexts) << "at .05";
}

TEST_F(FamiliarityTest, TextsLikeTheBackgroundAreStrange) {
  for (int i = 0; i < 200; ++i) EXPECT_LT(PValue(world_.Strange()), 0.02);
}

TEST_F(FamiliarityTest, ANearerExemplarNeverMakesAQueryStranger) {
  for (int i = 0; i < 50; ++i) {
    World::Text text = world_.AtHome();
    double last = 0;
    for (const float similarity : {-1.0F, 0.0F, 0.3F, 0.6F, 0.9F, 1.0F}) {
      text.best_similarity = similarity;
      const double p = PValue(text);
      EXPECT_GE(p, last);
      last = p;
    }
  }
}

TEST_F(FamiliarityTest, IsAProbabilityAboveZeroWhateverIsAsked) {
  const auto familiarity = Familiarity::Create(model_);
  std::vector<float> unit(kDimension, 0);
  const std::vector<uint32_t> tokens = {0, 399, 400, 4'000'000'000u};
  for (const float similarity : {-1.0F, 0.0F, 1.0F}) {
    for (const auto& some : {std::span<const uint32_t>(tokens), std::span<const uint32_t>()}) {
      const double p = familiarity->PValue(some, unit, similarity);
      EXPECT_GT(p, 0);
      EXPECT_LE(p, 1);
    }
  }
}

TEST_F(FamiliarityTest, FittingTwiceGivesTheSameBytes) {
  World again;
  std::vector<World::Text> exemplars;
  std::vector<World::Text> background;
  for (int i = 0; i < 600; ++i) exemplars.push_back(again.AtHome());
  for (int i = 0; i < 100; ++i) background.push_back(again.Strange());
  EXPECT_EQ(FitOn(exemplars, background).SerializeAsString(), model_.SerializeAsString());
}

TEST_F(FamiliarityTest, FitsASingleExemplar) {
  const auto model = FitOn({world_.AtHome()}, {world_.Strange()});
  const auto familiarity = Familiarity::Create(model);
  ASSERT_TRUE(familiarity.ok()) << familiarity.status();
  const World::Text text = world_.AtHome();
  const double p = familiarity->PValue(text.tokens, text.unit, 0.5F);
  EXPECT_TRUE(p > 0 && p <= 1) << p;
}

TEST_F(FamiliarityTest, RefusesShapesThatDoNotFit) {
  const auto error_after = [&](auto&& spoil) {
    bundle::v1::FamiliarityModel model = model_;
    spoil(&model);
    return Familiarity::Create(model).status().ToString();
  };
  using Model = bundle::v1::FamiliarityModel;
  EXPECT_THAT(error_after([](Model* m) { m->add_term_means(0); }), HasSubstr("4 means"));
  EXPECT_THAT(error_after([](Model* m) { m->add_length_bounds(9); }), HasSubstr("bins"));
  EXPECT_THAT(error_after([](Model* m) { m->set_term_deviations(1, 0); }), HasSubstr("> 0"));
  EXPECT_THAT(error_after([](Model* m) { m->set_bin_sizes(0, m->bin_scores_size() + 1); }),
              HasSubstr("bin_sizes"));
  EXPECT_THAT(error_after([](Model* m) { m->set_bin_sizes(0, -1); }), HasSubstr("bin_sizes"));
  EXPECT_THAT(error_after([](Model* m) { m->set_bin_scores(0, 1e9F); }), HasSubstr("not sorted"));
}

}  // namespace
}  // namespace pointsman::estimate
