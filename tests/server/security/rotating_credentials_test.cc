#include "server/security/rotating_credentials.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/security/auth_metadata_processor.h"
#include "gtest/gtest.h"
#include "openssl/ssl.h"
#include "tests/server/security/certificates.h"
#include "tests/server/security/test_server.h"

namespace pointsman::server {
namespace {

using testing::HasSubstr;

class RotatingCredentialsTest : public testing::TestWithParam<Entrance> {
 protected:
  // Certificate first, so that for a moment the files do not belong together, as in real life.
  void WriteServer(const TestCertificate& leaf) {
    WriteTestFile(files_.certificate_chain, leaf.pem() + root_.pem());
    WriteTestFile(files_.private_key, leaf.key_pem());
  }

  void RequireClientsOf(const TestCertificate& authority) {
    files_.client_ca = absl::StrCat(directory_, "/clients.crt");
    WriteTestFile(files_.client_ca, authority.pem());
  }

  void Start() {
    auto created = RotatingCredentials::Create(files_, absl::Now());
    ASSERT_TRUE(created.ok()) << created.status();
    credentials_ = *std::move(created);
    server_ = std::make_unique<TestServer>(credentials_->ForServer(), GetParam());
  }

  Answer NewConnection(const TestCertificate* identity = nullptr) {
    return CallOnce(server_->address(), {root_.pem(), identity});
  }

