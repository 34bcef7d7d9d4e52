#ifndef POINTSMAN_INDEX_EMBED_VECTOR_MATH_H_
#define POINTSMAN_INDEX_EMBED_VECTOR_MATH_H_

// Arithmetic on embedding vectors: spans of `dimension` floats, of one length in each call.
// Results are the same to the last bit on every x86-64 processor: the order of the additions is
// fixed, and products are not fused with sums.

#include <span>

namespace pointsman::embed {

float Dot(std::span<const float> a, std::span<const float> b);

// sum += weight * vector.
void AddScaled(float weight, std::span<const float> vector, std::span<float> sum);

// Scales `vector` to unit length. Returns false, and leaves it alone, if it has no direction: its
// norm is zero or not finite.
[[nodiscard]] bool Normalise(std::span<float> vector);

// Turns the unit vector `vector` into one seen from `mean`, the mean of the exemplars: subtracts
// `mean` and normalises. Returns false if that leaves no direction; `vector` is the difference
// then.
[[nodiscard]] bool Centre(std::span<const float> mean, std::span<float> vector);

}  // namespace pointsman::embed

#endif  // POINTSMAN_INDEX_EMBED_VECTOR_MATH_H_
