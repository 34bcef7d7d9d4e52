"""Where is it out of its depth?"""

from definitions.panels import (Query, above, bars, board, course, density, figure, row)
from definitions.queries import TRACKS, at_most, by, mean, quantile, rate, ratio, series, share, where

FAMILIARITY = "pointsman_familiarity"
EVIDENCE = "pointsman_effective_evidence"
WEIGHT = "pointsman_capability_weight_total"
DECISIONS = "pointsman_decisions_total"
MIX = share(WEIGHT, "capability")
EXEMPLARS = by("capability", series("pointsman_bundle_capability_ratio"), "avg")
DEGRADATIONS = "pointsman_degradations_total"

DASHBOARD = board(
    "depth", "Depth",
    "Where is it out of its depth? Familiarity is a p-value: for queries like the exemplars, a share x of "
    "them lies at or below x, whatever the bundle. What departs from that is drift.",
    figure("Less familiar than 95 % of exemplars", "Share of queries with a familiarity of at most .05. "
           "Good: near 5 %. Above 20 %: label queries of what is missing, see capabilities below.",
           at_most(FAMILIARITY, "0.05"), "percentunit", above(0.1, 0.2), width=6),
    figure("Drift of familiarity", "Kolmogorov-Smirnov distance between the last hour and the exemplars. "
           "Good: below .1. Above .25 the traffic is another one: rebuild with exemplars of it.",
           by("", f"track:pointsman_familiarity_drift:ks_rate1h{{{TRACKS}}}", "max"),
           thresholds=above(0.1, 0.25), width=6, decimals=2),
    figure("Drift of capabilities", "Total variation between what the last hour asked for and what the "
           "exemplars hold. Good: below .2. Above .4: relabel or add exemplars where the excess is.",
           by("", f"track:pointsman_capability_drift:tv_rate1h{{{TRACKS}}}", "max"),
           thresholds=above(0.2, 0.4), width=6, decimals=2),
    figure("Choices without evidence", "Share of choices that rest on declared skill alone. Good: below "
           "10 %, once outcomes are measured. If not, measure outcomes of these models.",
           at_most(EVIDENCE, "0"), "percentunit", above(0.1, 0.5), width=6),

    row("Familiarity"),
    density("Familiarity", "Good: evenly coloured, for its bounds are not even: a dark band near 0 is "
            "traffic that the bundle does not know.", FAMILIARITY),
    bars("Share of queries at or below", "Good: each bar as long as its name says. Longer ones at the "
         "left end: unfamiliar traffic; shorter ones: traffic more alike than the exemplars.",
         *(Query(at_most(FAMILIARITY, bound), bound)
           for bound in ("0.01", "0.05", "0.1", "0.2", "0.3", "0.5", "0.7", "0.9"))),
    course("Familiarity, mean", "Good: near .5. It falls as traffic moves away from the exemplars.",
           Query(mean(FAMILIARITY), "mean"), unit="percentunit", high=1),
    course("Drift", "Both of the last hour, 0 to 1. Good: below .2.",
           Query(f"track:pointsman_familiarity_drift:ks_rate1h{{{TRACKS}}}", "familiarity {{track}}"),
           Query(f"track:pointsman_capability_drift:tv_rate1h{{{TRACKS}}}", "capabilities {{track}}"),
           high=1, thresholds=above(0.25)),
    course("Least familiar", "Share at or below .01 and .05. Good: 1 % and 5 %; more is traffic that the "
           "bundle does not know.",
           Query(at_most(FAMILIARITY, "0.01"), "at most .01"),
           Query(at_most(FAMILIARITY, "0.05"), "at most .05"), unit="percentunit",
           thresholds=above(0.2)),
    course("Below the floor of the policy", "Share of decisions with the degradation UNFAMILIAR: the "
           "policy then takes the prior, its fallback model, or abstains.",
           Query(f"{rate(DEGRADATIONS, where(kind='unfamiliar'))} / {rate(DECISIONS)}", "unfamiliar"),
           Query(f"{rate(DECISIONS, where(outcome='abstained'))} / {rate(DECISIONS)}", "abstained"),
           unit="percentunit"),

    row("Capabilities"),
    course("Asked for", "Share of each capability in what queries were judged to need.",
           Query(MIX, "{{capability}}"), unit="percentunit", stacked=True, high=1),
    bars("Held by the exemplars", "Share of the exemplars of the bundles in service.",
         Query(EXEMPLARS, "{{capability}}")),
    course("Asked for more than held", "Share asked for less share of the exemplars. Above 0: label more "
           "of it. Below 0: more exemplars than it needs.",
           Query(f"{MIX} - {EXEMPLARS}", "{{capability}}"), unit="percentunit", low=None),

    row("Thin evidence"),
    density("Evidence behind the choices", "Effective number of measured outcomes. Good: most above 5.",
            EVIDENCE),
    course("Thin evidence", "Share of choices. none: declared skill only; at most 2: hardly more. Good: each "
           "below 50 %.",
           Query(at_most(EVIDENCE, "0"), "none"), Query(at_most(EVIDENCE, "2"), "at most 2"),
           Query(at_most(EVIDENCE, "5"), "at most 5"), unit="percentunit", thresholds=above(0.5)),
    course("Evidence", "Median and mean. It rises with each bundle that holds more outcomes.",
           Query(quantile(0.5, EVIDENCE), "p50"), Query(mean(EVIDENCE), "mean")),

    row("Weak inputs"),
    course("What could not be judged whole", "Share of decisions. truncated: head and tail only; "
           "empty_input: prior only; no_text: a vector alone.",
           Query(ratio(rate(DEGRADATIONS, 'kind=~"truncated|empty_input|no_text"', labels="kind"),
                       rate(DECISIONS)), "{{kind}}"), unit="percentunit", width=12),
    course("What the catalogue does not say", "Share of decisions. no_outcomes, no_skill: measure or "
           "declare; cost_unknown, latency_unknown: complete prices and speeds.",
           Query(ratio(rate(DEGRADATIONS,
                            'kind=~"no_outcomes|no_skill|cost_unknown|latency_unknown|target_not_reached"',
                            labels="kind"), rate(DECISIONS)), "{{kind}}"), unit="percentunit", width=12),
)
