#include "server/config.h"

#include <set>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/string_view.h"

namespace pointsman::server {
namespace {

using ::testing::HasSubstr;

TEST(SettingsTest, EveryDefaultIsWithinItsOwnBounds) {
  for (const Setting& setting : Settings()) {
    if (const auto* member = std::get_if<int64_t Config::*>(&setting.member)) {
      EXPECT_GE(Config().**member, setting.min) << setting.name;
      EXPECT_LE(Config().**member, setting.max) << setting.name;
    }
  }
}

TEST(SettingsTest, NamesAreUniqueAndNumbersCarryTheirUnit) {
  std::set<std::string_view> names;
  for (const Setting& setting : Settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    if (std::holds_alternative<int64_t Config::*>(setting.member)) {
      const std::string unit = absl::StrReplaceAll(ToAbsl(setting.unit), {{" ", "_"}});
      EXPECT_TRUE(setting.name.ends_with(unit)) << setting.name;
    }
  }
}

TEST(SettingsTest, FlagAndVariableFollowFromTheName) {
  EXPECT_EQ(FlagName("max_batch_items"), "--max-batch-items");
  EXPECT_EQ(EnvironmentName("max_batch_items"), "POINTSMAN_MAX_BATCH_ITEMS");
}

TEST(AssignTest, ReadsWhatShowValueShows) {
  for (const Setting& setting : Settings()) {
    std::string shown = ShowValue(setting, Config());
    if (shown.front() == '"') shown = shown.substr(1, shown.size() - 2);
    Config config;
    ASSERT_TRUE(Assign(setting, shown, &config).ok()) << setting.name;
    EXPECT_EQ(ShowValue(setting, config), ShowValue(setting, Config())) << setting.name;
  }
}

TEST(AssignTest, NamesBoundAndValueOfANumberOutOfRange) {
  Config config;
  const absl::Status status = Assign(*FindSetting("max_batch_items"), "0", &config);
  EXPECT_EQ(status.message(),
            "max_batch_items: must be a whole number of items from 1 to 1000000, without a unit; "
            "is `0`");
  EXPECT_EQ(config.max_batch_items, Config().max_batch_items);
}

TEST(AssignTest, RefusesAValueWithAUnit) {
  Config config;
  const absl::Status status = Assign(*FindSetting("grace_period_ms"), "5s", &config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("whole number of ms"));
}

TEST(AssignTest, TakesOnlyTrueAndFalseForASwitch) {
  Config config;
  EXPECT_TRUE(Assign(*FindSetting("bench_noop"), "true", &config).ok());
  EXPECT_TRUE(config.bench_noop);
  EXPECT_FALSE(Assign(*FindSetting("bench_noop"), "yes", &config).ok());
}

TEST(AssignTest, TakesOnlyTheChoicesOfAText) {
  Config config;
  EXPECT_TRUE(Assign(*FindSetting("decision_log_content"), "text", &config).ok());
  EXPECT_EQ(Assign(*FindSetting("decision_log_content"), "all", &config).message(),
            "decision_log_content: must be `hash` or `text`; is `all`");
}

class CheckConfigTest : public ::testing::Test {
 protected:
  CheckConfigTest() { config_.bundle = "some/bundle"; }
  Config config_;
};

TEST_F(CheckConfigTest, AcceptsDefaultsWithABundle) { EXPECT_TRUE(CheckConfig(config_).ok()); }

TEST_F(CheckConfigTest, SaysHowToNameTheBundle) {
  const std::string message(CheckConfig(Config()).message());
  EXPECT_THAT(message, HasSubstr("--bundle"));
  EXPECT_THAT(message, HasSubstr("POINTSMAN_BUNDLE"));
}

TEST_F(CheckConfigTest, AcceptsAddressesOfEveryKind) {
  for (const char* address : {"0.0.0.0:0", "localhost:65535", "[::1]:7431"}) {
    config_.listen_address = address;
    EXPECT_TRUE(CheckConfig(config_).ok()) << address;
  }
}

TEST_F(CheckConfigTest, RefusesWhatIsNoAddress) {
  for (const char* address : {"7431", ":7431", "host", "host:", "host:65536", "host:-1", "::1:2"}) {
    config_.metrics_listen_address = address;
    EXPECT_THAT(std::string(CheckConfig(config_).message()), HasSubstr("metrics_listen_address"))
        << address;
  }
}

TEST_F(CheckConfigTest, MetricsAndAdminCanBeLeftOut) {
  config_.metrics_listen_address = "";
  config_.admin_listen_address = "";
  EXPECT_TRUE(CheckConfig(config_).ok());
}

TEST_F(CheckConfigTest, AdminIsOnLoopbackUnlessClientsShowCertificates) {
  for (const char* address : {"127.0.0.2:1", "[::1]:1", "localhost:1"}) {
    config_.admin_listen_address = address;
    EXPECT_TRUE(CheckConfig(config_).ok()) << address;
  }
  for (const char* address : {"0.0.0.0:1", "[::]:1", "10.1.2.3:1", "example.org:1"}) {
    config_.admin_listen_address = address;
    EXPECT_THAT(std::string(CheckConfig(config_).message()), HasSubstr("admin_listen_address"))
        << address;
  }
  config_.tls_certificate_file = "certificate";
  config_.tls_private_key_file = "key";
  EXPECT_FALSE(CheckConfig(config_).ok());
  config_.tls_client_ca_file = "authorities";
  EXPECT_TRUE(CheckConfig(config_).ok());
}

TEST_F(CheckConfigTest, ACertificateNeedsItsKey) {
  config_.tls_certificate_file = "certificate";
  EXPECT_THAT(std::string(CheckConfig(config_).message()),
              HasSubstr("`tls_private_key_file` is empty"));
}

TEST_F(CheckConfigTest, ClientCertificatesNeedTls) {
  config_.tls_client_ca_file = "authorities";
  EXPECT_THAT(std::string(CheckConfig(config_).message()), HasSubstr("tls_client_ca_file"));
}

TEST_F(CheckConfigTest, AnAddressToFetchFromNeedsCacheAndTrust) {
  config_.bundle_url = "https://bundles.example.org/b.tar";
  EXPECT_THAT(std::string(CheckConfig(config_).message()), HasSubstr("one place"));
  config_.bundle = "";
  EXPECT_THAT(std::string(CheckConfig(config_).message()), HasSubstr("bundle_cache_directory"));
  config_.bundle_cache_directory = "cache";
  EXPECT_THAT(std::string(CheckConfig(config_).message()), HasSubstr("trusted_keys_file"));
  config_.trusted_keys_file = "keys";
  EXPECT_TRUE(CheckConfig(config_).ok());
}

TEST_F(CheckConfigTest, RefusesATextBoundThatNoMessageCouldReach) {
  config_.max_message_bytes = 4096;
  EXPECT_THAT(std::string(CheckConfig(config_).message()), HasSubstr("max_message_bytes, 4096"));
}

}  // namespace
}  // namespace pointsman::server
