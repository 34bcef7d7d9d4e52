// How at home a query is among the exemplars, as a conformal p-value: the share of exemplars that,
// held out, look less at home than the query does.
//
//   s = z(sum_t r_t / sqrt(n)) + z(w . u) + 0.5 z(best centred cosine)
//
// where r_t is the clipped log-ratio of a token's smoothed frequency in the exemplars and in a
// background of generic prompts, w a linear discriminant of exemplars against that background on
// uncentred unit vectors u, and z standardises over the held-out exemplars. Scores are compared
// within bins of text length. It cannot see a domain that differs only in difficulty.
#ifndef POINTSMAN_INDEX_ESTIMATE_FAMILIARITY_H_
#define POINTSMAN_INDEX_ESTIMATE_FAMILIARITY_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "pointsman/bundle/v1/calibration.pb.h"

namespace pointsman::estimate {

// Weight of the third term in the sum above.
inline constexpr double kSimilarityShare = 0.5;

// Immutable after Create, thread-safe.
class Familiarity {
 public:
  // Fails where the shapes of `model` do not fit one another.
  static absl::StatusOr<Familiarity> Create(const bundle::v1::FamiliarityModel& model);

  // p-value of a text of `tokens`, whose own uncentred unit vector is `unit`, and whose nearest
  // exemplar has the centred cosine `best_similarity`. Without tokens (only a vector was sent) the
  // first term is left out.
  double PValue(std::span<const uint32_t> tokens, std::span<const float> unit,
                float best_similarity) const;

 private:
  std::vector<float> token_scores_;
  std::vector<float> discriminant_;
  double means_[3] = {0, 0, 0};
  double deviations_[3] = {1, 1, 1};
  std::vector<int> length_bounds_;
  std::vector<std::vector<float>> bin_scores_;  // each sorted
};

// A text for fitting familiarity.
struct FamiliarityText {
  std::span<const uint32_t> tokens;
  std::span<const float> unit;  // uncentred
};

// Fits on the exemplars, held out by `fold` (0 to folds - 1), against `background`.
// `best_similarity` of each exemplar is the centred cosine of its nearest one in another fold.
bundle::v1::FamiliarityModel FitFamiliarity(std::span<const FamiliarityText> exemplars,
                                            std::span<const float> best_similarity,
                                            std::span<const int> fold, int folds,
                                            std::span<const FamiliarityText> background,
                                            size_t vocabulary_size);

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_FAMILIARITY_H_
