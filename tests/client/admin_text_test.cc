// What `pointsman admin` shows to people.
#include "client/cli/admin_text.h"

#include <chrono>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::cli {
namespace {

using client::Paint;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Paint kPlain(/*colour=*/false);
constexpr std::chrono::system_clock::time_point kNow(seconds(1'800'000'000));

google::protobuf::Timestamp Ago(int64_t ago_seconds) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(1'800'000'000 - ago_seconds);
  return timestamp;
}

v1::GetStatusResponse Serving() {
  v1::GetStatusResponse status;
  status.set_state(v1::SERVER_STATE_SERVING);
  status.set_server_version("1.2.3");
  status.mutable_uptime()->set_seconds(3 * 3600 + 120);
  status.mutable_bundle()->set_digest(std::string(64, 'a'));
  status.mutable_bundle()->set_path("/srv/new");
  *status.mutable_bundle()->mutable_activated_at() = Ago(90);
  return status;
}

std::string StatusText(const v1::GetStatusResponse& status) {
  return AdminStatusText("host:7433", status, kNow, kPlain);
}

TEST(AgeText, HasTheTwoLargestUnits) {
  EXPECT_EQ(AgeText(seconds(0)), "0 s");
  EXPECT_EQ(AgeText(seconds(59)), "59 s");
  EXPECT_EQ(AgeText(seconds(60)), "1 min");
  EXPECT_EQ(AgeText(seconds(61)), "1 min 1 s");
  EXPECT_EQ(AgeText(seconds(3600 + 59)), "1 h");
  EXPECT_EQ(AgeText(seconds(7200 + 300)), "2 h 5 min");
  EXPECT_EQ(AgeText(seconds(86'400 * 400 + 3600)), "400 d 1 h");
}

TEST(AgeText, IsNotNegativeWhereClocksDiffer) { EXPECT_EQ(AgeText(seconds(-5)), "0 s"); }

TEST(AdminStatusText, ShowsStateUptimeAndTheBundleInService) {
  EXPECT_THAT(StatusText(Serving()),
              AllOf(StartsWith("serving  host:7433\n"), HasSubstr("uptime     3 h 2 min\n"),
                    HasSubstr("digest     " + std::string(64, 'a') + "\n"),
                    HasSubstr("activated  1 min 30 s ago\n"), HasSubstr("path       /srv/new\n"),
                    HasSubstr("version    not named\n"), Not(HasSubstr("previous"))));
}

TEST(AdminStatusText, ShowsABundleBeingLoadedOnlyWhereThereIsOne) {
  v1::GetStatusResponse status = Serving();
  EXPECT_THAT(StatusText(status), Not(HasSubstr("loading")));
  status.set_loading("/srv/next");
  EXPECT_THAT(StatusText(status), HasSubstr("loading    /srv/next\n"));
}

TEST(AdminStatusText, ShowsThePreviousBundleAndWhySomeAttemptsFailed) {
  v1::GetStatusResponse status = Serving();
  status.mutable_previous_bundle()->set_version("2026-q3");
  v1::ReloadAttempt* failed = status.add_reloads();
  *failed->mutable_finished_at() = Ago(5);
  failed->set_source("/srv/bad");
  failed->set_error("/srv/bad/policies.binpb: the digest differs");
  v1::ReloadAttempt* succeeded = status.add_reloads();
  *succeeded->mutable_finished_at() = Ago(90);
  succeeded->set_source("/srv/new");
  succeeded->set_digest(std::string(64, 'a'));
  const std::string text = StatusText(status);
  EXPECT_THAT(text, HasSubstr("previous bundle\n"));
  EXPECT_THAT(text, HasSubstr("version    2026-q3\n"));
  EXPECT_THAT(text, testing::ContainsRegex(
                        "5 s ago +failed +/srv/bad +/srv/bad/policies.binpb: the digest differs"));
  EXPECT_THAT(text, testing::ContainsRegex("1 min 30 s ago +succeeded +aaaaaaaaaaaa +/srv/new"));
}

TEST(AdminStatusText, SaysThatThereIsNoBundle) {
  v1::GetStatusResponse status;
  status.set_state(v1::SERVER_STATE_STARTING);
  EXPECT_THAT(StatusText(status),
              AllOf(StartsWith("starting"), HasSubstr("no bundle in service\n")));
}

TEST(AdminStatusText, KnowsThatNewerServersMayHaveOtherStates) {
  v1::GetStatusResponse status;
  status.set_state(static_cast<v1::ServerState>(99));
  EXPECT_THAT(StatusText(status), StartsWith("in an unknown state"));
}

TEST(AdminStatusText, LetsNoControlCharactersThrough) {
  v1::GetStatusResponse status = Serving();
  status.mutable_bundle()->set_version("1\x1b[31m\n2");
  status.mutable_bundle()->set_path("/srv/\r");
  status.add_reloads()->set_error("a\nb\x1b]0;title\x07");
  EXPECT_THAT(StatusText(status),
              AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\r")), Not(HasSubstr("a\nb"))));
}

TEST(ActivationText, OfADryRunCountsGoldenAndSampledDecisionsApart) {
  v1::ActivateBundleResponse response;
  response.set_decisions_compared(300);
  response.set_decisions_changed(7);
  response.set_golden_compared(38);
  response.set_golden_changed(2);
  v1::DecisionChange* golden = response.add_changes();
  golden->set_golden_id("proof");
  golden->set_model_before("large");
  golden->set_model_after("medium");
  v1::DecisionChange* sampled = response.add_changes();
  sampled->set_model_before("tiny");
  sampled->set_error_after("policy: unknown");
  const std::string text = ActivationText(response, kPlain);
  EXPECT_THAT(text, AllOf(StartsWith("verified, not activated\n"),
                          HasSubstr("golden     2 of 38 decisions would change\n"),
                          HasSubstr("sampled    5 of 262 decisions would change\n"),
                          EndsWith("  and 5 more\n")));
  EXPECT_THAT(text, testing::ContainsRegex("golden proof +large +medium"));
  EXPECT_THAT(text, testing::ContainsRegex("sampled +tiny +none +policy: unknown"));
}

TEST(ActivationText, OfAnActivationHasNoComparison) {
  v1::ActivateBundleResponse response;
  response.set_activated(true);
  response.mutable_bundle()->set_signed_by("release");
  EXPECT_THAT(ActivationText(response, kPlain),
              AllOf(StartsWith("in service\n"), HasSubstr("signed by  release\n"),
                    Not(HasSubstr("would change"))));
}

TEST(DrainText, TellsHowManyRequestsAreInFlight) {
  v1::DrainResponse response;
  response.set_requests_in_flight(3);
  EXPECT_EQ(DrainText("host:7433", response, kPlain),
            "draining  host:7433\n  in flight  3 requests\n");
}

}  // namespace
}  // namespace pointsman::cli
