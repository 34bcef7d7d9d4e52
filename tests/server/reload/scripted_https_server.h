// A small HTTP server on loopback, with TLS or without, that answers as a test tells it and keeps
// what it was asked. One connection at a time.
#ifndef POINTSMAN_TESTS_SERVER_RELOAD_SCRIPTED_HTTPS_SERVER_H_
#define POINTSMAN_TESTS_SERVER_RELOAD_SCRIPTED_HTTPS_SERVER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pointsman::server {

struct ScriptedAnswer {
  int status = 200;
  std::string headers = {};  // further ones, each ending with CR LF
  std::string body = {};
  size_t missing_bytes = 0;     // promised in Content-Length but not sent
  bool without_length = false;  // the body ends with the connection
  bool hang = false;            // accept, and never answer
};

class ScriptedHttpsServer {
 public:
  // `request` is the head of the request as it came. Called on the server's thread.
  using Handler = std::function<ScriptedAnswer(const std::string& request)>;

  ScriptedHttpsServer(bool tls, Handler handler);
  ~ScriptedHttpsServer();
  ScriptedHttpsServer(const ScriptedHttpsServer&) = delete;
  ScriptedHttpsServer& operator=(const ScriptedHttpsServer&) = delete;

  std::string Url(const std::string& path = "/bundle.tar.gz") const;
  // PEM of the certificate that it signed itself, for 127.0.0.1.
  std::string certificate() const;
  int requests() const { return requests_; }

 private:
  class Tls;
  void Run();
  void Serve(int connection);

  const Handler handler_;
  std::unique_ptr<Tls> tls_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> requests_ = 0;
  std::thread thread_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_TESTS_SERVER_RELOAD_SCRIPTED_HTTPS_SERVER_H_
