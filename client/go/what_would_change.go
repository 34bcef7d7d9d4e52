package pointsman

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

// minDoubt is below what a runner-up is worth a sentence.
const minDoubt = 0.005

// whatWouldChange says what would change a decision: the tradeoff, more evidence, or other limits. One
// sentence each, without a full stop; none where nothing is known to change it.
func whatWouldChange(response *pointsmanv1.RouteResponse) []string {
	var sentences []string
	add := func(sentence string) {
		if sentence != "" {
			sentences = append(sentences, sentence)
		}
	}
	if relaxation := response.GetRelaxation(); relaxation != nil {
		add(relaxationSentence(relaxation))
	}
	add(tradeoffSentence(response))
	add(marginSentence(response))
	for _, rejection := range response.GetRejected() {
		add(limitSentence(rejection))
	}
	return sentences
}

// relaxationSentence is "raise limits.max_cost_usd from 0.001 to 0.0042 and model-x qualifies".
func relaxationSentence(relaxation *pointsmanv1.Relaxation) string {
	field, model := name(relaxation.GetField()), name(relaxation.GetModel())
	if relaxation.Needed == nil {
		if detail := relaxation.GetDetail(); detail != "" {
			return fmt.Sprintf("drop `%s` from %s and %s qualifies", name(detail), field, model)
		}
		// The model's value is unknown, so no number would do.
		return fmt.Sprintf("drop %s and %s qualifies", field, model)
	}
	verb, from := "raise", ""
	if relaxation.Current != nil {
		from = " from " + number(relaxation.GetCurrent())
		if relaxation.GetNeeded() < relaxation.GetCurrent() {
			verb = "lower"
		}
	}
	return fmt.Sprintf("%s %s%s to %s and %s qualifies", verb, field, from,
		admittingLimit(relaxation.GetNeeded(), relaxation.GetCurrent()), model)
}

// tradeoffSentence says who wins in which part of 0..1.
func tradeoffSentence(response *pointsmanv1.RouteResponse) string {
	winners := slices.DeleteFunc(slices.Clone(response.GetCandidates()),
		func(candidate *pointsmanv1.Candidate) bool { return candidate.GetTradeoffInterval() == nil })
	if len(winners) == 0 {
		return ""
	}
	slices.SortStableFunc(winners, func(a, b *pointsmanv1.Candidate) int {
		return cmp.Compare(a.GetTradeoffInterval().GetLower(), b.GetTradeoffInterval().GetLower())
	})
	if len(winners) == 1 {
		return fmt.Sprintf("%s has the best value at every tradeoff from %.2f to %.2f",
			name(winners[0].GetModel()), winners[0].GetTradeoffInterval().GetLower(),
			winners[0].GetTradeoffInterval().GetUpper())
	}
	sentence := "best value by tradeoff (0 = quality only, 1 = cost only):"
	for i, winner := range winners {
		if i > 0 {
			sentence += ","
		}
		sentence += fmt.Sprintf(" %.2f to %.2f %s", winner.GetTradeoffInterval().GetLower(),
			winner.GetTradeoffInterval().GetUpper(), name(winner.GetModel()))
		if winner.GetModel() == response.GetModel() {
			sentence += " (this choice)"
		}
	}
	return sentence
}

func marginSentence(response *pointsmanv1.RouteResponse) string {
	doubt := 1 - response.GetMargin()
	if response.GetOutcome() != pointsmanv1.Outcome_OUTCOME_CHOSEN || doubt < minDoubt {
		return ""
	}
	for _, candidate := range response.GetCandidates() {
		if candidate.GetModel() != response.GetModel() {
			return fmt.Sprintf(
				"more evidence: with a probability of %.2f the runner-up %s is really the better choice",
				doubt, name(candidate.GetModel()))
		}
	}
	return ""
}

// limitSentence says what a model lacks first; it may lack more, so it is not said to qualify then.
func limitSentence(rejection *pointsmanv1.Rejection) string {
	field := limitField(rejection.GetReason())
	if field == "" {
		return ""
	}
	model := name(rejection.GetModel())
	if rejection.Limit == nil || rejection.Value == nil {
		return fmt.Sprintf("%s needs %s dropped: its own value is unknown", model, field)
	}
	return fmt.Sprintf("%s needs %s at %s instead of %s", model, field,
		admittingLimit(rejection.GetValue(), rejection.GetLimit()), number(rejection.GetLimit()))
}

// limitField is the field of the request that a rejection is about; empty where no field is.
func limitField(reason pointsmanv1.RejectionReason) string {
	switch reason {
	case pointsmanv1.RejectionReason_REJECTION_REASON_CONTEXT_TOO_SMALL,
		pointsmanv1.RejectionReason_REJECTION_REASON_CONTEXT_UNKNOWN:
		return "requirements.context_tokens"
	case pointsmanv1.RejectionReason_REJECTION_REASON_COST_ABOVE_LIMIT,
		pointsmanv1.RejectionReason_REJECTION_REASON_COST_UNKNOWN:
		return "limits.max_cost_usd"
	case pointsmanv1.RejectionReason_REJECTION_REASON_LATENCY_ABOVE_LIMIT,
		pointsmanv1.RejectionReason_REJECTION_REASON_LATENCY_UNKNOWN:
		return "limits.max_latency_ms"
	case pointsmanv1.RejectionReason_REJECTION_REASON_SUCCESS_BELOW_LIMIT:
		return "limits.min_success_probability"
	}
	return ""
}

// admittingLimit is a limit that admits value, short enough to be typed: rounded away from limit, since
// one that is rounded towards it would just miss.
func admittingLimit(value, limit float64) string {
	if value == 0 {
		return "0"
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(value))))
	rounded := math.Round(value*scale) / scale
	switch {
	case value > limit && rounded < value:
		rounded += 1 / scale
	case value <= limit && rounded > value:
		rounded -= 1 / scale
	}
	return number(rounded)
}
