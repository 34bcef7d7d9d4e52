// The real pointsman-index, run as a process: exit codes, messages, and what is left on the disk.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/bundle/store.h"
#include "nlohmann/json.hpp"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/index/embed/small_model.h"

namespace pointsman::tool {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr size_t kDimension = 8;

constexpr char kCatalogue[] = R"(models:
  - id: small
    input_usd_per_mtok: 0.1
    output_usd_per_mtok: 0.4
    default_skill: 0.3
  - id: large
    input_usd_per_mtok: 3
    output_usd_per_mtok: 15
    default_skill: 0.9
capabilities:
  - id: moons
  - id: cafes
)";
constexpr char kPolicies[] = R"(policies:
  - name: balanced
default_policy: balanced
)";

// Queries of the small model's few words, of two capabilities.
std::string Exemplars() {
  const std::vector<std::string> words = {"how", "many", "moons", "has", "mars", "?", "unaffable"};
  std::string lines;
  std::mt19937 random(1);
  for (int i = 0; i < 60; ++i) {
    const bool about_moons = i % 2 == 0;
    std::string text = about_moons ? "moonlight" : "cafe";
    for (int w = 0; w < 5; ++w) text += " " + words[random() % words.size()];
    nlohmann::json exemplar = {{"id", "e" + std::to_string(i)},
                               {"text", text},
                               {"capability", about_moons ? "moons" : "cafes"},
                               {"difficulty", about_moons ? 0.8 : 0.1}};
    if (i % 3 == 0) {
      exemplar["outcomes"] = {{"small", {{"quality", about_moons ? 0 : 1}, {"output_tokens", 50}}},
                              {"large", {{"quality", 1}, {"output_tokens", 80}}}};
    }
    lines += exemplar.dump() + "\n";
  }
  return lines;
}

struct Result {
  int exit_code;
  std::string out;
  std::string err;
};

class ToolTest : public ::testing::Test {
 protected:
  ToolTest() {
    directory_.Write("sources/catalogue.yaml", kCatalogue);
    directory_.Write("sources/policies.yaml", kPolicies);
    directory_.Write("sources/exemplars.jsonl", Exemplars());
    directory_.Write("sources/golden.jsonl",
                     R"({"id": "g", "request": {"text": "how many moons has mars?"}})");
    const size_t rows = embed::SmallVocabulary().size();
    std::vector<float> weights;
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    for (size_t i = 0; i < rows * kDimension; ++i) weights.push_back(normal(random));
    directory_.Write(
        "model/model.safetensors",
        embed::SafetensorsFile(embed::SmallHeader(rows, kDimension), embed::FloatBytes(weights)));
    directory_.Write("model/tokenizer.json", embed::SmallTokenizer().dump());
    directory_.Write("out/.keep", "");
    fs::remove(directory_ / "out/.keep");
  }

  // Runs the tool; paths in `arguments` are relative to the test's directory.
  Result Run(const std::string& arguments, const std::string& output = "stdout") const {
    const std::string command = "cd '" + directory_.path() + "' && '" POINTSMAN_INDEX_BINARY "' " +
                                arguments + " >" + output + " 2>stderr </dev/null";
    const int status = system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status)) << command;
    return {WEXITSTATUS(status), output == "stdout" ? directory_.Read("stdout") : "",
            directory_.Read("stderr")};
  }

  Result Build(const std::string& more = "") const {
    return Run("build sources --model model --out out/bundle " + more);
  }
  void MustBuild(const std::string& more = "") const {
    const Result result = Build(more);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  bundle::ScratchDirectory directory_;
};

TEST_F(ToolTest, BuildsABundleThatVerifies) {
  const Result built = Build("--version-name spring");
  ASSERT_EQ(built.exit_code, 0) << built.err;
  EXPECT_THAT(built.out, HasSubstr("60 exemplars, 2 models, 2 capabilities, index Flat"));
  EXPECT_THAT(built.err, HasSubstr("embed: 100 %"));
  EXPECT_THAT(built.err, Not(HasSubstr("\x1b"))) << "no escapes unless on a terminal";
  EXPECT_THAT(directory_.List("out"), ElementsAre("bundle"));

  const Result verified = Run("verify out/bundle");
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  EXPECT_THAT(verified.out, HasSubstr("1 golden queries give the recorded decisions"));
}

TEST_F(ToolTest, SameSourcesGiveTheSameBytes) {
  MustBuild();
  ASSERT_EQ(Run("build sources --model model --out out/second").exit_code, 0);
  for (const std::string& name : directory_.List("out/bundle")) {
    EXPECT_EQ(directory_.Read("out/bundle/" + name), directory_.Read("out/second/" + name)) << name;
  }
}

TEST_F(ToolTest, BuildPrintsTheManifestAsJson) {
  const Result built = Build("--json --version-name spring");
  ASSERT_EQ(built.exit_code, 0) << built.err;
  const auto manifest = nlohmann::json::parse(built.out);
  EXPECT_EQ(manifest["version"], "spring");
  EXPECT_EQ(manifest["exemplar_count"], 60);
  EXPECT_EQ(built.out, directory_.Read("out/bundle/manifest.json"));
}

