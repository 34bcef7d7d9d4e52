#include "server/admission/admission.h"

#include <algorithm>

namespace pointsman::server {
namespace {

// Before the first decision nothing is known; a decision rather takes longer than shorter.
constexpr int64_t kFirstGuessNs = 200'000;
constexpr int64_t kMeanOf = 16;  // decisions that the mean looks back on, about
constexpr int64_t kMinRetryDelayNs = 10'000'000;
constexpr int64_t kMaxRetryDelayNs = 1'000'000'000;

}  // namespace

int64_t Admission::Capacity(int64_t delays) const {
  const int64_t known = mean_service_nanos();
  const int64_t mean = std::max<int64_t>(known > 0 ? known : kFirstGuessNs, 1);
  const int64_t by_delay = limits_.workers * (1 + delays * limits_.max_queue_delay_ns / mean);
  return std::min(limits_.max_in_flight, by_delay);
}

int64_t Admission::ExpectedWaitNanos() const {
  const int64_t ahead = std::max<int64_t>(in_flight() - limits_.workers, 0);
  return ahead * mean_service_nanos() / limits_.workers;
}

void Admission::RecordServiceTime(int64_t nanos) {
  const int64_t mean = mean_service_nanos();
  mean_ns_.store(mean == 0 ? nanos : mean + (nanos - mean) / kMeanOf, std::memory_order_relaxed);
}

int64_t Admission::RetryDelayNanos() const {
  return std::clamp(2 * limits_.max_queue_delay_ns, kMinRetryDelayNs, kMaxRetryDelayNs);
}

bool Admission::IsBurst(int64_t now_ns) {
  const int64_t before = beyond_limit_ns_.exchange(now_ns, std::memory_order_relaxed);
  if (now_ns - before > kCalmNanos) burst_began_ns_.store(now_ns, std::memory_order_relaxed);
  return now_ns - burst_began_ns_.load(std::memory_order_relaxed) < kBurstNanos;
}

Overload Admission::EnterCrowded(int64_t weight, int64_t in_flight, int64_t now_ns, size_t slot) {
  // Up to the capacity is divided among those who are here; a newcomer within its share is let in
  // above it, up to half as much again, while the others shrink to theirs.
  int64_t capacity = Capacity();
  if (in_flight + weight > capacity && IsBurst(now_ns)) capacity = Capacity(kBurstDelays);
  const auto own_before =
      by_client_[slot].fetch_add(static_cast<int32_t>(weight), std::memory_order_relaxed);
  if (own_before == 0) active_clients_.fetch_add(1, std::memory_order_relaxed);
  const int64_t clients = std::max<int64_t>(active_clients_.load(std::memory_order_relaxed), 1);
  const int64_t share = std::max<int64_t>(capacity / clients, 1);
  const bool within_share = own_before + weight <= share;
  const int64_t limit = within_share && clients > 1 ? capacity + capacity / 2 : capacity;
  Overload overload = Overload::kNone;
  if (in_flight + weight > std::max(limit, weight)) {
    overload = capacity == limits_.max_in_flight ? Overload::kInFlight : Overload::kQueueDelay;
  } else if (!within_share && clients > 1) {
    overload = Overload::kClientShare;
  }
  if (overload != Overload::kNone) LeaveSlot(weight, slot);
  return overload;
}

void Admission::Leave(int64_t weight, size_t slot) {
  in_flight_.fetch_sub(weight, std::memory_order_relaxed);
  if (slot != Ticket::kNoSlot) LeaveSlot(weight, slot);
}

void Admission::LeaveSlot(int64_t weight, size_t slot) {
  const auto left =
      by_client_[slot].fetch_sub(static_cast<int32_t>(weight), std::memory_order_relaxed);
  if (left == weight) active_clients_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace pointsman::server
