#ifndef POINTSMAN_INDEX_EMBED_SIMD_H_
#define POINTSMAN_INDEX_EMBED_SIMD_H_

// Sixteen floats as one value. The compiler maps it to whatever registers the target of the
// function at hand has: one of AVX-512, two of AVX2, four of SSE2. No function may take or return
// one, since its calling convention depends on the target; keep it in local variables.

#include <cstddef>

// Compiles the function once per instruction set and picks one when the program is loaded, so that
// one binary runs on every x86-64 and is fast on a new one. Not under a sanitizer: the choice comes
// before its run-time library is ready.
#if defined(__has_feature)  // clang
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POINTSMAN_SIMD_CLONES
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POINTSMAN_SIMD_CLONES
#endif
#if !defined(POINTSMAN_SIMD_CLONES)
#if defined(__x86_64__)
#define POINTSMAN_SIMD_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define POINTSMAN_SIMD_CLONES
#endif
#endif

namespace pointsman::embed::internal {

inline constexpr size_t kLanes = 16;
using Lanes [[gnu::vector_size(kLanes * sizeof(float))]] = float;

}  // namespace pointsman::embed::internal

#endif  // POINTSMAN_INDEX_EMBED_SIMD_H_
