// Who may begin now, and who is told to come back later.
//
// A request that cannot be answered soon is refused at once, while that costs microseconds: so
// those that are accepted keep their latency, and the work done is work that somebody still waits
// for. Three limits: requests in flight, the delay that the queue would add, and, once it is
// crowded, a fair share for each client. A queue that was within its limit may grow beyond it for a
// while: a stall of the machine or a burst of callers is no overload (the idea is CoDel's, RFC
// 8289: a standing queue is bad, a passing one is what queues are for). All in atomics of fixed
// number: nothing here grows.
#ifndef POINTSMAN_SERVER_ADMISSION_ADMISSION_H_
#define POINTSMAN_SERVER_ADMISSION_ADMISSION_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace pointsman::server {

enum class Overload { kNone, kInFlight, kQueueDelay, kClientShare };
inline constexpr size_t kOverloadCount = 4;

// Thread-safe.
class Admission {
 public:
  struct Limits {
    int64_t max_in_flight = 1000;            // accepted and not yet answered
    int64_t max_queue_delay_ns = 5'000'000;  // expected wait before the work begins
    int workers = 1;                         // threads that share the work
  };

  explicit Admission(const Limits& limits) : limits_(limits) {}

  // Takes a place for a request of `weight` decisions, or says why not. `now_ns` is monotonic.
  // `client_hash` is called when it is crowded only, since a peer's address is not free to have:
  // any well-mixed hash of the client's name.
  template <typename ClientHash>
  Overload Enter(int64_t weight, int64_t now_ns, ClientHash client_hash, class Ticket* ticket);

  // Decisions accepted and not yet answered. A request that will make several weighs as many.
  int64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

  // How long a request that enters now would wait before its work begins.
  int64_t ExpectedWaitNanos() const;

  // What one decision took a worker, from beginning to answer. An exponentially weighted mean; two
  // threads may overwrite one another's update, and a mean does not mind.
  void RecordServiceTime(int64_t nanos);
  int64_t mean_service_nanos() const { return mean_ns_.load(std::memory_order_relaxed); }

  // Decisions in flight over those that the limits leave room for: 1 is full.
  double Utilisation() const {
    return static_cast<double>(in_flight()) / static_cast<double>(Capacity());
  }

  // When a client that was refused should try again.
  int64_t RetryDelayNanos() const;

 private:
  friend class Ticket;

  // Clients share a slot where their hashes collide: they are then one client.
  static constexpr size_t kSlots = 1024;
  // For so long the queue may be this many times as long as otherwise, if it was within its limit
  // for so long before.
  static constexpr int64_t kBurstNanos = 100'000'000;
  static constexpr int64_t kBurstDelays = 10;
  static constexpr int64_t kCalmNanos = 300'000'000;

  // Decisions in flight at which the queue delay reaches its limit, or `delays` times that.
  int64_t Capacity(int64_t delays = 1) const;
  bool IsCrowded(int64_t in_flight) const { return 2 * in_flight > Capacity(); }
  // Of a request that finds the queue at its limit.
  bool IsBurst(int64_t now_ns);
  Overload EnterCrowded(int64_t weight, int64_t in_flight, int64_t now_ns, size_t slot);
  void Leave(int64_t weight, size_t slot);
  void LeaveSlot(int64_t weight, size_t slot);

  const Limits limits_;
  alignas(64) std::atomic<int64_t> in_flight_{0};
  alignas(64) std::atomic<int64_t> mean_ns_{0};
  // When the queue last was beyond its limit, and when that began after it had been calm. Threads
  // may overwrite one another's, which differ by microseconds.
  std::atomic<int64_t> beyond_limit_ns_{INT64_MIN / 2};
  std::atomic<int64_t> burst_began_ns_{INT64_MIN / 2};
  std::atomic<int64_t> active_clients_{0};
  // Decisions in flight by client, of those that entered when it was crowded.
  std::array<std::atomic<int32_t>, kSlots> by_client_{};
};

// A place that is given back on destruction.
class Ticket {
 public:
  Ticket() = default;
  ~Ticket() { Return(); }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  void Return() {
    if (admission_ != nullptr) admission_->Leave(weight_, slot_);
    admission_ = nullptr;
  }

 private:
  friend class Admission;
  static constexpr size_t kNoSlot = SIZE_MAX;

  Admission* admission_ = nullptr;
  int64_t weight_ = 0;
  size_t slot_ = kNoSlot;
};

template <typename ClientHash>
Overload Admission::Enter(int64_t weight, int64_t now_ns, ClientHash client_hash, Ticket* ticket) {
  const int64_t before = in_flight_.fetch_add(weight, std::memory_order_relaxed);
  size_t slot = Ticket::kNoSlot;
  if (IsCrowded(before + weight)) {
    slot = static_cast<size_t>(client_hash()) % kSlots;
    const Overload overload = EnterCrowded(weight, before, now_ns, slot);
    if (overload != Overload::kNone) {
      in_flight_.fetch_sub(weight, std::memory_order_relaxed);
      return overload;
    }
  }
  ticket->admission_ = this;
  ticket->weight_ = weight;
  ticket->slot_ = slot;
  return Overload::kNone;
}

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_ADMISSION_ADMISSION_H_
