#include "tests/server/security/test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"
#include "index/string_view.h"
#include "openssl/err.h"
#include "openssl/ssl.h"
#include "server/security/presented_credentials.h"

namespace pointsman::server {
namespace {

constexpr std::chrono::seconds kCallDeadline{20};

grpc::ByteBuffer ToBuffer(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToText(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

std::string Describe(const grpc::AuthContext& context) {
  std::string text;
  for (const grpc::string_ref& value : context.GetPeerIdentity()) {
    absl::StrAppend(&text, context.GetPeerIdentityPropertyName(), "=",
                    absl::string_view(value.data(), value.size()), " ");
  }
  text += '\n';
  for (const CertificateName& name : VerifiedCertificateNames(&context)) {
    absl::StrAppend(&text, ToAbsl(name.text), " ");
  }
  return text;
}

class TellingReactor : public grpc::ServerGenericBidiReactor {
 public:
  explicit TellingReactor(const std::string& text) : answer_(ToBuffer(text)) {
    StartRead(&request_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no request"));
    StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer request_;
  const grpc::ByteBuffer answer_;
};

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace

grpc::ServerGenericBidiReactor* TellingService::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  ++calls;
  return new TellingReactor(Describe(*context->auth_context()));
}

TestServer::TestServer(const std::shared_ptr<grpc::ServerCredentials>& credentials,
                       Entrance entrance) {
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&service_);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  if (entrance == Entrance::kListeningPort) {
    builder.AddListeningPort("127.0.0.1:0", credentials, &port_);
  } else {
    acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
    Listen();
  }
  server_ = builder.BuildAndStart();
  EXPECT_NE(server_, nullptr);
  if (acceptor_ != nullptr) accepting_ = std::thread([this] { AcceptUntilStopped(); });
}

TestServer::~TestServer() {
  if (listening_socket_ >= 0) {
    shutdown(listening_socket_, SHUT_RDWR);  // ends accept
    accepting_.join();
    close(listening_socket_);
  }
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
}

void TestServer::Listen() {
  listening_socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listening_socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
  // gRPC sets this on its own sockets only; without it each call waits some 40 ms for an
  // acknowledgement. Accepted connections inherit it.
  const int on = 1;
  ASSERT_EQ(setsockopt(listening_socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
  ASSERT_EQ(listen(listening_socket_, 128), 0);
  ASSERT_EQ(getsockname(listening_socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
}

void TestServer::AcceptUntilStopped() {
  while (true) {
    const int connection =
        accept4(listening_socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return;
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.listener_fd = listening_socket_;
    parameters.fd = connection;
    acceptor_->HandleNewConnection(&parameters);
  }
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address, const ClientTls& tls) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = tls.roots_pem;
  if (tls.identity != nullptr) {
    options.pem_cert_chain = tls.identity->pem();
    options.pem_private_key = tls.identity->key_pem();
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

Answer Call(grpc::Channel& channel) {
  // Not owned: the channel outlives the call.
  grpc::GenericStub stub(std::shared_ptr<grpc::Channel>(std::shared_ptr<void>(), &channel));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
  const grpc::ByteBuffer request = ToBuffer("hello");
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/test.Telling/Tell", grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  Answer answer;
  answer.status = done.get_future().get();
  if (!answer.status.ok()) return answer;
  const std::vector<std::string> lines = absl::StrSplit(ToText(response), '\n');
  answer.identity = lines.at(0);
  answer.names = lines.at(1);
  const auto shown = context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (!shown.empty()) {
    const auto certificates =
        ParseCertificates({shown.front().data(), shown.front().size()}, "server");
    if (certificates.ok()) answer.server_serial = SerialOf(certificates->front().get());
  }
  return answer;
}

std::optional<int> HandshakeUpTo(int version, int port) {
  const std::unique_ptr<SSL_CTX, OpenSslDeleter<SSL_CTX_free>> context(
      SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), version);
  SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");  // else OpenSSL itself refuses TLS 1.1
  const std::unique_ptr<SSL, OpenSslDeleter<SSL_free>> ssl(SSL_new(context.get()));
  const unsigned char protocols[] = "\x02h2";
  SSL_set_alpn_protos(ssl.get(), protocols, sizeof protocols - 1);
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  std::optional<int> agreed;
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    SSL_set_fd(ssl.get(), connection);
    if (SSL_connect(ssl.get()) == 1) agreed = SSL_version(ssl.get());
  }
  close(connection);
  ERR_clear_error();
  return agreed;
}

}  // namespace pointsman::server
