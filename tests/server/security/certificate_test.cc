#include "server/security/certificate.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/security/certificates.h"

namespace pointsman::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CertificateTest : public testing::Test {
 protected:
  void WriteServer(const TestCertificate& leaf, const std::string& issuers = "") {
    WriteTestFile(files_.certificate_chain, leaf.pem() + issuers);
    WriteTestFile(files_.private_key, leaf.key_pem());
  }

  absl::StatusOr<CertificateSet> Read() { return ReadCertificateSet(files_, now_); }

  // The message of the refusal; fails where there is none.
  std::string Refusal() {
    const auto set = Read();
    EXPECT_FALSE(set.ok());
    return std::string(set.status().message());
  }

  const absl::Time now_ = absl::Now();
  const std::string directory_ = MakeTestDirectory();
  CertificateFiles files_ = {absl::StrCat(directory_, "/tls.crt"),
                             absl::StrCat(directory_, "/tls.key")};
  const TestCertificate root_ = TestCertificate::Authority("Test Root");
};

TEST_F(CertificateTest, AcceptsAnOrderlySetWithoutWarnings) {
  const TestCertificate leaf = root_.Issue({.common_name = "router"});
  WriteServer(leaf, root_.pem());
  files_.client_ca = absl::StrCat(directory_, "/ca.crt");
  WriteTestFile(files_.client_ca, root_.pem());
  const auto set = Read();
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->serial, leaf.serial());
  EXPECT_EQ(set->subject, "CN=router");
  EXPECT_EQ(set->sha256.size(), 64U);
  EXPECT_EQ(set->client_ca_pem, root_.pem());
  EXPECT_GT(set->not_after, now_ + absl::Hours(24 * 89));
  EXPECT_THAT(set->warnings, IsEmpty());
}

TEST_F(CertificateTest, AcceptsASelfSignedCertificate) {
  WriteServer(TestCertificate::SelfSigned({}));
  EXPECT_TRUE(Read().ok()) << Read().status();
}

TEST_F(CertificateTest, AcceptsAChainThroughAnIntermediate) {
  const TestCertificate middle = root_.Issue({.common_name = "Middle", .is_authority = true});
  WriteServer(middle.Issue({}), middle.pem());
  EXPECT_TRUE(Read().ok()) << Read().status();
}

TEST_F(CertificateTest, NamesAFileThatIsMissing) {
  WriteServer(root_.Issue({}));
  unlink(files_.private_key.c_str());
  const auto set = Read();
  EXPECT_EQ(set.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(set.status().message()),
              AllOf(HasSubstr(files_.private_key), HasSubstr("the private key cannot be read")));
}

TEST_F(CertificateTest, RefusesADirectoryInPlaceOfAFile) {
  WriteServer(root_.Issue({}));
  files_.certificate_chain = directory_;
  EXPECT_THAT(Refusal(), HasSubstr("must be a regular file"));
}

TEST_F(CertificateTest, RefusesAFileWithoutCertificates) {
  WriteServer(root_.Issue({}));
  WriteTestFile(files_.certificate_chain, "no certificate at all\n");
  EXPECT_THAT(Refusal(),
              AllOf(HasSubstr(files_.certificate_chain), HasSubstr("holds no certificate")));
}

TEST_F(CertificateTest, RefusesAnEmptyFile) {
  WriteServer(root_.Issue({}));
  WriteTestFile(files_.certificate_chain, "");
  EXPECT_THAT(Refusal(), HasSubstr("the certificate chain is an empty file"));
}

TEST_F(CertificateTest, RefusesAGarbledCertificateAndSaysWhichOne) {
  const TestCertificate leaf = root_.Issue({});
  std::string garbled = root_.pem();
  garbled[garbled.size() / 2] = '!';
  WriteServer(leaf, garbled);
  EXPECT_THAT(Refusal(), HasSubstr("certificate 2 of the file cannot be decoded"));
}

TEST_F(CertificateTest, RefusesACertificateThatWasCutOff) {
  const TestCertificate leaf = root_.Issue({});
  WriteServer(leaf);
  WriteTestFile(files_.certificate_chain, leaf.pem().substr(0, 300));
  EXPECT_THAT(Refusal(), HasSubstr("certificate 1 of the file cannot be decoded"));
}

TEST_F(CertificateTest, RefusesAZeroByteBehindWhichGrpcWouldSeeNothing) {
  WriteServer(root_.Issue({}), std::string("\0", 1) + root_.pem());
  EXPECT_THAT(Refusal(), HasSubstr("zero byte"));
}

TEST_F(CertificateTest, RefusesAKeyOfAnotherCertificate) {
  WriteServer(root_.Issue({}));
  WriteTestFile(files_.private_key, root_.Issue({}).key_pem());
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(files_.private_key), HasSubstr("does not belong to"),
                               HasSubstr(files_.certificate_chain)));
}

TEST_F(CertificateTest, RefusesAnEncryptedKeyWithoutAskingForThePassphrase) {
  const TestCertificate leaf = root_.Issue({});
  WriteServer(leaf);
  WriteTestFile(files_.private_key, leaf.encrypted_key_pem());
  EXPECT_THAT(Refusal(), HasSubstr("is encrypted"));
}

TEST_F(CertificateTest, RefusesAGarbledKeyWithoutShowingIt) {
  const TestCertificate leaf = root_.Issue({});
  WriteServer(leaf);
  std::string garbled = leaf.key_pem();
  const std::string secret = garbled.substr(60, 20);
  garbled[40] = '!';
  WriteTestFile(files_.private_key, garbled);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("the private key cannot be decoded"),
                               testing::Not(HasSubstr(secret))));
}

