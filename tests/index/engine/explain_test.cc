// What `explain` adds: the exemplars behind a decision and the rules that fired.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/embed/utf8.h"
#include "tests/index/bundle/scratch_directory.h"
#include "tiny_bundle.h"

namespace pointsman {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::RouteRequest Explained(std::string_view text) {
  v1::RouteRequest request = TextRequest(text);
  request.set_explain(true);
  return request;
}

TEST(ExplainTest, NobodyAskedNothingIsExplained) {
  v1::RouteRequest request = TextRequest("python bug");
  request.set_policy("guarded");
  const v1::RouteResponse response = Decide(TinyEngine(), request);
  EXPECT_THAT(response.evidence(), IsEmpty());
  EXPECT_THAT(response.rules_fired(), IsEmpty());
}

TEST(ExplainTest, ExplainingChangesNoDecision) {
  v1::RouteResponse explained = Decide(TinyEngine(), Explained("python bug"));
  explained.clear_evidence();
  explained.clear_rules_fired();
  EXPECT_EQ(explained.DebugString(), Decide(TinyEngine(), TextRequest("python bug")).DebugString());
}

TEST(ExplainTest, TheTenNearestExemplarsComeBestFirst) {
  const v1::RouteResponse response = Decide(TinyEngine(), Explained("prove the theorem"));
  ASSERT_THAT(response.evidence(), SizeIs(10));
  double sum = 0;
  for (int i = 0; i < 10; ++i) {
    const v1::Evidence& evidence = response.evidence(i);
    EXPECT_GT(evidence.weight(), 0);
    EXPECT_LE(evidence.similarity(), 1.0001);
    sum += evidence.weight();
    if (i == 0) continue;
    EXPECT_LE(evidence.similarity(), response.evidence(i - 1).similarity());
    EXPECT_LE(evidence.weight(), response.evidence(i - 1).weight());
  }
  EXPECT_LT(sum, 1) << "there are more neighbours";
  EXPECT_EQ(response.evidence(0).capability(), "proof");
}

TEST(ExplainTest, WeightsOfAllNeighboursAddUpToOne) {
  bundle::BundleSources sources = TinySources();
  sources.exemplars.erase(sources.exemplars.begin() + 3, sources.exemplars.begin() + 57);
  const v1::RouteResponse response = Decide(*BuiltEngine(sources), Explained("hello friend"));
  ASSERT_THAT(response.evidence(), SizeIs(6));
  double sum = 0;
  for (const v1::Evidence& evidence : response.evidence()) sum += evidence.weight();
  EXPECT_NEAR(sum, 1, 1e-5);
}

TEST(ExplainTest, EvidenceIsTheExemplarWithItsLabels) {
  const bundle::BundleSources sources = TinySources();
  const bundle::v1::Exemplar& exemplar = sources.exemplars[0];
  const v1::RouteResponse response = Decide(TinyEngine(), Explained(exemplar.text()));
  const v1::Evidence& evidence = response.evidence(0);
  EXPECT_EQ(evidence.exemplar_id(), exemplar.id());
  EXPECT_EQ(evidence.text(), exemplar.text());
  EXPECT_NEAR(evidence.similarity(), 1, 1e-5);
  EXPECT_EQ(evidence.capability(), "greeting");
  EXPECT_EQ(evidence.difficulty(), exemplar.difficulty());
  ASSERT_EQ(evidence.outcomes().size(), exemplar.outcomes().size());
  EXPECT_EQ(evidence.outcomes().at("large"), exemplar.outcomes().at("large").quality());
}

TEST(ExplainTest, RulesThatFiredAreNamed) {
  v1::RouteRequest request = Explained("python bug");
  request.set_policy("guarded");
  EXPECT_THAT(Decide(TinyEngine(), request).rules_fired(), ElementsAre("python_to_large"));
  request.set_text("the bug");
  EXPECT_THAT(Decide(TinyEngine(), request).rules_fired(), IsEmpty());
}

class BoundsOfEvidenceTest : public ::testing::Test {
 protected:
  // What is shown of a bundle whose exemplars all have `text` within these bounds.
  v1::RouteResponse Shown(const std::string& text, const RequestBounds& bounds) const {
    bundle::BundleSources sources = TinySources();
    for (bundle::v1::Exemplar& exemplar : sources.exemplars) {
      exemplar.set_text(exemplar.text() + text);
    }
    EXPECT_TRUE(Build(sources, directory_ / "bundle").ok());
    Engine::LoadOptions options;
    options.bounds = bounds;
    const auto engine = Engine::Load(directory_ / "bundle", options);
    EXPECT_TRUE(engine.ok()) << engine.status();
    return Decide(**engine, Explained("hello friend"));
  }

  bundle::ScratchDirectory directory_;
};

TEST_F(BoundsOfEvidenceTest, AMegabyteOfTextIsCut) {
  const v1::RouteResponse response = Shown(std::string(50'000, 'x'), RequestBounds());
  ASSERT_THAT(response.evidence(), SizeIs(10));
  for (const v1::Evidence& evidence : response.evidence()) {
    EXPECT_THAT(evidence.text(), SizeIs(2048));
  }
  EXPECT_LT(response.ByteSizeLong(), 30'000U);
}

TEST_F(BoundsOfEvidenceTest, TextIsCutAtTheEndOfACharacter) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "\xF0\x9F\x98\x80";  // four bytes each
  RequestBounds bounds;
  for (size_t most = 40; most < 48; ++most) {
    bounds.max_evidence_text_bytes = most;
    const v1::RouteResponse response = Shown(many, bounds);
    for (const v1::Evidence& evidence : response.evidence()) {
      EXPECT_LE(evidence.text().size(), most);
      EXPECT_GT(evidence.text().size(), most - 4);
      EXPECT_EQ(embed::FirstInvalidUtf8(evidence.text()), std::nullopt);
    }
  }
}

TEST_F(BoundsOfEvidenceTest, AsManyExemplarsAreShownAsTheBoundAllows) {
  RequestBounds bounds;
  for (const int most : {0, 1, 20}) {
    bounds.max_evidence = most;
    EXPECT_THAT(Shown("", bounds).evidence(), SizeIs(most));
  }
}

}  // namespace
}  // namespace pointsman
