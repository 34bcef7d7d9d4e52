#include "server/transport/connection_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

// A connected socket, or -1.
int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// The other side has closed: nothing comes any more.
bool ReadsEnd(int fd) {
  pollfd readable = {.fd = fd, .events = POLLIN, .revents = 0};
  if (poll(&readable, 1, 10'000) != 1) return false;
  char byte = 0;
  return read(fd, &byte, 1) <= 0;
}

// Takes connections as gRPC would, and keeps them.
struct Server {
  explicit Server(int64_t max_connections = 100) {
    listener = *ConnectionListener::Bind(
        {.name = "listen_address", .address = "127.0.0.1:0", .max_connections = max_connections});
    listener->Serve([this](int /*listener_fd*/, int fd) {
      const std::lock_guard lock(mutex);
      fds.push_back(fd);
    });
  }
  ~Server() {
    listener.reset();
    for (const int fd : fds) close(fd);
  }
  size_t taken() {
    const std::lock_guard lock(mutex);
    return fds.size();
  }

  std::mutex mutex;
  std::vector<int> fds;
  std::unique_ptr<ConnectionListener> listener;
};

TEST(ConnectionListener, HandsOverConnectionsAndCountsThem) {
  Server server;
  const int first = Connect(server.listener->port());
  const int second = Connect(server.listener->port());
  EXPECT_TRUE(Eventually([&] { return server.taken() == 2; }));
  EXPECT_EQ(server.listener->counts().open, 2);
  EXPECT_EQ(server.listener->counts().accepted, 2);
  close(first);
  EXPECT_TRUE(Eventually([&] { return server.listener->counts().open == 1; }));
  close(second);
  EXPECT_TRUE(Eventually([&] { return server.listener->counts().open == 0; }));
}

TEST(ConnectionListener, NoticesWhenTheOwnerShutsAConnectionDown) {
  Server server;
  const int client = Connect(server.listener->port());
  ASSERT_TRUE(Eventually([&] { return server.taken() == 1; }));
  // As gRPC does before it closes.
  shutdown(server.fds[0], SHUT_RDWR);
  EXPECT_TRUE(ReadsEnd(client));
  EXPECT_TRUE(Eventually([&] { return server.listener->counts().open == 0; }));
  close(client);
}

TEST(ConnectionListener, ClosesAtOnceWhatIsBeyondTheLimit) {
  Server server(/*max_connections=*/2);
  std::vector<int> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(Connect(server.listener->port()));
  EXPECT_TRUE(Eventually([&] { return server.listener->counts().refused_limit == 3; }));
  EXPECT_EQ(server.taken(), 2U);
  EXPECT_TRUE(ReadsEnd(clients[4]));
  // Room that becomes free is used again.
  close(clients[0]);
  ASSERT_TRUE(Eventually([&] { return server.listener->counts().open == 1; }));
  clients[0] = Connect(server.listener->port());
  EXPECT_TRUE(Eventually([&] { return server.taken() == 3; }));
  for (const int client : clients) close(client);
}

TEST(ConnectionListener, RefusesAndLivesOnWhenFilesRunOut) {
  Server server;
  const int port = server.listener->port();
  std::vector<int> clients = {Connect(port)};
  ASSERT_TRUE(Eventually([&] { return server.taken() == 1; }));
  // Clients first, since they need files of the same process.
  std::vector<int> sockets;
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  const int probe = dup(0);
  close(probe);
  for (int i = 0; i < 3; ++i) sockets.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(probe + 3);
  setrlimit(RLIMIT_NOFILE, &low);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  for (const int fd : sockets) {
    connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  const bool refused = Eventually([&] { return server.listener->counts().refused_files == 3; });
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(refused);
  clients.push_back(Connect(port));
  EXPECT_TRUE(Eventually([&] { return server.taken() == 2; }));
  for (const int fd : sockets) close(fd);
  for (const int fd : clients) close(fd);
}

TEST(ConnectionListener, RefusesNewConnectionsAfterStopAcceptingAndKeepsTheOld) {
  Server server;
  const int client = Connect(server.listener->port());
  ASSERT_TRUE(Eventually([&] { return server.taken() == 1; }));
  server.listener->StopAccepting();
  EXPECT_LT(Connect(server.listener->port()), 0);
  ASSERT_EQ(write(server.fds[0], "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(read(client, &byte, 1), 1);
  close(client);
}

TEST(ConnectionListener, EndsConnectionsAfterWhatWasSent) {
  Server server;
  const int client = Connect(server.listener->port());
  ASSERT_TRUE(Eventually([&] { return server.taken() == 1; }));
  ASSERT_EQ(write(server.fds[0], "x", 1), 1);
  server.listener->EndConnections();
  char byte = 0;
  EXPECT_EQ(read(client, &byte, 1), 1);
  EXPECT_TRUE(ReadsEnd(client));
  close(client);
}

TEST(ConnectionListener, NamesSettingAndAddressWhenThePortIsInUse) {
  Server server;
  const std::string address = absl::StrCat("127.0.0.1:", server.listener->port());
  const auto second = ConnectionListener::Bind(
      {.name = "admin_listen_address", .address = address, .max_connections = 1});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(
      std::string(second.status().message()),
      AllOf(HasSubstr("admin_listen_address: cannot listen on " + address), HasSubstr("in use")));
}

TEST(ConnectionListener, NamesAHostThatDoesNotExist) {
  const auto listener = ConnectionListener::Bind(
      {.name = "listen_address", .address = "nowhere.invalid:0", .max_connections = 1});
  ASSERT_FALSE(listener.ok());
  EXPECT_THAT(std::string(listener.status().message()), HasSubstr("nowhere.invalid:0"));
}

TEST(ConnectionListener, ListensOnIpv6) {
  const auto listener = ConnectionListener::Bind(
      {.name = "listen_address", .address = "[::1]:0", .max_connections = 1});
  if (!listener.ok()) GTEST_SKIP() << "no IPv6 here: " << listener.status().message();
  EXPECT_GT((*listener)->port(), 0);
}

}  // namespace
}  // namespace pointsman::server
