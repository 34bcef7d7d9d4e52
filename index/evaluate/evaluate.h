// Offline evaluation with the engine that serves: builds a bundle from one part of the labelled
// queries, loads it, lets the engine decide on every query of the other part, and compares what it
// said with what was measured.
//
// In: a catalogue, an embedder, labelled queries, a protocol. Out: figures for each split. The same
// inputs give the same figures.
#ifndef POINTSMAN_INDEX_EVALUATE_EVALUATE_H_
#define POINTSMAN_INDEX_EVALUATE_EVALUATE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/evaluate/figures.h"
#include "index/evaluate/inputs.h"
#include "index/evaluate/split.h"
#include "pointsman/v1/catalogue.pb.h"

namespace pointsman::evaluate {

struct SplitResult {
  int seed = 0;
  int fold = 0;
  int64_t train_queries = 0;
  SplitFigures figures;
};

struct Evaluation {
  std::vector<std::string> models;  // ids, in catalogue order
  std::optional<ModelPair> pair;
  std::vector<SplitResult> splits;
};

// Called as work goes on: "split 2 of 5: embed", how much of that is done, and of how much.
using Progress = std::function<void(std::string_view stage, int64_t done, int64_t total)>;

// The pair that "WEAK,STRONG" names; for an empty text, the cheaper and the dearer of a catalogue
// of two models, and none in a larger one.
absl::StatusOr<std::optional<ModelPair>> ParsePair(std::string_view text,
                                                   const v1::Catalogue& catalogue);

// Bundles are built below the system's directory for temporary files and removed at the end.
absl::StatusOr<Evaluation> Evaluate(const Inputs& inputs, const Protocol& protocol,
                                    std::optional<ModelPair> pair, const Progress& progress);

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_EVALUATE_H_
