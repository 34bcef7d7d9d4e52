// The catalogue as the decision path reads it: names resolved to indices, lists to bit sets.
//
// In: a validated v1::Catalogue. Out: one immutable ModelTraits per model, in catalogue order.
// Immutable after Compile, so safe to share between threads.
#ifndef POINTSMAN_INDEX_CHOOSE_CATALOGUE_H_
#define POINTSMAN_INDEX_CHOOSE_CATALOGUE_H_

#include <bitset>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "pointsman/v1/catalogue.pb.h"

namespace pointsman::choose {

inline constexpr int kMaxModels = 256;
inline constexpr int kMaxFeatures = 128;
using ModelSet = std::bitset<kMaxModels>;
using FeatureSet = std::bitset<kMaxFeatures>;

// An absent number. Every comparison with it is false, so an unknown never satisfies a limit.
inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
inline bool IsKnown(double value) { return !std::isnan(value); }

struct ModelTraits {
  std::string id;
  double input_usd_per_token = kUnknown;
  double cached_input_usd_per_token = kUnknown;
  double output_usd_per_token = kUnknown;
  double context_window_tokens = kUnknown;
  double max_output_tokens = kUnknown;
  double output_tokens_per_ms = kUnknown;
  double time_to_first_token_ms = kUnknown;
  FeatureSet features;
  std::vector<std::string> tags;  // sorted
  uint64_t tie_hash = 0;          // last tie-breaker, from the id alone

  // Expected cost in USD of `input` prompt tokens, of which the provider has cached `cached`, and
  // `output` answer tokens; kUnknown when a price that is needed is not known.
  double CostUsd(double input, double cached, double output) const;
  // Milliseconds to the last of `output` tokens; kUnknown without a speed.
  double LatencyMs(double output) const;
  bool HasTag(std::string_view tag) const;
};

class Catalogue {
 public:
  // Fails on more models or features than fit the sets above, and on duplicate ids.
  static absl::StatusOr<Catalogue> Compile(const v1::Catalogue& source);

  int size() const { return static_cast<int>(models_.size()); }
  const ModelTraits& model(int index) const { return models_[static_cast<size_t>(index)]; }
  const std::vector<ModelTraits>& models() const { return models_; }

  // Index of a model, feature or capability; -1 if there is none of that name.
  int FindModel(std::string_view id) const;
  int FindFeature(std::string_view name) const;
  int FindCapability(std::string_view id) const;

  const std::vector<std::string>& feature_names() const { return feature_names_; }
  const std::vector<std::string>& capability_ids() const { return capability_ids_; }
  std::vector<std::string_view> model_ids() const;

 private:
  std::vector<ModelTraits> models_;
  std::vector<std::string> feature_names_;
  std::vector<std::string> capability_ids_;
  absl::flat_hash_map<std::string, int> model_index_;
  absl::flat_hash_map<std::string, int> feature_index_;
  absl::flat_hash_map<std::string, int> capability_index_;
};

}  // namespace pointsman::choose

#endif  // POINTSMAN_INDEX_CHOOSE_CATALOGUE_H_
