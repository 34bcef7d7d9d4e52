#include "tests/bench/allocation_counter.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace pointsman::bench {
namespace {

std::atomic<int64_t> allocations{0};

}  // namespace

int64_t Allocations() { return allocations.load(std::memory_order_relaxed); }

}  // namespace pointsman::bench

// The array forms of the standard library call these.
void* operator new(size_t bytes) {
  pointsman::bench::allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*bytes*/) noexcept { std::free(memory); }