TEST_F(ToolTest, TextsAreDroppedOnDemand) {
  MustBuild("--drop-text");
  EXPECT_THAT(directory_.Read("out/bundle/exemplars.binpb"), Not(HasSubstr("moonlight")));
  EXPECT_THAT(Run("inspect out/bundle").out, HasSubstr("texts dropped"));
  EXPECT_EQ(Run("verify out/bundle").exit_code, 0);
}

TEST_F(ToolTest, TheIndexIsOfTheFactoryAskedFor) {
  MustBuild("--index-factory HNSW8");
  EXPECT_THAT(Run("inspect out/bundle").out, HasSubstr("index      HNSW8"));
  EXPECT_EQ(Run("verify out/bundle").exit_code, 0);
}

TEST_F(ToolTest, InspectShowsModelsAndCapabilities) {
  MustBuild();
  const Result shown = Run("inspect out/bundle");
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("moons              30             0.80  #####"));
  const auto json = nlohmann::json::parse(Run("inspect out/bundle --json").out);
  EXPECT_EQ(json["models"][0]["outcomes"], 20);
  EXPECT_EQ(json["capabilities"][1]["exemplars"], 30);
}

// What bad sources get: the place, exit code 2, and nothing half-written.

struct BadSource {
  const char* name;
  const char* file;  // replaced, or appended to if it ends in .jsonl
  std::string bytes;
  const char* message;  // in standard error
};

void PrintTo(const BadSource& bad, std::ostream* out) { *out << bad.name; }

class BadSourceTest : public ToolTest, public ::testing::WithParamInterface<BadSource> {};

TEST_P(BadSourceTest, IsNamedAndLeavesNothing) {
  const BadSource& bad = GetParam();
  const std::string file = std::string("sources/") + bad.file;
  const std::string before = file.ends_with(".jsonl") ? directory_.Read(file) : "";
  directory_.Write(file, before + bad.bytes);
  const Result result = Build();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr(bad.message));
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(directory_.List("out"), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Sources, BadSourceTest,
    ::testing::Values(
        BadSource{"UnknownKey", "exemplars.jsonl", R"({"id": "x", "text": "y", "dificulty": 1})",
                  "exemplars.jsonl:61: unknown key `dificulty`; did you mean `difficulty`?"},
        BadSource{"DuplicateId", "exemplars.jsonl", R"({"id": "e7", "text": "y"})",
                  "exemplars.jsonl:61: id: duplicate id `e7`, first at exemplars.jsonl:8"},
        BadSource{"UnknownModel", "exemplars.jsonl",
                  R"({"id": "x", "text": "y", "outcomes": {"tiny": {"quality": 1}}})",
                  "exemplars.jsonl:61: outcomes[tiny]: unknown model `tiny`"},
        BadSource{"NotFinite", "exemplars.jsonl",
                  R"({"id": "x", "text": "y", "difficulty": 1e999})",
                  "exemplars.jsonl:61: difficulty: must be a finite number"},
        BadSource{"NegativePrice", "catalogue.yaml",
                  "models:\n  - id: a\n    output_usd_per_mtok: -2\n",
                  "catalogue.yaml:3: models[0].output_usd_per_mtok: must be a finite number >= 0"},
        BadSource{"EmptyText", "exemplars.jsonl", R"({"id": "x", "text": ""})",
                  "exemplars.jsonl:61: text: must not be empty"},
        BadSource{"InvalidUtf8", "exemplars.jsonl", "{\"id\": \"x\", \"text\": \"\xFF\"}",
                  "exemplars.jsonl:61: byte 22 of the line, 0xFF, is not valid UTF-8"},
        BadSource{"NotGzip", "exemplars/more.jsonl.gz", R"({"id": "x", "text": "y"})",
                  "exemplars/more.jsonl.gz: named .gz but not gzip"},
        BadSource{"NotYaml", "policies.yaml", "policies: [", "policies.yaml:1: "},
        BadSource{"UnknownPolicy", "golden.jsonl",
                  "\n"
                  R"({"id": "h", "request": {"text": "?", "policy": "turbo"}})",
                  "golden.jsonl:2: request.policy: unknown policy `turbo`"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(ToolTest, AHundredMegabyteLineIsBadInput) {
  directory_.Write("sources/exemplars.jsonl", Exemplars() + R"({"id": "x", "text": ")");
  ASSERT_EQ(truncate((directory_ / "sources/exemplars.jsonl").c_str(), 100'000'000), 0);
  const Result result = Build();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("exemplars.jsonl:61: the line is longer than 4194304 bytes"));
  EXPECT_THAT(directory_.List("out"), IsEmpty());
}

TEST_F(ToolTest, BadSourcesLeaveTheBundleThatIsThere) {
  MustBuild();
  const std::string before = directory_.Read("out/bundle/manifest.json");
  directory_.Write("sources/policies.yaml", "policies: []\n");
  EXPECT_EQ(Build().exit_code, 2);
  EXPECT_EQ(directory_.Read("out/bundle/manifest.json"), before);
  EXPECT_THAT(directory_.List("out"), ElementsAre("bundle"));
}

TEST_F(ToolTest, AnUnmetGoldenQueryFailsTheBuildAndLeavesNothing) {
  directory_.Write(
      "sources/golden.jsonl",
      R"({"id": "wish", "request": {"text": "cafe", "policy": "balanced",)"
      R"( "requirements": {"deny_models": ["small"]}}, "expect": {"models": ["small"]}})");
  const Result result = Build();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("`wish`"));
  EXPECT_THAT(directory_.List("out"), IsEmpty());
}

TEST_F(ToolTest, MissingSourcesAndModelsAreBadInput) {
  Result result = Run("build nowhere --model model --out out/bundle");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("nowhere: no such directory"));
  fs::remove(directory_ / "model/tokenizer.json");
  result = Build();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("model/tokenizer.json"));
  directory_.Write("model/tokenizer.json", "{}");
  EXPECT_EQ(Build().exit_code, 2);
  EXPECT_THAT(directory_.List("out"), IsEmpty());
}

