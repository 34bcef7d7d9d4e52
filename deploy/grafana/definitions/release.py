"""Which bundles are in service, and does the canary do as well as stable?"""

from definitions.panels import Query, above, board, course, figure, listing, row
from definitions.queries import (CANARY, JOBS, SERVER_FAULTS, STABLE, by, mean, quantile, rate, ratio,
                                 series, where)

REQUESTS = "pointsman_grpc_requests_total"
DECISIONS = "pointsman_decisions_total"
CHOSEN = 'outcome="chosen"'
NOT_CHOSEN = 'outcome!="chosen"'
SPENT = "pointsman_expected_cost_usd_total"
BEST = "pointsman_expected_best_single_cost_usd_total"
GIVEN_UP = "pointsman_expected_quality_given_up_total"
GAINED = "pointsman_expected_quality_gained_total"
RELOADS = "pointsman_bundle_reloads_total"
TRACKS = (("stable", STABLE), ("canary", CANARY))


def _both(expression):
    """The same of stable and of the canary."""
    return [Query(expression(of), name) for name, of in TRACKS]


DASHBOARD = board(
    "release", "Release", "Which bundles are in service, and does the canary do as well as stable?",
    figure("Bundles in service", "Good: one for each track; more only while a new one spreads.",
           f"count(count by (digest) ({series('pointsman_bundle_info')}))", thresholds=above(3)),
    figure("Age of the newest bundle", "Since it went into service. Good: below 30 days.",
           f"time() - max({series('pointsman_bundle_activated_time_seconds')})", "s",
           above(30 * 86400, 90 * 86400)),
    figure("Refused bundles", "In the time shown. Good: 0; if not, the log and `pointsman admin status` "
           "name the file and the check.",
           f"sum(increase({series(RELOADS, where(result='failed'))}[$__range]))", thresholds=above(1),
           decimals=0),
    figure("Versions of the server", "Good: one; two while a release spreads.",
           f"count(count by (version) ({series('pointsman_build_info')}))", thresholds=above(2, 3)),
    figure("Series of bundles", "Labelled with names of bundles, largest instance. Good: below 10,000; beyond "
           "20,000 new names are counted as (other); a restart begins anew.",
           by("", series("pointsman_bundle_series"), "max"), thresholds=above(10_000, 18_000)),
    figure("Canary's share", "Of the requests. Good: what the mesh was told.",
           f"{rate(REQUESTS, of=CANARY)} / {rate(REQUESTS, of=JOBS)}", "percentunit"),

    row("Bundles"),
    listing("In service", "Which bundle each instance serves.",
            Query(f"sum by (track, instance, version, digest) ({series('pointsman_bundle_info')})"),
            hidden=("Time", "Value")),
    listing("Servers", "Which version of the server each instance is.",
            Query(f"sum by (track, instance, version) ({series('pointsman_build_info')})"),
            hidden=("Time", "Value")),
    course("Instances by bundle", "Good: one step from the old to the new one.",
           Query(f"count by (track, version, digest) ({series('pointsman_bundle_info')})",
                 "{{track}} {{version}} {{digest}}"), stacked=True),
    course("In service since", "Age of each instance's bundle; it falls to 0 at an activation. Good: below 30 "
           "days.",
           Query(f"time() - {series('pointsman_bundle_activated_time_seconds')}", "{{instance}}"),
           unit="s", thresholds=above(30 * 86400)),
    course("Wishes for bundles in an hour", "activated, unchanged, dry_run, rolled_back, superseded are "
           "well; failed is a bundle refused.",
           Query(by("result", f"increase({series(RELOADS)}[1h])"), "{{result}}")),
    course("Requests to bundle_url in an hour", "0 without bundle_url. Good: not_modified, now and then "
           "updated.",
           Query(by("result", f"increase({series('pointsman_bundle_fetches_total')}[1h])"), "{{result}}")),
    course("Changed files in an hour", "Certificates and clients. Good: succeeded.",
           Query(by("file, result", f"increase({series('pointsman_file_reloads_total')}[1h])"),
                 "{{file}} {{result}}")),
    course("Series of bundles", "It grows with each name that was ever in a bundle.",
           Query(by("instance", series("pointsman_bundle_series")), "{{instance}}")),

    row("Canary against stable"),
    course("Errors", "Share of answers that are the server's fault. Good: the canary's no higher.",
           *_both(lambda of: f"{rate(REQUESTS, SERVER_FAULTS, of=of)} / {rate(REQUESTS, of=of)}"),
           unit="percentunit", thresholds=above(0.01)),
    course("Decision, p99", "Good: the canary's less than twice stable's.",
           *_both(lambda of: quantile(0.99, "pointsman_stage_duration_seconds", 'stage="total"', of=of)),
           unit="s"),
    course("Confidence, mean", "Good: the canary's no lower by .05. If it is, evaluate both bundles on "
           "the same labelled queries (`pointsman-index evaluate`) before it goes on.",
           *_both(lambda of: mean("pointsman_confidence", of=of)), unit="percentunit", high=1),
    course("Saved, share", "Of what the best single model would have cost; each bundle by its own prices.",
           *_both(lambda of: f"1 - {rate(SPENT, of=of)} / {rate(BEST, of=of)}"), unit="percentunit",
           low=None),
    course("Given up, net", "Success probability of a choice below that of the best single model. Good: "
           "the canary's no higher by 3 %.",
           *_both(lambda of: f"({rate(GIVEN_UP, of=of)} - {rate(GAINED, of=of)})"
                             f" / {rate(DECISIONS, CHOSEN, of=of)}"), unit="percentunit", low=None),
    course("Familiarity, mean", "Good: both near .5. The canary's lower: it lacks exemplars that stable "
           "has.", *_both(lambda of: mean("pointsman_familiarity", of=of)), unit="percentunit", high=1),
    course("Without a choice", "Share of decisions. Good: alike.",
           *_both(lambda of: f"{rate(DECISIONS, NOT_CHOSEN, of=of)} / {rate(DECISIONS, of=of)}"),
           unit="percentunit", width=12),
    course("Models: canary less stable", "Difference of each model's share of the choices. Good: what the "
           "new bundle was made for.",
           Query(" - on (model) ".join(
               f"({ratio(rate(DECISIONS, CHOSEN, labels='model', of=of), rate(DECISIONS, CHOSEN, of=of))})"
               for of in (CANARY, STABLE)), "{{model}}"), unit="percentunit", low=None, width=12),
)
