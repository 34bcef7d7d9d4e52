#include "absl/strings/str_cat.h"
#include "index/bundle/checks.h"
#include "index/bundle/validate.h"

namespace pointsman::bundle {
namespace {

constexpr int kMostModels = 256;
constexpr int kMostCapabilities = 1024;
constexpr size_t kMostFeatures = 128;  // different ones in a catalogue
constexpr size_t kLongestDisplayName = 200;

void ValidateModel(const pointsman::v1::Model& model, const NameSet& capabilities, const Path& path,
                   Reporter* reporter) {
  CheckName(model.id(), kModelId, path.Field("id"), reporter);
  CheckCharacters(model.display_name(), kLongestDisplayName, path.Field("display_name"), reporter);
  const auto check = [&](const char* field, bool present, double value, const Range& range) {
    if (present) CheckNumber(value, range, path.Field(field), reporter);
  };
  check("input_usd_per_mtok", model.has_input_usd_per_mtok(), model.input_usd_per_mtok(),
        kNotNegative);
  check("output_usd_per_mtok", model.has_output_usd_per_mtok(), model.output_usd_per_mtok(),
        kNotNegative);
  check("cached_input_usd_per_mtok", model.has_cached_input_usd_per_mtok(),
        model.cached_input_usd_per_mtok(), kNotNegative);
  check("context_window_tokens", model.has_context_window_tokens(),
        static_cast<double>(model.context_window_tokens()), kPositive);
  check("max_output_tokens", model.has_max_output_tokens(),
        static_cast<double>(model.max_output_tokens()), kPositive);
  check("output_tokens_per_second", model.has_output_tokens_per_second(),
        model.output_tokens_per_second(), kPositive);
  check("time_to_first_token_ms", model.has_time_to_first_token_ms(),
        model.time_to_first_token_ms(), kNotNegative);
  check("verbosity", model.has_verbosity(), model.verbosity(), Range{0.05, 50});
  check("default_skill", model.has_default_skill(), model.default_skill(), kShare);
  for (int i = 0; i < model.features_size(); ++i) {
    CheckName(model.features(i), kFeatureName, path.Field("features", i), reporter);
  }
  for (int i = 0; i < model.tags_size(); ++i) {
    CheckName(model.tags(i), kTagName, path.Field("tags", i), reporter);
  }
  for (const auto& [capability, skill] : model.skills()) {
    const Path skill_path = path.Field("skills", capability);
    CheckKnown("capability", capability, capabilities, skill_path, reporter);
    CheckNumber(skill, kShare, skill_path, reporter);
  }
}

}  // namespace

void ValidateCatalogue(const pointsman::v1::Catalogue& catalogue, Reporter* reporter) {
  const Path root;
  if (catalogue.models_size() < 1 || catalogue.models_size() > kMostModels) {
    reporter->Report(root.Field("models"),
                     absl::StrCat("must be 1 to ", kMostModels, ", are ", catalogue.models_size()));
    return;
  }
  if (catalogue.capabilities_size() > kMostCapabilities) {
    reporter->Report(root.Field("capabilities"),
                     absl::StrCat("must be at most ", kMostCapabilities, ", are ",
                                  catalogue.capabilities_size()));
    return;
  }
  if (catalogue.has_skill_slope()) {
    CheckNumber(catalogue.skill_slope(), Range{0.5, 50}, root.Field("skill_slope"), reporter);
  }
  const Vocabulary vocabulary = Vocabulary::Of(catalogue, {});
  if (vocabulary.features.size() > kMostFeatures) {
    reporter->Report(root.Field("models"),
                     absl::StrCat("must have at most ", kMostFeatures, " different features, have ",
                                  vocabulary.features.size()));
  }
  UniqueIds capability_ids;
  for (int i = 0; i < catalogue.capabilities_size() && !reporter->full(); ++i) {
    const auto& capability = catalogue.capabilities(i);
    const Path path = root.Field("capabilities", i);
    CheckName(capability.id(), kCapabilityId, path.Field("id"), reporter);
    if (capability.has_typical_output_tokens()) {
      CheckNumber(capability.typical_output_tokens(), kPositive,
                  path.Field("typical_output_tokens"), reporter);
    }
    if (const auto first = capability_ids.Add(capability.id())) {
      ReportDuplicate(capability.id(), path, "id", root.Field("capabilities", *first), reporter);
    }
  }
  UniqueIds model_ids;
  for (int i = 0; i < catalogue.models_size() && !reporter->full(); ++i) {
    const Path path = root.Field("models", i);
    ValidateModel(catalogue.models(i), vocabulary.capabilities, path, reporter);
    if (const auto first = model_ids.Add(catalogue.models(i).id())) {
      ReportDuplicate(catalogue.models(i).id(), path, "id", root.Field("models", *first), reporter);
    }
  }
}

}  // namespace pointsman::bundle
