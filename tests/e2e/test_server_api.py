"""The services of a running server: decisions, batches, catalogue, health, reflection."""

import re

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

QUERIES = [
    "hi",
    "Which year did the Berlin wall come down?",
    "Write a lock-free queue in C++20.",
    "Prove that every finite integral domain is a field.",
    "Wie sagt man 'Weiche' auf Englisch?",
    "",
]


def without_ids_and_timings(response):
    copy = type(response)()
    copy.CopyFrom(response)
    copy.ClearField("decision_id")
    copy.ClearField("timings")
    return copy


def test_a_decision_is_complete(api, router):
    request = api.router.RouteRequest(
        text="Solve 5x - 3 = 12.", correlation_id="c-1", explain=True, max_candidates=3
    )
    response = router.Route(request)
    assert response.outcome == api.router.OUTCOME_CHOSEN
    assert response.model and 0 <= response.confidence <= 1 and 0 <= response.familiarity <= 1
    assert len(response.candidates) == 3 and response.candidates[0].model == response.model
    utilities = [c.utility for c in response.candidates]
    assert utilities == sorted(utilities, reverse=True)
    assert response.correlation_id == "c-1"
    assert response.provenance.policy == "balanced"
    assert re.fullmatch("[0-9a-f]{64}", response.provenance.bundle_digest)
    assert re.fullmatch(r"\d+\.\d+\.\d+", response.provenance.server_version)
    assert response.evidence[0].exemplar_id
    assert response.timings.total_us > 0
    assert response.baseline.model


def test_decision_ids_are_unique_and_sort_by_time(api, router):
    ids = [router.Route(api.router.RouteRequest(text="hi")).decision_id for _ in range(50)]
    assert all(re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", i) for i in ids)
    assert len(set(ids)) == len(ids)
    assert [i[:10] for i in ids] == sorted(i[:10] for i in ids)


def test_the_same_request_gives_the_same_bytes_from_two_servers(api, start_server, connect):
    first, second = connect(start_server()), connect(start_server())
    for text in QUERIES:
        for policy in ("balanced", "economy", "quick", "guarded", "explorer", "cautious"):
            request = api.router.RouteRequest(
                text=text, policy=policy, explain=True, assignment_key="user-1"
            )
            answers = [without_ids_and_timings(router.Route(request)) for router in (first, second)]
            assert answers[0].SerializeToString() == answers[1].SerializeToString()


def test_the_wire_bytes_are_the_same_whatever_the_order_of_maps(api, server):
    request = api.router.RouteRequest(text="what is 17 * 24", explain=True).SerializeToString()
    with grpc.insecure_channel(server.address) as channel:
        route = channel.unary_unary("/pointsman.v1.RouterService/Route")
        evidence = set()
        for _ in range(5):
            response = api.router.RouteResponse.FromString(route(request))
            # Serialising keeps the order in which the entries came.
            evidence.add(b"".join(e.SerializeToString() for e in response.evidence))
    assert len(evidence) == 1


def test_a_batch_keeps_order_and_answers_like_route(api, router):
    requests = [api.router.RouteRequest(text=text, correlation_id=text) for text in QUERIES]
    batch = router.BatchRoute(api.router.BatchRouteRequest(requests=requests))
    assert len(batch.results) == len(requests)
    for request, result in zip(requests, batch.results):
        assert result.response.correlation_id == request.correlation_id
        alone = router.Route(request)
        assert without_ids_and_timings(result.response) == without_ids_and_timings(alone)
    ids = {result.response.decision_id for result in batch.results}
    assert len(ids) == len(requests)


def test_a_batch_gives_each_bad_item_its_own_status(api, server, router, refusal):
    requests = [
        api.router.RouteRequest(text="good"),
        api.router.RouteRequest(text="x", policy="nonesuch"),
        api.router.RouteRequest(text="bad bytes: ????"),
        api.router.RouteRequest(),
        api.router.RouteRequest(text="good too"),
    ]
    batch = api.router.BatchRouteRequest(requests=requests)
    broken = batch.SerializeToString().replace(b"????", b"\xff\xfe\xfd\xfc")
    with grpc.insecure_channel(server.address) as channel:
        answer = channel.unary_unary(
            "/pointsman.v1.RouterService/BatchRoute",
            response_deserializer=api.router.BatchRouteResponse.FromString,
        )(broken)
    kinds = [result.WhichOneof("result") for result in answer.results]
    assert kinds == ["response", "error", "error", "error", "response"]
    assert answer.results[2].error.message == "text: must be valid UTF-8; byte 11 (0xff) is not"

    # The same code, message and details as Route would give.
    code, message, fields = refusal(lambda: router.Route(requests[1]))
    error = answer.results[1].error
    assert (error.code, error.message) == (code.value[0], message)
    details = api.errors.BadRequest()
    assert error.details[0].Unpack(details)
    assert {v.field: v.description for v in details.field_violations} == fields


def test_a_batch_has_a_bound_on_items(api, start_server, connect, refusal):
    router = connect(start_server(max_batch_items=2))
    for count in (0, 3):
        requests = [api.router.RouteRequest(text="x")] * count
        code, _, fields = refusal(
            lambda r=requests: router.BatchRoute(api.router.BatchRouteRequest(requests=r))
        )
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert fields == {"requests": f"must hold 1 to 2 items; holds {count}"}


def test_rules_of_a_policy_are_obeyed(api, router):
    request = api.router.RouteRequest(text="is my Password strong?", policy="guarded", explain=True)
    response = router.Route(request)
    assert response.model == "in-house"
    assert list(response.rules_fired) == ["secrets-stay-in"]


def test_abstaining_and_falling_back_are_decisions(api, router):
    text = "Which treaty first ceded Bukovina?"
    cautious = router.Route(api.router.RouteRequest(text=text, policy="cautious"))
    assert cautious.outcome == api.router.OUTCOME_ABSTAINED
    assert cautious.model == "" and len(cautious.candidates) > 0
    fallback = router.Route(api.router.RouteRequest(text=text, policy="fallback"))
    assert fallback.model == "medium"


def test_the_catalogue_is_what_the_bundle_holds(api, router):
    catalogue = router.GetCatalogue(api.router.GetCatalogueRequest())
    models = [model.id for model in catalogue.catalogue.models]
    assert models == ["tiny", "medium", "large", "in-house", "newcomer"]
    assert catalogue.policies.default_policy == "balanced"
    assert catalogue.exemplar_count == 60
    response = router.Route(api.router.RouteRequest(text="hi"))
    assert catalogue.bundle_digest == response.provenance.bundle_digest


@pytest.mark.parametrize("service", ["", "pointsman.v1.RouterService"])
def test_health_is_serving(server, service):
    with grpc.insecure_channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_describes_the_service(server):
    with grpc.insecure_channel(server.address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = database.get_services()
        described = database.FindFileContainingSymbol("pointsman.v1.RouterService")
    assert "pointsman.v1.RouterService" in services
    assert "pointsman.bench.Noop" not in services
    assert [m.name for m in described.service[0].method] == ["Route", "BatchRoute", "GetCatalogue"]


def test_the_noop_of_benchmarks_is_there_only_on_demand(server, start_server, refusal):
    def call(instance):
        with grpc.insecure_channel(instance.address) as channel:
            return channel.unary_unary("/pointsman.bench.Noop/Call")(b"")

    code, _, _ = refusal(lambda: call(server))
    assert code == grpc.StatusCode.UNIMPLEMENTED
    assert call(start_server(bench_noop="true")) == b""
