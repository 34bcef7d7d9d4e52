#include "server/security/client_table.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/string_view.h"

namespace pointsman::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

ClientEntry Entry(std::string_view name, std::variant<Sha256Digest, std::string> known_by,
                  std::vector<Scope> scopes = {Scope::kRoute}) {
  ClientEntry entry;
  entry.identity.name = ClientName(name);
  for (const Scope scope : scopes) entry.identity.scopes.Add(scope);
  entry.known_by = std::move(known_by);
  return entry;
}

AuthVerdict WithKey(const ClientTable& table, std::string_view key, absl::Time now = kNow) {
  return table.Authenticate({.malformed = {}, .key = key, .certificate_names = {}}, now);
}

AuthVerdict WithCertificate(const ClientTable& table, std::vector<CertificateName> names) {
  return table.Authenticate({.malformed = {}, .key = {}, .certificate_names = names}, kNow);
}

std::string NameIn(const AuthVerdict& verdict) {
  const auto* identity = std::get_if<Identity>(&verdict);
  return identity == nullptr ? "(refused)" : std::string(identity->name.view());
}

RefusalReason ReasonIn(const AuthVerdict& verdict) { return std::get<Refusal>(verdict).reason; }

TEST(ClientTableTest, KnowsAClientByItsKey) {
  const ClientTable table(
      {Entry("checkout", DigestOfKey("key-1")), Entry("search", DigestOfKey("key-2"))});
  EXPECT_EQ(NameIn(WithKey(table, "key-1")), "checkout");
  EXPECT_EQ(NameIn(WithKey(table, "key-2")), "search");
}

TEST(ClientTableTest, DigestOfAKeyIsItsSha256) {
  const Sha256Digest digest = DigestOfKey("abc");  // FIPS 180-2, appendix B.1
  EXPECT_EQ(digest[0], 0xba);
  EXPECT_EQ(digest[1], 0x78);
  EXPECT_EQ(digest[31], 0xad);
}

TEST(ClientTableTest, RefusesAnUnknownKeyWithoutRepeatingIt) {
  const ClientTable table({Entry("checkout", DigestOfKey("key-1"))});
  const AuthVerdict verdict = WithKey(table, "key-of-somebody");
  EXPECT_EQ(ReasonIn(verdict), RefusalReason::kUnknownKey);
  const absl::Status status = ToStatus(std::get<Refusal>(verdict));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("key-of-somebody")));
}

TEST(ClientTableTest, RefusesACallThatPresentsNothing) {
  const ClientTable table({Entry("checkout", DigestOfKey("key-1"))});
  EXPECT_EQ(ReasonIn(table.Authenticate({}, kNow)), RefusalReason::kNonePresented);
}

TEST(ClientTableTest, AnEmptyTableKnowsNobody) {
  EXPECT_EQ(ReasonIn(WithKey(ClientTable(), "key-1")), RefusalReason::kUnknownKey);
}

TEST(ClientTableTest, RefusesAKeyLongerThanItsBoundAndTellsItsLength) {
  const std::string longest(kMaxKeyBytes, 'k');
  const ClientTable table({Entry("long", DigestOfKey(longest))});
  EXPECT_EQ(NameIn(WithKey(table, longest)), "long");
  const AuthVerdict verdict = WithKey(table, longest + "k");
  EXPECT_EQ(ReasonIn(verdict), RefusalReason::kMalformed);
  EXPECT_THAT(std::get<Refusal>(verdict).message, AllOf(HasSubstr("512"), HasSubstr("513")));
}

TEST(ClientTableTest, AMalformedHeaderIsRefusedWhateverCertificateComesWithIt) {
  const ClientTable table({Entry("mesh", "spiffe://mesh/a")});
  const std::vector<CertificateName> names = {{CertificateName::Kind::kUri, "spiffe://mesh/a"}};
  const AuthVerdict verdict =
      table.Authenticate({.malformed = "not so", .key = {}, .certificate_names = names}, kNow);
  EXPECT_EQ(ReasonIn(verdict), RefusalReason::kMalformed);
  EXPECT_EQ(std::get<Refusal>(verdict).message, "not so");
}

TEST(ClientTableTest, AKeyThatExpiredASecondAgoIsRefusedAndTheClientIsToldWhen) {
  ClientEntry entry = Entry("checkout", DigestOfKey("key-1"));
  entry.expires = kNow - absl::Seconds(1);
  const AuthVerdict verdict = WithKey(ClientTable({entry}), "key-1");
  EXPECT_EQ(ReasonIn(verdict), RefusalReason::kExpired);
  EXPECT_EQ(std::get<Refusal>(verdict).client.view(), "checkout");
  EXPECT_THAT(
      std::get<Refusal>(verdict).message,
      AllOf(HasSubstr("the key expired at 2027-01-15T07:59:59Z"), Not(HasSubstr("checkout"))));
}

