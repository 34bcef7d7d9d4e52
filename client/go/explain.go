package pointsman

import (
	"fmt"
	"strconv"
	"strings"

	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

const (
	maxTextCharacters = 70 // of an exemplar: enough to recognise it
	digestCharacters  = 12
)

// Explain is a decision as text for people, of several lines: the choice, what the query was judged to
// need, the ranked candidates, the rejected models, what weakened the decision, the evidence and the
// rules that fired (in answers to requests with explain), what would change it, and where it was made.
// Text that came over the wire is made safe for a terminal.
func Explain(response *pointsmanv1.RouteResponse) string {
	text := head(response) + needs(response) + candidates(response) + rejected(response) +
		degradations(response) + evidence(response) +
		list("rules that fired", response.GetRulesFired()) +
		list("what would change the decision", whatWouldChange(response))
	if foot := baseline(response) + origin(response); foot != "" {
		text += "\n" + foot
	}
	return text
}

// ExplainRouted is [Explain] under a first line that says so where no router decided.
func ExplainRouted(routed Routed) string {
	if routed.Source == SourceRouter {
		return Explain(routed.Response)
	}
	var text strings.Builder
	text.WriteString("the caller's default ranking, no router decided")
	if routed.RouterError != nil {
		text.WriteString(": " + oneLine(routed.RouterError.Error(), 1000))
	}
	text.WriteByte('\n')
	for _, limit := range routed.UncheckedLimits {
		text.WriteString("  not checked: " + limit + "\n")
	}
	choice := "no model of the ranking meets the requirements"
	if model := routed.Response.GetModel(); model != "" {
		choice = name(model)
	}
	return text.String() + choice + "\n" + rejected(routed.Response)
}

func head(response *pointsmanv1.RouteResponse) string {
	switch response.GetOutcome() {
	case pointsmanv1.Outcome_OUTCOME_CHOSEN:
		return fmt.Sprintf("%s  confidence %.2f, margin %.2f, familiarity %.2f\n", name(response.GetModel()),
			response.GetConfidence(), response.GetMargin(), response.GetFamiliarity())
	case pointsmanv1.Outcome_OUTCOME_INFEASIBLE:
		if relaxation := response.GetRelaxation(); relaxation != nil {
			return "no model qualifies: " + relaxationSentence(relaxation) + "\n"
		}
		return "no model qualifies: no single change of limits would help\n"
	case pointsmanv1.Outcome_OUTCOME_ABSTAINED:
		return fmt.Sprintf("abstained  the policy prefers not to choose; familiarity %.2f\n",
			response.GetFamiliarity())
	}
	return "no outcome in the answer\n"
}

func needs(response *pointsmanv1.RouteResponse) string {
	var text string
	for i, entry := range response.GetCapabilities() {
		text += [...]string{"needs ", ", "}[min(i, 1)] +
			fmt.Sprintf("%s %.2f", name(entry.GetCapability()), entry.GetWeight())
	}
	if response != nil && response.Difficulty != nil {
		if text != "" {
			text += "; "
		}
		text += fmt.Sprintf("difficulty %.2f", response.GetDifficulty())
	}
	if text == "" {
		return ""
	}
	return text + "\n"
}

func candidates(response *pointsmanv1.RouteResponse) string {
	var rows [][]string
	for i, candidate := range response.GetCandidates() {
		tradeoffs := ""
		if interval := candidate.GetTradeoffInterval(); interval != nil {
			tradeoffs = fmt.Sprintf("%.2f to %.2f", interval.GetLower(), interval.GetUpper())
		}
		rows = append(rows, []string{
			strconv.Itoa(i + 1),
			name(candidate.GetModel()),
			fmt.Sprintf("%.3f", candidate.GetSuccessProbability()),
			fmt.Sprintf("%.2f to %.2f", candidate.GetSuccessInterval().GetLower(),
				candidate.GetSuccessInterval().GetUpper()),
			formatOr("%.6f", candidate.CostUsd, "unknown"),
			formatOr("%.0f", candidate.LatencyMs, "unknown"),
			fmt.Sprintf("%.0f", candidate.GetOutputTokens()),
			fmt.Sprintf("%.4f", candidate.GetUtility()),
			fmt.Sprintf("%.1f", candidate.GetEffectiveEvidence()),
			tradeoffs,
		})
	}
	return section([]column{{"#", true}, {"candidate", false}, {"success", true}, {"90 % interval", true},
		{"cost USD", true}, {"latency ms", true}, {"output tokens", true}, {"utility", true},
		{"evidence", true}, {"wins at tradeoff", false}}, rows)
}

func rejected(response *pointsmanv1.RouteResponse) string {
	var rows [][]string
	for _, rejection := range response.GetRejected() {
		row := []string{name(rejection.GetModel()), words(rejection.GetReason().String(), "REJECTION_REASON_"),
			"", "", oneLine(rejection.GetDetail(), maxTextCharacters)}
		if rejection.Limit != nil {
			row[2] = number(rejection.GetLimit())
		}
		if rejection.Value != nil {
			row[3] = number(rejection.GetValue())
		}
		rows = append(rows, row)
	}
	return section([]column{{"rejected", false}, {"why", false}, {"limit", true}, {"value", true},
		{"detail", false}}, rows)
}

func degradations(response *pointsmanv1.RouteResponse) string {
	var lines []string
	for _, degradation := range response.GetDegradations() {
		lines = append(lines, words(degradation.GetKind().String(), "DEGRADATION_KIND_")+": "+
			degradation.GetDetail())
	}
	return list("weakened by", lines)
}

func evidence(response *pointsmanv1.RouteResponse) string {
	var rows [][]string
	for _, exemplar := range response.GetEvidence() {
		outcomes := ""
		if count := len(exemplar.GetOutcomes()); count > 0 {
			outcomes = strconv.Itoa(count)
		}
		rows = append(rows, []string{
			name(exemplar.GetExemplarId()),
			fmt.Sprintf("%.2f", exemplar.GetSimilarity()),
			fmt.Sprintf("%.3f", exemplar.GetWeight()),
			name(exemplar.GetCapability()),
			formatOr("%.2f", exemplar.Difficulty, ""),
			outcomes,
			oneLine(exemplar.GetText(), maxTextCharacters),
		})
	}
	return section([]column{{"evidence", false}, {"similarity", true}, {"weight", true},
		{"capability", false}, {"difficulty", true}, {"outcomes", true}, {"text", false}}, rows)
}

func baseline(response *pointsmanv1.RouteResponse) string {
	always := response.GetBaseline()
	if always == nil || response.GetOutcome() != pointsmanv1.Outcome_OUTCOME_CHOSEN {
		return ""
	}
	return fmt.Sprintf("always %s: success %.3f", name(always.GetModel()), always.GetSuccessProbability()) +
		formatOr(", cost %.6f USD", always.CostUsd, "") + "\n"
}

func origin(response *pointsmanv1.RouteResponse) string {
	from := response.GetProvenance()
	if from == nil {
		return ""
	}
	text := "policy " + name(from.GetPolicy()) + ", bundle "
	if version := from.GetBundleVersion(); version != "" {
		text += oneLine(version, maxTextCharacters) + " "
	}
	text += name(from.GetBundleDigest()[:min(digestCharacters, len(from.GetBundleDigest()))])
	if id := response.GetDecisionId(); id != "" {
		text += ", decision " + name(id)
	}
	if from.GetExplored() {
		text += fmt.Sprintf(", explored with propensity %.3f", from.GetExplorationPropensity())
	}
	if timings := response.GetTimings(); timings != nil {
		text += fmt.Sprintf(", %.0f us", timings.GetTotalUs())
	}
	return text + "\n"
}

// section is a table below an empty line, or nothing where there are no rows.
func section(columns []column, rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	return "\n" + table(columns, rows)
}

// list is lines below an empty line and a title, or nothing where there are none.
func list(title string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	text := "\n  " + title + "\n"
	for _, line := range lines {
		text += "  " + oneLine(line, 1000) + "\n"
	}
	return text
}

// words turns REJECTION_REASON_COST_ABOVE_LIMIT into "cost above limit".
func words(enumValue, prefix string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(enumValue, prefix), "_", " "))
}

func formatOr(format string, value *float64, absent string) string {
	if value == nil {
		return absent
	}
	return fmt.Sprintf(format, *value)
}
