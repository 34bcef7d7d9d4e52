// Waiting in tests: for a condition, with a bound, never for a fixed time.
#ifndef POINTSMAN_TESTS_SERVER_RELOAD_EVENTUALLY_H_
#define POINTSMAN_TESTS_SERVER_RELOAD_EVENTUALLY_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace pointsman::server {

inline constexpr std::chrono::seconds kPatience{20};  // what a loaded machine may take

// Whether `condition` became true in time.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// Counts calls from any thread.
class CallCounter {
 public:
  void Add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  int count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  // Whether there came to be at least `least` calls in time.
  bool WaitFor(int least) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return count_ >= least; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  int count_ = 0;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_TESTS_SERVER_RELOAD_EVENTUALLY_H_
