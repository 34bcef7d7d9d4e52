package pointsman_test

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/pointsman/pointsman/client/go"
	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

var models = &pointsmanv1.Catalogue{Models: []*pointsmanv1.Model{
	{Id: "small", Features: []string{"tools"}, Tags: []string{"region:eu"}, ContextWindowTokens: proto.Int64(1000)},
	{Id: "large", Features: []string{"tools", "vision"}, Tags: []string{"region:us"}},
}}

func TestTheFirstModelThatMeetsTheRequirementsIsChosen(t *testing.T) {
	known, err := pointsman.RankFromCatalogue(models, "large", "small")
	if err != nil {
		t.Fatal(err)
	}
	ids := pointsman.RankIDs("large", "small")
	context := func(tokens int64) *pointsmanv1.RouteRequest {
		return &pointsmanv1.RouteRequest{Requirements: &pointsmanv1.Requirements{ContextTokens: &tokens}}
	}
	require := func(requirements *pointsmanv1.Requirements) *pointsmanv1.RouteRequest {
		return &pointsmanv1.RouteRequest{Requirements: requirements}
	}
	for name, c := range map[string]struct {
		ranking pointsman.DefaultRanking
		request *pointsmanv1.RouteRequest
		model   string
		reasons []string // of what was rejected, with the detail
	}{
		"nothing asked":   {ids, &pointsmanv1.RouteRequest{}, "large", nil},
		"allowed":         {ids, require(&pointsmanv1.Requirements{AllowModels: []string{"small"}}), "small", []string{"NOT_ALLOWED "}},
		"denied":          {ids, require(&pointsmanv1.Requirements{DenyModels: []string{"large"}}), "small", []string{"DENIED "}},
		"feature":         {known, require(&pointsmanv1.Requirements{Features: []string{"tools", "vision"}}), "large", []string{"MISSING_FEATURE vision"}},
		"unknown feature": {ids, require(&pointsmanv1.Requirements{Features: []string{"tools"}}), "", []string{"MISSING_FEATURE tools", "MISSING_FEATURE tools"}},
		"tag":             {known, require(&pointsmanv1.Requirements{Tags: []string{"region:eu"}}), "small", []string{"MISSING_TAG region:eu"}},
		"context":         {known, context(1000), "small", []string{"CONTEXT_UNKNOWN "}},
		"context beyond":  {known, context(1001), "", []string{"CONTEXT_UNKNOWN ", "CONTEXT_TOO_SMALL "}},
		"tokens of the request": {known, &pointsmanv1.RouteRequest{
			InputTokens: proto.Int64(900), ExpectedOutputTokens: proto.Int64(101)}, "large", []string{"CONTEXT_TOO_SMALL "}},
	} {
		t.Run(name, func(t *testing.T) {
			response, _ := pointsman.DecideByDefault(c.ranking, c.request)
			outcome := pointsmanv1.Outcome_OUTCOME_CHOSEN
			if c.model == "" {
				outcome = pointsmanv1.Outcome_OUTCOME_INFEASIBLE
			}
			if response.GetModel() != c.model || response.GetOutcome() != outcome {
				t.Errorf("chosen is %q, %v", response.GetModel(), response.GetOutcome())
			}
			var reasons []string
			for _, rejection := range response.GetRejected() {
				reasons = append(reasons, rejection.GetReason().String()[len("REJECTION_REASON_"):]+" "+rejection.GetDetail())
			}
			if !slices.Equal(reasons, c.reasons) {
				t.Errorf("reasons are %q", reasons)
			}
		})
	}
}

func TestARejectionByContextSaysBoundAndValue(t *testing.T) {
	ranking := pointsman.DefaultRanking{Models: models.GetModels()}
	response, _ := pointsman.DecideByDefault(ranking, &pointsmanv1.RouteRequest{
		Requirements: &pointsmanv1.Requirements{ContextTokens: proto.Int64(2000)}, CorrelationId: "c"})
	want := &pointsmanv1.RouteResponse{
		Outcome:       pointsmanv1.Outcome_OUTCOME_INFEASIBLE,
		CorrelationId: "c",
		Rejected: []*pointsmanv1.Rejection{
			{Model: "small", Reason: pointsmanv1.RejectionReason_REJECTION_REASON_CONTEXT_TOO_SMALL, Limit: proto.Float64(2000), Value: proto.Float64(1000)},
			{Model: "large", Reason: pointsmanv1.RejectionReason_REJECTION_REASON_CONTEXT_UNKNOWN, Limit: proto.Float64(2000)},
		},
	}
	if !proto.Equal(response, want) {
		t.Errorf("got %v, want %v", response, want)
	}
}

func TestLimitsThatNeedAnEstimateAreNamed(t *testing.T) {
	_, unchecked := pointsman.DecideByDefault(pointsman.RankIDs("m"), &pointsmanv1.RouteRequest{Limits: &pointsmanv1.Limits{
		MaxCostUsd: proto.Float64(1), MaxLatencyMs: proto.Float64(1), MinSuccessProbability: proto.Float64(0)}})
	want := []string{"limits.max_cost_usd", "limits.max_latency_ms", "limits.min_success_probability"}
	if !slices.Equal(unchecked, want) {
		t.Errorf("unchecked are %v", unchecked)
	}
}

func TestAnIdThatTheCatalogueDoesNotHaveIsNamed(t *testing.T) {
	_, err := pointsman.RankFromCatalogue(models, "small", "absent")
	if status.Code(err) != codes.InvalidArgument || err.Error() != "the catalogue has no model `absent`" {
		t.Errorf("error is %v", err)
	}
}
