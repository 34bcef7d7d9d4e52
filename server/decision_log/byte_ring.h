// A bounded queue of lines between many threads that make them and one that writes them. A push is
// one short lock and one copy; it never waits for the reader, and wakes it only when the ring has
// become half full: otherwise the reader looks by itself every few milliseconds.
#ifndef POINTSMAN_SERVER_DECISION_LOG_BYTE_RING_H_
#define POINTSMAN_SERVER_DECISION_LOG_BYTE_RING_H_

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

namespace pointsman::server {

// Push, Close, Poke and used_bytes may be called from any thread; the rest from the reader only,
// but for Abandon.
class ByteRing {
 public:
  enum class PushResult { kPushed, kFull, kClosed };
  // Bytes in order; the second part is empty unless they go round the end of the ring.
  using Parts = std::array<std::string_view, 2>;

  // Memory is reserved at once, but taken from the system only as far as the ring ever fills.
  explicit ByteRing(size_t capacity);

  // `line` is taken whole or not at all.
  PushResult Push(std::string_view line);

  // From now on Push returns kClosed; what is in the ring can still be read. Wakes the reader.
  void Close();
  // Wakes the reader.
  void Poke();

  // Until the ring is half full, poked or closed, or `longest` has passed. Returns true once
  // closed.
  bool Wait(std::chrono::milliseconds longest);

  // Everything that is in the ring. Stays valid until Release.
  Parts Peek() const;
  // The oldest `bytes`, which hold `lines` lines, are done with. Returns false, and forgets
  // nothing, after Abandon: the lines were counted as lost.
  bool Release(size_t bytes, uint64_t lines);

  // The reader hangs and will not be waited for: closes the ring and returns the number of lines
  // that were not released, which are lost from now on.
  uint64_t Abandon();

  size_t capacity() const { return capacity_; }
  size_t used_bytes() const { return used_for_show_.load(std::memory_order_relaxed); }

 private:
  const size_t capacity_;
  const std::unique_ptr<char[]> bytes_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  size_t head_ = 0;  // of the oldest byte
  size_t used_ = 0;
  uint64_t lines_ = 0;
  bool woken_ = false;
  bool closed_ = false;
  bool abandoned_ = false;
  std::atomic<size_t> used_for_show_{0};
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_BYTE_RING_H_
