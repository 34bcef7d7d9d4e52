// A decision in numbers -> the response: names, sentences, evidence.
#ifndef POINTSMAN_INDEX_RENDER_H_
#define POINTSMAN_INDEX_RENDER_H_

#include <span>

#include "index/choose/catalogue.h"
#include "index/choose/choose.h"
#include "index/choose/policy.h"
#include "index/engine.h"
#include "index/estimate/query_estimate.h"
#include "index/search/neighbour.h"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman {

// Names that the numbers of a decision stand for.
struct RenderContext {
  const choose::Catalogue& catalogue;
  const choose::PolicySet& policies;
  std::span<const std::string> capability_names;  // of capabilities, or of clusters
  const bundle::v1::Manifest& manifest;
  const bundle::v1::ExemplarTable& exemplars;
  int best_single_model;
};

// Fills in all of `response` but its timings and what only a server knows.
void RenderDecision(const RenderContext& context, const v1::RouteRequest& request,
                    const choose::Terms& terms, const estimate::QueryEstimate& estimate,
                    const choose::Decision& decision, v1::RouteResponse* response);

// Adds the neighbours and their share of the kernel weights, best first, as many and as much of
// their texts as `bounds` allows.
void RenderEvidence(const RenderContext& context, const RequestBounds& bounds,
                    std::span<const search::Neighbour> neighbours, std::span<const float> weights,
                    v1::RouteResponse* response);

}  // namespace pointsman

#endif  // POINTSMAN_INDEX_RENDER_H_
