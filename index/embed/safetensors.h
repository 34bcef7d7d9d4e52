#ifndef POINTSMAN_INDEX_EMBED_SAFETENSORS_H_
#define POINTSMAN_INDEX_EMBED_SAFETENSORS_H_

// Reads the one matrix of a static embedding model from a safetensors file
// (https://github.com/huggingface/safetensors, "Format"). Trusts nothing in the file.

#include <cstddef>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

namespace pointsman::embed {

// A matrix of floating point numbers inside the bytes of a file, row by row, little-endian.
struct MatrixView {
  enum class Type { kFloat32, kFloat16 };

  Type type;
  size_t rows;
  size_t columns;
  std::string_view data;  // exactly rows * columns values, not necessarily aligned
};

// Finds the tensor `name` in `file`, which must hold that tensor and no other. InvalidArgument,
// naming what is wrong, unless it is F32 or F16, has two dimensions, neither of them zero, and its
// data fill the file to the end. The view points into `file`.
absl::StatusOr<MatrixView> ReadSafetensors(std::string_view file, std::string_view name);

// Writes row `row` of `matrix` to `out`, of `columns` floats. Exact for both types.
void ReadRow(const MatrixView& matrix, size_t row, std::span<float> out);

}  // namespace pointsman::embed

#endif  // POINTSMAN_INDEX_EMBED_SAFETENSORS_H_
