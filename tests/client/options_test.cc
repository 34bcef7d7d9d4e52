// What may be asked of a connection, and TLS over a real socket.
#include "pointsman/client/options.h"

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pointsman/client/client.h"
#include "tests/client/scripted_router.h"
#include "tests/client/test_certificate.h"

namespace pointsman::client {
namespace {

using namespace std::chrono_literals;
using testing::Certificate;
using ::testing::HasSubstr;
using testing::MakeCertificate;
using testing::ScriptedRouter;

std::string Problem(const ConnectOptions& options) {
  return std::string(Validate(options).message());
}

TEST(Validate, TheDefaultsHold) { EXPECT_EQ(Problem({}), ""); }

TEST(Validate, SaysWhatIsOutOfBounds) {
  EXPECT_THAT(Problem({.target = ""}), HasSubstr("target"));
  EXPECT_THAT(Problem({.deadline = 0ms}), HasSubstr("must be > 0 ms; it is 0 ms"));
  EXPECT_THAT(Problem({.retry = {.max_attempts = 6}}), HasSubstr("1 to 5; it is 6"));
  EXPECT_THAT(Problem({.retry = {.initial_backoff = 50ms, .max_backoff = 20ms}}),
              HasSubstr("initial_backoff <= max_backoff"));
  EXPECT_THAT(Problem({.tls = TlsOptions{.certificate_chain_pem = "x"}}),
              HasSubstr("given together"));
}

TEST(Validate, AKeyLeavesThisHostOnlyUnderTls) {
  ConnectOptions options{.target = "router.example:7431", .api_key = "k"};
  EXPECT_THAT(Problem(options), HasSubstr("in plaintext"));
  options.allow_api_key_without_tls = true;
  EXPECT_EQ(Problem(options), "");
  EXPECT_EQ(Problem({.target = "router.example:7431", .tls = TlsOptions(), .api_key = "k"}), "");
}

TEST(Validate, ThisHostIsToldByItsAddress) {
  for (const char* target :
       {"localhost:7431", "127.0.0.1:7431", "127.9.9.9:7431", "[::1]:7431", "unix:/run/pointsman",
        "dns:///localhost:7431", "dns:LOCALHOST:7431", "dns://192.0.2.1/localhost:7431",
        "ipv4:127.0.0.1:1,127.0.0.2:1", "ipv6:[::1]:7431"}) {
    EXPECT_EQ(Problem({.target = target, .api_key = "k"}), "") << target;
  }
  for (const char* target : {"127.0.0.1.example:7431", "localhost.example:7431", "[::2]:7431",
                             "127.example:7431", "dns:///127.0.0.1.example:7431", "dns:",
                             "ipv4:127.0.0.1:1,192.0.2.1:1", "dns://localhost/router.example"}) {
    EXPECT_THAT(Problem({.target = target, .api_key = "k"}), HasSubstr("in plaintext")) << target;
  }
}

TEST(ServiceConfig, RetriesUnavailableOnly) {
  EXPECT_EQ(ServiceConfigJson({.balance_by_health = false}),
            R"({"methodConfig":[{"name":[{"service":"pointsman.v1.RouterService"}],)"
            R"("retryPolicy":{"maxAttempts":4,"initialBackoff":"0.050s","maxBackoff":"1.000s",)"
            R"("backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE"]}}]})");
}

TEST(ServiceConfig, OneAttemptIsNoRetry) {
  EXPECT_THAT(ServiceConfigJson({.retry = {.max_attempts = 1}}),
              ::testing::Not(HasSubstr("retryPolicy")));
}

TEST(ReadTlsFiles, NamesTheFileThatIsMissing) {
  const auto tls = ReadTlsFiles("", "no/such/certificate.pem", "");
  EXPECT_EQ(tls.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(tls.status().message()), HasSubstr("no/such/certificate.pem"));
}

TEST(ReadTlsFiles, ReadsWhatIsNamed) {
  const std::string path = ::testing::TempDir() + "/roots.pem";
  std::ofstream(path) << "roots";
  const auto tls = ReadTlsFiles(path, "", "");
  ASSERT_TRUE(tls.ok()) << tls.status();
  EXPECT_EQ(tls->root_certificates_pem, "roots");
  EXPECT_EQ(tls->private_key_pem, "");
}

class TlsTest : public ::testing::Test {
 protected:
  absl::Status Route(const TlsOptions& tls) {
    const auto client =
        Client::Create({.target = router_.address(), .tls = tls, .retry = {.max_attempts = 1}});
    v1::RouteRequest request;
    request.set_text("hello");
    return (*client)->Route(request).status();
  }

  static std::shared_ptr<grpc::ServerCredentials> MutualTls(const Certificate& server,
                                                            const Certificate& client) {
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = client.certificate_pem;
    options.pem_key_cert_pairs = {{server.private_key_pem, server.certificate_pem}};
    return grpc::SslServerCredentials(options);
  }

  const Certificate server_ = MakeCertificate("router.test");
  const Certificate client_ = MakeCertificate("client.test");
  ScriptedRouter router_{MutualTls(server_, client_)};
};

TEST_F(TlsTest, MutualTlsWithANamedServer) {
  const absl::Status status = Route({.root_certificates_pem = server_.certificate_pem,
                                     .certificate_chain_pem = client_.certificate_pem,
                                     .private_key_pem = client_.private_key_pem,
                                     .server_name = "router.test"});
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(TlsTest, AnotherNameThanTheCertificatesIsRefused) {
  EXPECT_EQ(Route({.root_certificates_pem = server_.certificate_pem,
                   .certificate_chain_pem = client_.certificate_pem,
                   .private_key_pem = client_.private_key_pem,
                   .server_name = "other.test"})
                .code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(router_.calls(), 0);
}

TEST_F(TlsTest, WithoutAClientCertificateTheServerRefuses) {
  EXPECT_FALSE(
      Route({.root_certificates_pem = server_.certificate_pem, .server_name = "router.test"}).ok());
  EXPECT_EQ(router_.calls(), 0);
}

}  // namespace
}  // namespace pointsman::client
