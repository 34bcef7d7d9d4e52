"""What /metrics shows, against the table in server/README.md and against what was done."""

import re

import pytest

import harness


def documented():
    """{name: (type, labels)} of the table in server/README.md."""
    rows = {}
    readme = (harness.REPOSITORY / "server" / "README.md").read_text(encoding="utf-8")
    for line in readme.splitlines():
        row = re.match(r"\| `((?:pointsman|exposer|process)_\w+)` \| (\w+) \|([^|]*)\|", line)
        if row:
            rows[row[1]] = (row[2], frozenset(re.findall(r"`(\w+)`", row[3])))
    return rows


def scraped(text):
    """{name: (type, labels)} of a scrape; `le` and `quantile` belong to the type."""
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    rows = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        series = re.match(r"(\w+)(?:\{(.*)\})? ", line)
        name = series[1] if series[1] in types else re.sub("_(bucket|sum|count)$", "", series[1])
        labels = set(re.findall(r'(\w+)="', series[2] or "")) - {"le", "quantile"}
        assert rows.setdefault(name, (types[name], frozenset(labels)))[1] == labels, line
    return rows


def test_the_table_of_the_readme_is_what_a_scrape_shows(server):
    server.metrics_text()  # the exposer counts scrapes from the second on
    assert documented() == scraped(server.metrics_text())


def test_decisions_are_counted_where_they_belong(api, start_server, connect, refusal):
    server = start_server()
    router = connect(server)
    chosen = router.Route(api.router.RouteRequest(text="hello", policy="economy"))
    router.Route(api.router.RouteRequest(text="", policy="economy"))
    request = api.router.RouteRequest(text="hello")
    request.limits.max_cost_usd = 0
    infeasible = router.Route(request)
    refusal(lambda: router.Route(api.router.RouteRequest()))
    batch = api.router.BatchRouteRequest(requests=[api.router.RouteRequest(text="hi")] * 3)
    router.BatchRoute(batch)

    assert server.metric("pointsman_decisions_total", policy="economy", outcome="chosen") == 2
    assert server.metric("pointsman_decisions_total", policy="economy", model=chosen.model) >= 1
    assert server.metric("pointsman_decisions_total", model="(none)", outcome="infeasible") == 1
    assert server.metric("pointsman_decisions_total") == 6
    assert server.metric("pointsman_rejections_total") == len(infeasible.rejected)
    assert server.metric("pointsman_rejections_total", reason="cost_unknown") == 1
    assert server.metric("pointsman_degradations_total", kind="empty_input") == 1
    requests = "pointsman_grpc_requests_total"
    assert server.metric(requests, method="Route", code="OK") == 3
    assert server.metric(requests, method="Route", code="INVALID_ARGUMENT") == 1
    assert server.metric(requests, method="BatchRoute", code="OK") == 1
    # A request counts until its answer is written, which the client may see first.
    harness.eventually(lambda: server.metric("pointsman_grpc_requests_in_flight") == 0)
    for stage in ("embed", "search", "estimate", "choose", "total"):
        assert server.metric("pointsman_stage_duration_seconds_count", stage=stage) == 6
    assert server.metric("pointsman_familiarity_count") == 6
    assert server.metric("pointsman_confidence_count") == 5


def test_capabilities_asked_for_stand_beside_those_of_the_exemplars(api, start_server, connect):
    server = start_server()
    router = connect(server)
    asked, evidence = {}, 0.0
    for text in ("hi", "what is the capital of Norway", "prove that 2 is prime"):
        response = router.Route(api.router.RouteRequest(text=text))
        for part in response.capabilities:
            asked[part.capability] = asked.get(part.capability, 0) + part.weight
        chosen = next(c for c in response.candidates if c.model == response.model)
        evidence += chosen.effective_evidence
    catalogue = router.GetCatalogue(api.router.GetCatalogueRequest()).catalogue
    for capability in catalogue.capabilities:
        labels = {"capability": capability.id}
        weight = server.metric("pointsman_capability_weight_total", **labels)
        assert weight == pytest.approx(asked.get(capability.id, 0))
        assert server.metric("pointsman_bundle_capability_ratio", **labels) > 0
    assert server.metric("pointsman_bundle_capability_ratio") == pytest.approx(1)
    assert server.metric("pointsman_effective_evidence_count") == 3
    assert server.metric("pointsman_effective_evidence_sum") == pytest.approx(evidence)


def test_savings_are_one_subtraction(api, start_server, connect):
    server = start_server()
    router = connect(server)
    cost = baseline = 0.0
    for text in ("hi", "thank you", "what is the capital of Norway"):
        response = router.Route(api.router.RouteRequest(text=text, policy="economy"))
        chosen = next(c for c in response.candidates if c.model == response.model)
        if chosen.HasField("cost_usd") and response.baseline.HasField("cost_usd"):
            cost += chosen.cost_usd
            baseline += response.baseline.cost_usd
    assert baseline > 0
    spent = server.metric("pointsman_expected_cost_usd_total", policy="economy")
    best = server.metric("pointsman_expected_best_single_cost_usd_total", policy="economy")
    assert spent == pytest.approx(cost)
    assert best == pytest.approx(baseline)


def test_the_bundle_and_the_build_are_named(api, server, router):
    catalogue = router.GetCatalogue(api.router.GetCatalogueRequest())
    assert server.metric("pointsman_bundle_info", digest=catalogue.bundle_digest) == 1
    response = router.Route(api.router.RouteRequest(text="hi"))
    assert server.metric("pointsman_build_info", version=response.provenance.server_version) == 1
