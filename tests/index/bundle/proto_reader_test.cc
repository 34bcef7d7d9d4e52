#include "index/bundle/proto_reader.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/v1/catalogue.pb.h"
#include "pointsman/v1/policy.pb.h"

namespace pointsman::bundle {
namespace {

using ::testing::HasSubstr;

// Reads YAML into a message; returns the problems, "" if there are none.
template <typename M>
std::string FromYaml(const std::string& text, M* message) {
  Problems problems;
  Reporter reporter("f.yaml", 1, &problems);
  TreeNode node;
  const Path root;
  message->Clear();
  if (ParseYaml(text, &reporter, &node)) ReadMessage(node, root, message, &reporter);
  return std::string(problems.ToStatus().message());
}

template <typename M>
std::string FromJson(std::string_view text, M* message) {
  Problems problems;
  Reporter reporter("f.jsonl", 9, &problems);
  TreeNode node;
  const Path root;
  message->Clear();
  if (ParseJson(text, 9, &reporter, &node)) ReadMessage(node, root, message, &reporter);
  return std::string(problems.ToStatus().message());
}

TEST(ProtoReader, ReadsEveryKindOfField) {
  pointsman::v1::Catalogue catalogue;
  ASSERT_EQ(FromYaml(R"(
models:
  - id: small
    input_usd_per_mtok: 0.15
    context_window_tokens: 128000
    features: [tools, vision]
    skills: {maths: 0.25, "code": 1}
skill_slope: 8
)",
                     &catalogue),
            "");
  const pointsman::v1::Model& model = catalogue.models(0);
  EXPECT_EQ(model.id(), "small");
  EXPECT_EQ(model.input_usd_per_mtok(), 0.15);
  EXPECT_FALSE(model.has_output_usd_per_mtok());
  EXPECT_EQ(model.context_window_tokens(), 128000);
  EXPECT_EQ(model.features(1), "vision");
  EXPECT_EQ(model.skills().at("maths"), 0.25);
  EXPECT_EQ(model.skills().at("code"), 1);
}

TEST(ProtoReader, ReadsTheSameFromJson) {
  v1::Exemplar exemplar;
  ASSERT_EQ(FromJson(R"({"id": "a", "text": "2+2?", "difficulty": 0.1,
                         "outcomes": {"m": {"quality": 1, "output_tokens": 4}}})",
                     &exemplar),
            "");
  EXPECT_EQ(exemplar.text(), "2+2?");
  EXPECT_EQ(exemplar.outcomes().at("m").quality(), 1);
  EXPECT_EQ(exemplar.outcomes().at("m").output_tokens(), 4);
}

TEST(ProtoReader, UnquotedYamlIsWhatTheFieldIs) {
  pointsman::v1::Model model;
  ASSERT_EQ(FromYaml("id: 4\nprovider: no\n", &model), "");
  EXPECT_EQ(model.id(), "4");
  EXPECT_EQ(model.provider(), "no");
}

TEST(ProtoReader, EnumsGoByShortAndFullNameInEitherCase) {
  for (const char* name :
       {"cheapest_good_enough", "CHEAPEST_GOOD_ENOUGH", "OBJECTIVE_CHEAPEST_GOOD_ENOUGH"}) {
    pointsman::v1::Policy policy;
    ASSERT_EQ(FromYaml(std::string("objective: ") + name, &policy), "");
    EXPECT_EQ(policy.objective(), pointsman::v1::OBJECTIVE_CHEAPEST_GOOD_ENOUGH);
  }
}

TEST(ProtoReader, AnUnknownEnumValueListsTheKnownOnes) {
  pointsman::v1::Policy policy;
  EXPECT_EQ(FromYaml("name: x\nobjective: best", &policy),
            "f.yaml:2: objective: must be one of BEST_VALUE, CHEAPEST_GOOD_ENOUGH, "
            "MOST_CAPABLE_WITHIN, is `best`");
}

TEST(ProtoReader, AnUnknownKeyNamesTheNearestOne) {
  pointsman::v1::Catalogue catalogue;
  EXPECT_EQ(FromYaml("models:\n  - id: a\n    output_usd_per_mtk: 1\n", &catalogue),
            "f.yaml:3: models[0]: unknown key `output_usd_per_mtk`; "
            "did you mean `output_usd_per_mtok`?");
}

TEST(ProtoReader, AKeyLikeNoOtherListsTheKnownOnes) {
  v1::Exemplar exemplar;
  EXPECT_THAT(FromJson(R"({"zzzzzzzz": 1})", &exemplar),
              HasSubstr("known: id, text, capability, difficulty, outcomes"));
}

