// From sources to a bundle and back: same bytes, golden queries, dropped texts, and what is
// refused.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/bundle/store.h"
#include "tests/index/bundle/scratch_directory.h"
#include "tiny_bundle.h"

namespace pointsman {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

bundle::v1::GoldenQuery Golden(const std::string& id, const std::string& text) {
  bundle::v1::GoldenQuery query;
  query.set_id(id);
  *query.mutable_request() = TextRequest(text);
  return query;
}

class BuildTest : public ::testing::Test {
 protected:
  std::map<std::string, std::string> FilesOf(const std::string& name) {
    std::map<std::string, std::string> files;
    for (const std::string& file : scratch_.List(name)) {
      files[file] = scratch_.Read(name + "/" + file);
    }
    return files;
  }
  // Rewrites the bundle "bundle", digests and all, after a change of its parts.
  void Tamper(const std::function<void(bundle::BundleParts*)>& change) {
    auto parts = bundle::ReadBundle(scratch_ / "bundle");
    ASSERT_TRUE(parts.ok()) << parts.status();
    change(&*parts);
    const auto written = bundle::WriteBundle(*parts, scratch_ / "bundle");
    ASSERT_TRUE(written.ok()) << written.status();
  }

  bundle::ScratchDirectory scratch_;
  bundle::BundleSources sources_ = TinySources();
};

TEST_F(BuildTest, TheSameSourcesGiveTheSameBytes) {
  sources_.golden.push_back(Golden("hello", "hello friend"));
  ASSERT_TRUE(Build(sources_, scratch_ / "first").ok());
  ASSERT_TRUE(Build(sources_, scratch_ / "second").ok());
  const auto files = FilesOf("first");
  EXPECT_EQ(files.size(), 9u);
  EXPECT_EQ(files, FilesOf("second"));
}

TEST_F(BuildTest, TheManifestTellsWhatIsInIt) {
  BuildOptions options;
  options.version = "2026-01";
  const auto built = Build(sources_, scratch_ / "bundle", options);
  ASSERT_TRUE(built.ok()) << built.status();
  const auto engine = Engine::Load(scratch_ / "bundle");
  ASSERT_TRUE(engine.ok()) << engine.status();
  const bundle::v1::Manifest& manifest = (*engine)->manifest();
  EXPECT_EQ(manifest.SerializeAsString(), built->SerializeAsString());
  EXPECT_EQ(manifest.version(), "2026-01");
  EXPECT_EQ(manifest.exemplar_count(), 60);
  EXPECT_EQ(manifest.model_count(), 2);
  EXPECT_EQ(manifest.capability_count(), 3);
  EXPECT_EQ(manifest.dimensions(), 8);
  EXPECT_FALSE(manifest.texts_dropped());
  EXPECT_EQ((*engine)->best_single_model(), "large");
  const double third = 1.0 / 3;  // 20 exemplars of each of its topics
  EXPECT_THAT((*engine)->CapabilityShares(), ElementsAre(third, third, third));
  EXPECT_EQ((*engine)->catalogue().models_size(), 2);
  EXPECT_EQ((*engine)->policies().default_policy(), "balanced");
}

TEST_F(BuildTest, ProgressGoesFromStageToStageAndNeverBack) {
  std::vector<std::string> stages;
  int64_t last = 0;
  const auto built = BuildBundle(sources_, {}, scratch_ / "bundle",
                                 [&](std::string_view stage, int64_t done, int64_t total) {
                                   if (stages.empty() || stages.back() != stage) {
                                     stages.emplace_back(stage);
                                     last = 0;
                                   }
                                   EXPECT_GE(done, last) << stage;
                                   EXPECT_LE(done, total) << stage;
                                   last = done;
                                 });
  ASSERT_TRUE(built.ok()) << built.status();
  EXPECT_EQ(stages.front(), "embed");
  EXPECT_EQ(stages.back(), "golden queries");
  for (size_t i = 0; i < stages.size(); ++i) {
    for (size_t j = i + 1; j < stages.size(); ++j) EXPECT_NE(stages[i], stages[j]);
  }
}

TEST_F(BuildTest, GoldenQueriesAreRecordedAndReplayed) {
  sources_.golden = {Golden("hello", "hello friend"), Golden("proof", "prove the theorem")};
  sources_.golden[0].mutable_expect()->set_outcome(v1::OUTCOME_CHOSEN);
  sources_.golden[0].mutable_expect()->add_models("small");
  ASSERT_TRUE(Build(sources_, scratch_ / "bundle").ok());
  const auto engine = Engine::Load(scratch_ / "bundle");
  ASSERT_TRUE(engine.ok()) << engine.status();
  ASSERT_EQ((*engine)->golden().queries_size(), 2);
  const bundle::v1::GoldenRecord& recorded = (*engine)->golden().queries(0).recorded();
  const v1::RouteResponse response = Decide(**engine, TextRequest("hello friend"));
  EXPECT_EQ(recorded.outcome(), response.outcome());
  EXPECT_EQ(recorded.model(), response.model());
  EXPECT_EQ(recorded.confidence(), response.confidence());
}

TEST_F(BuildTest, ABundleThatDecidesOtherThanRecordedIsNotLoaded) {
  sources_.golden = {Golden("hello", "hello friend")};
  ASSERT_TRUE(Build(sources_, scratch_ / "bundle").ok());
  Tamper([](bundle::BundleParts* parts) {
    parts->golden.mutable_queries(0)->mutable_recorded()->set_model("large");
  });
  const absl::Status status = Engine::Load(scratch_ / "bundle").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("golden.binpb"), HasSubstr("`hello`"),
                                                   HasSubstr("`large`"), HasSubstr("`small`")));
  Engine::LoadOptions options;
  options.replay_golden = false;
  EXPECT_TRUE(Engine::Load(scratch_ / "bundle", options).ok());
}

