// The two clocks: one for how long things take, one for when they happened.
#ifndef POINTSMAN_SERVER_CLOCK_H_
#define POINTSMAN_SERVER_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace pointsman::server {

inline int64_t MonotonicNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline int64_t UnixMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_CLOCK_H_
