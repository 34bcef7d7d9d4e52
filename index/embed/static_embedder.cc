#include "index/embed/static_embedder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/embed/safetensors.h"

namespace pointsman::embed {

using internal::kLanes;
using internal::Lanes;

namespace {

// So that no sum of rows can overflow.
constexpr float kMaxMagnitude = 1e30f;

bool IsSound(float value) { return std::abs(value) <= kMaxMagnitude; }  // false for NaN

}  // namespace

absl::StatusOr<StaticEmbedder> StaticEmbedder::Create(std::string_view tokenizer_json,
                                                      std::string_view model_safetensors) {
  auto tokenizer = WordPiece::FromJson(tokenizer_json);
  if (!tokenizer.ok()) return tokenizer.status();
  const auto matrix = ReadSafetensors(model_safetensors, "embeddings");
  if (!matrix.ok()) return matrix.status();
  if (matrix->rows < tokenizer->vocabulary_size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "model.safetensors: embeddings has ", matrix->rows,
        " rows, but the ids of tokenizer.json go up to ", tokenizer->vocabulary_size() - 1));
  }

  StaticEmbedder embedder(*std::move(tokenizer));
  embedder.rows_ = matrix->rows;
  embedder.dimension_ = matrix->columns;
  embedder.row_lanes_ = (matrix->columns + kBlock - 1) / kBlock * kBlockLanes;
  embedder.table_ = std::make_unique<Lanes[]>(embedder.rows_ * embedder.row_lanes_);
  std::vector<float> row(matrix->columns);
  for (size_t r = 0; r < matrix->rows; ++r) {
    ReadRow(*matrix, r, row);
    const auto bad = std::find_if_not(row.begin(), row.end(), IsSound);
    if (bad != row.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("model.safetensors: embeddings[", r, "][", bad - row.begin(), "] is ", *bad,
                       ", must be finite and at most ", kMaxMagnitude, " in magnitude"));
    }
    std::memcpy(&embedder.table_[r * embedder.row_lanes_], row.data(), row.size() * sizeof(float));
  }
  return embedder;
}

POINTSMAN_SIMD_CLONES
StaticEmbedder::Outcome StaticEmbedder::Embed(std::span<const uint32_t> tokens,
                                              std::span<float> mean) const {
  // The rows lie all over a table larger than the caches: ask for all of them at once, then add.
  int known = 0;
  for (const uint32_t token : tokens) {
    if (!IsKnown(token)) continue;
    ++known;
    const Lanes* row = &table_[token * row_lanes_];
    for (size_t lane = 0; lane < row_lanes_; ++lane) __builtin_prefetch(&row[lane]);
  }
  if (known == 0) {
    std::fill(mean.begin(), mean.end(), 0.0f);
    return Outcome::kEmpty;
  }
  const float scale = 1 / static_cast<float>(known);
  for (size_t block = 0; block < row_lanes_; block += kBlockLanes) {
    Lanes sum0 = {}, sum1 = {}, sum2 = {}, sum3 = {};
    for (const uint32_t token : tokens) {
      if (!IsKnown(token)) continue;
      const Lanes* row = &table_[token * row_lanes_ + block];
      sum0 += row[0];
      sum1 += row[1];
      sum2 += row[2];
      sum3 += row[3];
    }
    const Lanes block_mean[kBlockLanes] = {sum0 * scale, sum1 * scale, sum2 * scale, sum3 * scale};
    const size_t begin = block * kLanes;
    std::memcpy(&mean[begin], block_mean, std::min(kBlock, dimension_ - begin) * sizeof(float));
  }
  return Outcome::kOk;
}

}  // namespace pointsman::embed
