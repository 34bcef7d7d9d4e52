// The real `pointsman-index evaluate`, run as a process: output, exit codes and messages.
#include <stdlib.h>
#include <sys/wait.h>

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/index/evaluate/two_topics.h"

namespace pointsman::evaluate {
namespace {

using ::testing::HasSubstr;

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &json, options).ok());
  return json;
}

std::string ToJsonl(const std::vector<bundle::v1::Exemplar>& exemplars) {
  std::string lines;
  for (const bundle::v1::Exemplar& exemplar : exemplars) lines += ToJson(exemplar) + "\n";
  return lines;
}

struct Result {
  int exit_code;
  std::string out;
  std::string err;
};

class EvaluateCommandTest : public ::testing::Test {
 protected:
  EvaluateCommandTest() {
    const Inputs inputs = TwoTopics(120);
    directory_.Write("catalogue.yaml", ToJson(inputs.catalogue));  // JSON is YAML
    directory_.Write("model/model.safetensors", inputs.safetensors);
    directory_.Write("model/tokenizer.json", inputs.tokenizer_json);
    directory_.WriteGzip("labelled.jsonl.gz", ToJsonl(inputs.labelled));
    directory_.Write("other.jsonl", ToJsonl(TwoTopicQueries(20, "other-")));
    directory_.Write("temporary/.keep", "");
  }

  // Runs the command in the test's directory, its temporary files below `temporary`.
  Result Evaluate(const std::string& arguments) const {
    const std::string command = "cd '" + directory_.path() + "' && TMPDIR=" + directory_.path() +
                                "/temporary '" POINTSMAN_INDEX_BINARY "' evaluate " + arguments +
                                " --catalogue catalogue.yaml --model model >out 2>err </dev/null";
    const int status = system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status)) << command;
    return {WEXITSTATUS(status), directory_.Read("out"), directory_.Read("err")};
  }

  bundle::ScratchDirectory directory_;
};

TEST_F(EvaluateCommandTest, PrintsATableAndLeavesNothingBehind) {
  const Result result = Evaluate("labelled.jsonl.gz --seeds 2");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("2 split(s), 84 queries trained on"));
  EXPECT_THAT(result.out, HasSubstr("parity_cost_share"));
  EXPECT_THAT(result.err, HasSubstr("split 2 of 2: decide: 100 %"));
  EXPECT_THAT(directory_.List("temporary"), testing::ElementsAre(".keep"));
}

TEST_F(EvaluateCommandTest, PrintsJson) {
  const Result result =
      Evaluate("labelled.jsonl.gz --json --folds 3 --seeds 1 --pair poet,all_rounder");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["splits"], 3);
  EXPECT_EQ(json["figures"]["queries"]["mean"], 40);
  EXPECT_TRUE(json["figures"]["apgr"]["mean"].is_number());
  EXPECT_EQ(json["pair"]["weak"], "poet");
}

TEST_F(EvaluateCommandTest, TestsOnAnotherFile) {
  const Result result = Evaluate("labelled.jsonl.gz --json --test other.jsonl");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["train_queries"], 120);
  EXPECT_EQ(json["figures"]["queries"]["mean"], 20);
}

TEST_F(EvaluateCommandTest, RefusesWrongUsageWithExitCode2) {
  EXPECT_EQ(Evaluate("labelled.jsonl.gz --holdout 1.5").exit_code, 2);
  EXPECT_EQ(Evaluate("labelled.jsonl.gz --holdout 0.5 --folds 5").exit_code, 2);
  EXPECT_EQ(Evaluate("labelled.jsonl.gz --pair poet").exit_code, 2);
  const Result missing = Evaluate("nowhere.jsonl");
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("nowhere.jsonl: no such file"));
}

TEST_F(EvaluateCommandTest, NamesFileLineAndFieldOfABadLabel) {
  directory_.Write("bad.jsonl",
                   "{\"id\": \"a\", \"text\": \"sum\"}\n"
                   "{\"id\": \"b\", \"text\": \"sum\", "
                   "\"outcomes\": {\"nobody\": {\"quality\": 1}}}\n");
  const Result result = Evaluate("bad.jsonl");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("bad.jsonl:2: outcomes[nobody]: "));
}

}  // namespace
}  // namespace pointsman::evaluate