TEST_F(BuildTest, AConfidenceOtherThanRecordedIsNotTheSameDecision) {
  sources_.golden = {Golden("hello", "hello friend")};
  ASSERT_TRUE(Build(sources_, scratch_ / "bundle").ok());
  const auto shift = [](double by) {
    return [by](bundle::BundleParts* parts) {
      bundle::v1::GoldenRecord* recorded = parts->golden.mutable_queries(0)->mutable_recorded();
      recorded->set_confidence(recorded->confidence() + by);
    };
  };
  Tamper(shift(-5e-5));
  EXPECT_TRUE(Engine::Load(scratch_ / "bundle").ok()) << "processors differ in the last digits";
  Tamper(shift(-1e-4));
  EXPECT_EQ(Engine::Load(scratch_ / "bundle").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(BuildTest, AnExpectationThatIsNotMetStopsTheBuildAndNothingIsWritten) {
  sources_.golden = {Golden("hello", "hello friend"), Golden("proof", "prove the theorem"),
                     Golden("bug", "python bug")};
  sources_.golden[0].mutable_expect()->add_models("large");
  sources_.golden[1].mutable_expect()->set_outcome(v1::OUTCOME_ABSTAINED);
  sources_.golden[2].mutable_request()->set_policy("guarded");
  sources_.golden[2].mutable_expect()->add_not_models("large");
  const absl::Status status = Build(sources_, scratch_ / "bundle").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("golden query `hello`: expects one of large; is `small`"),
                    HasSubstr("golden query `proof`: expects OUTCOME_ABSTAINED"),
                    HasSubstr("golden query `bug`: expects none of large")));
  EXPECT_THAT(scratch_.List(), IsEmpty());
}

TEST_F(BuildTest, AGoldenQueryThatIsRefusedStopsTheBuild) {
  sources_.golden = {Golden("broken", "hello")};
  sources_.golden[0].mutable_request()->set_policy("nobody");
  const absl::Status status = Build(sources_, scratch_ / "bundle").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("`broken`"), HasSubstr("unknown policy `nobody`")));
}

TEST_F(BuildTest, DroppingTextsChangesNoDecision) {
  sources_.golden = {Golden("hello", "hello friend")};
  BuildOptions drop;
  drop.drop_text = true;
  const auto with = BuiltEngine(sources_);
  const auto without = BuiltEngine(sources_, drop);
  EXPECT_TRUE(without->manifest().texts_dropped());
  for (const char* text : {"hello friend", "prove the theorem", "python bug?"}) {
    v1::RouteRequest request = TextRequest(text);
    request.set_explain(true);
    v1::RouteResponse a = Decide(*with, request);
    v1::RouteResponse b = Decide(*without, request);
    ASSERT_GT(a.evidence_size(), 0);
    EXPECT_FALSE(a.evidence(0).text().empty());
    for (v1::Evidence& evidence : *b.mutable_evidence()) EXPECT_TRUE(evidence.text().empty());
    for (v1::Evidence& evidence : *a.mutable_evidence()) evidence.clear_text();
    a.clear_provenance();
    b.clear_provenance();
    EXPECT_EQ(a.DebugString(), b.DebugString());
  }
}

TEST_F(BuildTest, AnExemplarOfUnknownWordsIsRefusedByItsId) {
  sources_.exemplars[7].set_text("zzz qqq");
  const absl::Status status = Build(sources_, scratch_ / "bundle").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("`greeting-7`"));
  EXPECT_THAT(scratch_.List(), IsEmpty());
}

