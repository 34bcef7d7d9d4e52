#ifndef POINTSMAN_INDEX_EMBED_STATIC_EMBEDDER_H_
#define POINTSMAN_INDEX_EMBED_STATIC_EMBEDDER_H_

// The default embedder: a text's vector is the mean of its tokens' rows in a table, as in Model2Vec
// (https://github.com/MinishLab/model2vec). Any model directory of that kind works whose tokenizer
// WordPiece accepts and whose model.safetensors holds one matrix, "embeddings".

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/embed/simd.h"
#include "index/embed/wordpiece.h"

namespace pointsman::embed {

// Immutable and thread-safe.
class StaticEmbedder {
 public:
  enum class Outcome {
    kOk,
    kEmpty,  // no token of the text is known: it has no vector
  };

  // Builds an embedder from the texts of a model's `tokenizer.json` and `model.safetensors`; both
  // are copied. InvalidArgument, naming what is wrong, for a file that is malformed or not
  // supported, a value that is not finite, or a table with too few rows for the vocabulary.
  static absl::StatusOr<StaticEmbedder> Create(std::string_view tokenizer_json,
                                               std::string_view model_safetensors);

  const WordPiece& tokenizer() const { return tokenizer_; }
  size_t dimension() const { return dimension_; }
  size_t vocabulary_size() const { return rows_; }

  // Sets `mean`, of dimension() floats, to the mean of the rows of `tokens`. Tokens that are
  // unknown, [UNK] or no row of the table, do not count; if no other is there, the outcome is
  // kEmpty and `mean` is zero. The mean is finite, not normalised, and the same to the last bit on
  // every x86-64 processor. Allocates nothing.
  Outcome Embed(std::span<const uint32_t> tokens, std::span<float> mean) const;

 private:
  // Embed sums this many floats at a time, in registers.
  static constexpr size_t kBlockLanes = 4;
  static constexpr size_t kBlock = kBlockLanes * internal::kLanes;

  explicit StaticEmbedder(WordPiece tokenizer) : tokenizer_(std::move(tokenizer)) {}

  bool IsKnown(uint32_t token) const {
    return token < rows_ && token != tokenizer_.unknown_token();
  }

  WordPiece tokenizer_;
  size_t rows_ = 0;
  size_t dimension_ = 0;
  size_t row_lanes_ = 0;  // dimension_ in Lanes, rounded up to whole blocks; the rest is zero
  std::unique_ptr<internal::Lanes[]> table_;
};

}  // namespace pointsman::embed

#endif  // POINTSMAN_INDEX_EMBED_STATIC_EMBEDDER_H_
