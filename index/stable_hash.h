// A hash that is the same in every process and on every machine: for tie-breaking, exploration and
// folds. Not for security.
#ifndef POINTSMAN_INDEX_STABLE_HASH_H_
#define POINTSMAN_INDEX_STABLE_HASH_H_

#include <cstdint>
#include <string_view>

namespace pointsman {

// FNV-1a, then the finaliser of SplitMix64.
uint64_t StableHash(std::string_view bytes, uint64_t seed = 0);

}  // namespace pointsman

#endif  // POINTSMAN_INDEX_STABLE_HASH_H_
