// A listening socket of our own, whose connections are handed to gRPC.
//
// gRPC 1.51 accepts without bound and can stop accepting only by shutting down, which cancels calls
// that were on their way. Here the number of connections is bounded, listening ends before serving
// does, and connections can be closed once nothing of theirs is in flight (adr/0003).
#ifndef POINTSMAN_SERVER_TRANSPORT_CONNECTION_LISTENER_H_
#define POINTSMAN_SERVER_TRANSPORT_CONNECTION_LISTENER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>

#include "absl/status/statusor.h"

namespace pointsman::server {

// Thread-safe.
class ConnectionListener {
 public:
  struct Options {
    std::string name;     // of the setting: errors begin with it
    std::string address;  // host:port, an IPv6 host in brackets; port 0 picks a free one
    int64_t max_connections = 5000;
  };

  // Takes ownership of `fd`, a connected non-blocking socket.
  using HandOver = std::function<void(int listener_fd, int fd)>;

  // Connections of one listener, since it was bound.
  struct Counts {
    int64_t open = 0;
    int64_t accepted = 0;
    int64_t refused_limit = 0;  // closed at once: max_connections were open
    int64_t refused_files = 0;  // closed at once: the process may open no more files
  };

  // Binds and listens; nothing is accepted before Serve. UNAVAILABLE names the address and why.
  static absl::StatusOr<std::unique_ptr<ConnectionListener>> Bind(Options options);

  ~ConnectionListener();

  int port() const { return port_; }
  Counts counts() const;

  // Accepts from now on, on a thread of its own. Once.
  void Serve(HandOver hand_over);

  // Closes the listening socket: who connects from now on is refused by the kernel. Idempotent.
  void StopAccepting();

  // Ends the sending side of every connection: peers read what was sent, then the end, and close.
  void EndConnections();

 private:
  ConnectionListener(Options options, int listen_fd, int port);

  void Run();
  void Accept();
  void RefuseOne();    // with mutex_ held
  bool Track(int fd);  // with mutex_ held; false: to be refused
  void Forget(int fd);

  const Options options_;
  const int port_;
  HandOver hand_over_;
  std::thread thread_;
  int epoll_fd_;
  int wake_fd_;
  int spare_fd_;  // given up for a moment to refuse a connection where files have run out
  std::atomic<bool> stop_{false};

  mutable std::mutex mutex_;
  int listen_fd_;                    // guarded by mutex_; -1 when closed
  std::unordered_set<int> tracked_;  // guarded by mutex_; duplicates of the sockets gRPC owns
  Counts counts_;                    // guarded by mutex_
};

// Raises the soft limit of open files to the hard one, and returns it. A connection takes two.
int64_t RaiseFileLimit();

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_TRANSPORT_CONNECTION_LISTENER_H_
