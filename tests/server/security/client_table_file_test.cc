#include "server/security/client_table_file.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/security/certificates.h"

namespace pointsman::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);  // 2027-01-15T08:00:00Z

// printf %s key-1 | sha256sum
constexpr char kKey1[] = "be2974546978e3739e6d6da85c4be9f334ce32df2b9fd4b6ff1b55c0d57e9d44";

std::string Hex(std::string_view key) {
  std::string hex;
  for (const unsigned char byte : DigestOfKey(key)) absl::StrAppendFormat(&hex, "%02x", byte);
  return hex;
}

std::string Problems(const std::string& text) {
  const auto reading = ParseClients(text, "clients.yaml", kNow);
  EXPECT_FALSE(reading.ok()) << text;
  return std::string(reading.status().message());
}

std::string EntryText(const std::string& name, const std::string& known_by) {
  return absl::StrCat("  - name: ", name, "\n    ", known_by, "\n    scopes: [route]\n");
}

TEST(ClientTableFileTest, ReadsKeysAndCertificates) {
  const auto reading =
      ParseClients(absl::StrCat("clients:\n"
                                "  - name: checkout\n"
                                "    key_sha256: ",
                                Hex("key-1"),
                                "\n"
                                "    scopes: [route, batch]\n"
                                "    expires: 2027-01-31T00:00:00Z\n"
                                "  - name: mesh\n"
                                "    certificate: spiffe://mesh/ns/shop/sa/checkout\n"
                                "    scopes:\n"
                                "      - admin\n"),
                   "clients.yaml", kNow);
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_THAT(reading->warnings, IsEmpty());
  ASSERT_EQ(reading->table.size(), 2U);
  const ClientEntry& first = reading->table.entries()[0];
  EXPECT_EQ(first.identity.name.view(), "checkout");
  EXPECT_EQ(first.identity.scopes.ToString(), "route, batch");
  EXPECT_EQ(first.expires, absl::FromUnixSeconds(1'801'353'600));
  const std::string_view key = "key-1";
  EXPECT_TRUE(std::holds_alternative<Identity>(reading->table.Authenticate({{}, key, {}}, kNow)));
  const ClientEntry& second = reading->table.entries()[1];
  EXPECT_EQ(std::get<std::string>(second.known_by), "spiffe://mesh/ns/shop/sa/checkout");
  EXPECT_EQ(second.expires, absl::InfiniteFuture());
}

TEST(ClientTableFileTest, TheDocumentedCommandGivesTheDigestThatIsLookedUp) {
  EXPECT_EQ(Hex("key-1"), kKey1);
}

TEST(ClientTableFileTest, AnEmptyListMeansThatNobodyMayCall) {
  const auto reading = ParseClients("clients: []\n", "clients.yaml", kNow);
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->table.size(), 0U);
}

TEST(ClientTableFileTest, AFileWithoutClientsIsAnError) {
  for (const char* text : {"", "# nothing yet\n", "{}", "clients:\n", "[]"}) {
    EXPECT_THAT(Problems(text), AllOf(HasSubstr("clients.yaml:1"), HasSubstr("nobody may call")));
  }
}

TEST(ClientTableFileTest, ClientsOfOneNameShareOneFairShare) {
  const auto reading =
      ParseClients(absl::StrCat("clients:\n", EntryText("a", "key_sha256: " + Hex("1")),
                                EntryText("a", "key_sha256: " + Hex("2")),
                                EntryText("b", "key_sha256: " + Hex("3"))),
                   "clients.yaml", kNow);
  ASSERT_TRUE(reading.ok()) << reading.status();
  const auto hash = [&](size_t i) { return reading->table.entries()[i].identity.fair_share_hash; };
  EXPECT_EQ(hash(0), hash(1));
  EXPECT_NE(hash(0), hash(2));
}

TEST(ClientTableFileTest, AnUnknownFieldNamesTheNearestKnownOne) {
  EXPECT_THAT(Problems(absl::StrCat("clients:\n  - name: a\n    key_sha265: ", Hex("1"),
                                    "\n    scopes: [route]\n")),
              AllOf(HasSubstr("clients.yaml:3: clients[0]: unknown field `key_sha265`"),
                    HasSubstr("did you mean `key_sha256`?")));
}

TEST(ClientTableFileTest, AnUnknownFieldAtTheTopIsAnError) {
  EXPECT_THAT(Problems("client: []\n"),
              HasSubstr("clients.yaml:1: unknown field `client`; did you mean `clients`?"));
}

TEST(ClientTableFileTest, AnUnknownScopeNamesTheNearestKnownOne) {
  EXPECT_THAT(Problems(absl::StrCat("clients:\n  - name: a\n    key_sha256: ", Hex("1"),
                                    "\n    scopes: [rout]\n")),
              HasSubstr("clients.yaml:4: clients[0].scopes: unknown scope `rout`; did you mean "
                        "`route`? Known: route, batch, admin"));
}

TEST(ClientTableFileTest, ScopesMustBeAListThatIsNotEmptyAndHasNoneTwice) {
  const std::string start = absl::StrCat("clients:\n  - name: a\n    key_sha256: ", Hex("1"), "\n");
  EXPECT_THAT(Problems(start), HasSubstr("clients[0].scopes: is missing"));
  EXPECT_THAT(Problems(start + "    scopes: []\n"), HasSubstr("must be a list of at least one of"));
  EXPECT_THAT(Problems(start + "    scopes: route\n"), HasSubstr("must be a list"));
  EXPECT_THAT(Problems(start + "    scopes: [route, route]\n"),
              HasSubstr("`route` is given twice"));
}

TEST(ClientTableFileTest, ANameOutOfItsBoundIsAnError) {
  for (const std::string& name :
       {std::string("Checkout"), std::string("a b"), std::string(65, 'a'), std::string("\"\"")}) {
    EXPECT_THAT(Problems("clients:\n" + EntryText(name, "key_sha256: " + Hex("1"))),
                HasSubstr("clients.yaml:2: clients[0].name: must be"));
  }
}

TEST(ClientTableFileTest, AKeyInPlaceOfItsDigestIsNotShown) {
  EXPECT_THAT(Problems("clients:\n" + EntryText("a", "key_sha256: my-secret-key")),
              AllOf(HasSubstr("clients.yaml:3: clients[0].key_sha256: must be the SHA-256"),
                    Not(HasSubstr("my-secret-key"))));
}

TEST(ClientTableFileTest, TheDigestOfAnEmptyKeyIsAnError) {
  EXPECT_THAT(Problems("clients:\n" + EntryText("a", "key_sha256: " + Hex(""))),
              HasSubstr("SHA-256 of an empty key"));
}

TEST(ClientTableFileTest, AnEntryHasAKeyOrACertificateAndNotBoth) {
  EXPECT_THAT(Problems("clients:\n  - {name: a, scopes: [route]}\n"),
              HasSubstr("exactly one of key_sha256 and certificate, has none"));
  EXPECT_THAT(Problems(absl::StrCat("clients:\n  - {name: a, scopes: [route], certificate: x, "
                                    "key_sha256: ",
                                    Hex("1"), "}\n")),
              HasSubstr("exactly one of key_sha256 and certificate, has both"));
}

TEST(ClientTableFileTest, AKeyGivenTwiceNamesBothLines) {
  EXPECT_THAT(Problems(absl::StrCat("clients:\n", EntryText("a", "key_sha256: " + Hex("1")),
                                    EntryText("b", "key_sha256: " + Hex("1")))),
              HasSubstr("clients.yaml:6: clients[1].key_sha256: the same was given on line 3"));
}

TEST(ClientTableFileTest, ACertificateGivenTwiceNamesBothLines) {
  EXPECT_THAT(Problems(absl::StrCat("clients:\n", EntryText("a", "certificate: x.example"),
                                    EntryText("b", "certificate: x.example"))),
              HasSubstr("clients.yaml:6: clients[1].certificate: the same was given on line 3"));
}

TEST(ClientTableFileTest, AFieldGivenTwiceIsAnError) {
  EXPECT_THAT(Problems("clients:\n  - name: a\n    name: b\n"),
              HasSubstr("clients.yaml:3: clients[0].name: given twice"));
}

TEST(ClientTableFileTest, AnExpiryIsATimeOfRfc3339) {
  for (const char* time : {"tomorrow", "2027-01-31", "infinite-future", "2027-13-01T00:00:00Z"}) {
    EXPECT_THAT(Problems(absl::StrCat("clients:\n", EntryText("a", "certificate: x"),
                                      "    expires: ", time, "\n")),
                HasSubstr("clients.yaml:5: clients[0].expires: must be a time in RFC 3339"));
  }
}

TEST(ClientTableFileTest, WarnsOfEntriesThatHaveExpired) {
  const auto reading = ParseClients(absl::StrCat("clients:\n", EntryText("a", "certificate: x"),
                                                 "    expires: 2027-01-15T09:00:00+01:00\n"),
                                    "clients.yaml", kNow);
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_THAT(
      reading->warnings,
      ElementsAre("clients.yaml:2: the entry of client `a` expired at 2027-01-15T08:00:00Z"));
}

TEST(ClientTableFileTest, WhatIsNotYamlNamesItsLine) {
  EXPECT_THAT(Problems("clients:\n  - name: [\n"),
              AllOf(HasSubstr("clients.yaml:"), HasSubstr("not YAML")));
}

TEST(ClientTableFileTest, DeepNestingIsAnErrorAndNotACrash) {
  EXPECT_THAT(Problems("clients: " + std::string(100'000, '[')), HasSubstr("not YAML"));
}

TEST(ClientTableFileTest, AtMostTwentyProblemsAreTold) {
  std::string text = "clients:\n";
  for (int i = 0; i < 100; ++i) text += "  - name: NOT ALLOWED\n";
  const std::string problems = Problems(text);
  EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 20);
}

TEST(ClientTableFileTest, TenThousandEntriesAreReadAndOneMoreIsTooMany) {
  std::string text = "clients:\n";
  for (int i = 0; i < 10'000; ++i) {
    absl::StrAppend(&text, "  - {name: a, certificate: c", i, ", scopes: [route]}\n");
  }
  const auto reading = ParseClients(text, "clients.yaml", kNow);
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->table.size(), 10'000U);
  text += "  - {name: a, certificate: more, scopes: [route]}\n";
  EXPECT_THAT(Problems(text), HasSubstr("must have at most 10000 entries, has 10001"));
}

TEST(ClientTableFileTest, WarnsOfAFileThatEverybodyCanRead) {
  const std::string path = MakeTestDirectory() + "/clients.yaml";
  WriteTestFile(path, "clients: []\n", 0644);
  auto reading = ReadClientsFile(path, kNow);
  ASSERT_TRUE(reading.ok());
  EXPECT_THAT(reading->warnings, ElementsAre(HasSubstr("can be read by everybody (mode 0644)")));
  WriteTestFile(path, "clients: []\n", 0640);
  reading = ReadClientsFile(path, kNow);
  ASSERT_TRUE(reading.ok());
  EXPECT_THAT(reading->warnings, IsEmpty());
}

TEST(ClientTableFileTest, NamesAFileThatIsMissing) {
  const auto reading = ReadClientsFile("no/such/clients.yaml", kNow);
  EXPECT_EQ(reading.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(reading.status().message()), HasSubstr("no/such/clients.yaml"));
}

}  // namespace
}  // namespace pointsman::server
