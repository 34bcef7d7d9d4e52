"""What is saved against always using the best model, and what is given up for it?"""

from definitions.panels import POSITIVE, Query, above, below, board, course, figure, listing, row
from definitions.queries import increase, rate, ratio

SPENT = "pointsman_expected_cost_usd_total"
BEST = "pointsman_expected_best_single_cost_usd_total"
GIVEN_UP = "pointsman_expected_quality_given_up_total"
GAINED = "pointsman_expected_quality_gained_total"
DECISIONS = "pointsman_decisions_total"
CHOSEN = 'outcome="chosen"'


def _net(labels=""):
    """Success probability given up, less what was gained, of one choice."""
    return (f"({rate(GIVEN_UP, labels=labels)} - {rate(GAINED, labels=labels)})"
            f" / {rate(DECISIONS, CHOSEN, labels=labels)}")


DASHBOARD = board(
    "value", "Value",
    "What is saved against always using the best single model, and what is given up for it? All figures "
    "are expectations of the bundle, from its prices and outcomes; invoices and labels have the last word.",
    figure("Saved in the time shown", "What the best single model would have cost, less what the choices "
           "cost. Good: above 0.", f"{increase(BEST)} - {increase(SPENT)}", "currencyUSD",
           POSITIVE, width=6, decimals=2),
    figure("Saved, share", "Of what the best single model would have cost. Good: above 30 %; if it is "
           "near 0, the tradeoff of the policies is too near to quality.",
           f"1 - {rate(SPENT)} / {rate(BEST)}", "percentunit", below(0.3, 0), width=6),
    figure("Given up, net", "Success probability of a choice below that of the best single model, less "
           "what was gained where another is better. Good: below 3 %; negative: better than the best "
           "single model.", _net(), "percentunit", above(0.03, 0.1), width=6, decimals=2),
    figure("Saved for each point given up", "USD saved for each percentage point of success given up on "
           "1,000 choices. Compare with what a failed answer costs you.",
           f"({rate(BEST)} - {rate(SPENT)}) / {rate(DECISIONS, CHOSEN)} * 1000"
           f" / (clamp_min({_net()}, 0.0001) * 100)", "currencyUSD", width=6, decimals=2),

    row("Spend"),
    course("Spend an hour", "Expected cost of the choices beside that of always asking the best single "
           "model. The distance is what is saved.",
           Query(f"{rate(SPENT)} * 3600", "choices"), Query(f"{rate(BEST)} * 3600", "best single model"),
           unit="currencyUSD"),
    course("Saved an hour, by policy", "Below 0 a policy costs more than the best single model.",
           Query(f"({rate(BEST, labels='policy')} - {rate(SPENT, labels='policy')}) * 3600", "{{policy}}"),
           unit="currencyUSD", low=None),
    course("Saved, share by policy", "Good: above 0 for each policy, but for one that wants quality "
           "alone.",
           Query(f"1 - {rate(SPENT, labels='policy')} / {rate(BEST, labels='policy')}", "{{policy}}"),
           unit="percentunit", low=None, thresholds=POSITIVE),
    course("Cost of 1,000 choices, by policy", "What a budget has to hold.",
           Query(ratio(f"{rate(SPENT, labels='policy')} * 1000",
                       rate(DECISIONS, CHOSEN, labels="policy"), "policy"), "{{policy}}"),
           unit="currencyUSD", width=12),
    course("Choices by model", "Where the money goes: dear models among policies that should save are "
           "worth a look at their rules and limits.",
           Query(rate(DECISIONS, CHOSEN, labels="model"), "{{model}}"), unit="ops", width=12),

    row("Quality"),
    course("Given up, of one choice", "Success probability below that of the best single model. Good: "
           "below 10 %; if not, lower the policy's tradeoff or set min_success_probability.",
           Query(ratio(rate(GIVEN_UP, labels="policy"), rate(DECISIONS, CHOSEN, labels="policy"),
                       "policy"), "{{policy}}"), unit="percentunit", thresholds=above(0.1)),
    course("Gained, of one choice", "Success probability above that of the best single model, where "
           "another one is better.",
           Query(ratio(rate(GAINED, labels="policy"), rate(DECISIONS, CHOSEN, labels="policy"),
                       "policy"), "{{policy}}"), unit="percentunit"),
    course("Given up, net", "The first less the second. Good: below 10 %; below 0 routing is better than any "
           "one model.",
           Query(_net("policy"), "{{policy}}"), unit="percentunit", low=None, thresholds=above(0.1)),

    row("In the time shown"),
    listing("By policy", "Sums of the time shown. Given up and gained are in answers: 2 means two "
            "acceptable answers fewer or more than from the best single model.",
            *(Query(increase(metric, labels="policy")) for metric in (SPENT, BEST, GIVEN_UP, GAINED)),
            renamed={"Value #A": "spent, USD", "Value #B": "best single model, USD",
                     "Value #C": "given up", "Value #D": "gained"}, width=24),
)
