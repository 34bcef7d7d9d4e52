#include "index/bundle/document.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::bundle {
namespace {

using ::testing::HasSubstr;

// Parses YAML and returns its problems; "" if there are none.
std::string YamlProblems(const std::string& text, TreeNode* root) {
  Problems problems;
  Reporter reporter("file.yaml", 1, &problems);
  const bool good = ParseYaml(text, &reporter, root);
  EXPECT_EQ(good, problems.empty());
  return std::string(problems.ToStatus().message());
}

std::string JsonProblems(std::string_view text, TreeNode* root) {
  Problems problems;
  Reporter reporter("file.jsonl", 7, &problems);
  const bool good = ParseJson(text, 7, &reporter, root);
  EXPECT_EQ(good, problems.empty());
  return std::string(problems.ToStatus().message());
}

TEST(ParseYaml, KeepsKeysTextsAndLines) {
  TreeNode root;
  ASSERT_EQ(YamlProblems("a: 1\nb:\n  - x\n  - 'y'\nc: {d: true}\n", &root), "");
  ASSERT_EQ(root.children.size(), 3u);
  EXPECT_EQ(root.children[0].key, "a");
  EXPECT_EQ(root.children[0].text, "1");
  EXPECT_EQ(root.children[0].kind, TreeNode::Kind::kPlain);
  const TreeNode& list = root.children[1];
  ASSERT_EQ(list.children.size(), 2u);
  EXPECT_EQ(list.children[0].line, 3);
  EXPECT_EQ(list.children[1].line, 4);
  EXPECT_EQ(list.children[1].kind, TreeNode::Kind::kString);
  EXPECT_EQ(root.children[2].children[0].key, "d");
  EXPECT_EQ(root.children[2].line, 5);
}

TEST(ParseYaml, AnEmptyValueIsNull) {
  TreeNode root;
  ASSERT_EQ(YamlProblems("a:\nb: ~\n", &root), "");
  EXPECT_EQ(root.children[0].kind, TreeNode::Kind::kNull);
  EXPECT_EQ(root.children[1].kind, TreeNode::Kind::kNull);
}

TEST(ParseYaml, KeysGivenTwiceAreBothKept) {
  TreeNode root;
  ASSERT_EQ(YamlProblems("a: 1\na: 2\n", &root), "");
  EXPECT_EQ(root.children.size(), 2u);
}

TEST(ParseYaml, SyntaxErrorsNameTheLine) {
  TreeNode root;
  EXPECT_THAT(YamlProblems("a: 1\nb: [1, 2\n", &root), HasSubstr("file.yaml:3: b[2]: not YAML: "));
}

TEST(ParseYaml, RefusesAliasesAnchorsTagsAndSecondDocuments) {
  TreeNode root;
  EXPECT_THAT(YamlProblems("a: &x 1\n", &root), HasSubstr("file.yaml:1: a: anchors"));
  EXPECT_THAT(YamlProblems("a: 1\nb: !!binary aGk=\n", &root), HasSubstr("file.yaml:2: b: tags"));
  EXPECT_THAT(YamlProblems("a: 1\n---\nb: 2\n", &root), HasSubstr("more than one YAML document"));
}

TEST(ParseYaml, RefusesAnEmptyFile) {
  TreeNode root;
  EXPECT_THAT(YamlProblems("", &root), HasSubstr("empty"));
}

TEST(ParseYaml, RefusesKeysThatAreNoText) {
  TreeNode root;
  EXPECT_THAT(YamlProblems("? [a, b]\n: 1\n", &root), HasSubstr("a key must be text"));
}

TEST(ParseYaml, RefusesDeepNesting) {
  TreeNode root;
  EXPECT_THAT(YamlProblems(std::string(40, '[') + std::string(40, ']'), &root),
              HasSubstr("nested more than"));
  EXPECT_THAT(YamlProblems(std::string(100'000, '['), &root), HasSubstr("file.yaml:1"));
}

TEST(ParseYaml, InvalidUtf8NamesLineAndByte) {
  TreeNode root;
  EXPECT_EQ(YamlProblems("a: 1\nb: x\xFFy\n", &root),
            "file.yaml:2: byte 5 of the line, 0xFF, is not valid UTF-8");
}

TEST(ParseJson, TellsTextsNumbersAndTruthApart) {
  TreeNode root;
  ASSERT_EQ(JsonProblems(R"({"a": "1", "b": 1.50, "c": true, "d": null, "e": [-3]})", &root), "");
  ASSERT_EQ(root.children.size(), 5u);
  EXPECT_EQ(root.children[0].kind, TreeNode::Kind::kString);
  EXPECT_EQ(root.children[1].kind, TreeNode::Kind::kNumber);
  EXPECT_EQ(root.children[1].text, "1.50");
  EXPECT_EQ(root.children[2].kind, TreeNode::Kind::kBool);
  EXPECT_EQ(root.children[3].kind, TreeNode::Kind::kNull);
  EXPECT_EQ(root.children[4].children[0].text, "-3");
  EXPECT_EQ(root.children[4].line, 7);
}

TEST(ParseJson, SyntaxErrorsNameLineAndByte) {
  TreeNode root;
  EXPECT_THAT(JsonProblems(R"({"a": tru})", &root), HasSubstr("file.jsonl:7: a: not JSON at byte"));
  EXPECT_THAT(JsonProblems("{} x", &root), HasSubstr("file.jsonl:7: not JSON"));
  EXPECT_THAT(JsonProblems("", &root), HasSubstr("file.jsonl:7"));
}

TEST(ParseJson, NumbersBeyondDoubleAreNotFinite) {
  TreeNode root;
  EXPECT_EQ(JsonProblems(R"({"outcomes": {"m": {"quality": 1e999}}})", &root),
            "file.jsonl:7: outcomes.m.quality: must be a finite number");
}

TEST(ParseJson, NotANumberIsNoJson) {
  TreeNode root;
  EXPECT_THAT(JsonProblems(R"({"difficulty": NaN})", &root), HasSubstr("file.jsonl:7: difficulty"));
}

// Every kind of ill-formed UTF-8, from RFC 3629 and table 3-7 of the Unicode standard.
TEST(ParseJson, InvalidUtf8NamesTheByte) {
  for (const std::string_view bad :
       {"\xFF", "\x80", "\xC0\xAF", "\xC1\x81", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
    TreeNode root;
    EXPECT_THAT(JsonProblems("{\"a\": \"" + std::string(bad) + "\"}", &root),
                HasSubstr("file.jsonl:7: byte 8 of the line"));
  }
}

TEST(ParseJson, ValidUtf8OfEveryLengthIsKept) {
  TreeNode root;
  const std::string text = "\x7F\u00E9\u0939\uFFFD\U0001F642";
  ASSERT_EQ(JsonProblems("{\"a\": \"" + text + "\"}", &root), "");
  EXPECT_EQ(root.children[0].text, text);
}

TEST(ParseJson, RefusesUnpairedSurrogatesInEscapes) {
  TreeNode root;
  EXPECT_THAT(JsonProblems(R"({"a": "\ud800"})", &root), HasSubstr("file.jsonl:7: a: not JSON"));
}

TEST(ParseJson, RefusesDeepNestingAndTooManyValues) {
  TreeNode root;
  EXPECT_THAT(JsonProblems(std::string(1'000'000, '['), &root), HasSubstr("nested more than"));
  std::string many = "[0";
  for (int i = 0; i < kMaxNodes; ++i) many += ",0";
  EXPECT_THAT(JsonProblems(many + "]", &root), HasSubstr("more than 500000 values"));
}

}  // namespace
}  // namespace pointsman::bundle
