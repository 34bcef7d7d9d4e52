#include "server/decision_log/rotated_files.h"

#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/decision_log/samples.h"

namespace pointsman::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RotatedFilesTest : public testing::Test {
 protected:
  void Touch(const std::string& name) { WriteFile(directory_ / name, "{}\n"); }
  TemporaryDirectory directory_;
  std::string log_ = directory_ / "decisions.jsonl";
};

TEST_F(RotatedFilesTest, AreFoundOldestFirstAndOthersAreNot) {
  Touch("decisions.jsonl");
  Touch("decisions.jsonl.20261124T143000.123Z");
  Touch("decisions.jsonl.20251124T143000.123Z.gz");
  Touch("decisions.jsonl.bak");
  Touch("decisions.jsonl.20261124T143000.123Z.tmp");
  Touch("decisions.jsonl.20261324T143000.123Z");
  Touch("other.jsonl.20261124T143000.123Z");
  EXPECT_THAT(RotatedFiles(log_),
              ElementsAre(log_ + ".20251124T143000.123Z.gz", log_ + ".20261124T143000.123Z"));
}

TEST_F(RotatedFilesTest, ADirectoryThatIsNotThereHasNone) {
  EXPECT_THAT(RotatedFiles(directory_ / "none/decisions.jsonl"), IsEmpty());
}

TEST_F(RotatedFilesTest, ANameTellsTheTime) {
  EXPECT_EQ(NextRotatedName("d.jsonl", {}, 1795530600123), "d.jsonl.20261124T143000.123Z");
}

TEST_F(RotatedFilesTest, ANewNameSortsLastAlsoWhenTheClockJumpedBack) {
  EXPECT_EQ(NextRotatedName("d.jsonl", {"d.jsonl.20261124T143000.999Z"}, 0),
            "d.jsonl.20261124T143001.000Z");
  EXPECT_EQ(NextRotatedName("d.jsonl", {"d.jsonl.20261124T143000.123Z.gz"}, 1795530600123),
            "d.jsonl.20261124T143000.124Z");
}

TEST_F(RotatedFilesTest, TheOldestAreRemoved) {
  Touch("decisions.jsonl");
  Touch("decisions.jsonl.20261124T143000.001Z");
  Touch("decisions.jsonl.20261124T143000.002Z");
  Touch("decisions.jsonl.20261124T143000.003Z");
  EXPECT_TRUE(RemoveOldest(log_, 2).ok());
  EXPECT_THAT(RotatedFiles(log_),
              ElementsAre(log_ + ".20261124T143000.002Z", log_ + ".20261124T143000.003Z"));
  EXPECT_TRUE(std::filesystem::exists(log_));
}

}  // namespace
}  // namespace pointsman::server
