"""Rows of DESIGN's table "What happens when ...", each test named after its row."""

import math
import shutil
import time

import grpc
import pytest

import harness

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def start_and_expect_exit(bundle, tmp_path):
    """Exit code and log of a server that must not come to serve `bundle`."""
    port_file = tmp_path / "ports.json"
    result = harness.run(
        harness.binary("server/pointsman-server"), f"--bundle={bundle}",
        "--listen-address=127.0.0.1:0", "--metrics-listen-address=127.0.0.1:0",
        f"--port-file={port_file}", env=harness.clean_environment(),
    )
    assert not port_file.exists()
    assert "SERVING" not in result.stdout
    return result.returncode, result.stderr


def raw_route(server, request_bytes):
    """Sends bytes as they are, valid message or not."""
    with grpc.insecure_channel(server.address) as channel:
        return channel.unary_unary("/pointsman.v1.RouterService/Route")(request_bytes)


def kinds(api, response):
    return {api.router.DegradationKind.Name(d.kind) for d in response.degradations}


# Row: no bundle, or a corrupt one, at start


def test_no_bundle_at_start(tmp_path):
    code, log = start_and_expect_exit(tmp_path / "absent", tmp_path)
    assert code == 1
    assert "absent" in log


def test_corrupt_bundle_at_start(bundle, tmp_path):
    names = sorted(path.name for path in bundle.iterdir())
    assert len(names) >= 8
    for name in names:
        broken = tmp_path / f"broken-{name}"
        shutil.copytree(bundle, broken)
        file = broken / name
        contents = bytearray(file.read_bytes())
        contents[len(contents) // 2] ^= 1
        file.write_bytes(contents)
        code, log = start_and_expect_exit(broken, tmp_path)
        assert code == 1, name
        assert name in log, log


def test_truncated_or_missing_file_of_a_bundle_at_start(bundle, tmp_path):
    for name in sorted(path.name for path in bundle.iterdir()):
        broken = tmp_path / f"cut-{name}"
        shutil.copytree(bundle, broken)
        file = broken / name
        file.write_bytes(file.read_bytes()[:-1])
        code, log = start_and_expect_exit(broken, tmp_path)
        assert code == 1 and name in log, log
        file.unlink()
        code, log = start_and_expect_exit(broken, tmp_path)
        assert code == 1 and name in log, log


# Row: empty query, only white space, only unknown tokens


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u00a0\u3000", "\ue000\ue001"])
def test_empty_query_only_white_space_only_unknown_tokens(api, router, text):
    response = router.Route(api.router.RouteRequest(text=text))
    assert response.outcome == api.router.OUTCOME_CHOSEN
    assert "DEGRADATION_KIND_EMPTY_INPUT" in kinds(api, response)


def test_nothing_sent_at_all(api, router, server, refusal):
    code, _, fields = refusal(lambda: router.Route(api.router.RouteRequest()))
    assert code == INVALID
    assert "text, conversation and embedding" in fields["input"]
    code, _, _ = refusal(lambda: raw_route(server, b""))
    assert code == INVALID


# Row: 1 MiB query, invalid UTF-8, control characters, mixed scripts


def test_one_mebibyte_query(api, router):
    text = ("How does an interlocking keep two trains apart? " * 22000)[: 1 << 20]
    response = router.Route(api.router.RouteRequest(text=text), timeout=5)
    assert response.outcome == api.router.OUTCOME_CHOSEN
    assert "DEGRADATION_KIND_TRUNCATED" in kinds(api, response)


def test_more_than_one_mebibyte_names_the_bound(api, router, refusal):
    request = api.router.RouteRequest(text="x" * ((1 << 20) + 1))
    code, _, fields = refusal(lambda: router.Route(request))
    assert code == INVALID
    assert "1048576" in fields["text"] and "1048577" in fields["text"]


def test_message_beyond_the_limit(api, router, refusal):
    request = api.router.RouteRequest(text="x" * (5 << 20))
    code, _, _ = refusal(lambda: router.Route(request))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_invalid_utf8_names_the_byte(server, refusal):
    text = b"where is platform \xc3\x28?"
    code, message, fields = refusal(lambda: raw_route(server, b"\x0a" + bytes([len(text)]) + text))
    assert code == INVALID
    assert fields == {"text": "must be valid UTF-8; byte 18 (0xc3) is not"}
    assert "text" in message


def test_invalid_utf8_in_a_turn_names_the_turn(api, server, refusal):
    request = api.router.RouteRequest()
    for content in ("one", "two", "three"):
        request.conversation.turns.add(role=api.router.ROLE_USER, content=content)
    broken = request.SerializeToString().replace(b"three", b"thr\xffe")
    code, _, fields = refusal(lambda: raw_route(server, broken))
    assert code == INVALID
    assert list(fields) == ["conversation.turns[2].content"]


@pytest.mark.parametrize("body", [b"\xff\xff\xff\xff", b"\x0a\x7f", b"\x0b", b"not a message"])
def test_what_is_no_message_is_never_internal(server, refusal, body):
    code, _, fields = refusal(lambda: raw_route(server, body))
    assert code == INVALID
    assert "pointsman.v1.RouteRequest" in fields["request"]


@pytest.mark.parametrize(
    "text",
    [
        "".join(chr(c) for c in range(1, 32)) + "what is 2 + 2",
        "\x00\x00 hello \x7f\u0085",
        "Übersetze 你好 ins Русский, الرجاء, e poi in ελληνικά 🚂",
        "a\u0301\u0302\u0303" * 500,
        "\u202eesrever\u202c \ufeff\u200b",
    ],
)
def test_control_characters_and_mixed_scripts(api, router, text):
    response = router.Route(api.router.RouteRequest(text=text))
    assert response.outcome == api.router.OUTCOME_CHOSEN


# Row: unknown model, policy or feature named in a request


@pytest.mark.parametrize(
    "change, field, known",
    [
        (lambda r: r.requirements.allow_models.append("tinny"), "requirements.allow_models[0]", "tiny"),
        (lambda r: r.requirements.deny_models.append("tinny"), "requirements.deny_models[0]", "tiny"),
        (lambda r: setattr(r.incumbent, "model", "tinny"), "incumbent.model", "tiny"),
        (lambda r: setattr(r, "policy", "balancd"), "policy", "balanced"),
        (lambda r: r.requirements.features.append("tols"), "requirements.features[0]", "tools"),
    ],
)
def test_unknown_model_policy_or_feature(api, router, refusal, change, field, known):
    request = api.router.RouteRequest(text="hello")
    change(request)
    code, message, fields = refusal(lambda: router.Route(request))
    assert code == INVALID
    assert known in fields[field] and field in message


def test_a_name_of_any_length_is_refused_in_bounded_words(api, router, refusal):
    request = api.router.RouteRequest(text="hello", policy="車" * 100_000)
    code, message, fields = refusal(lambda: router.Route(request))
    assert code == INVALID
    assert len(message.encode()) <= 1024 and "policy" in fields


# Row: limits that nobody meets


def test_limits_that_nobody_meets(api, router):
    request = api.router.RouteRequest(text="Prove that there are infinitely many primes.")
    request.limits.max_cost_usd = 1e-12
    response = router.Route(request)
    assert response.outcome == api.router.OUTCOME_INFEASIBLE
    assert response.model == "" and len(response.rejected) == 5
    assert response.relaxation.field == "limits.max_cost_usd"
    assert response.relaxation.needed > response.relaxation.current == 1e-12

    # The relaxation is enough, and names who then qualifies.
    request.limits.max_cost_usd = response.relaxation.needed
    relaxed = router.Route(request)
    assert relaxed.outcome == api.router.OUTCOME_CHOSEN
    assert response.relaxation.model in {c.model for c in relaxed.candidates}


# Row: model without prices, outcomes or speed


def test_model_without_prices(api, router):
    request = api.router.RouteRequest(text="hello")
    request.requirements.allow_models.append("in-house")
    response = router.Route(request)
    assert response.model == "in-house"
    assert not response.candidates[0].HasField("cost_usd")
    assert "DEGRADATION_KIND_COST_UNKNOWN" in kinds(api, response)

    request.limits.max_cost_usd = 1000
    response = router.Route(request)
    assert response.outcome == api.router.OUTCOME_INFEASIBLE
    rejected = {r.model: r.reason for r in response.rejected}
    assert rejected["in-house"] == api.router.REJECTION_REASON_COST_UNKNOWN


def test_model_without_outcomes(api, router):
    request = api.router.RouteRequest(text="hello")
    request.requirements.allow_models.append("newcomer")
    response = router.Route(request)
    assert response.model == "newcomer"
    assert response.candidates[0].effective_evidence == 0
    assert "DEGRADATION_KIND_NO_OUTCOMES" in kinds(api, response)


def test_model_without_speed(api, router):
    request = api.router.RouteRequest(text="hello", policy="quick")
    request.requirements.allow_models.append("newcomer")
    response = router.Route(request)
    assert response.model == "newcomer"
    assert not response.candidates[0].HasField("latency_ms")
    assert "DEGRADATION_KIND_LATENCY_UNKNOWN" in kinds(api, response)

    request.limits.max_latency_ms = 1e6
    response = router.Route(request)
    assert response.outcome == api.router.OUTCOME_INFEASIBLE
    rejected = {r.model: r.reason for r in response.rejected}
    assert rejected["newcomer"] == api.router.REJECTION_REASON_LATENCY_UNKNOWN


# Row: vector of the wrong dimension, NaN, zero


def test_vector_of_the_wrong_dimension_nan_or_zero(api, router, refusal):
    catalogue = router.GetCatalogue(api.router.GetCatalogueRequest())
    size = catalogue.embedding_dimensions

    def route(values, embedder=catalogue.embedder_id):
        request = api.router.RouteRequest()
        request.embedding.embedder_id = embedder
        request.embedding.values.extend(values)
        return router.Route(request)

    good = route([1.0] + [0.0] * (size - 1))
    assert good.outcome == api.router.OUTCOME_CHOSEN
    assert "DEGRADATION_KIND_NO_TEXT" in kinds(api, good)

    bad = {
        "embedding.values": [[1.0] * (size - 1), [1.0] * (size + 1), [], [0.0] * size],
        "embedding.values[3]": [
            [1.0] * 3 + [value] + [1.0] * (size - 4) for value in (math.nan, math.inf, -math.inf)
        ],
    }
    for field, vectors in bad.items():
        for vector in vectors:
            code, _, fields = refusal(lambda v=vector: route(v))
            assert code == INVALID and list(fields) == [field]
    code, _, fields = refusal(lambda: route([1.0] * size, embedder="another"))
    assert code == INVALID and catalogue.embedder_id in fields["embedding.embedder_id"]


# Row: deadline already past, or shorter than the work


def test_deadline_shorter_than_the_work(api, start_server, connect, refusal):
    server = start_server()
    router = connect(server)
    # Long queries teach the server that a decision takes most of a millisecond.
    long_query = api.router.RouteRequest(text="é車🚂" * 110_000)
    for _ in range(40):
        router.Route(long_query)
    decisions = server.metric("pointsman_decisions_total")
    refused = 0
    for _ in range(50):
        code, _, _ = refusal(lambda: router.Route(api.router.RouteRequest(text="hi"), timeout=0.001))
        assert code == grpc.StatusCode.DEADLINE_EXCEEDED
        # It may have ended in the client before it was sent.
        refused = server.metric(
            "pointsman_grpc_requests_total", method="Route", code="DEADLINE_EXCEEDED"
        )
        if refused:
            break
    assert refused > 0
    assert server.metric("pointsman_decisions_total") == decisions


def test_deadline_that_passes_within_a_batch(api, start_server, connect, refusal):
    server = start_server()
    router = connect(server)
    batch = api.router.BatchRouteRequest()
    batch.requests.extend([api.router.RouteRequest(text="why? " * 700)] * 1000)
    code, _, _ = refusal(lambda: router.BatchRoute(batch, timeout=0.02))
    assert code == grpc.StatusCode.DEADLINE_EXCEEDED
    requests = "pointsman_grpc_requests_total"
    for _ in range(100):
        if server.metric(requests, method="BatchRoute") == 1:
            break
        time.sleep(0.01)
    assert server.metric(requests, method="BatchRoute", code="OK") == 0
    assert server.metric("pointsman_decisions_total") < 400
