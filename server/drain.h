// The end of serving, in the order that loses nothing (adr/0003).
#ifndef POINTSMAN_SERVER_DRAIN_H_
#define POINTSMAN_SERVER_DRAIN_H_

#include <chrono>
#include <cstdint>

#include "server/decider.h"
#include "server/ext_proc/ext_proc_service.h"
#include "server/grpc_listener.h"

namespace pointsman::server {

struct DrainTimes {
  std::chrono::milliseconds lame_duck;     // NOT_SERVING, and everything is still answered
  std::chrono::milliseconds grace_period;  // longest wait for accepted requests after that
};

// 1. Balancers and health-checking clients see NOT_SERVING and go elsewhere; calls are answered.
// 2. The kernel refuses new connections, and calls on open ones are answered UNAVAILABLE before any
//    work: safe to retry elsewhere. What was accepted is finished and its answer written.
// 3. Connections are ended, then gRPC is shut down, with nothing left for it to cancel.
// Returns how many accepted requests were not answered within the grace period.
// `ext_proc`: null where it is not served.
int64_t Drain(GrpcListener& listener, Decider& decider, ExtProcService* ext_proc,
              const DrainTimes& times);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DRAIN_H_