TEST_F(CertificateTest, RefusesAnExpiredCertificateAndTellsBothTimes) {
  WriteServer(root_.Issue({.not_before = absl::FromUnixSeconds(1'600'000'000),
                           .not_after = absl::FromUnixSeconds(1'700'000'000)}));
  const auto set = Read();
  EXPECT_EQ(set.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(set.status().message()),
              AllOf(HasSubstr(files_.certificate_chain),
                    HasSubstr("expired at 2023-11-14T22:13:20Z"), HasSubstr("now is 20")));
}

TEST_F(CertificateTest, RefusesACertificateThatIsNotValidYet) {
  WriteServer(root_.Issue({.not_before = now_ + absl::Hours(1)}));
  EXPECT_THAT(Refusal(), HasSubstr("is not valid before"));
}

TEST_F(CertificateTest, RefusesAnExpiredIntermediate) {
  const TestCertificate middle = root_.Issue(
      {.common_name = "Middle", .is_authority = true, .not_after = now_ - absl::Minutes(1)});
  WriteServer(middle.Issue({}), middle.pem());
  EXPECT_THAT(Refusal(), HasSubstr("certificate 2 (CN=Middle) expired at"));
}

TEST_F(CertificateTest, SaysWhenTheServersCertificateIsNotTheFirst) {
  const TestCertificate leaf = root_.Issue({});
  WriteServer(leaf);
  WriteTestFile(files_.certificate_chain, root_.pem() + leaf.pem());
  EXPECT_THAT(Refusal(), HasSubstr("must be the first of the file"));
}

TEST_F(CertificateTest, RefusesACertificateThatIsNotFollowedByItsIssuer) {
  const TestCertificate stranger = TestCertificate::Authority("Stranger");
  WriteServer(root_.Issue({}), stranger.pem());
  EXPECT_THAT(Refusal(), HasSubstr("was not issued by the next one, certificate 2 (CN=Stranger)"));
}

TEST_F(CertificateTest, RefusesAnIssuerOfTheSameNameWithAnotherKey) {
  const TestCertificate impostor = TestCertificate::Authority("Test Root");
  WriteServer(root_.Issue({}), impostor.pem());
  EXPECT_THAT(Refusal(), HasSubstr("was not issued by the next one"));
}

TEST_F(CertificateTest, RefusesACertificateForClientsOnly) {
  WriteServer(root_.Issue({.extended_key_usage = "clientAuth"}));
  EXPECT_THAT(Refusal(), HasSubstr("is not for servers"));
}

TEST_F(CertificateTest, RefusesAKeyThatOpenSslFindsTooShort) {
  WriteServer(root_.Issue({.rsa_bits = 1024}));
  EXPECT_THAT(Refusal(), HasSubstr("refused by OpenSSL: ee key too small"));
}

TEST_F(CertificateTest, RefusesClientRootsThatAreNone) {
  WriteServer(root_.Issue({}));
  files_.client_ca = absl::StrCat(directory_, "/ca.crt");
  WriteTestFile(files_.client_ca, "# to be filled in\n");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(files_.client_ca), HasSubstr("holds no certificate")));
}

TEST_F(CertificateTest, RefusesClientRootsOfWhichNoneIsValid) {
  WriteServer(root_.Issue({}));
  files_.client_ca = absl::StrCat(directory_, "/ca.crt");
  WriteTestFile(files_.client_ca, root_.Issue({}).pem());
  EXPECT_THAT(Refusal(), HasSubstr("is not a certificate authority"));
}

TEST_F(CertificateTest, WarnsOfAnExpiredRootBesideAValidOne) {
  WriteServer(root_.Issue({}));
  files_.client_ca = absl::StrCat(directory_, "/ca.crt");
  const TestCertificate old = TestCertificate::SelfSigned(
      {.common_name = "Old", .is_authority = true, .not_after = now_ - absl::Hours(1)});
  WriteTestFile(files_.client_ca, old.pem() + root_.pem());
  const auto set = Read();
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->warnings, ElementsAre(HasSubstr("certificate 1 (CN=Old) expired at")));
}

TEST_F(CertificateTest, WarnsOfAPrivateKeyThatOthersCanRead) {
  const TestCertificate leaf = root_.Issue({});
  WriteServer(leaf);
  WriteTestFile(files_.private_key, leaf.key_pem(), 0644);
  const auto set = Read();
  ASSERT_TRUE(set.ok());
  EXPECT_THAT(set->warnings, ElementsAre(HasSubstr("can be read by everybody (mode 0644)")));
}

TEST_F(CertificateTest, WarnsOfAPrivateKeyThatItsGroupCanRead) {
  const TestCertificate leaf = root_.Issue({});
  WriteServer(leaf);
  WriteTestFile(files_.private_key, leaf.key_pem(), 0640);
  const auto set = Read();
  ASSERT_TRUE(set.ok());
  EXPECT_THAT(set->warnings, ElementsAre(HasSubstr("can be read by its group (mode 0640)")));
}

TEST_F(CertificateTest, WarnsAWeekBeforeExpiry) {
  WriteServer(root_.Issue({.not_after = now_ + absl::Hours(6 * 24)}));
  const auto set = Read();
  ASSERT_TRUE(set.ok());
  EXPECT_THAT(set->warnings, ElementsAre(HasSubstr("expires at")));
}

}  // namespace
}  // namespace pointsman::server
