#include "server/transport/connection_listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/string_view.h"

namespace pointsman::server {
namespace {

constexpr int kBacklog = 4096;  // the kernel cuts it to net.core.somaxconn
constexpr int kUnackedTimeoutMs = 30'000;

struct Endpoint {
  std::string host;
  std::string port;
};

// `address` is well formed: CheckConfig has seen it.
Endpoint Split(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (!host.empty() && host.front() == '[') host = host.substr(1, host.size() - 2);
  return {std::move(host), address.substr(colon + 1)};
}

absl::Status CannotListen(const ConnectionListener::Options& options, std::string_view why) {
  return absl::UnavailableError(
      absl::StrCat(options.name, ": cannot listen on ", options.address, ": ", ToAbsl(why)));
}

int BoundPort(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  const in_port_t port = address.ss_family == AF_INET6
                             ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                             : reinterpret_cast<const sockaddr_in*>(&address)->sin_port;
  return ntohs(port);
}

// A listening socket, or -1 with errno.
int Listen(const addrinfo& where) {
  const int fd =
      socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, where.ai_protocol);
  if (fd < 0) return -1;
  const int on = 1;
  // Only what TIME_WAIT holds may be reused: with SO_REUSEPORT a second server on the same port
  // would start, and take half of the calls.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, where.ai_addr, where.ai_addrlen) == 0 && listen(fd, kBacklog) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

void PrepareConnection(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  // A peer that vanished is noticed although it never answers.
  const int unacked_ms = kUnackedTimeoutMs;
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof unacked_ms);
}

int OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

void AddToEpoll(int epoll_fd, int fd, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

int64_t RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int64_t>(limit.rlim_cur);
}

absl::StatusOr<std::unique_ptr<ConnectionListener>> ConnectionListener::Bind(Options options) {
  const Endpoint endpoint = Split(options.address);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &found);
  if (failed != 0) return CannotListen(options, gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  int error = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const int fd = Listen(*each);
    if (fd >= 0) {
      return std::unique_ptr<ConnectionListener>(
          new ConnectionListener(std::move(options), fd, BoundPort(fd)));
    }
    error = errno;
  }
  return CannotListen(options, error == EADDRINUSE ? "the port is in use" : strerror(error));
}

ConnectionListener::ConnectionListener(Options options, int listen_fd, int port)
    : options_(std::move(options)),
      port_(port),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      spare_fd_(OpenSpare()),
      listen_fd_(listen_fd) {
  AddToEpoll(epoll_fd_, wake_fd_, EPOLLIN);
  AddToEpoll(epoll_fd_, listen_fd_, EPOLLIN);
}

ConnectionListener::~ConnectionListener() {
  StopAccepting();
  stop_ = true;
  eventfd_write(wake_fd_, 1);
  if (thread_.joinable()) thread_.join();
  for (const int fd : tracked_) close(fd);
  close(epoll_fd_);
  close(wake_fd_);
  if (spare_fd_ >= 0) close(spare_fd_);
}

ConnectionListener::Counts ConnectionListener::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts = counts_;
  counts.open = static_cast<int64_t>(tracked_.size());
  return counts;
}

void ConnectionListener::Serve(HandOver hand_over) {
  hand_over_ = std::move(hand_over);
  thread_ = std::thread(&ConnectionListener::Run, this);
}

void ConnectionListener::StopAccepting() {
  const std::lock_guard lock(mutex_);
  if (listen_fd_ < 0) return;
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, listen_fd_, nullptr);
  close(listen_fd_);
  listen_fd_ = -1;
}

void ConnectionListener::EndConnections() {
  const std::lock_guard lock(mutex_);
  for (const int fd : tracked_) shutdown(fd, SHUT_WR);
}

void ConnectionListener::Run() {
  std::array<epoll_event, 64> events;
  while (!stop_) {
    const int count = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == wake_fd_) continue;
      bool is_listener = false;
      {
        const std::lock_guard lock(mutex_);
        is_listener = fd == listen_fd_;
      }
      if (is_listener) {
        Accept();
      } else {
        Forget(fd);
      }
    }
  }
}

void ConnectionListener::Accept() {
  // A bounded number at a time, so that closed connections are noticed in between.
  constexpr int kAtATime = 64;
  for (int i = 0; i < kAtATime; ++i) {
    int listener = -1;
    int fd = -1;
    {
      const std::lock_guard lock(mutex_);
      listener = listen_fd_;
      if (listener < 0) return;
      fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE) RefuseOne();
        return;
      }
      if (!Track(fd)) {
        close(fd);
        continue;
      }
    }
    PrepareConnection(fd);
    hand_over_(listener, fd);
  }
}

void ConnectionListener::RefuseOne() {
  // Without this the connection would stay in the backlog and wake us for ever.
  if (spare_fd_ >= 0) close(spare_fd_);
  const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) {
    close(fd);
    ++counts_.refused_files;
  }
  spare_fd_ = OpenSpare();
}

bool ConnectionListener::Track(int fd) {
  if (static_cast<int64_t>(tracked_.size()) >= options_.max_connections) {
    ++counts_.refused_limit;
    return false;
  }
  // gRPC owns and closes `fd`; a duplicate sees the end of the same connection.
  const int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) {
    ++counts_.refused_files;
    return false;
  }
  ++counts_.accepted;
  tracked_.insert(duplicate);
  AddToEpoll(epoll_fd_, duplicate, EPOLLRDHUP | EPOLLET);
  return true;
}

void ConnectionListener::Forget(int fd) {
  const std::lock_guard lock(mutex_);
  if (tracked_.erase(fd) > 0) close(fd);
}

}  // namespace pointsman::server
