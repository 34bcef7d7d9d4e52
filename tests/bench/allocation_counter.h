// How often `new` was called. Linking this replaces the program's operator new and delete, in a
// file of its own, since compilers that see into them warn of the pairing.
#ifndef POINTSMAN_TESTS_BENCH_ALLOCATION_COUNTER_H_
#define POINTSMAN_TESTS_BENCH_ALLOCATION_COUNTER_H_

#include <cstdint>

namespace pointsman::bench {

// Calls in all threads since the program started.
int64_t Allocations();

}  // namespace pointsman::bench

#endif  // POINTSMAN_TESTS_BENCH_ALLOCATION_COUNTER_H_
