#include "index/estimate/familiarity.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace pointsman::estimate {

absl::StatusOr<Familiarity> Familiarity::Create(const bundle::v1::FamiliarityModel& model) {
  Familiarity familiarity;
  if (model.term_means_size() != 3 || model.term_deviations_size() != 3 ||
      model.bin_sizes_size() != model.length_bounds_size() + 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "familiarity: 3 terms and one bin more than bounds expected; has ", model.term_means_size(),
        " means, ", model.term_deviations_size(), " deviations, ", model.bin_sizes_size(),
        " bins, ", model.length_bounds_size(), " bounds"));
  }
  familiarity.token_scores_.assign(model.token_scores().begin(), model.token_scores().end());
  familiarity.discriminant_.assign(model.discriminant().begin(), model.discriminant().end());
  for (int i = 0; i < 3; ++i) {
    familiarity.means_[i] = model.term_means(i);
    familiarity.deviations_[i] = model.term_deviations(i);
    if (!(familiarity.deviations_[i] > 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("familiarity.term_deviations[", i, "]: must be > 0"));
    }
  }
  familiarity.length_bounds_.assign(model.length_bounds().begin(), model.length_bounds().end());
  int64_t begin = 0;
  for (const int32_t size : model.bin_sizes()) {
    if (size < 0 || begin + size > model.bin_scores_size()) {
      return absl::InvalidArgumentError(absl::StrCat("familiarity.bin_sizes: more scores than the ",
                                                     model.bin_scores_size(), " there are"));
    }
    familiarity.bin_scores_.emplace_back(model.bin_scores().begin() + begin,
                                         model.bin_scores().begin() + begin + size);
    if (!std::is_sorted(familiarity.bin_scores_.back().begin(),
                        familiarity.bin_scores_.back().end())) {
      return absl::InvalidArgumentError("familiarity.bin_scores: not sorted");
    }
    begin += size;
  }
  return familiarity;
}

double Familiarity::PValue(std::span<const uint32_t> tokens, std::span<const float> unit,
                           float best_similarity) const {
  double score =
      kSimilarityShare * (static_cast<double>(best_similarity) - means_[2]) / deviations_[2];
  float projection = 0;
  for (size_t i = 0; i < discriminant_.size(); ++i) projection += discriminant_[i] * unit[i];
  score += (static_cast<double>(projection) - means_[1]) / deviations_[1];
  if (!tokens.empty()) {
    float sum = 0;
    for (const uint32_t token : tokens) {
      if (token < token_scores_.size()) sum += token_scores_[token];
    }
    const double term = static_cast<double>(sum) / std::sqrt(static_cast<double>(tokens.size()));
    score += (term - means_[0]) / deviations_[0];
  }
  const auto bin =
      static_cast<size_t>(std::upper_bound(length_bounds_.begin(), length_bounds_.end(),
                                           static_cast<int>(tokens.size())) -
                          length_bounds_.begin());
  const std::vector<float>& scores = bin_scores_[bin];
  const auto below =
      std::upper_bound(scores.begin(), scores.end(), static_cast<float>(score)) - scores.begin();
  return (static_cast<double>(below) + 1) / (static_cast<double>(scores.size()) + 1);
}

}  // namespace pointsman::estimate
