package pointsman

import (
	"slices"

	"google.golang.org/protobuf/proto"

	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

// DefaultRanking is what a caller falls back on when no router answers: its own list of models, best
// first. Ids are enough; features, tags and context windows let requirements be checked.
//
// It knows nothing of the query, so it promises little: a model that the request's own requirements
// allow, or none. What it cannot check is named, never assumed.
type DefaultRanking struct {
	Models []*pointsmanv1.Model
}

// RankIDs ranks models of which only the id is known. A request that requires a feature, a tag or a
// context window rejects them, since what is unknown never satisfies a requirement.
func RankIDs(ids ...string) DefaultRanking {
	ranking := DefaultRanking{Models: make([]*pointsmanv1.Model, len(ids))}
	for i, id := range ids {
		ranking.Models[i] = &pointsmanv1.Model{Id: id}
	}
	return ranking
}

// RankFromCatalogue ranks ids with what a catalogue (fetched earlier) says of each model. The [*Error]
// (INVALID_ARGUMENT) names the id that the catalogue does not have.
func RankFromCatalogue(catalogue *pointsmanv1.Catalogue, ids ...string) (DefaultRanking, error) {
	ranking := DefaultRanking{Models: make([]*pointsmanv1.Model, len(ids))}
	for i, id := range ids {
		at := slices.IndexFunc(catalogue.GetModels(),
			func(model *pointsmanv1.Model) bool { return model.GetId() == id })
		if at < 0 {
			return DefaultRanking{}, invalid("the catalogue has no model `%s`", id)
		}
		ranking.Models[i] = catalogue.GetModels()[at]
	}
	return ranking, nil
}

// DecideByDefault decides by ranking alone; the same ranking and request give the same decision.
//
// The response is CHOSEN with the first model that meets the requirements, or INFEASIBLE. Candidates
// and rejections are filled in; confidence, margin, familiarity and every estimate stay 0, the decision
// id and the provenance empty: nothing was estimated. Hard limits of the request that need an estimate,
// such as "limits.max_cost_usd", are not checked but returned.
func DecideByDefault(ranking DefaultRanking, request *pointsmanv1.RouteRequest) (response *pointsmanv1.RouteResponse, uncheckedLimits []string) {
	response = &pointsmanv1.RouteResponse{
		Outcome:       pointsmanv1.Outcome_OUTCOME_INFEASIBLE,
		CorrelationId: request.GetCorrelationId(),
	}
	for _, model := range ranking.Models {
		if rejection := reject(request, model); rejection != nil {
			rejection.Model = model.GetId()
			response.Rejected = append(response.Rejected, rejection)
		} else {
			response.Candidates = append(response.Candidates, &pointsmanv1.Candidate{Model: model.GetId()})
		}
	}
	if len(response.Candidates) > 0 {
		response.Outcome = pointsmanv1.Outcome_OUTCOME_CHOSEN
		response.Model = response.Candidates[0].GetModel()
	}
	return response, limitsToEstimate(request.GetLimits())
}

// reject returns why model cannot be chosen, or nil: the first reason in the order of the enum, as the
// router does.
func reject(request *pointsmanv1.RouteRequest, model *pointsmanv1.Model) *pointsmanv1.Rejection {
	requirements := request.GetRequirements()
	allowed := requirements.GetAllowModels()
	if len(allowed) > 0 && !slices.Contains(allowed, model.GetId()) {
		return &pointsmanv1.Rejection{Reason: pointsmanv1.RejectionReason_REJECTION_REASON_NOT_ALLOWED}
	}
	if slices.Contains(requirements.GetDenyModels(), model.GetId()) {
		return &pointsmanv1.Rejection{Reason: pointsmanv1.RejectionReason_REJECTION_REASON_DENIED}
	}
	if feature, missing := firstMissing(requirements.GetFeatures(), model.GetFeatures()); missing {
		return &pointsmanv1.Rejection{
			Reason: pointsmanv1.RejectionReason_REJECTION_REASON_MISSING_FEATURE,
			Detail: feature,
		}
	}
	if tag, missing := firstMissing(requirements.GetTags(), model.GetTags()); missing {
		return &pointsmanv1.Rejection{
			Reason: pointsmanv1.RejectionReason_REJECTION_REASON_MISSING_TAG,
			Detail: tag,
		}
	}
	return rejectByContext(request, model)
}

func firstMissing(required, present []string) (name string, missing bool) {
	for _, name := range required {
		if !slices.Contains(present, name) {
			return name, true
		}
	}
	return "", false
}

func rejectByContext(request *pointsmanv1.RouteRequest, model *pointsmanv1.Model) *pointsmanv1.Rejection {
	// Tokens that must fit; where the request gives nothing to go by, any window will do.
	stated := request.GetRequirements() != nil && request.GetRequirements().ContextTokens != nil
	var needed int64
	switch {
	case stated:
		needed = request.GetRequirements().GetContextTokens()
	case request != nil && request.InputTokens != nil:
		needed = request.GetInputTokens() + request.GetExpectedOutputTokens()
	default:
		return nil
	}
	if model != nil && model.ContextWindowTokens != nil {
		if model.GetContextWindowTokens() >= needed {
			return nil
		}
		return &pointsmanv1.Rejection{
			Reason: pointsmanv1.RejectionReason_REJECTION_REASON_CONTEXT_TOO_SMALL,
			Limit:  proto.Float64(float64(needed)),
			Value:  proto.Float64(float64(model.GetContextWindowTokens())),
		}
	}
	if !stated {
		return nil
	}
	return &pointsmanv1.Rejection{
		Reason: pointsmanv1.RejectionReason_REJECTION_REASON_CONTEXT_UNKNOWN,
		Limit:  proto.Float64(float64(needed)),
	}
}

func limitsToEstimate(limits *pointsmanv1.Limits) []string {
	var names []string
	if limits == nil {
		return names
	}
	if limits.MaxCostUsd != nil {
		names = append(names, "limits.max_cost_usd")
	}
	if limits.MaxLatencyMs != nil {
		names = append(names, "limits.max_latency_ms")
	}
	if limits.MinSuccessProbability != nil {
		names = append(names, "limits.min_success_probability")
	}
	return names
}
