#include "index/bundle/sources.h"

#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/bundle/scratch_directory.h"

namespace pointsman::bundle {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kCatalogue[] = R"(models:
  - id: small
    input_usd_per_mtok: 0.1
    output_usd_per_mtok: 0.4
    features: [tools]
    skills: {maths: 0.3}
  - id: large
    input_usd_per_mtok: 3
    output_usd_per_mtok: 15
    default_skill: 0.9
capabilities:
  - id: maths
    typical_output_tokens: 400
  - id: greeting
)";
constexpr char kPolicies[] = R"(policies:
  - name: balanced
    tradeoff: 0.5
    rules:
      - name: proofs
        when: {text_pattern: "(?i)prove"}
        then: {require_features: [tools]}
default_policy: balanced
)";
constexpr char kExemplars[] =
    R"({"id": "e1", "text": "2+2?", "capability": "maths", "difficulty": 0.1})"
    "\n"
    R"({"id": "e2", "text": "hi", "outcomes": {"small": {"quality": 1, "output_tokens": 9}}})"
    "\n";

// A directory of good sources, of which each test spoils something.
class SourcesTest : public ::testing::Test {
 protected:
  SourcesTest() {
    directory_.Write("catalogue.yaml", kCatalogue);
    directory_.Write("policies.yaml", kPolicies);
    directory_.Write("exemplars.jsonl", kExemplars);
    model_.Write("model.safetensors", "weights");
    model_.Write("tokenizer.json", "{}");
  }

  absl::StatusOr<BundleSources> Read() const {
    return ReadSources(directory_.path(), model_.path());
  }

  // The message of the INVALID_ARGUMENT that the sources give; "" if they are fine.
  std::string Problems() const {
    const absl::Status status = Read().status();
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  }

  // The same with one line of exemplars, which stands on line 3.
  std::string ProblemsOfExemplar(const std::string& line) const {
    directory_.Write("exemplars.jsonl", kExemplars + line + "\n");
    return Problems();
  }

  ScratchDirectory directory_;
  ScratchDirectory model_;
};

TEST_F(SourcesTest, ReadsEverything) {
  directory_.Write("golden.jsonl",
                   R"({"id": "g", "request": {"text": "hi"}, "expect": {"models": ["small"]}})");
  const absl::StatusOr<BundleSources> sources = Read();
  ASSERT_TRUE(sources.ok()) << sources.status();
  EXPECT_EQ(sources->catalogue.models_size(), 2);
  EXPECT_EQ(sources->policies.default_policy(), "balanced");
  ASSERT_EQ(sources->exemplars.size(), 2u);
  EXPECT_EQ(sources->exemplars[1].outcomes().at("small").output_tokens(), 9);
  ASSERT_EQ(sources->golden.size(), 1u);
  EXPECT_EQ(sources->golden[0].expect().models(0), "small");
  EXPECT_EQ(sources->safetensors, "weights");
  EXPECT_EQ(sources->tokenizer_json, "{}");
}

TEST_F(SourcesTest, ReadsFilesOfExemplarsInOrderOfTheirNames) {
  directory_.Write("exemplars/b.jsonl", R"({"id": "b", "text": "b"})");
  directory_.WriteGzip("exemplars/a.jsonl.gz", R"({"id": "a", "text": "a"})");
  directory_.Write("exemplars/notes.txt", "left alone");
  directory_.WriteGzip("exemplars.jsonl.gz", R"({"id": "z", "text": "z"})");
  const absl::StatusOr<BundleSources> sources = Read();
  ASSERT_TRUE(sources.ok()) << sources.status();
  std::vector<std::string> ids;
  for (const v1::Exemplar& exemplar : sources->exemplars) ids.push_back(exemplar.id());
  EXPECT_THAT(ids, ElementsAre("e1", "e2", "z", "a", "b"));
}