TEST(ClientTableTest, AKeyIsGoodUntilTheMomentItExpires) {
  ClientEntry entry = Entry("checkout", DigestOfKey("key-1"));
  entry.expires = kNow;
  const ClientTable table({entry});
  EXPECT_EQ(NameIn(WithKey(table, "key-1", kNow - absl::Nanoseconds(1))), "checkout");
  EXPECT_EQ(ReasonIn(WithKey(table, "key-1", kNow)), RefusalReason::kExpired);
}

TEST(ClientTableTest, TwoKeysOfOneClientAreOneClient) {
  ClientEntry old_key = Entry("checkout", DigestOfKey("old"));
  ClientEntry new_key = Entry("checkout", DigestOfKey("new"));
  old_key.identity.fair_share_hash = new_key.identity.fair_share_hash = 7;
  const ClientTable table({old_key, new_key});
  EXPECT_EQ(std::get<Identity>(WithKey(table, "old")).fair_share_hash,
            std::get<Identity>(WithKey(table, "new")).fair_share_hash);
}

TEST(ClientTableTest, KnowsAClientByAnyKindOfCertificateName) {
  const ClientTable table({Entry("uri", "spiffe://mesh/a"), Entry("dns", "shop.example"),
                           Entry("mail", "shop@example.com")});
  EXPECT_EQ(NameIn(WithCertificate(table, {{CertificateName::Kind::kUri, "spiffe://mesh/a"}})),
            "uri");
  EXPECT_EQ(NameIn(WithCertificate(table, {{CertificateName::Kind::kPlain, "shop.example"}})),
            "dns");
  EXPECT_EQ(NameIn(WithCertificate(table, {{CertificateName::Kind::kEmail, "shop@example.com"}})),
            "mail");
}

TEST(ClientTableTest, ADnsNameCannotPassForAUri) {
  const ClientTable table({Entry("uri", "spiffe://mesh/a")});
  EXPECT_EQ(ReasonIn(WithCertificate(table, {{CertificateName::Kind::kPlain, "spiffe://mesh/a"}})),
            RefusalReason::kUnknownCertificate);
}

TEST(ClientTableTest, TheFirstKnownNameOfACertificateCounts) {
  const ClientTable table({Entry("b", "b.example"), Entry("c", "c.example")});
  EXPECT_EQ(NameIn(WithCertificate(table, {{CertificateName::Kind::kPlain, "a.example"},
                                           {CertificateName::Kind::kPlain, "c.example"},
                                           {CertificateName::Kind::kPlain, "b.example"}})),
            "c");
}

TEST(ClientTableTest, AWrongKeyIsNotRescuedByAKnownCertificate) {
  const ClientTable table({Entry("mesh", "spiffe://mesh/a"), Entry("keyed", DigestOfKey("key-1"))});
  const std::vector<CertificateName> names = {{CertificateName::Kind::kUri, "spiffe://mesh/a"}};
  EXPECT_EQ(NameIn(table.Authenticate({{}, "key-1", names}, kNow)), "keyed");
  EXPECT_EQ(ReasonIn(table.Authenticate({{}, "key-2", names}, kNow)), RefusalReason::kUnknownKey);
}

TEST(ClientTableTest, AuthorizeGrantsOnlyTheScopesOfTheClient) {
  const ClientTable table(
      {Entry("checkout", DigestOfKey("key-1"), {Scope::kRoute, Scope::kBatch})});
  const auto identity = std::get<Identity>(WithKey(table, "key-1"));
  EXPECT_TRUE(Authorize(identity, Scope::kRoute).ok());
  EXPECT_TRUE(Authorize(identity, Scope::kBatch).ok());
  const absl::Status status = Authorize(identity, Scope::kAdmin);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ToStd(status.message()),
            "client `checkout` lacks the scope `admin`; its scopes: route, batch");
}

TEST(ClientTableTest, EveryReasonHasANameOfItsOwn) {
  std::vector<std::string_view> names;
  for (const RefusalReason reason : kAllRefusalReasons) names.push_back(RefusalReasonName(reason));
  EXPECT_THAT(names, testing::ElementsAre("none_presented", "malformed", "unknown_key",
                                          "unknown_certificate", "expired"));
}

TEST(ClientTableTest, FindsEachOfTenThousandKeysInTime) {
  std::vector<ClientEntry> entries;
  std::vector<std::string> keys;
  for (int i = 0; i < 10'000; ++i) {
    keys.push_back(
        absl::StrCat("0123456789abcdef0123456789abcdef0123456789abcdef0123456", 100'000'000 + i));
    entries.push_back(Entry(absl::StrCat("client-", i), DigestOfKey(keys.back())));
  }
  const ClientTable table(std::move(entries));
  const auto start = std::chrono::steady_clock::now();
  size_t wrong = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    const AuthVerdict verdict = WithKey(table, keys[i]);
    const auto* identity = std::get_if<Identity>(&verdict);
    wrong += identity == nullptr || identity->name.view() != ToStd(absl::StrCat("client-", i));
  }
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(wrong, 0U);
  std::printf("one of 10,000 keys authenticated in %.2f us (mean, name compared too)\n",
              spent.count() / static_cast<double>(keys.size()));
}

}  // namespace
}  // namespace pointsman::server
