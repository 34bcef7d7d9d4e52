#include "server/log.h"

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace pointsman::server {
namespace {

TEST(LogTest, ALineIsOneJsonObjectWithItsFields) {
  const std::string line = FormatLogLine(Severity::kWarning, "two\nlines",
                                         {{"path", std::string_view("a \"b\"")}, {"count", 3}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["severity"], "WARNING");
  EXPECT_EQ(json["message"], "two\nlines");
  EXPECT_EQ(json["path"], "a \"b\"");
  EXPECT_EQ(json["count"], 3);
  EXPECT_EQ(json["time"].get<std::string>().size(), std::string("2026-01-31T12:00:00.000Z").size());
}

TEST(LogTest, BytesThatAreNotUtf8AreReplaced) {
  const auto json = nlohmann::json::parse(FormatLogLine(Severity::kInfo, "a\xFFz"));
  EXPECT_EQ(json["message"], "a\xEF\xBF\xBDz");
}

}  // namespace
}  // namespace pointsman::server
