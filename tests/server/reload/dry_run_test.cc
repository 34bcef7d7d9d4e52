#include "server/reload/dry_run.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/engine/tiny_bundle.h"

namespace pointsman::server {
namespace {

bundle::v1::GoldenQuery Golden(const std::string& id, const std::string& text) {
  bundle::v1::GoldenQuery query;
  query.set_id(id);
  *query.mutable_request() = TextRequest(text);
  return query;
}

// Sources with two golden queries of their own each and one in common.
bundle::BundleSources SourcesWithGolden(const std::string& name) {
  bundle::BundleSources sources = TinySources();
  sources.golden.push_back(Golden("common", "hello friend"));
  sources.golden.push_back(Golden(name + "-1", "prove the theorem"));
  sources.golden.push_back(Golden("same-id", "sort the list " + name));
  return sources;
}

// The same, whose default policy takes quality alone: easy queries go to the better model, too.
bundle::BundleSources QualitySources() {
  bundle::BundleSources sources = SourcesWithGolden("after");
  sources.policies.set_default_policy("quality");
  return sources;
}

const Engine& Before() {
  static const auto& engine =
      *new std::unique_ptr<const Engine>(BuiltEngine(SourcesWithGolden("before")));
  return *engine;
}

const Engine& After() {
  static const auto& engine = *new std::unique_ptr<const Engine>(BuiltEngine(QualitySources()));
  return *engine;
}

v1::ActivateBundleResponse Compare(const Engine& before, const Engine& after,
                                   const std::vector<std::string>& samples = {}) {
  v1::ActivateBundleResponse response;
  CompareDecisions(before, after, samples, [] { return false; }, &response);
  return response;
}

TEST(DryRunTest, FindsNoChangeBetweenEqualEngines) {
  const v1::ActivateBundleResponse response =
      Compare(Before(), Before(), {TextRequest("good morning").SerializeAsString()});
  EXPECT_EQ(response.decisions_compared(), 4);
  EXPECT_EQ(response.golden_compared(), 3);
  EXPECT_EQ(response.decisions_changed(), 0);
  EXPECT_TRUE(response.changes().empty());
}

TEST(DryRunTest, AsksGoldenQueriesOfBothBundlesAndCommonOnesOnce) {
  EXPECT_EQ(Compare(Before(), After()).golden_compared(), 5);
}

TEST(DryRunTest, NamesTheChangedDecisions) {
  const v1::RouteRequest easy = TextRequest("hello friend");
  ASSERT_NE(Decide(Before(), easy).model(), Decide(After(), easy).model());
  const v1::ActivateBundleResponse response =
      Compare(Before(), After(), {easy.SerializeAsString()});
  EXPECT_EQ(response.decisions_compared(), 6);
  EXPECT_GE(response.golden_changed(), 1);
  EXPECT_EQ(response.decisions_changed(), response.golden_changed() + 1);
  ASSERT_EQ(response.changes_size(), response.decisions_changed());
  EXPECT_EQ(response.changes(0).golden_id(), "common");
  EXPECT_EQ(response.changes(0).model_before(), "small");
  EXPECT_EQ(response.changes(0).model_after(), "large");
  EXPECT_EQ(response.changes(response.changes_size() - 1).golden_id(), "");
}

TEST(DryRunTest, CountsARequestThatTheNewBundleRefusesAsChanged) {
  bundle::BundleSources sources = TinySources();
  sources.policies.mutable_policies(1)->set_name("premium");
  const std::unique_ptr<const Engine> without_quality = BuiltEngine(sources);
  v1::RouteRequest request = TextRequest("prove the lemma");
  request.set_policy("quality");
  const v1::ActivateBundleResponse response =
      Compare(TinyEngine(), *without_quality, {request.SerializeAsString()});
  ASSERT_EQ(response.changes_size(), 1);
  EXPECT_EQ(response.changes(0).model_after(), "");
  EXPECT_THAT(response.changes(0).error_after(), testing::HasSubstr("quality"));
}

TEST(DryRunTest, LeavesOutWhatBothRefuseAndWhatDoesNotParse) {
  v1::RouteRequest request = TextRequest("hello");
  request.set_policy("unknown");
  const v1::ActivateBundleResponse response =
      Compare(TinyEngine(), TinyEngine(), {request.SerializeAsString(), "\xff\xff"});
  EXPECT_EQ(response.decisions_compared(), 0);
}

TEST(DryRunTest, GivesAtMostThirtyTwoExamples) {
  const std::vector<std::string> samples(40, TextRequest("hello friend").SerializeAsString());
  const v1::ActivateBundleResponse response = Compare(Before(), After(), samples);
  EXPECT_GE(response.decisions_changed(), 40);
  EXPECT_EQ(response.changes_size(), 32);
}

TEST(DryRunTest, EndsEarlyWhenItIsStopped) {
  v1::ActivateBundleResponse response;
  int asked = 0;
  CompareDecisions(Before(), After(), {}, [&] { return ++asked > 2; }, &response);
  EXPECT_EQ(response.decisions_compared(), 2);
}

}  // namespace
}  // namespace pointsman::server
