#include "pointsman/client/default_ranking.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"

namespace pointsman::client {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

bool Contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const std::string* FirstMissing(const Names& required, const Names& present) {
  for (const std::string& name : required) {
    if (!Contains(present, name)) return &name;
  }
  return nullptr;
}

// Tokens that must fit; absent where the request gives nothing to go by.
std::optional<int64_t> ContextNeeded(const v1::RouteRequest& request) {
  if (request.requirements().has_context_tokens()) return request.requirements().context_tokens();
  if (request.has_input_tokens()) return request.input_tokens() + request.expected_output_tokens();
  return std::nullopt;
}

std::optional<v1::Rejection> CheckContext(const v1::RouteRequest& request, const v1::Model& model) {
  const std::optional<int64_t> needed = ContextNeeded(request);
  v1::Rejection rejection;
  if (!needed.has_value()) return std::nullopt;
  rejection.set_limit(static_cast<double>(*needed));
  if (model.has_context_window_tokens()) {
    if (model.context_window_tokens() >= *needed) return std::nullopt;
    rejection.set_reason(v1::REJECTION_REASON_CONTEXT_TOO_SMALL);
    rejection.set_value(static_cast<double>(model.context_window_tokens()));
    return rejection;
  }
  if (!request.requirements().has_context_tokens()) return std::nullopt;
  rejection.set_reason(v1::REJECTION_REASON_CONTEXT_UNKNOWN);
  return rejection;
}

// In the order of the enum, as the router does.
std::optional<v1::Rejection> Check(const v1::RouteRequest& request, const v1::Model& model) {
  const v1::Requirements& requirements = request.requirements();
  v1::Rejection rejection;
  if (requirements.allow_models_size() > 0 && !Contains(requirements.allow_models(), model.id())) {
    rejection.set_reason(v1::REJECTION_REASON_NOT_ALLOWED);
  } else if (Contains(requirements.deny_models(), model.id())) {
    rejection.set_reason(v1::REJECTION_REASON_DENIED);
  } else if (const auto* feature = FirstMissing(requirements.features(), model.features())) {
    rejection.set_reason(v1::REJECTION_REASON_MISSING_FEATURE);
    rejection.set_detail(*feature);
  } else if (const auto* tag = FirstMissing(requirements.tags(), model.tags())) {
    rejection.set_reason(v1::REJECTION_REASON_MISSING_TAG);
    rejection.set_detail(*tag);
  } else {
    return CheckContext(request, model);
  }
  return rejection;
}

std::vector<std::string> UncheckedLimits(const v1::Limits& limits) {
  std::vector<std::string> names;
  if (limits.has_max_cost_usd()) names.emplace_back("limits.max_cost_usd");
  if (limits.has_max_latency_ms()) names.emplace_back("limits.max_latency_ms");
  if (limits.has_min_success_probability()) names.emplace_back("limits.min_success_probability");
  return names;
}

}  // namespace

DefaultRanking RankIds(const std::vector<std::string>& ids) {
  DefaultRanking ranking;
  for (const std::string& id : ids) ranking.models.emplace_back().set_id(id);
  return ranking;
}

absl::StatusOr<DefaultRanking> RankFromCatalogue(const v1::Catalogue& catalogue,
                                                 const std::vector<std::string>& ids) {
  DefaultRanking ranking;
  for (const std::string& id : ids) {
    const auto model = std::find_if(catalogue.models().begin(), catalogue.models().end(),
                                    [&id](const v1::Model& entry) { return entry.id() == id; });
    if (model == catalogue.models().end()) {
      return absl::InvalidArgumentError(absl::StrCat("the catalogue has no model `", id, "`"));
    }
    ranking.models.push_back(*model);
  }
  return ranking;
}

DefaultDecision DecideByDefault(const DefaultRanking& ranking, const v1::RouteRequest& request) {
  DefaultDecision decision;
  v1::RouteResponse& response = decision.response;
  for (const v1::Model& model : ranking.models) {
    if (std::optional<v1::Rejection> rejection = Check(request, model)) {
      rejection->set_model(model.id());
      *response.add_rejected() = *std::move(rejection);
    } else {
      response.add_candidates()->set_model(model.id());
    }
  }
  if (response.candidates().empty()) {
    response.set_outcome(v1::OUTCOME_INFEASIBLE);
  } else {
    response.set_outcome(v1::OUTCOME_CHOSEN);
    response.set_model(response.candidates(0).model());
  }
  response.set_correlation_id(request.correlation_id());
  decision.unchecked_limits = UncheckedLimits(request.limits());
  return decision;
}

}  // namespace pointsman::client
