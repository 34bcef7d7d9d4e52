#include "server/decision_log/byte_ring.h"

#include <algorithm>
#include <cstring>

namespace pointsman::server {

ByteRing::ByteRing(size_t capacity)
    : capacity_(capacity), bytes_(std::make_unique_for_overwrite<char[]>(capacity)) {}

ByteRing::PushResult ByteRing::Push(std::string_view line) {
  bool half_full = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return PushResult::kClosed;
    if (line.size() > capacity_ - used_) return PushResult::kFull;
    size_t tail = head_ + used_;
    if (tail >= capacity_) tail -= capacity_;
    const size_t before_end = std::min(line.size(), capacity_ - tail);
    std::memcpy(bytes_.get() + tail, line.data(), before_end);
    std::memcpy(bytes_.get(), line.data() + before_end, line.size() - before_end);
    const size_t half = capacity_ / 2;
    half_full = used_ < half && used_ + line.size() >= half;
    if (half_full) woken_ = true;
    used_ += line.size();
    ++lines_;
    used_for_show_.store(used_, std::memory_order_relaxed);
  }
  if (half_full) wake_.notify_one();
  return PushResult::kPushed;
}

void ByteRing::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  woken_ = true;
  wake_.notify_one();
}

void ByteRing::Poke() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_.notify_one();
}

bool ByteRing::Wait(std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, longest, [this] { return woken_ || closed_; });
  woken_ = false;
  return closed_;
}

ByteRing::Parts ByteRing::Peek() const {
  const std::lock_guard lock(mutex_);
  const size_t before_end = std::min(used_, capacity_ - head_);
  return {std::string_view(bytes_.get() + head_, before_end),
          std::string_view(bytes_.get(), used_ - before_end)};
}

bool ByteRing::Release(size_t bytes, uint64_t lines) {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return false;
  used_ -= bytes;
  lines_ -= lines;
  head_ += bytes;
  if (head_ >= capacity_) head_ -= capacity_;
  // Start over at the front when empty: so a quiet log keeps to a few pages, which stay in the
  // cache.
  if (used_ == 0) head_ = 0;
  used_for_show_.store(used_, std::memory_order_relaxed);
  return true;
}

uint64_t ByteRing::Abandon() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  abandoned_ = true;
  woken_ = true;
  wake_.notify_one();
  return lines_;
}

}  // namespace pointsman::server
