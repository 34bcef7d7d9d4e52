#include "tests/server/reload/scripted_https_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "gtest/gtest.h"

namespace pointsman::server {

// A key, a certificate signed with it, and a context of both.
class ScriptedHttpsServer::Tls {
 public:
  Tls() {
    key_ = EVP_EC_gen("P-256");
    certificate_ = X509_new();
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* name = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate_, name);
    X509_EXTENSION* address =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate_, address, -1);
    X509_EXTENSION_free(address);
    EXPECT_NE(X509_sign(certificate_, key_, EVP_sha256()), 0);
    context_ = SSL_CTX_new(TLS_server_method());
    EXPECT_EQ(SSL_CTX_use_certificate(context_, certificate_), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context_, key_), 1);
  }
  ~Tls() {
    SSL_CTX_free(context_);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  SSL_CTX* context() const { return context_; }
  std::string Pem() const {
    BIO* memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, certificate_);
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    std::string pem(data, static_cast<size_t>(size));
    BIO_free(memory);
    return pem;
  }

 private:
  EVP_PKEY* key_;
  X509* certificate_;
  SSL_CTX* context_;
};

ScriptedHttpsServer::ScriptedHttpsServer(bool tls, Handler handler)
    : handler_(std::move(handler)), tls_(tls ? std::make_unique<Tls>() : nullptr) {
  std::signal(SIGPIPE, SIG_IGN);  // a client may go away while it is answered
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(listener_, 16), 0);
  EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

ScriptedHttpsServer::~ScriptedHttpsServer() {
  stopping_ = true;
  thread_.join();
  close(listener_);
}

std::string ScriptedHttpsServer::Url(const std::string& path) const {
  return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_) + path;
}

std::string ScriptedHttpsServer::certificate() const { return tls_->Pem(); }

void ScriptedHttpsServer::Run() {
  while (!stopping_) {
    pollfd source{listener_, POLLIN, 0};
    if (poll(&source, 1, 10) != 1) continue;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    Serve(connection);
    close(connection);
  }
}

void ScriptedHttpsServer::Serve(int connection) {
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(tls_ ? SSL_new(tls_->context()) : nullptr,
                                                 SSL_free);
  if (ssl != nullptr) {
    SSL_set_fd(ssl.get(), connection);
    if (SSL_accept(ssl.get()) != 1) return;
  }
  std::string request;
  char block[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ssl != nullptr ? SSL_read(ssl.get(), block, sizeof block)
                                       : read(connection, block, sizeof block);
    if (got <= 0) return;
    request.append(block, static_cast<size_t>(got));
  }
  const ScriptedAnswer answer = handler_(request);
  ++requests_;
  if (answer.hang) {
    pollfd source{connection, POLLIN, 0};  // until the client goes
    while (!stopping_ && poll(&source, 1, 10) == 0) {
    }
    return;
  }
  std::string bytes = "HTTP/1.1 " + std::to_string(answer.status) + " x\r\nConnection: close\r\n";
  if (!answer.without_length && answer.status != 304) {
    bytes +=
        "Content-Length: " + std::to_string(answer.body.size() + answer.missing_bytes) + "\r\n";
  }
  bytes += answer.headers + "\r\n" + answer.body;
  for (size_t sent = 0; sent < bytes.size();) {
    const size_t part = std::min<size_t>(bytes.size() - sent, 1 << 16);
    const ssize_t wrote = ssl != nullptr
                              ? SSL_write(ssl.get(), bytes.data() + sent, static_cast<int>(part))
                              : write(connection, bytes.data() + sent, part);
    if (wrote <= 0) return;
    sent += static_cast<size_t>(wrote);
  }
  if (ssl != nullptr) {
    SSL_shutdown(ssl.get());
  } else {
    shutdown(connection, SHUT_WR);
  }
}

}  // namespace pointsman::server
