// Exemplars -> everything that is fitted on them, at build time.
//
// All by leave-one-out (or held-out folds where that has no closed form), all hyper-parameters from
// small grids by the held-out error itself. Seconds for ten thousand exemplars. The same input
// gives the same calibration.
#ifndef POINTSMAN_INDEX_ESTIMATE_FIT_H_
#define POINTSMAN_INDEX_ESTIMATE_FIT_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/bundle/v1/calibration.pb.h"
#include "pointsman/v1/catalogue.pb.h"

namespace pointsman::estimate {

// A text as the embedder sees it.
struct EmbeddedText {
  std::string_view text;         // the question
  std::vector<uint32_t> tokens;  // of the question
  std::vector<float> unit;       // uncentred unit vector
};

struct FitInput {
  const v1::Catalogue& catalogue;
  const google::protobuf::RepeatedPtrField<bundle::v1::Exemplar>& exemplars;
  std::span<const EmbeddedText> texts;       // of the exemplars, in their order; at least one
  std::span<const float> mean;               // of the exemplars' unit vectors: d
  std::span<const float> centred;            // n x d, unit vectors seen from `mean`
  std::span<const EmbeddedText> background;  // generic prompts, see background.h
  size_t vocabulary_size;
};

// Called with the name of the step and the share of it that is done.
using FitProgress = std::function<void(std::string_view step, double share)>;

// All of the calibration but `reference_cost_usd`, which needs prices.
bundle::v1::Calibration FitCalibration(const FitInput& input, const FitProgress& progress);

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_FIT_H_
