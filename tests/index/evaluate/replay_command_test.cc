// The real `pointsman-index replay`, run as a process: output, exit codes and messages.
#include <stdlib.h>
#include <sys/wait.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/index/engine/tiny_bundle.h"
#include "tests/index/evaluate/decision_records.h"

namespace pointsman::evaluate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Result {
  int exit_code;
  std::string out;
  std::string err;
};

class ReplayCommandTest : public ::testing::Test {
 protected:
  ReplayCommandTest() { EXPECT_TRUE(Build(TinySources(), directory_ / "bundle").ok()); }

  std::string Lines(size_t count) const {
    std::string lines;
    for (const v1::RouteRequest& request : VariedRequests(count)) {
      lines += ToLine(RecordOf(TinyEngine(), request, "D"));
    }
    return lines;
  }

  // Runs the command in the test's directory; `input` is a file that standard input comes from.
  Result Replay(const std::string& arguments, const std::string& input = "/dev/null") const {
    const std::string command = "cd '" + directory_.path() + "' && cat " + input +
                                " | '" POINTSMAN_INDEX_BINARY "' replay " + arguments +
                                " >out 2>err";
    const int status = system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status)) << command;
    return {WEXITSTATUS(status), directory_.Read("out"), directory_.Read("err")};
  }

  bundle::ScratchDirectory directory_;
};

TEST_F(ReplayCommandTest, TenThousandDecisionsReplayEqual) {
  directory_.Write("log.jsonl", Lines(10'000));
  const Result result = Replay("log.jsonl --bundle bundle --json result.json");
  EXPECT_EQ(result.exit_code, 0) << result.out;
  EXPECT_THAT(result.out, HasSubstr("all 10000 compared decisions are equal"));
  EXPECT_THAT(result.err, HasSubstr("replay: 100 %"));
  EXPECT_THAT(result.err, Not(HasSubstr("\x1b"))) << "no escapes unless on a terminal";
  const auto json = nlohmann::json::parse(directory_.Read("result.json"));
  EXPECT_EQ(json["passed"], true);
  EXPECT_EQ(json["compared"], 10'000);
}

TEST_F(ReplayCommandTest, StandardInputIsALogToo) {
  directory_.Write("log.jsonl", Lines(10));
  directory_.WriteGzip("log.jsonl.gz", Lines(10));
  EXPECT_EQ(Replay("- --bundle bundle", "log.jsonl").exit_code, 0);
  EXPECT_EQ(Replay("- --bundle bundle", "log.jsonl.gz").exit_code, 0);
}

TEST_F(ReplayCommandTest, DifferencesAreShownAndFail) {
  v1::DecisionRecord record = RecordOf(TinyEngine(), TextRequest("prove the lemma"), "D7");
  record.set_model("medium");
  directory_.Write("log.jsonl", Lines(2) + ToLine(record));
  Result result = Replay("log.jsonl --bundle bundle --json result.json");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("log.jsonl:3: decision D7: model: logged medium, recomputed "));
  const auto json = nlohmann::json::parse(directory_.Read("result.json"));
  EXPECT_EQ(json["differences"][0]["decision_id"], "D7");
  EXPECT_EQ(json["different"], 1);
  result = Replay("log.jsonl --bundle bundle --max-differences 0");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("(1 more differences)"));
}

TEST_F(ReplayCommandTest, ALogOfAnotherBundleFails) {
  v1::DecisionRecord record = RecordOf(TinyEngine(), TextRequest("prove the lemma"), "D7");
  record.set_bundle_digest(std::string(64, 'a'));
  directory_.Write("log.jsonl", ToLine(record));
  const Result result = Replay("log.jsonl --bundle bundle");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("not replayed: made from another bundle  1"));
}

TEST_F(ReplayCommandTest, WrongUsageIsBadInput) {
  directory_.Write("log.jsonl", Lines(1));
  for (const char* arguments :
       {"", "log.jsonl", "none.jsonl --bundle bundle", "log.jsonl --bundle nowhere",
        "bundle --bundle bundle", "log.jsonl --bundle bundle --max-differences -1"}) {
    const Result result = Replay(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_THAT(result.err, HasSubstr("pointsman-index: ")) << arguments;
  }
}

TEST_F(ReplayCommandTest, AResultThatCannotBeWrittenFails) {
  directory_.Write("log.jsonl", Lines(1));
  const Result result = Replay("log.jsonl --bundle bundle --json nowhere/result.json");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("nowhere/result.json: cannot be written"));
}

}  // namespace
}  // namespace pointsman::evaluate
