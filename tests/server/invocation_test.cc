#include "server/invocation.h"

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/nearest_name.h"

namespace pointsman::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<Invocation> Read(std::vector<std::string_view> arguments,
                                std::vector<std::string_view> environment = {}) {
  return ReadInvocation(arguments, environment);
}

std::string ErrorOf(const absl::StatusOr<Invocation>& invocation) {
  EXPECT_EQ(invocation.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(invocation.status().message());
}

// A config file of its own for each test.
std::string ConfigFile(const std::string& text) {
  const std::string path = ::testing::TempDir() +
                           ::testing::UnitTest::GetInstance()->current_test_info()->name() +
                           ".yaml";
  std::ofstream(path) << text;
  return path;
}

std::string OriginOf(const Invocation& invocation, std::string_view setting) {
  return invocation.origins[static_cast<size_t>(FindSetting(setting) - Settings().data())];
}

TEST(InvocationTest, ServesWithDefaultsWhereNothingIsSaid) {
  const auto invocation = Read({});
  ASSERT_TRUE(invocation.ok());
  EXPECT_EQ(invocation->action, Action::kServe);
  EXPECT_EQ(invocation->config.max_batch_items, 1000);
  EXPECT_EQ(OriginOf(*invocation, "max_batch_items"), "default");
}

TEST(InvocationTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const std::string file = ConfigFile("max_batch_items: 2\ngrace_period_ms: 2\nlame_duck_ms: 2\n");
  const auto invocation = Read({"--config", file, "--max-batch-items=4"},
                               {"POINTSMAN_MAX_BATCH_ITEMS=3", "POINTSMAN_GRACE_PERIOD_MS=3"});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_EQ(invocation->config.max_batch_items, 4);
  EXPECT_EQ(invocation->config.grace_period_ms, 3);
  EXPECT_EQ(invocation->config.lame_duck_ms, 2);
  EXPECT_EQ(OriginOf(*invocation, "max_batch_items"), "--max-batch-items");
  EXPECT_EQ(OriginOf(*invocation, "grace_period_ms"), "POINTSMAN_GRACE_PERIOD_MS");
  EXPECT_EQ(OriginOf(*invocation, "lame_duck_ms"), file + ":3");
  EXPECT_EQ(OriginOf(*invocation, "port_file"), "default");
}

TEST(InvocationTest, TheConfigFileMayBeNamedByTheEnvironment) {
  const std::string variable = "POINTSMAN_CONFIG=" + ConfigFile("bundle: from-file");
  const auto invocation = Read({}, {variable});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_EQ(invocation->config.bundle, "from-file");
}

TEST(InvocationTest, FlagsTakeTheirValueAfterABlankOrAnEqualsSign) {
  const auto invocation = Read({"--bundle", "a", "--port-file=b=c", "--bench-noop"});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_EQ(invocation->config.bundle, "a");
  EXPECT_EQ(invocation->config.port_file, "b=c");
  EXPECT_TRUE(invocation->config.bench_noop);
}

TEST(InvocationTest, AnUnknownFlagNamesTheNearest) {
  EXPECT_EQ(ErrorOf(Read({"--max-batch-item=3"})),
            "unknown flag `--max-batch-item`; the nearest is --max-batch-items");
}

TEST(InvocationTest, AnUnknownKeyNamesFileLineAndTheNearest) {
  const std::string file = ConfigFile("bundle: x\nlisten_adress: 127.0.0.1:1\n");
  EXPECT_EQ(ErrorOf(Read({"--config", file})),
            file + ":2: unknown key `listen_adress`; the nearest is listen_address");
}

TEST(InvocationTest, AValueOutOfBoundsNamesItsOrigin) {
  const std::string file = ConfigFile("\nmax_batch_items: many\n");
  EXPECT_THAT(ErrorOf(Read({"--config", file})), HasSubstr(file + ":2: max_batch_items: must be"));
  EXPECT_THAT(ErrorOf(Read({}, {"POINTSMAN_MAX_BATCH_ITEMS=-1"})),
              HasSubstr("POINTSMAN_MAX_BATCH_ITEMS: max_batch_items: must be"));
  EXPECT_THAT(ErrorOf(Read({"--max-batch-items", "1e3"})),
              HasSubstr("--max-batch-items: max_batch_items: must be"));
}

TEST(InvocationTest, AFlagWithoutItsValueIsAnError) {
  EXPECT_EQ(ErrorOf(Read({"--bundle"})), "--bundle: needs a value");
}

TEST(InvocationTest, FilesThatAreNoFlatMappingAreErrorsWithALine) {
  EXPECT_THAT(ErrorOf(Read({"--config", ConfigFile("- a\n- b\n")})),
              HasSubstr(":1: must be a map"));
  EXPECT_THAT(ErrorOf(Read({"--config", ConfigFile("bundle: [a]\n")})),
              HasSubstr(":1: bundle: must be a single value"));
  EXPECT_THAT(ErrorOf(Read({"--config", ConfigFile("bundle: a\nbundle: b\n")})),
              HasSubstr(":2: bundle: given twice"));
  EXPECT_THAT(ErrorOf(Read({"--config", ConfigFile("bundle: a: b\n")})), HasSubstr("not YAML"));
}

TEST(InvocationTest, AMissingFileIsNamed) {
  const auto invocation = Read({"--config", "no/such/file.yaml"});
  EXPECT_EQ(invocation.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(invocation.status().message()), HasSubstr("no/such/file.yaml"));
}

TEST(InvocationTest, AMisspeltVariableIsWarnedOfAndSomebodyElsesIsNot) {
  const auto invocation =
      Read({}, {"POINTSMAN_BUNDEL=x", "POINTSMAN_SERVICE_HOST=10.0.0.1", "HOME=/root"});
  ASSERT_TRUE(invocation.ok());
  EXPECT_THAT(invocation->warnings, ElementsAre(HasSubstr("POINTSMAN_BUNDLE")));
  EXPECT_THAT(Read({}, {"POINTSMAN_SERVICE_PORT=7431"})->warnings, IsEmpty());
}

TEST(InvocationTest, HelpNeedsNeitherFileNorEnvironment) {
  const auto invocation = Read({"--help"}, {"POINTSMAN_CONFIG=no/such/file", "POINTSMAN_X=1"});
  ASSERT_TRUE(invocation.ok());
  EXPECT_EQ(invocation->action, Action::kHelp);
}

TEST(HelpTextTest, NamesEverySettingThatIsNotHidden) {
  const std::string help = HelpText();
  for (const Setting& setting : Settings()) {
    EXPECT_EQ(help.find(FlagName(setting.name)) == std::string::npos, setting.hidden)
        << setting.name;
  }
}

TEST(ConfigTextTest, IsAConfigFileOfTheSameSettings) {
  const auto written = Read({"--bundle=with \"quotes\" and \\", "--lame-duck-ms=7"});
  ASSERT_TRUE(written.ok());
  EXPECT_THAT(ConfigText(*written), HasSubstr("lame_duck_ms: 7  # --lame-duck-ms\n"));
  const auto read = Read({"--config", ConfigFile(ConfigText(*written))});
  ASSERT_TRUE(read.ok()) << read.status();
  for (const Setting& setting : Settings()) {
    EXPECT_EQ(ShowValue(setting, read->config), ShowValue(setting, written->config));
  }
}

TEST(EditDistanceTest, CountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("abc", "abc"), 0);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("flaw", "lawn"), 2);
}

}  // namespace
}  // namespace pointsman::server