TEST(ProtoReader, AKeyGivenTwiceNamesBothLines) {
  pointsman::v1::Catalogue catalogue;
  EXPECT_EQ(FromYaml("skill_slope: 8\nmodels: []\nskill_slope: 9\n", &catalogue),
            "f.yaml:3: skill_slope: given twice, first on line 1");
  pointsman::v1::Model model;
  EXPECT_EQ(FromYaml("id: a\nskills:\n  maths: 1\n  maths: 0\n", &model),
            "f.yaml:4: skills[maths]: given twice, first on line 3");
}

TEST(ProtoReader, WrongTypesSayWhatIsNeededAndWhatIsThere) {
  pointsman::v1::Model model;
  EXPECT_EQ(FromYaml("input_usd_per_mtok: cheap", &model),
            "f.yaml:1: input_usd_per_mtok: must be a number, is `cheap`");
  EXPECT_EQ(FromYaml("input_usd_per_mtok: \"1\"", &model),
            "f.yaml:1: input_usd_per_mtok: must be a number, is text `1`");
  EXPECT_EQ(FromYaml("features: tools", &model), "f.yaml:1: features: must be a list, is `tools`");
  EXPECT_EQ(FromYaml("skills: [1]", &model), "f.yaml:1: skills: must be a map, is a list");
  EXPECT_EQ(FromYaml("id: {a: b}", &model), "f.yaml:1: id: must be text, is a map");
  v1::Exemplar exemplar;
  EXPECT_EQ(FromJson(R"({"id": 7})", &exemplar), "f.jsonl:9: id: must be text, is the number `7`");
  EXPECT_EQ(FromJson("[]", &exemplar), "f.jsonl:9: must be a map of fields, is a list");
  v1::GoldenQuery query;
  EXPECT_EQ(FromJson(R"({"request": {"explain": "yes"}})", &query),
            "f.jsonl:9: request.explain: must be true or false, is text `yes`");
}

TEST(ProtoReader, NumbersThatAreNotFiniteAreRefused) {
  pointsman::v1::Model model;
  for (const char* value : {".nan", ".NaN", ".inf", "-.Inf", "nan", "inf", "1e999", "-1e999"}) {
    EXPECT_EQ(
        FromYaml(std::string("input_usd_per_mtok: ") + value, &model),
        std::string("f.yaml:1: input_usd_per_mtok: must be a finite number, is `") + value + "`");
  }
  v1::GoldenQuery query;
  EXPECT_THAT(FromJson(R"({"request": {"embedding": {"values": [1e39]}}})", &query),
              HasSubstr("request.embedding.values[0]: must be a finite number"));
}

TEST(ProtoReader, IntegersMustFit) {
  v1::GoldenQuery query;
  EXPECT_EQ(FromJson(R"({"request": {"max_candidates": 3000000000}})", &query),
            "f.jsonl:9: request.max_candidates: must be a whole number from -2147483648 to "
            "2147483647, is the number `3000000000`");
  pointsman::v1::Model model;
  EXPECT_THAT(FromYaml("context_window_tokens: 1.5", &model), HasSubstr("must be a whole number"));
  EXPECT_THAT(FromYaml("context_window_tokens: 99999999999999999999", &model),
              HasSubstr("must be a whole number"));
  EXPECT_EQ(FromYaml("context_window_tokens: 1e6", &model), "");
  EXPECT_EQ(model.context_window_tokens(), 1'000'000);
}

TEST(ProtoReader, OnlyOneFieldOfAOneofMayBeGiven) {
  v1::GoldenQuery query;
  EXPECT_EQ(FromJson(R"({"request": {"text": "a", "embedding": {}}})", &query),
            "f.jsonl:9: request.embedding: only one of these may be given, and `text` is");
}

TEST(ProtoReader, NullLeavesAFieldAbsent) {
  v1::Exemplar exemplar;
  ASSERT_EQ(FromJson(R"({"id": "a", "difficulty": null})", &exemplar), "");
  EXPECT_FALSE(exemplar.has_difficulty());
}

TEST(ProtoReader, StopsAtTwentyProblems) {
  pointsman::v1::Catalogue catalogue;
  std::string text = "models:\n";
  for (int i = 0; i < 100; ++i) text += "  - wrong: 1\n";
  const std::string problems = FromYaml(text, &catalogue);
  EXPECT_THAT(problems, HasSubstr("models[19]"));
  EXPECT_THAT(problems, ::testing::Not(HasSubstr("models[20]")));
  EXPECT_THAT(problems, HasSubstr("(20 problems found, not looking further)"));
}

TEST(Quoted, CutsLongValuesBetweenCharacters) {
  EXPECT_EQ(Quoted("a\nb"), "`a\\nb`");
  const std::string quoted = Quoted(std::string(59, 'x') + "\u00E9\u00E9");
  EXPECT_EQ(quoted, "`" + std::string(59, 'x') + "`...");
}

}  // namespace
}  // namespace pointsman::bundle
