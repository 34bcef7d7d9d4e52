#include "index/choose/catalogue.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/stable_hash.h"
#include "index/string_view.h"

namespace pointsman::choose {
namespace {

constexpr double kTokensPerMtok = 1e6;

int Find(const absl::flat_hash_map<std::string, int>& map, std::string_view name) {
  const auto it = map.find(ToAbsl(name));
  return it == map.end() ? -1 : it->second;
}

}  // namespace

double ModelTraits::CostUsd(double input, double cached, double output) const {
  cached = std::clamp(cached, 0.0, input);
  return (input - cached) * input_usd_per_token +
         (cached > 0 ? cached * cached_input_usd_per_token : 0) + output * output_usd_per_token;
}

double ModelTraits::LatencyMs(double output) const {
  return time_to_first_token_ms + output / output_tokens_per_ms;
}

bool ModelTraits::HasTag(std::string_view tag) const {
  return std::binary_search(tags.begin(), tags.end(), tag);
}

absl::StatusOr<Catalogue> Catalogue::Compile(const v1::Catalogue& source) {
  Catalogue catalogue;
  if (source.models_size() == 0 || source.models_size() > kMaxModels) {
    return absl::InvalidArgumentError(
        absl::StrCat("models: ", source.models_size(), " given, 1 to ", kMaxModels, " allowed"));
  }
  for (const v1::Capability& capability : source.capabilities()) {
    if (!catalogue.capability_index_
             .emplace(capability.id(), static_cast<int>(catalogue.capability_ids_.size()))
             .second) {
      return absl::InvalidArgumentError(
          absl::StrCat("capabilities: duplicate id `", capability.id(), "`"));
    }
    catalogue.capability_ids_.push_back(capability.id());
  }
  for (const v1::Model& model : source.models()) {
    ModelTraits traits;
    traits.id = model.id();
    if (model.has_input_usd_per_mtok()) {
      traits.input_usd_per_token = model.input_usd_per_mtok() / kTokensPerMtok;
    }
    traits.cached_input_usd_per_token = model.has_cached_input_usd_per_mtok()
                                            ? model.cached_input_usd_per_mtok() / kTokensPerMtok
                                            : traits.input_usd_per_token;
    if (model.has_output_usd_per_mtok()) {
      traits.output_usd_per_token = model.output_usd_per_mtok() / kTokensPerMtok;
    }
    if (model.has_context_window_tokens()) {
      traits.context_window_tokens = static_cast<double>(model.context_window_tokens());
    }
    if (model.has_max_output_tokens()) {
      traits.max_output_tokens = static_cast<double>(model.max_output_tokens());
    }
    if (model.has_output_tokens_per_second()) {
      traits.output_tokens_per_ms = model.output_tokens_per_second() / 1000;
    }
    if (model.has_time_to_first_token_ms()) {
      traits.time_to_first_token_ms = model.time_to_first_token_ms();
    }
    traits.tags.assign(model.tags().begin(), model.tags().end());
    std::sort(traits.tags.begin(), traits.tags.end());
    for (const std::string& feature : model.features()) {
      const auto [it, added] = catalogue.feature_index_.emplace(
          feature, static_cast<int>(catalogue.feature_names_.size()));
      if (added) {
        if (catalogue.feature_names_.size() == kMaxFeatures) {
          return absl::InvalidArgumentError(
              absl::StrCat("models: more than ", kMaxFeatures, " different features"));
        }
        catalogue.feature_names_.push_back(feature);
      }
      traits.features.set(static_cast<size_t>(it->second));
    }
    traits.tie_hash = StableHash(traits.id);
    if (!catalogue.model_index_.emplace(traits.id, catalogue.size()).second) {
      return absl::InvalidArgumentError(absl::StrCat("models: duplicate id `", traits.id, "`"));
    }
    catalogue.models_.push_back(std::move(traits));
  }
  return catalogue;
}

int Catalogue::FindModel(std::string_view id) const { return Find(model_index_, id); }
int Catalogue::FindFeature(std::string_view name) const { return Find(feature_index_, name); }
int Catalogue::FindCapability(std::string_view id) const { return Find(capability_index_, id); }

std::vector<std::string_view> Catalogue::model_ids() const {
  std::vector<std::string_view> ids;
  for (const ModelTraits& model : models_) ids.push_back(model.id);
  return ids;
}

}  // namespace pointsman::choose
