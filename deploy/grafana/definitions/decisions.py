"""What is decided, how sure, and what stood in the way?"""

from definitions.panels import Query, above, below, board, course, density, figure, row
from definitions.queries import at_most, mean, quantile, rate, ratio, share

DECISIONS = "pointsman_decisions_total"
CHOSEN = 'outcome="chosen"'
NOT_CHOSEN = 'outcome!="chosen"'

DASHBOARD = board(
    "decisions", "Decisions", "What is decided, how sure, and what stood in the way?",
    figure("Decisions", "A second; each item of a batch counts.", rate(DECISIONS), "ops"),
    figure("Chosen", "Share of decisions that name a model. Good: above 95 %, unless policies abstain by "
           "intent. If not, see outcomes.", f"{rate(DECISIONS, CHOSEN)} / {rate(DECISIONS)}",
           "percentunit", below(0.95, 0.8)),
    figure("Confidence, mean", "Calibrated: of choices with .8 about 80 % succeed. Good: steady. A drop "
           "means harder queries, or a bundle that knows less.", mean("pointsman_confidence"),
           "percentunit", below(0.7, 0.5)),
    figure("Margin, median", "Probability that the choice really beats the runner-up. Near .5 both are as "
           "good, and the cheaper one may be preferred without loss.",
           quantile(0.5, "pointsman_margin"), "percentunit"),
    figure("Degradations a decision", "What made decisions weaker, for each decision. Good: below .2. If "
           "not, see by kind.", f"{rate('pointsman_degradations_total')} / {rate(DECISIONS)}",
           thresholds=above(0.2, 1), decimals=2),
    figure("Rejections a decision", "Models that could not be chosen, for each decision. As many as "
           "models less one: callers leave no choice.",
           f"{rate('pointsman_rejections_total')} / {rate(DECISIONS)}", decimals=2),

    row("What is decided?"),
    course("Models", "Share of the choices. A model whose share jumps without a new bundle: other "
           "queries, or callers that deny the others.",
           Query(share(DECISIONS, "model", CHOSEN), "{{model}}"), unit="percentunit", stacked=True,
           high=1, width=12),
    course("Policies", "Share of the decisions, by the policy that applied in the end.",
           Query(share(DECISIONS, "policy"), "{{policy}}"), unit="percentunit", stacked=True, high=1,
           width=12),
    course("Outcomes", "infeasible: no model meets the limits that callers set; abstained: the policy "
           "prefers not to choose. Good: chosen. Infeasible ones name the nearest relaxation.",
           Query(share(DECISIONS, "outcome"), "{{outcome}}"), unit="percentunit", stacked=True, high=1,
           width=12),
    course("Without a choice, by policy", "Share of the policy's decisions. Good: below 20 %.",
           Query(ratio(rate(DECISIONS, NOT_CHOSEN, labels="policy"),
                       rate(DECISIONS, labels="policy"), "policy"), "{{policy}}"),
           unit="percentunit", thresholds=above(0.2), width=12),

    row("How sure?"),
    density("Confidence", "Good: most of it high and in one band. A second, low band is a kind of query "
            "that no model does well: see Depth.", "pointsman_confidence"),
    course("Confidence", "Mean and the lowest tenth. Good: steady between bundles.",
           Query(mean("pointsman_confidence"), "mean"),
           Query(quantile(0.1, "pointsman_confidence"), "p10"), unit="percentunit", high=1),
    course("Hardly better than chance", "Share of choices with a confidence of at most .5. Good: below "
           "20 %. If not: a policy with min_confidence abstains instead, or asks for a better model.",
           Query(at_most("pointsman_confidence", "0.5"), "at most .5"), unit="percentunit",
           thresholds=above(0.2)),
    density("Margin", "At .5 the runner-up would have done as well.", "pointsman_margin"),
    course("Margin", "Median and the lowest tenth.",
           Query(quantile(0.5, "pointsman_margin"), "p50"),
           Query(quantile(0.1, "pointsman_margin"), "p10"), unit="percentunit", high=1),
    course("Close calls", "Share of choices with a margin of at most .6. Where it is high, evidence is "
           "what is missing: measure more outcomes.",
           Query(at_most("pointsman_margin", "0.6"), "at most .6"), unit="percentunit"),

    row("What stood in the way?"),
    course("Rejections by reason", "For each decision. cost_above_limit, latency_above_limit, "
           "success_below_limit: limits of callers or policies; denied, not_allowed: callers' lists; rule: "
           "the policy. cost_unknown, latency_unknown: complete the catalogue.",
           Query(ratio(rate("pointsman_rejections_total", labels="reason"), rate(DECISIONS)),
                 "{{reason}}"), width=12),
    course("Degradations by kind", "Share of decisions. truncated: long texts; empty_input: nothing to "
           "judge; no_outcomes: the choice was never measured; unfamiliar: see Depth; target_not_reached: "
           "no model is good enough. Good: each below 20 %.",
           Query(ratio(rate("pointsman_degradations_total", labels="kind"), rate(DECISIONS)), "{{kind}}"),
           unit="percentunit", thresholds=above(0.2), width=12),
)
