// What a caller falls back on when no router answers: its own list of models, best first.
//
// It knows nothing of the query, so it promises little: a model that the request's own requirements
// allow, or none. What it cannot check is named, never assumed.
#ifndef POINTSMAN_CLIENT_DEFAULT_RANKING_H_
#define POINTSMAN_CLIENT_DEFAULT_RANKING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pointsman/v1/catalogue.pb.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::client {

struct DefaultRanking {
  // Best first. Ids are enough; features, tags and context windows let requirements be checked.
  std::vector<v1::Model> models;
};

// Models of which only the id is known. A request that requires a feature, a tag or a context
// window rejects them, since what is unknown never satisfies a requirement.
DefaultRanking RankIds(const std::vector<std::string>& ids);

// The same order with what a catalogue (fetched earlier) says of each model. INVALID_ARGUMENT names
// the id that the catalogue does not have.
absl::StatusOr<DefaultRanking> RankFromCatalogue(const v1::Catalogue& catalogue,
                                                 const std::vector<std::string>& ids);

struct DefaultDecision {
  // CHOSEN with the first model that meets the requirements, or INFEASIBLE. Candidates and
  // rejections are filled in; confidence, margin, familiarity and every estimate stay 0, the
  // decision id and the provenance empty: nothing was estimated.
  v1::RouteResponse response;
  // Hard limits of the request that need an estimate, such as "limits.max_cost_usd": not checked.
  std::vector<std::string> unchecked_limits;
};

// Pure: the same ranking and request give the same decision.
DefaultDecision DecideByDefault(const DefaultRanking& ranking, const v1::RouteRequest& request);

}  // namespace pointsman::client

#endif  // POINTSMAN_CLIENT_DEFAULT_RANKING_H_