TEST_F(SourcesTest, MissingPartsAreNamed) {
  for (const char* name : {"catalogue.yaml", "policies.yaml", "exemplars.jsonl"}) {
    const std::string text = directory_.Read(name);
    unlink((directory_ / name).c_str());
    const absl::Status status = Read().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
    directory_.Write(name, text);
  }
  EXPECT_EQ(ReadSources(directory_ / "none", model_.path()).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadSources(directory_.path(), directory_ / "none").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(SourcesTest, AModelWithoutTokenizerIsNamed) {
  unlink((model_ / "tokenizer.json").c_str());
  EXPECT_THAT(std::string(Read().status().message()), HasSubstr("tokenizer.json"));
}

TEST_F(SourcesTest, NoExemplarAtAllIsRefused) {
  directory_.Write("exemplars.jsonl", "\n\n");
  EXPECT_EQ(Problems(), "exemplars.jsonl: at least one exemplar is required");
}

TEST_F(SourcesTest, UnknownKeysAreRefused) {
  EXPECT_EQ(ProblemsOfExemplar(R"({"id": "x", "text": "y", "dificulty": 0.5})"),
            "exemplars.jsonl:3: unknown key `dificulty`; did you mean `difficulty`?");
}

TEST_F(SourcesTest, ADuplicateExemplarIdNamesBothLines) {
  EXPECT_EQ(ProblemsOfExemplar(R"({"id": "e1", "text": "again"})"),
            "exemplars.jsonl:3: id: duplicate id `e1`, first at exemplars.jsonl:1");
}

TEST_F(SourcesTest, ADuplicateExemplarIdIsFoundAcrossFiles) {
  directory_.Write("exemplars/more.jsonl", R"({"id": "e2", "text": "again"})");
  EXPECT_EQ(Problems(),
            "exemplars/more.jsonl:1: id: duplicate id `e2`, first at exemplars.jsonl:2");
}

TEST_F(SourcesTest, ADuplicateModelIdNamesBothLines) {
  directory_.Write("catalogue.yaml", "models:\n  - id: a\n  - display_name: A\n    id: a\n");
  EXPECT_THAT(Problems(), HasSubstr("catalogue.yaml:4: models[1].id: duplicate id `a`, first at "
                                    "catalogue.yaml:2"));
}

TEST_F(SourcesTest, ADuplicateCapabilityPolicyAndGoldenIdNameBothLines) {
  directory_.Write("catalogue.yaml", std::string(kCatalogue) + "  - id: maths\n");
  directory_.Write("policies.yaml",
                   "policies:\n  - name: balanced\n  - name: balanced\ndefault_policy: balanced\n");
  directory_.Write("golden.jsonl", R"({"id": "g", "request": {"text": "a"}})"
                                   "\n"
                                   R"({"id": "g", "request": {"text": "b"}})");
  const std::string problems = Problems();
  EXPECT_THAT(problems, HasSubstr("catalogue.yaml:15: capabilities[2].id: duplicate id `maths`, "
                                  "first at catalogue.yaml:12"));
  EXPECT_THAT(problems, HasSubstr("policies.yaml:3: policies[1].name: duplicate name `balanced`, "
                                  "first at policies.yaml:2"));
  EXPECT_THAT(problems, HasSubstr("golden.jsonl:2: id: duplicate id `g`, first at golden.jsonl:1"));
}

TEST_F(SourcesTest, OutcomesOfUnknownModelsAreRefused) {
  EXPECT_EQ(ProblemsOfExemplar(R"({"id": "x", "text": "y", "outcomes": {"tiny": {"quality": 1}}})"),
            "exemplars.jsonl:3: outcomes[tiny]: unknown model `tiny`; known: small, large");
}

TEST_F(SourcesTest, UnknownCapabilitiesAreRefused) {
  EXPECT_EQ(ProblemsOfExemplar(R"({"id": "x", "text": "y", "capability": "math"})"),
            "exemplars.jsonl:3: capability: unknown capability `math`; known: maths, greeting");
}

TEST_F(SourcesTest, NumbersThatAreNotFiniteAreRefused) {
  EXPECT_EQ(ProblemsOfExemplar(R"({"id": "x", "text": "y", "difficulty": 1e999})"),
            "exemplars.jsonl:3: difficulty: must be a finite number");
  directory_.Write("exemplars.jsonl", kExemplars);
  directory_.Write("catalogue.yaml", "models:\n  - id: a\n    output_usd_per_mtok: .nan\n");
  EXPECT_EQ(Problems(),
            "catalogue.yaml:3: models[0].output_usd_per_mtok: must be a finite number, is `.nan`");
}

TEST_F(SourcesTest, NegativePricesAreRefused) {
  directory_.Write(
      "catalogue.yaml",
      std::string("models:\n  - id: small\n    input_usd_per_mtok: -0.5\n    features: "
                  "[tools]\ncapabilities:\n  - id: maths\n"));
  EXPECT_EQ(
      Problems(),
      "catalogue.yaml:3: models[0].input_usd_per_mtok: must be a finite number >= 0, is -0.5");
}

TEST_F(SourcesTest, EmptyAndBlankTextsAreRefused) {
  for (const char* text : {"", "  \\n\\t "}) {
    EXPECT_EQ(ProblemsOfExemplar(std::string(R"({"id": "x", "text": ")") + text + "\"}"),
              "exemplars.jsonl:3: text: must not be empty or blank");
  }
  EXPECT_EQ(ProblemsOfExemplar(R"({"id": "x"})"),
            "exemplars.jsonl:3: text: must not be empty or blank");
}

TEST_F(SourcesTest, InvalidUtf8NamesTheByte) {
  EXPECT_EQ(ProblemsOfExemplar("{\"id\": \"x\", \"text\": \"caf\xE9\"}"),
            "exemplars.jsonl:3: byte 25 of the line, 0xE9, is not valid UTF-8");
  directory_.Write("exemplars.jsonl", kExemplars);
  directory_.Write("policies.yaml", std::string(kPolicies) + "# caf\xE9\n");
  EXPECT_EQ(Problems(), "policies.yaml:9: byte 6 of the line, 0xE9, is not valid UTF-8");
}

TEST_F(SourcesTest, AHundredMegabyteLineIsRefused) {
  directory_.Write("exemplars.jsonl", std::string(kExemplars) + R"({"id": "x", "text": ")");
  ASSERT_EQ(truncate((directory_ / "exemplars.jsonl").c_str(), 100 << 20), 0);
  EXPECT_EQ(Problems(),
            "exemplars.jsonl:3: the line is longer than 4194304 bytes, the most that is read");
}

TEST_F(SourcesTest, AFileNamedGzipThatIsNoneIsRefused) {
  directory_.Write("exemplars/a.jsonl.gz", R"({"id": "a", "text": "a"})");
  EXPECT_EQ(Problems(), "exemplars/a.jsonl.gz: named .gz but not gzip");
}

TEST_F(SourcesTest, TruncatedGzipIsRefused) {
  directory_.WriteGzip("exemplars/a.jsonl.gz", R"({"id": "a", "text": "a"})");
  const std::string whole = directory_.Read("exemplars/a.jsonl.gz");
  directory_.Write("exemplars/a.jsonl.gz", whole.substr(0, whole.size() - 12));
  EXPECT_THAT(Problems(), HasSubstr("exemplars/a.jsonl.gz:1: cannot be read further"));
}

TEST_F(SourcesTest, ATooLargeYamlFileIsRefused) {
  ASSERT_EQ(truncate((directory_ / "policies.yaml").c_str(), 17 << 20), 0);
  EXPECT_EQ(Problems(), "policies.yaml: must be at most 16777216 bytes, is 17825792");
}

TEST_F(SourcesTest, RulesNameTheirLine) {
  directory_.Write("policies.yaml", R"(policies:
  - name: balanced
    rules:
      - name: r
        when:
          text_pattern: "(unclosed"
          capability: cooking
        then:
          exclude_models:
            - small
            - tiny
          switch_policy: turbo
default_policy: cheap
)");
  const std::string problems = Problems();
  EXPECT_THAT(problems, HasSubstr("policies.yaml:6: policies[0].rules[0].when.text_pattern: is not "
                                  "an RE2 pattern"));
  EXPECT_THAT(problems, HasSubstr("policies.yaml:7: policies[0].rules[0].when.capability: unknown "
                                  "capability `cooking`"));
  EXPECT_THAT(problems, HasSubstr("policies.yaml:11: policies[0].rules[0].then.exclude_models[1]: "
                                  "unknown model `tiny`"));
  EXPECT_THAT(problems, HasSubstr("policies.yaml:12: policies[0].rules[0].then.switch_policy: "
                                  "unknown policy `turbo`"));
  EXPECT_THAT(problems, HasSubstr("policies.yaml:13: default_policy: unknown policy `cheap`"));
}

TEST_F(SourcesTest, RecordedDecisionsAreRefusedInGoldenSources) {
  directory_.Write("golden.jsonl",
                   R"({"id": "g", "request": {"text": "a"}, "recorded": {"model": "small"}})");
  EXPECT_EQ(Problems(), "golden.jsonl:1: recorded: is written at build time, leave it out");
}

TEST_F(SourcesTest, ProblemsOfAllFilesAreReportedTogether) {
  directory_.Write("exemplars/bad.jsonl", "{\"id\": \"q\"}\nnot json\n");
  directory_.Write("golden.jsonl", "{\"id\": \"g\"}\n");
  const std::string problems = Problems();
  EXPECT_THAT(problems, HasSubstr("exemplars/bad.jsonl:1: text"));
  EXPECT_THAT(problems, HasSubstr("exemplars/bad.jsonl:2: not JSON"));
  EXPECT_THAT(problems, HasSubstr("golden.jsonl:1: request"));
}

TEST_F(SourcesTest, PartsAreReadAloneForEvaluation) {
  const auto catalogue = ReadCatalogue(directory_ / "catalogue.yaml");
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  EXPECT_EQ(catalogue->models_size(), 2);
  const std::string path = directory_.Write("labelled.jsonl", R"({"id": "a", "text": "b"})");
  const auto exemplars = ReadExemplars(path, *catalogue);
  ASSERT_TRUE(exemplars.ok()) << exemplars.status();
  EXPECT_EQ(exemplars->size(), 1u);
  EXPECT_EQ(ReadExemplars(directory_ / "none", *catalogue).status().code(),
            absl::StatusCode::kNotFound);
  const auto embedder = ReadEmbedder(model_.path());
  ASSERT_TRUE(embedder.ok()) << embedder.status();
  EXPECT_EQ(embedder->safetensors, "weights");
}

TEST_F(SourcesTest, AWrongCatalogueReadAloneIsNamedByItsPath) {
  const std::string path = directory_.Write("c.yaml", "models:\n  - id: a b\n");
  EXPECT_THAT(std::string(ReadCatalogue(path).status().message()),
              HasSubstr(path + ":2: models[0].id: must be"));
}

}  // namespace
}  // namespace pointsman::bundle
