package pointsman_test

import (
	"strings"
	"testing"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/pointsman/pointsman/client/go"
	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

func chosen() *pointsmanv1.RouteResponse {
	candidate := func(model string, lower, upper float64) *pointsmanv1.Candidate {
		return &pointsmanv1.Candidate{
			Model:              model,
			SuccessProbability: 0.875,
			SuccessInterval:    &pointsmanv1.Interval{Lower: 0.8, Upper: 0.95},
			CostUsd:            proto.Float64(0.00125),
			LatencyMs:          proto.Float64(850),
			OutputTokens:       120,
			Utility:            0.5,
			EffectiveEvidence:  12.5,
			TradeoffInterval:   &pointsmanv1.Interval{Lower: lower, Upper: upper},
		}
	}
	return &pointsmanv1.RouteResponse{
		DecisionId:  "01ARZ3NDEKTSV4RRFFQ69G5FAV",
		Outcome:     pointsmanv1.Outcome_OUTCOME_CHOSEN,
		Model:       "medium",
		Confidence:  0.93,
		Margin:      0.71,
		Familiarity: 0.55,
		Candidates:  []*pointsmanv1.Candidate{candidate("medium", 0.25, 1), candidate("large", 0, 0.25)},
		Rejected: []*pointsmanv1.Rejection{{
			Model: "huge", Reason: pointsmanv1.RejectionReason_REJECTION_REASON_COST_ABOVE_LIMIT,
			Limit: proto.Float64(0.01), Value: proto.Float64(0.034),
		}},
		Capabilities: []*pointsmanv1.CapabilityWeight{
			{Capability: "greeting", Weight: 0.91}, {Capability: "smalltalk", Weight: 0.05},
		},
		Difficulty: proto.Float64(0.12),
		Degradations: []*pointsmanv1.Degradation{
			{Kind: pointsmanv1.DegradationKind_DEGRADATION_KIND_UNFAMILIAR, Detail: "nothing like it"},
		},
		Evidence: []*pointsmanv1.Evidence{
			{ExemplarId: "greeting-01", Text: "hi there", Similarity: 0.83, Weight: 0.3, Capability: "greeting"},
		},
		RulesFired: []string{"secrets-stay-in"},
		Provenance: &pointsmanv1.Provenance{
			BundleDigest: "0123456789abcdef", BundleVersion: "starter-1", Policy: "balanced"},
		Baseline: &pointsmanv1.Baseline{Model: "large", SuccessProbability: 0.9, CostUsd: proto.Float64(0.01)},
	}
}

func TestADecisionIsExplained(t *testing.T) {
	const want = `medium  confidence 0.93, margin 0.71, familiarity 0.55
needs greeting 0.91, smalltalk 0.05; difficulty 0.12

  #  candidate  success  90 % interval  cost USD  latency ms  output tokens  utility  evidence  wins at tradeoff
  1  medium       0.875   0.80 to 0.95  0.001250         850            120   0.5000      12.5  0.25 to 1.00
  2  large        0.875   0.80 to 0.95  0.001250         850            120   0.5000      12.5  0.00 to 0.25

  rejected  why               limit  value
  huge      cost above limit   0.01  0.034

  weakened by
  unfamiliar: nothing like it

  evidence     similarity  weight  capability  text
  greeting-01        0.83   0.300  greeting    hi there

  rules that fired
  secrets-stay-in

  what would change the decision
  best value by tradeoff (0 = quality only, 1 = cost only): 0.00 to 0.25 large, 0.25 to 1.00 medium (this choice)
  more evidence: with a probability of 0.29 the runner-up large is really the better choice
  huge needs limits.max_cost_usd at 0.034 instead of 0.01

always large: success 0.900, cost 0.010000 USD
policy balanced, bundle starter-1 0123456789ab, decision 01ARZ3NDEKTSV4RRFFQ69G5FAV
`
	if got := pointsman.Explain(chosen()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheFirstLineTellsTheOutcome(t *testing.T) {
	relaxed := func(relaxation *pointsmanv1.Relaxation) *pointsmanv1.RouteResponse {
		return &pointsmanv1.RouteResponse{Outcome: pointsmanv1.Outcome_OUTCOME_INFEASIBLE, Relaxation: relaxation}
	}
	for want, response := range map[string]*pointsmanv1.RouteResponse{
		"no model qualifies: no single change of limits would help": relaxed(nil),
		// Rounded up: a limit of 0.003333 would just miss.
		"no model qualifies: raise limits.max_cost_usd from 0.001 to 0.003334 and m qualifies": relaxed(
			&pointsmanv1.Relaxation{Field: "limits.max_cost_usd", Current: proto.Float64(0.001), Needed: proto.Float64(0.01 / 3), Model: "m"}),
		"no model qualifies: lower limits.min_success_probability from 0.99 to 0.8 and m qualifies": relaxed(
			&pointsmanv1.Relaxation{Field: "limits.min_success_probability", Current: proto.Float64(0.99), Needed: proto.Float64(0.8), Model: "m"}),
		"no model qualifies: drop `vision` from requirements.features and m qualifies": relaxed(
			&pointsmanv1.Relaxation{Field: "requirements.features", Detail: "vision", Model: "m"}),
		"no model qualifies: drop limits.max_cost_usd and m qualifies": relaxed(
			&pointsmanv1.Relaxation{Field: "limits.max_cost_usd", Current: proto.Float64(1), Model: "m"}),
		"abstained  the policy prefers not to choose; familiarity 0.01": {
			Outcome: pointsmanv1.Outcome_OUTCOME_ABSTAINED, Familiarity: 0.012},
		"no outcome in the answer": nil,
	} {
		if got, _, _ := strings.Cut(pointsman.Explain(response), "\n"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestUnknownCostAndLatencyAreSaidToBeUnknown(t *testing.T) {
	response := chosen()
	response.Candidates[0].CostUsd, response.Candidates[0].LatencyMs = nil, nil
	if text := pointsman.Explain(response); strings.Count(text, "unknown") != 2 {
		t.Error(text)
	}
}

func TestTextFromTheWireCannotDriveTheTerminal(t *testing.T) {
	const poison = "a\x1b[2J\u009b1m\r\nb\x7f"
	response := chosen()
	response.Model, response.DecisionId = poison, poison
	response.Candidates[0].Model = poison
	response.Rejected[0].Model, response.Rejected[0].Detail = poison, poison
	response.Capabilities[0].Capability = poison
	response.Degradations[0].Detail = poison
	response.Evidence[0].ExemplarId, response.Evidence[0].Text, response.Evidence[0].Capability = poison, poison, poison
	response.RulesFired[0] = poison
	response.Provenance.Policy, response.Provenance.BundleVersion, response.Provenance.BundleDigest = poison, poison, poison
	response.Baseline.Model = poison
	response.Relaxation = &pointsmanv1.Relaxation{Field: poison, Detail: poison, Model: poison}
	routed := pointsman.Routed{
		Source: pointsman.SourceDefault, Response: response, RouterError: status.Error(codes.Unavailable, poison)}
	lines := strings.Count(pointsman.Explain(chosen()), "\n") + 1 // the relaxation adds a line
	text := pointsman.Explain(response)
	if got := strings.Count(text, "\n"); got != lines {
		t.Errorf("%d lines, want %d", got, lines)
	}
	for _, character := range text + pointsman.ExplainRouted(routed) {
		if unicode.IsControl(character) && character != '\n' {
			t.Fatalf("%U is in %q", character, text)
		}
	}
}

func TestAnAnswerThatNoRouterGaveSaysSoFirst(t *testing.T) {
	cost := 0.5
	request := query("hello")
	request.Limits = &pointsmanv1.Limits{MaxCostUsd: &cost}
	request.Requirements = &pointsmanv1.Requirements{DenyModels: []string{"denied"}}
	router := startRouter(t)
	router.onRoute = fails(status.Error(codes.ResourceExhausted, "too many in flight"))
	routed := newClient(t, router.address).RouteOrDefault(t.Context(), request, pointsman.RankIDs("denied", "mine"))
	const want = `the caller's default ranking, no router decided: the router is at a limit: too many in flight
  not checked: limits.max_cost_usd
mine

  rejected  why
  denied    denied
`
	if got := pointsman.ExplainRouted(routed); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNumbersAreShort(t *testing.T) {
	for want, value := range map[string]float64{
		"0": 0, "200000": 200000, "1235": 1234.6, "123.5": 123.456, "1000": 999.96, "0.01": 0.01,
		"0.0001235": 0.00012345678, "0.00001235": 0.000012345678, "-2.5": -2.5,
	} {
		text := pointsman.Explain(&pointsmanv1.RouteResponse{Rejected: []*pointsmanv1.Rejection{
			{Model: "m", Limit: proto.Float64(value)},
		}})
		if !strings.Contains(text, " "+want+"\n") {
			t.Errorf("%v is not %s in %s", value, want, text)
		}
	}
}
