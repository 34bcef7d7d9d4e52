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
std::atomic<bool> terminate{false};
std::atomic<bool> drain{false};
static_assert(std::atomic<bool>::is_always_lock_free);
sem_t has_come;

void OnTerminate(int /*signal*/) {
  if (terminate.exchange(true)) _exit(kExitSecondSignal);
  const int error = errno;
  sem_post(&has_come);
  errno = error;
}

void OnHangUp(int /*signal*/) {
  const int error = errno;
  sem_post(&has_come);
  errno = error;
}

}  // namespace

void CatchSignals() {
  sem_init(&has_come, /*pshared=*/0, 0);
  struct sigaction action = {};
  action.sa_handler = &OnTerminate;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = &OnHangUp;
  sigaction(SIGHUP, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void RequestDrain() {
  if (!drain.exchange(true)) sem_post(&has_come);
}

ProcessEvent WaitForProcessEvent() {
  while (sem_wait(&has_come) != 0) {
    // Interrupted by another signal.
  }
  if (terminate) return ProcessEvent::kTerminate;
  return drain ? ProcessEvent::kDrainRequested : ProcessEvent::kHangUp;
}

}  // namespace pointsman::server
