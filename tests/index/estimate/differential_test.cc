// The serving estimate against the slow reference, figure by figure.
#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "reference.h"
#include "small_world.h"

namespace pointsman::estimate {
namespace {

constexpr double kTolerance = 1e-6;

struct Case {
  std::string name;
  SmallWorldOptions options;

  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

class DifferentialTest : public ::testing::TestWithParam<Case> {};

void ExpectSame(const QueryEstimate& fast, const ReferenceEstimate& slow) {
  EXPECT_NEAR(fast.familiarity, slow.familiarity, kTolerance);
  ASSERT_EQ(std::isnan(fast.difficulty), std::isnan(slow.difficulty));
  if (!std::isnan(slow.difficulty)) {
    EXPECT_NEAR(fast.difficulty, slow.difficulty, kTolerance);
  }
  ASSERT_EQ(fast.capabilities.size(), slow.capabilities.size());
  for (size_t c = 0; c < slow.capabilities.size(); ++c) {
    EXPECT_NEAR(static_cast<double>(fast.capabilities[c]), slow.capabilities[c], kTolerance);
  }
  ASSERT_EQ(fast.models.size(), slow.models.size());
  for (size_t m = 0; m < slow.models.size(); ++m) {
    const ModelEstimate& a = fast.models[m];
    const ModelEstimate& b = slow.models[m];
    EXPECT_NEAR(a.success, b.success, kTolerance);
    EXPECT_NEAR(a.lower, b.lower, kTolerance);
    EXPECT_NEAR(a.upper, b.upper, kTolerance);
    EXPECT_NEAR(a.deviation, b.deviation, kTolerance);
    EXPECT_NEAR(a.output_tokens / b.output_tokens, 1, kTolerance);
    EXPECT_NEAR(a.effective_evidence, b.effective_evidence,
                kTolerance * std::max(1.0, b.effective_evidence));
    EXPECT_EQ(a.has_outcomes, b.has_outcomes);
    EXPECT_EQ(a.has_skill, b.has_skill);
  }
}

TEST_P(DifferentialTest, AgreesWithTheReference) {
  SmallWorld world(GetParam().options);
  const bundle::v1::Calibration calibration = world.Fit();
  const Estimator estimator = world.Create(calibration);
  const Reference reference(calibration, world.catalogue, world.exemplars);
  EstimateScratch scratch;
  for (int i = 0; i < 60 && !HasFailure(); ++i) {
    SCOPED_TRACE(i);
    const EmbeddedText& text =
        i % 5 == 4 ? world.WriteGibberish() : world.Write(i % SmallWorld::kTopics);
    const OwnedQuery query(world, text, i % 7 == 0 ? 5 : 100);
    ExpectSame(estimator.Estimate(query.query(), &scratch), reference.Estimate(query.query()));
    const Query without_text = query.without_text();
    ExpectSame(estimator.Estimate(without_text, &scratch), reference.Estimate(without_text));
  }
}

SmallWorldOptions With(auto&& change) {
  SmallWorldOptions options;
  change(&options);
  return options;
}

INSTANTIATE_TEST_SUITE_P(
    Worlds, DifferentialTest,
    ::testing::Values(
        Case{"CompleteOutcomes", {}},
        Case{"SomeOutcomes", With([](auto* o) { o->measured_share = 0.4; })},
        Case{"NoOutcomes", With([](auto* o) { o->measured_share = 0; })},
        Case{"NoCapabilities", With([](auto* o) { o->capabilities = o->skills = false; })},
        Case{"NoDifficulties", With([](auto* o) { o->difficulties = false; })},
        Case{"FewLabels", With([](auto* o) { o->labelled_share = o->measured_share = 0.3; })},
        Case{"OneModel", With([](auto* o) { o->models = 1; })},
        Case{"EightModels", With([](auto* o) {
               o->models = 8;
               o->measured_share = 0.7;
             })},
        Case{"FewExemplars", With([](auto* o) { o->exemplars = 6; })}),
    [](const auto& world) { return world.param.name; });

}  // namespace
}  // namespace pointsman::estimate
