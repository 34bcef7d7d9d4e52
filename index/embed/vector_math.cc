#include "index/embed/vector_math.h"

#include <cmath>
#include <cstddef>
#include <cstring>

#include "index/embed/simd.h"

namespace pointsman::embed {

using internal::kLanes;
using internal::Lanes;

POINTSMAN_SIMD_CLONES
float Dot(std::span<const float> a, std::span<const float> b) {
  Lanes sums = {};
  size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes) {
    Lanes left, right;
    std::memcpy(&left, &a[i], sizeof left);
    std::memcpy(&right, &b[i], sizeof right);
    sums += left * right;
  }
  float dot = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) dot += sums[lane];
  for (; i < a.size(); ++i) dot += a[i] * b[i];
  return dot;
}

POINTSMAN_SIMD_CLONES
void AddScaled(float weight, std::span<const float> vector, std::span<float> sum) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += weight * vector[i];
}

bool Normalise(std::span<float> vector) {
  const float norm = std::sqrt(Dot(vector, vector));
  if (!(norm > 0) || !std::isfinite(norm)) return false;
  const float scale = 1 / norm;
  for (float& x : vector) x *= scale;
  return true;
}

bool Centre(std::span<const float> mean, std::span<float> vector) {
  for (size_t i = 0; i < vector.size(); ++i) vector[i] -= mean[i];
  return Normalise(vector);
}

}  // namespace pointsman::embed
