#include "server/trace_context.h"

#include <string>

#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kHeader[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceId, IsTheSecondField) { EXPECT_EQ(TraceId(kHeader), kTraceId); }

TEST(TraceId, AcceptsMoreFieldsOfLaterVersionsOnly) {
  std::string later = kHeader;
  later.replace(0, 2, "01");
  EXPECT_EQ(TraceId(later), kTraceId);
  EXPECT_EQ(TraceId(later + "-what-comes-later"), kTraceId);
  EXPECT_EQ(TraceId(later + "x"), "");
  EXPECT_EQ(TraceId(std::string(kHeader) + "-more"), "");
}

TEST(TraceId, RefusesWhatTheStandardCallsInvalid) {
  EXPECT_EQ(TraceId(""), "");
  EXPECT_EQ(TraceId("00"), "");
  EXPECT_EQ(TraceId("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(TraceId("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(TraceId("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"), "");
  EXPECT_EQ(TraceId("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(TraceId("00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01"), "");
}

TEST(TraceId, AnyCharacterOutOfPlaceMakesItEmpty) {
  for (size_t i = 0; i < sizeof kHeader - 1; ++i) {
    std::string broken = kHeader;
    broken[i] = '_';
    EXPECT_EQ(TraceId(broken), "") << i;
    EXPECT_EQ(TraceId(std::string(kHeader).substr(0, i)), "") << i;
  }
}

}  // namespace
}  // namespace pointsman::server
