// A gRPC server for tests that answers any call with what it knows of the caller, reached through a
// listening port or through an external acceptor; and a client that makes one new connection.
#ifndef POINTSMAN_TESTS_SERVER_SECURITY_TEST_SERVER_H_
#define POINTSMAN_TESTS_SERVER_SECURITY_TEST_SERVER_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "grpcpp/channel.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/status.h"
#include "tests/server/security/certificates.h"

namespace pointsman::server {

class TellingService : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

  std::atomic<int> calls = 0;
};

enum class Entrance { kListeningPort, kExternalAcceptor };

// Listens on 127.0.0.1, on a free port. Stops in the destructor.
class TestServer {
 public:
  TestServer(const std::shared_ptr<grpc::ServerCredentials>& credentials, Entrance entrance);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  int calls() const { return service_.calls; }

 private:
  void Listen();
  void AcceptUntilStopped();

  TellingService service_;
  int port_ = 0;
  int listening_socket_ = -1;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::thread accepting_;
};

struct ClientTls {
  std::string roots_pem;
  const TestCertificate* identity = nullptr;  // null: no client certificate
};

struct Answer {
  grpc::Status status;
  std::string server_serial;  // of the certificate that the server showed
  std::string identity;       // "property=value" of each peer identity, as the server saw them
  std::string names;          // VerifiedCertificateNames, as the server saw them
};

// A channel that shares its connection with no other.
std::shared_ptr<grpc::Channel> Connect(const std::string& address, const ClientTls& tls);
Answer Call(grpc::Channel& channel);
inline Answer CallOnce(const std::string& address, const ClientTls& tls) {
  return Call(*Connect(address, tls));
}

// A handshake by OpenSSL itself, offering no version above `version`. The version agreed upon, or
// nullopt where the handshake fails.
std::optional<int> HandshakeUpTo(int version, int port);

}  // namespace pointsman::server

#endif  // POINTSMAN_TESTS_SERVER_SECURITY_TEST_SERVER_H_