TEST_F(ToolTest, AFactoryThatFaissDoesNotKnowIsBadInput) {
  const Result result = Build("--index-factory Cabbage");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("`Cabbage`"));
  EXPECT_THAT(directory_.List("out"), IsEmpty());
}

TEST_F(ToolTest, ADirectoryThatIsNoBundleIsNotReplaced) {
  directory_.Write("out/bundle/precious.txt", "x");
  const Result result = Build();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("`precious.txt`"));
  EXPECT_EQ(directory_.Read("out/bundle/precious.txt"), "x");
}

TEST_F(ToolTest, VerifyNamesTheFileAndTheCheckThatFailed) {
  MustBuild();
  std::string bytes = directory_.Read("out/bundle/vectors.faiss");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  directory_.Write("out/bundle/vectors.faiss", bytes);
  const Result result = Run("verify out/bundle");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("FAILED  files     out/bundle/vectors.faiss: SHA-256"));
  const auto json = nlohmann::json::parse(Run("verify out/bundle --json").out);
  EXPECT_EQ(json["passed"], false);
  EXPECT_EQ(json["checks"][0]["check"], "files");
  EXPECT_EQ(Run("inspect out/bundle").exit_code, 1);
}

TEST_F(ToolTest, VerifyFindsAGoldenQueryThatGivesAnotherDecision) {
  MustBuild();
  absl::StatusOr<bundle::BundleParts> parts = bundle::ReadBundle(directory_ / "out/bundle");
  ASSERT_TRUE(parts.ok()) << parts.status();
  auto* recorded = parts->golden.mutable_queries(0)->mutable_recorded();
  recorded->set_confidence(recorded->confidence() > 0.5 ? 0.1 : 0.9);
  ASSERT_TRUE(bundle::WriteBundle(*parts, directory_ / "out/bundle").ok());
  const Result result = Run("verify out/bundle");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("ok      engine"));
  EXPECT_THAT(result.out, HasSubstr("FAILED  golden"));
}

TEST_F(ToolTest, VerifyFindsPartsThatDoNotFitTogether) {
  MustBuild();
  absl::StatusOr<bundle::BundleParts> parts = bundle::ReadBundle(directory_ / "out/bundle");
  ASSERT_TRUE(parts.ok()) << parts.status();
  parts->exemplars.mutable_exemplars()->RemoveLast();
  ASSERT_TRUE(bundle::WriteBundle(*parts, directory_ / "out/bundle").ok());
  const Result result = Run("verify out/bundle");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("FAILED  engine"));
  EXPECT_THAT(result.out, HasSubstr("vectors.faiss"));
}

TEST_F(ToolTest, WrongUsageIsBadInput) {
  for (const char* arguments :
       {"", "brew", "build", "build sources", "build sources --model model --out out/b --tea",
        "verify", "verify nowhere", "inspect nowhere", "evaluate", "sign", "replay"}) {
    const Result result = Run(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_THAT(result.err, HasSubstr("pointsman-index: ")) << arguments;
  }
  EXPECT_THAT(directory_.List("out"), IsEmpty());
}

TEST_F(ToolTest, HelpNamesTheExitCodesAndVersionTheVersion) {
  const Result help = Run("--help");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("Exit codes:"));
  for (const char* command : {"build", "verify", "inspect", "evaluate", "sign", "replay"}) {
    EXPECT_THAT(help.out, HasSubstr(command));
    EXPECT_EQ(Run(std::string(command) + " --help").exit_code, 0);
  }
  const Result version = Run("--version");
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, ::testing::MatchesRegex("pointsman-index [0-9.]+\n"));
}

TEST_F(ToolTest, OutputThatCannotBeWrittenIsAFailure) {
  MustBuild();
  const Result result = Run("inspect out/bundle", "/dev/full");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write to standard output"));
}

}  // namespace
}  // namespace pointsman::tool