TEST_F(BuildTest, NeedsAnExemplar) {
  sources_.exemplars.clear();
  EXPECT_EQ(Build(sources_, scratch_ / "bundle").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(BuildTest, OneExemplarIsEnough) {
  sources_.exemplars.resize(1);
  const auto engine = BuiltEngine(sources_);
  for (const char* text : {"hello friend", "prove the theorem", ""}) {
    EXPECT_EQ(Decide(*engine, TextRequest(text)).outcome(), v1::OUTCOME_CHOSEN);
  }
}

TEST_F(BuildTest, WithoutCapabilitiesClustersStandIn) {
  sources_.catalogue.clear_capabilities();
  for (bundle::v1::Exemplar& exemplar : sources_.exemplars) exemplar.clear_capability();
  const auto engine = BuiltEngine(sources_);
  const v1::RouteResponse response = Decide(*engine, TextRequest("prove the theorem"));
  ASSERT_GT(response.capabilities_size(), 0);
  EXPECT_THAT(response.capabilities(0).capability(), HasSubstr("cluster-"));
  EXPECT_EQ(engine->manifest().capability_count(), 60 / 8);
}

TEST_F(BuildTest, WithoutOutcomesDeclaredSkillDecidesAndSaysSo) {
  for (bundle::v1::Exemplar& exemplar : sources_.exemplars) exemplar.clear_outcomes();
  const auto engine = BuiltEngine(sources_);
  v1::RouteRequest request = TextRequest("prove the theorem");
  request.set_policy("quality");
  const v1::RouteResponse response = Decide(*engine, request);
  EXPECT_EQ(response.model(), "large");
  EXPECT_TRUE(IsDegraded(response, v1::DEGRADATION_KIND_NO_OUTCOMES));
  EXPECT_EQ(response.candidates(0).effective_evidence(), 0);
}

TEST_F(BuildTest, AnExistingBundleIsReplacedOnlyByACompleteOne) {
  ASSERT_TRUE(Build(sources_, scratch_ / "bundle").ok());
  const auto before = FilesOf("bundle");
  sources_.exemplars[0].set_text("zzz");
  EXPECT_FALSE(Build(sources_, scratch_ / "bundle").ok());
  EXPECT_EQ(FilesOf("bundle"), before);
  sources_.exemplars.erase(sources_.exemplars.begin());
  ASSERT_TRUE(Build(sources_, scratch_ / "bundle").ok());
  EXPECT_NE(FilesOf("bundle"), before);
}

TEST_F(BuildTest, WhatIsNoBundleIsNotFound) {
  EXPECT_EQ(Engine::Load(scratch_ / "nowhere").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(BuildTest, AnAlteredFileIsDataLossNamingIt) {
  ASSERT_TRUE(Build(sources_, scratch_ / "bundle").ok());
  std::string bytes = scratch_.Read("bundle/calibration.binpb");
  bytes[bytes.size() / 2] ^= 1;
  scratch_.Write("bundle/calibration.binpb", bytes);
  const absl::Status status = Engine::Load(scratch_ / "bundle").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("calibration.binpb"));
}

TEST_F(BuildTest, PartsThatDoNotFitOneAnotherAreRefusedByTheFileAtFault) {
  ASSERT_TRUE(Build(sources_, scratch_ / "bundle").ok());
  const auto error_after = [&](const std::function<void(bundle::BundleParts*)>& change) {
    EXPECT_TRUE(Build(sources_, scratch_ / "bundle").ok());
    Tamper(change);
    return Engine::Load(scratch_ / "bundle").status().ToString();
  };
  using Parts = bundle::BundleParts;
  EXPECT_THAT(error_after([](Parts* p) { p->calibration.add_mean(0); }),
              HasSubstr("calibration.binpb"));
  EXPECT_THAT(error_after([](Parts* p) { p->calibration.set_best_single_model(2); }),
              AllOf(HasSubstr("calibration.binpb"), HasSubstr("best_single_model")));
  EXPECT_THAT(error_after([](Parts* p) { p->calibration.clear_linear_view(); }),
              AllOf(HasSubstr("calibration.binpb"), HasSubstr("linear_view")));
  EXPECT_THAT(error_after([](Parts* p) { p->faiss = "not an index"; }), HasSubstr("vectors.faiss"));
  EXPECT_THAT(error_after([](Parts* p) { p->safetensors = "not a matrix"; }),
              HasSubstr("model.safetensors"));
  EXPECT_THAT(error_after([](Parts* p) { p->exemplars.mutable_exemplars()->RemoveLast(); }),
              HasSubstr("vectors.faiss"));
}

}  // namespace
}  // namespace pointsman
