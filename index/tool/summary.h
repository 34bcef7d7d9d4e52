// What `inspect` tells of a bundle: counts over its exemplars, by model and by capability.
#ifndef POINTSMAN_INDEX_TOOL_SUMMARY_H_
#define POINTSMAN_INDEX_TOOL_SUMMARY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "index/bundle/store.h"

namespace pointsman::tool {

struct ModelSummary {
  int64_t outcomes = 0;    // exemplars on which it was measured
  double quality_sum = 0;  // over these
};

struct CapabilitySummary {
  std::string id;  // empty: exemplars without a capability
  int64_t exemplars = 0;
  int64_t with_difficulty = 0;
  double difficulty_sum = 0;  // over these
};

struct BundleSummary {
  std::vector<ModelSummary> models;             // in catalogue order
  std::vector<CapabilitySummary> capabilities;  // in catalogue order, then the one without a name
  bundle::v1::SignatureSet signatures;  // as claimed; set by the caller, nothing is verified
};

BundleSummary Summarise(const bundle::BundleParts& parts);

// As people read it, and as programs do.
std::string FormatSummary(const bundle::BundleParts& parts, const BundleSummary& summary);
std::string FormatSummaryAsJson(const bundle::BundleParts& parts, const BundleSummary& summary);

}  // namespace pointsman::tool

#endif  // POINTSMAN_INDEX_TOOL_SUMMARY_H_