  const std::string directory_ = MakeTestDirectory();
  CertificateFiles files_ = {absl::StrCat(directory_, "/tls.crt"),
                             absl::StrCat(directory_, "/tls.key")};
  const TestCertificate root_ = TestCertificate::Authority("Test Root");
  std::unique_ptr<RotatingCredentials> credentials_;  // outlives the server
  std::unique_ptr<TestServer> server_;
};

TEST_P(RotatingCredentialsTest, RefusesToStartWithFilesThatAreNotInOrder) {
  WriteServer(root_.Issue({}));
  WriteTestFile(files_.private_key, root_.Issue({}).key_pem());
  const auto created = RotatingCredentials::Create(files_, absl::Now());
  EXPECT_EQ(created.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(RotatingCredentialsTest, ShowsItsCertificateToAClientThatTrustsItsRoot) {
  const TestCertificate leaf = root_.Issue({});
  WriteServer(leaf);
  Start();
  const Answer answer = NewConnection();
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.server_serial, leaf.serial());
  EXPECT_EQ(answer.identity, "");
  EXPECT_EQ(credentials_->generation(), 1U);
}

TEST_P(RotatingCredentialsTest, AClientThatDoesNotTrustTheRootIsNotConnected) {
  WriteServer(root_.Issue({}));
  Start();
  const TestCertificate stranger = TestCertificate::Authority("Stranger");
  EXPECT_FALSE(CallOnce(server_->address(), {stranger.pem()}).status.ok());
}

TEST_P(RotatingCredentialsTest, SpeaksTls12And13AndNothingOlder) {
  WriteServer(root_.Issue({}));
  Start();
  EXPECT_EQ(HandshakeUpTo(TLS1_1_VERSION, server_->port()), std::nullopt);
  EXPECT_EQ(HandshakeUpTo(TLS1_2_VERSION, server_->port()), TLS1_2_VERSION);
  EXPECT_EQ(HandshakeUpTo(TLS1_3_VERSION, server_->port()), TLS1_3_VERSION);
}

TEST_P(RotatingCredentialsTest, AfterAReloadNewConnectionsSeeTheNewCertificate) {
  WriteServer(root_.Issue({}));
  Start();
  const TestCertificate next = root_.Issue({.not_after = absl::Now() + absl::Hours(48)});
  WriteServer(next);
  const auto outcome = credentials_->Reload(absl::Now());
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_TRUE(outcome->changed);
  EXPECT_THAT(outcome->warnings, testing::Contains(HasSubstr("expires at")));
  EXPECT_EQ(NewConnection().server_serial, next.serial());
  EXPECT_EQ(credentials_->generation(), 2U);
  EXPECT_LT(credentials_->not_after(), absl::Now() + absl::Hours(49));
}

TEST_P(RotatingCredentialsTest, RunningConnectionsOutliveAReload) {
  const TestCertificate first = root_.Issue({});
  WriteServer(first);
  Start();
  const auto channel = Connect(server_->address(), {root_.pem()});
  ASSERT_TRUE(Call(*channel).status.ok());
  WriteServer(root_.Issue({}));
  ASSERT_TRUE(credentials_->Reload(absl::Now()).ok());
  const Answer answer = Call(*channel);
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.server_serial, first.serial());
}

TEST_P(RotatingCredentialsTest, AReloadOfTheSameFilesChangesNothing) {
  WriteServer(root_.Issue({}));
  Start();
  const auto outcome = credentials_->Reload(absl::Now());
  ASSERT_TRUE(outcome.ok());
  EXPECT_FALSE(outcome->changed);
  EXPECT_EQ(credentials_->generation(), 1U);
}

TEST_P(RotatingCredentialsTest, WhateverIsWrongWithAReplacementTheOldSetStays) {
  const TestCertificate first = root_.Issue({});
  WriteServer(first);
  Start();
  const TestCertificate next = root_.Issue({});
  const TestCertificate expired = root_.Issue({.not_after = absl::Now() - absl::Seconds(1)});
  const TestCertificate future = root_.Issue({.not_before = absl::Now() + absl::Hours(1)});
  const struct {
    std::string certificate;
    std::string key;
    std::string reason;
  } replacements[] = {
      {"garbage", next.key_pem(), "holds no certificate"},
      {next.pem().substr(0, 200), next.key_pem(), "cannot be decoded"},
      {"", next.key_pem(), "is an empty file"},
      {next.pem(), "garbage", "the private key cannot be decoded"},
      {next.pem(), first.key_pem(), "does not belong to"},
      {expired.pem(), expired.key_pem(), "expired at"},
      {future.pem(), future.key_pem(), "is not valid before"},
  };
  for (const auto& replacement : replacements) {
    WriteTestFile(files_.certificate_chain, replacement.certificate);
    WriteTestFile(files_.private_key, replacement.key);
    const auto outcome = credentials_->Reload(absl::Now());
    ASSERT_FALSE(outcome.ok()) << replacement.reason;
    EXPECT_THAT(std::string(outcome.status().message()), HasSubstr(replacement.reason));
    const Answer answer = NewConnection();
    EXPECT_TRUE(answer.status.ok()) << replacement.reason << answer.status.error_message();
    EXPECT_EQ(answer.server_serial, first.serial()) << replacement.reason;
  }
  EXPECT_EQ(credentials_->generation(), 1U);
  WriteServer(next);
  ASSERT_TRUE(credentials_->Reload(absl::Now()).ok());
  EXPECT_EQ(NewConnection().server_serial, next.serial());
}

TEST_P(RotatingCredentialsTest, EveryPortSeesTheNewCertificate) {
  WriteServer(root_.Issue({}));
  Start();
  TestServer second(credentials_->ForServer(), GetParam());
  const TestCertificate next = root_.Issue({});
  WriteServer(next);
  ASSERT_TRUE(credentials_->Reload(absl::Now()).ok());
  EXPECT_EQ(NewConnection().server_serial, next.serial());
  EXPECT_EQ(CallOnce(second.address(), {root_.pem()}).server_serial, next.serial());
}

TEST_P(RotatingCredentialsTest, WithClientRootsAClientWithoutCertificateIsRefused) {
  WriteServer(root_.Issue({}));
  RequireClientsOf(root_);
  Start();
  EXPECT_FALSE(NewConnection().status.ok());
  EXPECT_EQ(server_->calls(), 0);
}

TEST_P(RotatingCredentialsTest, WithClientRootsACertificateOfAnotherRootIsRefused) {
  WriteServer(root_.Issue({}));
  RequireClientsOf(root_);
  Start();
  const TestCertificate stranger = TestCertificate::Authority("Test Root").Issue({});
  EXPECT_FALSE(NewConnection(&stranger).status.ok());
  EXPECT_EQ(server_->calls(), 0);
}

TEST_P(RotatingCredentialsTest, WithClientRootsAnExpiredClientCertificateIsRefused) {
  WriteServer(root_.Issue({}));
  RequireClientsOf(root_);
  Start();
  const TestCertificate expired = root_.Issue({.not_after = absl::Now() - absl::Seconds(1)});
  EXPECT_FALSE(NewConnection(&expired).status.ok());
  EXPECT_EQ(server_->calls(), 0);
}

TEST_P(RotatingCredentialsTest, TheNamesOfAClientCertificateReachTheCall) {
  WriteServer(root_.Issue({}));
  const TestCertificate clients = TestCertificate::Authority("Client Root");
  RequireClientsOf(clients);
  Start();
  const TestCertificate client =
      clients.Issue({.common_name = "not-a-name",
                     .alternative_names = {"DNS:shop.example", "URI:spiffe://mesh/shop",
                                           "email:shop@example.com"},
                     .extended_key_usage = "clientAuth"});
  const Answer answer = NewConnection(&client);
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_THAT(answer.identity, HasSubstr("x509_subject_alternative_name=spiffe://mesh/shop"));
  EXPECT_EQ(answer.names, "spiffe://mesh/shop shop.example shop@example.com ");
}

TEST_P(RotatingCredentialsTest, TheCommonNameCountsWhereThereAreNoAlternativeNames) {
  WriteServer(root_.Issue({}));
  RequireClientsOf(root_);
  Start();
  const TestCertificate client = root_.Issue({.common_name = "checkout", .alternative_names = {}});
  EXPECT_EQ(NewConnection(&client).names, "checkout ");
}

TEST_P(RotatingCredentialsTest, ClientRootsRotateWithTheRest) {
  WriteServer(root_.Issue({}));
  const TestCertificate old_root = TestCertificate::Authority("Old Clients");
  const TestCertificate new_root = TestCertificate::Authority("New Clients");
  const TestCertificate old_client = old_root.Issue({});
  const TestCertificate new_client = new_root.Issue({});
  RequireClientsOf(old_root);
  Start();
  EXPECT_TRUE(NewConnection(&old_client).status.ok());
  EXPECT_FALSE(NewConnection(&new_client).status.ok());
  RequireClientsOf(new_root);
  ASSERT_TRUE(credentials_->Reload(absl::Now()).ok());
  EXPECT_FALSE(NewConnection(&old_client).status.ok());
  EXPECT_TRUE(NewConnection(&new_client).status.ok());
}

TEST_P(RotatingCredentialsTest, ClientRootsThatVanishStayInService) {
  WriteServer(root_.Issue({}));
  RequireClientsOf(root_);
  Start();
  WriteTestFile(files_.client_ca, "");
  EXPECT_FALSE(credentials_->Reload(absl::Now()).ok());
  EXPECT_FALSE(NewConnection().status.ok());
}

TEST_P(RotatingCredentialsTest, TenRotationsUnderLoadFailNoHandshake) {
  WriteServer(root_.Issue({}));
  RequireClientsOf(root_);
  Start();
  const TestCertificate client = root_.Issue({});
  std::atomic<bool> stop = false;
  std::atomic<int> connections = 0;
  std::mutex mutex;
  std::set<std::string> serials;
  std::vector<std::string> failures;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        const Answer answer = NewConnection(&client);
        const std::lock_guard<std::mutex> lock(mutex);
        serials.insert(answer.server_serial);
        if (!answer.status.ok()) failures.push_back(answer.status.error_message());
        ++connections;
      }
    });
  }
  // Between two rotations: garbage that must be refused, and a dozen connections.
  const auto await_connections = [&](int more) {
    const int goal = connections + more;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (connections < goal && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_GE(connections, goal);
  };
  for (int rotation = 0; rotation < 10; ++rotation) {
    await_connections(6);
    WriteTestFile(files_.certificate_chain, "garbage");
    EXPECT_FALSE(credentials_->Reload(absl::Now()).ok());
    await_connections(6);
    WriteServer(root_.Issue({}));
    EXPECT_TRUE(credentials_->Reload(absl::Now()).ok());
  }
  await_connections(6);
  stop = true;
  for (std::thread& thread : clients) thread.join();
  EXPECT_THAT(failures, testing::IsEmpty());
  EXPECT_EQ(serials.size(), 11U);
  EXPECT_EQ(credentials_->generation(), 11U);
}

