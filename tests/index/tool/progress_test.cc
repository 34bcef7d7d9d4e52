#include "index/tool/progress.h"

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::tool {
namespace {

TEST(Progress, ALogGetsALineAtEachQuarter) {
  std::ostringstream out;
  {
    Progress progress(&out, /*is_terminal=*/false);
    for (int64_t done = 0; done <= 1000; ++done) progress.Update("embed", done, 1000);
    progress.Update("index", 0, 1);
  }
  EXPECT_EQ(out.str(),
            "embed: 0 %\nembed: 25 %\nembed: 50 %\nembed: 75 %\nembed: 100 %\nindex: 0 %\n");
}

TEST(Progress, ATerminalGetsABarThatIsTakenAwayInTheEnd) {
  std::ostringstream out;
  {
    Progress progress(&out, /*is_terminal=*/true);
    progress.Update("embed", 1, 2);
    progress.Update("embed", 1, 2);
  }
  EXPECT_EQ(out.str(),
            "\r\x1b[K[###############               ]  50 %  embed"
            "\r\x1b[K");
}

TEST(Progress, NothingDoneLeavesNothing) {
  std::ostringstream out;
  {
    Progress progress(&out, /*is_terminal=*/true);
  }
  EXPECT_EQ(out.str(), "");
}

TEST(Progress, MoreThanAllIsAll) {
  std::ostringstream out;
  Progress progress(&out, /*is_terminal=*/false);
  progress.Update("a", 7, 5);
  progress.Update("b", 1, 0);
  EXPECT_EQ(out.str(), "a: 100 %\nb: 0 %\n");
}

}  // namespace
}  // namespace pointsman::tool
