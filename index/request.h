// bytes of a request -> what the stages work on: every name resolved, every bound checked.
//
// The only place that refuses a request; after it, nothing about a request can fail.
#ifndef POINTSMAN_INDEX_REQUEST_H_
#define POINTSMAN_INDEX_REQUEST_H_

#include <span>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "index/choose/catalogue.h"
#include "index/choose/choose.h"
#include "index/choose/policy.h"
#include "index/embed/text_selection.h"
#include "index/engine.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman {

// Names and bounds that requests are checked against; lives as long as the engine.
struct RequestContext {
  const choose::Catalogue& catalogue;
  const choose::PolicySet& policies;
  const RequestBounds& bounds;
  std::string_view embedder_id;
  int dimension;
};

// A request as the stages see it. Views point into the v1::RouteRequest.
struct ResolvedRequest {
  choose::Terms terms;
  absl::InlinedVector<embed::Turn, 8> turns;  // empty if the caller sent a vector
  std::span<const float> vector;              // empty unless the caller sent one
};

// Fills in `resolved`. INVALID_ARGUMENT names field, bound and value; see errors.h.
absl::Status ResolveRequest(const v1::RouteRequest& request, const RequestContext& context,
                            ResolvedRequest* resolved);

// Tokens of a text in a modern LLM's vocabulary, from its bytes: about four ASCII characters a
// token, and six tokens for ten characters outside ASCII. Within a quarter for most prose and code.
double EstimateTokens(std::string_view text);

}  // namespace pointsman

#endif  // POINTSMAN_INDEX_REQUEST_H_