INSTANTIATE_TEST_SUITE_P(Entrances, RotatingCredentialsTest,
                         testing::Values(Entrance::kListeningPort, Entrance::kExternalAcceptor),
                         [](const testing::TestParamInfo<Entrance>& entrance) {
                           return entrance.param == Entrance::kListeningPort ? "ListeningPort"
                                                                             : "ExternalAcceptor";
                         });

class NoProcessor : public grpc::AuthMetadataProcessor {
 public:
  grpc::Status Process(const InputMetadata&, grpc::AuthContext*, OutputMetadata*,
                       OutputMetadata*) override {
    return grpc::Status::OK;
  }
};

TEST(RotatingCredentialsPortTest, APortWithAnUnsupportedMetadataProcessorDoesNotOpen) {
  const std::string directory = MakeTestDirectory();
  const CertificateFiles files = {directory + "/tls.crt", directory + "/tls.key"};
  const TestCertificate leaf = TestCertificate::SelfSigned({});
  WriteTestFile(files.certificate_chain, leaf.pem());
  WriteTestFile(files.private_key, leaf.key_pem());
  const auto credentials = RotatingCredentials::Create(files, absl::Now());
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  const auto for_server = (*credentials)->ForServer();
  for_server->SetAuthMetadataProcessor(std::make_shared<NoProcessor>());
  TellingService service;
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&service);
  int port = -1;
  builder.AddListeningPort("127.0.0.1:0", for_server, &port);
  EXPECT_EQ(builder.BuildAndStart(), nullptr);
}

}  // namespace
}  // namespace pointsman::server
