#include "server/signals.h"

#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

namespace pointsman::server {
namespace {

// A handler reaches nothing but globals, and may only use what is safe in one: lock-free atomics,
// sem_post, _exit.
std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);
sem_t has_come;

void OnSignal(int signal) {
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, signal)) _exit(kExitSecondSignal);
  const int error = errno;
  sem_post(&has_come);
  errno = error;
}

}  // namespace

void CatchShutdownSignals() {
  sem_init(&has_come, /*pshared=*/0, 0);
  struct sigaction action = {};
  action.sa_handler = &OnSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int WaitForShutdownSignal() {
  while (sem_wait(&has_come) != 0) {
    // Interrupted by another signal.
  }
  return first_signal;
}

}  // namespace pointsman::server
