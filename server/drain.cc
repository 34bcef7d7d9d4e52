#include "server/drain.h"

#include <algorithm>
#include <thread>

namespace pointsman::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLookEvery{1};
// Clients that read their connection see its end at once; others are not waited for long.
constexpr milliseconds kConnectionsEnd{500};

}  // namespace

int64_t Drain(GrpcListener& listener, Decider& decider, ExtProcService* ext_proc,
              const DrainTimes& times) {
  listener.SetNotServing();
  std::this_thread::sleep_for(times.lame_duck);

  listener.StopAccepting();
  decider.RefuseNew();
  if (ext_proc != nullptr) ext_proc->EndIdle();
  const auto deadline = steady_clock::now() + times.grace_period;
  while (decider.in_flight() > 0 && steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kLookEvery);
  }
  const int64_t unanswered = decider.in_flight();
  listener.Shutdown(std::min(kConnectionsEnd, times.grace_period));
  return unanswered;
}

}  // namespace pointsman::server
