#include "index/tool/summary.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/util/json_util.h"
#include "index/bundle/manifest.h"
#include "index/tool/table.h"
#include "nlohmann/json.hpp"

namespace pointsman::tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kHistogramWidth = 40;
constexpr const char* kGroupNames[] = {"level", "contrast", "difficulty"};
constexpr const char* kViewNames[] = {"kernel", "capability", "linear", "form", "lexical"};

std::optional<double> Mean(double sum, int64_t count) {
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

std::string Cell(const std::optional<double>& value) {
  return value ? absl::StrFormat("%.2f", *value) : "-";
}

std::string CapabilityName(const CapabilitySummary& capability) {
  return capability.id.empty() ? "(no capability)" : capability.id;
}

std::string FormatManifestForPeople(const bundle::BundleParts& parts) {
  const bundle::v1::Manifest& manifest = parts.manifest;
  std::vector<std::string> policies;
  for (const auto& policy : parts.policies.policies()) {
    policies.push_back(policy.name() == parts.policies.default_policy()
                           ? absl::StrCat(policy.name(), " (default)")
                           : policy.name());
  }
  int64_t bytes = 0;
  for (const auto& file : manifest.files()) bytes += file.size();
  return absl::StrCat("version    ", manifest.version().empty() ? "-" : manifest.version(), "\n",
                      "digest     ", manifest.digest(), "\n", "format     ",
                      manifest.format_version(), ", built by ", manifest.builder_version(), ", ",
                      bytes, " bytes\n", "embedder   ", manifest.embedder_id(), ", ",
                      manifest.dimensions(), " dimensions\n", "index      ",
                      manifest.index_factory(), ", ", manifest.exemplar_count(), " exemplars, ",
                      manifest.texts_dropped() ? "texts dropped" : "with texts", "\n",
                      "policies   ", absl::StrJoin(policies, ", "), "\n", "golden     ",
                      parts.golden.queries_size(), " queries\n");
}

// Names are the signers' own and nothing here is verified, which needs trusted keys.
std::string FormatSignaturesForPeople(const BundleSummary& summary) {
  std::string text;
  for (const auto& one : summary.signatures.signatures()) {
    absl::StrAppend(&text, "signature  key ", one.key_id(),
                    one.name().empty() ? "" : absl::StrCat(", called ", one.name()),
                    " (not checked here)\n");
  }
  return text;
}

std::string FormatModels(const bundle::BundleParts& parts, const BundleSummary& summary) {
  std::vector<std::vector<std::string>> rows = {
      {"model", "input $/M", "output $/M", "context", "tokens/s", "outcomes", "mean quality"}};
  for (int i = 0; i < parts.catalogue.models_size(); ++i) {
    const auto& model = parts.catalogue.models(i);
    const ModelSummary& counted = summary.models[static_cast<size_t>(i)];
    const auto number = [](bool known, double value) {
      return known ? absl::StrFormat("%g", value) : "-";
    };
    rows.push_back(
        {model.id(), number(model.has_input_usd_per_mtok(), model.input_usd_per_mtok()),
         number(model.has_output_usd_per_mtok(), model.output_usd_per_mtok()),
         model.has_context_window_tokens() ? absl::StrCat(model.context_window_tokens()) : "-",
         number(model.has_output_tokens_per_second(), model.output_tokens_per_second()),
         absl::StrCat(counted.outcomes), Cell(Mean(counted.quality_sum, counted.outcomes))});
  }
  return FormatTable(rows);
}

std::string FormatCapabilities(const BundleSummary& summary) {
  int64_t most = 1;
  for (const auto& capability : summary.capabilities) most = std::max(most, capability.exemplars);
  std::vector<std::vector<std::string>> rows = {{"capability", "exemplars", "mean difficulty"}};
  for (const auto& capability : summary.capabilities) {
    rows.push_back({CapabilityName(capability), absl::StrCat(capability.exemplars),
                    Cell(Mean(capability.difficulty_sum, capability.with_difficulty))});
  }
  std::vector<std::string> lines = absl::StrSplit(FormatTable(rows), '\n');
  for (size_t i = 0; i < summary.capabilities.size(); ++i) {
    const int64_t length = summary.capabilities[i].exemplars * kHistogramWidth / most;
    if (length > 0) {
      absl::StrAppend(&lines[i + 1], "  ", std::string(static_cast<size_t>(length), '#'));
    }
  }
  return absl::StrJoin(lines, "\n");
}

std::string FormatCalibration(const bundle::BundleParts& parts) {
  const bundle::v1::Calibration& calibration = parts.calibration;
  std::vector<std::vector<std::string>> rows = {{"fitted", "bandwidth", "prior strength"}};
  for (const char* view : kViewNames) rows[0].push_back(view);
  const int groups = std::min<int>(calibration.groups_size(), std::size(kGroupNames));
  for (int g = 0; g < groups; ++g) {
    const auto& group = calibration.groups(g);
    std::vector<std::string> row = {kGroupNames[g], absl::StrFormat("%.3f", group.bandwidth()),
                                    absl::StrFormat("%.1f", group.prior_strength())};
    for (int v = 0; v < static_cast<int>(std::size(kViewNames)); ++v) {
      row.push_back(v < group.blend_size() ? absl::StrFormat("%.2f", group.blend(v)) : "-");
    }
    rows.push_back(std::move(row));
  }
  const int best = calibration.best_single_model();
  const bool has_best = best >= 0 && best < parts.catalogue.models_size();
  return absl::StrCat(
      FormatTable(rows), "\n", "neighbours             ", calibration.neighbours(), "\n",
      "best single model      ", has_best ? parts.catalogue.models(best).id() : "-", "\n",
      "default reference cost ", absl::StrFormat("%.3g USD\n", calibration.reference_cost_usd()));
}

// A message as JSON, in the names of its .proto.
Json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return nullptr;
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

Json OrNull(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json CalibrationAsJson(const bundle::BundleParts& parts) {
  Json groups = Json::object();
  const int count = std::min<int>(parts.calibration.groups_size(), std::size(kGroupNames));
  for (int g = 0; g < count; ++g) {
    const auto& group = parts.calibration.groups(g);
    Json blend = Json::object();
    for (int v = 0; v < group.blend_size() && v < static_cast<int>(std::size(kViewNames)); ++v) {
      blend[kViewNames[v]] = group.blend(v);
    }
    groups[kGroupNames[g]] = {{"bandwidth", group.bandwidth()},
                              {"prior_strength", group.prior_strength()},
                              {"blend", std::move(blend)}};
  }
  const int best = parts.calibration.best_single_model();
  const bool has_best = best >= 0 && best < parts.catalogue.models_size();
  return {{"neighbours", parts.calibration.neighbours()},
          {"groups", std::move(groups)},
          {"best_single_model", has_best ? Json(parts.catalogue.models(best).id()) : Json(nullptr)},
          {"reference_cost_usd", parts.calibration.reference_cost_usd()}};
}

}  // namespace

BundleSummary Summarise(const bundle::BundleParts& parts) {
  BundleSummary summary;
  summary.models.resize(static_cast<size_t>(parts.catalogue.models_size()));
  absl::flat_hash_map<std::string, size_t> model_index;
  for (const auto& model : parts.catalogue.models()) {
    model_index.emplace(model.id(), model_index.size());
  }
  absl::flat_hash_map<std::string, size_t> capability_index;
  for (const auto& capability : parts.catalogue.capabilities()) {
    capability_index.emplace(capability.id(), capability_index.size());
    summary.capabilities.push_back({capability.id()});
  }
  CapabilitySummary unlabelled;
  for (const auto& exemplar : parts.exemplars.exemplars()) {
    const auto it = capability_index.find(exemplar.capability());
    CapabilitySummary& capability =
        it == capability_index.end() ? unlabelled : summary.capabilities[it->second];
    ++capability.exemplars;
    if (exemplar.has_difficulty()) {
      ++capability.with_difficulty;
      capability.difficulty_sum += exemplar.difficulty();
    }
    for (const auto& [id, outcome] : exemplar.outcomes()) {
      ModelSummary& model = summary.models[model_index.at(id)];
      ++model.outcomes;
      model.quality_sum += outcome.quality();
    }
  }
  if (unlabelled.exemplars > 0) summary.capabilities.push_back(std::move(unlabelled));
  return summary;
}

std::string FormatSummary(const bundle::BundleParts& parts, const BundleSummary& summary) {
  return absl::StrCat(FormatManifestForPeople(parts), FormatSignaturesForPeople(summary), "\n",
                      FormatModels(parts, summary), "\n", FormatCapabilities(summary), "\n",
                      FormatCalibration(parts));
}

std::string FormatSummaryAsJson(const bundle::BundleParts& parts, const BundleSummary& summary) {
  Json models = Json::array();
  for (int i = 0; i < parts.catalogue.models_size(); ++i) {
    const ModelSummary& counted = summary.models[static_cast<size_t>(i)];
    models.push_back({{"model", ToJson(parts.catalogue.models(i))},
                      {"outcomes", counted.outcomes},
                      {"mean_quality", OrNull(Mean(counted.quality_sum, counted.outcomes))}});
  }
  Json capabilities = Json::array();
  for (const auto& capability : summary.capabilities) {
    capabilities.push_back(
        {{"capability", capability.id.empty() ? Json(nullptr) : Json(capability.id)},
         {"exemplars", capability.exemplars},
         {"mean_difficulty", OrNull(Mean(capability.difficulty_sum, capability.with_difficulty))}});
  }
  Json signatures = Json::array();
  for (const auto& one : summary.signatures.signatures()) signatures.push_back(ToJson(one));
  const Json report = {{"manifest", Json::parse(bundle::FormatManifest(parts.manifest))},
                       {"signatures", std::move(signatures)},
                       {"models", std::move(models)},
                       {"capabilities", std::move(capabilities)},
                       {"policies", ToJson(parts.policies)},
                       {"golden_queries", parts.golden.queries_size()},
                       {"calibration", CalibrationAsJson(parts)}};
  return report.dump(2) + "\n";
}

}  // namespace pointsman::tool
