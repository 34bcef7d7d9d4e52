"""Envoy's external processing by a real server: what cannot be routed, and what goes wrong."""

import contextlib
import hashlib
import json
import threading
import time

import grpc
import pytest

import harness
from ext_proc_exchange import (  # noqa: F401  fixtures among them
    ANSWER_HEADERS, QUESTION, envoy, envoy_files, exchange, headers_of, route, servers,
)

CHAT = "/v1/chat/completions"
DEEP = b'{"metadata":' + b"[" * 200 + b"]" * 200 + b"}"
USER = '{"role":"user","content":"hi"}'
FAILURES = {
    # name: (reason, HTTP status, param, words of the message, headers, body)
    "empty": ("no_body", 400, None, "is empty", {}, b""),
    "cut": ("malformed_json", 400, None, "byte 14: ", {}, b'{"messages": ['),
    "control": ("malformed_json", 400, None, "byte 13: must not be a bare control", {},
                b'{"metadata":"\0"}'),
    "not UTF-8": ("malformed_json", 400, None, "byte 15: must be valid UTF-8", {}, b'{"messages": "a\xff"}'),
    "deep": ("malformed_json", 400, None, "128 levels", {}, DEEP),
    "two values": ("malformed_json", 400, None, "must be the end", {},
                   f'{{"messages":[{USER}]}} {{}}'.encode()),
    "an array": ("invalid_request", 400, None, "must be an object; is an array", {}, b"[]"),
    "no messages": ("invalid_request", 400, "messages", "required; is absent", {}, b"{}"),
    "no user": ("invalid_request", 400, "messages", "has none", {}, b'{"messages":[]}'),
    "role": ("invalid_request", 400, "messages[1].role", "is `robot`", {},
             f'{{"messages":[{USER},{{"role":"robot"}}]}}'.encode()),
    "twice": ("invalid_request", 400, "messages", "given twice", {},
              f'{{"messages":[{USER}],"mess\\u0061ges":[]}}'.encode()),
    "too large": ("body_too_large", 413, None, "at most 3000000 bytes; is 3000001", {},
                  b"{}".ljust(3_000_001)),
    "much text": ("input_too_large", 413, "messages[0]", "at most 2000000 bytes", {},
                  {"messages": [{"role": "user", "content": "a" * 2_000_001}]}),
    "many turns": ("input_too_large", 413, "messages[50]", "at most 50 turns", {},
                   {"messages": [{"role": "user", "content": ""}] * 51}),
    "policy": ("unknown_policy", 400, "x-pointsman-policy", "unknown policy `nonsense`",
               {"x_pointsman_policy": "nonsense"}, None),
    "model": ("unknown_model", 400, "x-pointsman-deny-models", "unknown model `nobody`",
              {"x_pointsman_deny_models": "tiny,nobody"}, None),
    "incumbent": ("unknown_model", 400, "x-pointsman-incumbent", "nobody",
                  {"x_pointsman_incumbent": "nobody"}, None),
    "feature": ("unknown_feature", 400, "x-pointsman-features", "unknown feature `wings`",
                {"x_pointsman_features": "wings"}, None),
    "infeasible": ("infeasible", 422, "x-pointsman-max-cost-usd", "the smallest change that would help",
                   {"x_pointsman_max_cost_usd": "0"}, None),
    "abstained": ("abstained", 422, None, "policy `cautious` prefers not to choose",
                  {"x_pointsman_policy": "cautious"}, None),
}
EARLY_FAILURES = {
    "no body": ("no_body", 400, None, "has none", {"end_of_stream": True}),
    "form": ("unsupported_content_type", 415, "content-type", "is `multipart/form-data; boundary=x`",
             {"content_type": "multipart/form-data; boundary=x"}),
    "no type": ("unsupported_content_type", 415, "content-type", "is absent", {"content_type": None}),
    "gzip": ("unsupported_content_encoding", 415, "content-encoding", "is `gzip`",
             {"content_encoding": "gzip"}),
    "number": ("invalid_header", 400, "x-pointsman-tradeoff", "must be a number from 0 to 1; is `1.5`",
               {"x_pointsman_tradeoff": "1.5"}),
    "nonsense": ("invalid_header", 400, "x-pointsman-max-cost-usd", "of at least 0; is `nan`",
                 {"x_pointsman_max_cost_usd": "nan"}),
    "latency": ("invalid_header", 400, "x-pointsman-max-latency-ms", "above 0; is `0`",
                {"x_pointsman_max_latency_ms": "0"}),
    "list": ("invalid_header", 400, "x-pointsman-allow-models", "is `tiny,,large`",
             {"x_pointsman_allow_models": "tiny,,large"}),
    "given twice": ("invalid_header", 400, "x-pointsman-tradeoff", "given twice",
                    {"x_pointsman_tradeoff": ["0", "1"]}),
    "not UTF-8": ("invalid_header", 400, "x-pointsman-policy", "valid UTF-8", {"x_pointsman_policy": b"\xff"}),
    "long key": ("invalid_header", 400, "x-pointsman-assignment-key", "at most 256 bytes; is 257",
                 {"x_pointsman_assignment_key": "k" * 257}),
    "misspelt": ("invalid_header", 400, "x-pointsman-max-cost", "do you mean x-pointsman-max-cost-usd",
                 {"x_pointsman_max_cost": "1"}),
}


def check_open(mutation, told, reason, words):
    """Failed open: `mutation` of the request, `told` to the caller."""
    headers = headers_of(mutation)
    assert headers["x-pointsman-outcome"] == "failed-open"
    assert headers["x-pointsman-reason"] == reason
    assert "x-pointsman-model" not in headers
    assert told == headers
    assert words in headers["x-pointsman-explanation"]


def check_closed(answer, reason, status, param, words):
    """Failed closed: an error in OpenAI's form."""
    assert answer.WhichOneof("response") == "immediate_response", answer
    immediate = answer.immediate_response
    assert immediate.status.code == status
    headers = headers_of(immediate.headers)
    assert headers["content-type"] == "application/json"
    assert headers["x-pointsman-outcome"] == "failed-closed"
    assert headers["x-pointsman-reason"] == reason
    assert immediate.details == f"pointsman_{reason}"
    error = json.loads(immediate.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (reason, param)
    assert words in error["message"]
    assert error["type"] == ("rate_limit_error" if status == 429 else
                             "invalid_request_error" if status < 500 else "server_error")
    return headers


class counted:
    """With this, one more request has the result, and one more failure the reason."""

    def __init__(self, server, result, reason):
        self.server, self.result, self.reason = server, result, reason

    def counts(self):
        return (
            self.server.metric("pointsman_ext_proc_requests_total", result=self.result),
            self.server.metric("pointsman_ext_proc_requests_total"),
            self.server.metric("pointsman_ext_proc_failures_total", reason=self.reason),
            self.server.metric("pointsman_ext_proc_failures_total"),
        )

    def __enter__(self):
        self.before = self.counts()

    def __exit__(self, kind, *_):
        if kind is None:
            assert self.counts() == tuple(count + 1 for count in self.before)


@pytest.mark.parametrize("name", FAILURES)
def test_ext_proc_request_that_cannot_be_routed(exchange, servers, name):
    reason, status, param, words, headers, body = FAILURES[name]
    with counted(servers(), "failed_open", reason):
        call = exchange(servers())
        response = route(call, body, **headers).request_body.response
        assert not response.HasField("body_mutation") and response.clear_route_cache
        check_open(response.header_mutation, call.response_headers(), reason, words)
        assert call.ends() == grpc.StatusCode.OK
    with counted(servers(on_error="closed"), "failed_closed", reason):
        call = exchange(servers(on_error="closed"))
        check_closed(route(call, body, **headers), reason, status, param, words)
        assert call.ends() == grpc.StatusCode.OK


@pytest.mark.parametrize("name", EARLY_FAILURES)
def test_ext_proc_request_with_headers_that_cannot_be_routed(exchange, servers, name):
    reason, status, param, words, headers = EARLY_FAILURES[name]
    with counted(servers(), "failed_open", reason):
        call = exchange(servers())
        answer = call.request_headers(**headers).request_headers.response
        removed = set(answer.header_mutation.remove_headers)
        said = {f"x-pointsman-{name}" for name in ("outcome", "reason", "explanation")}
        assert removed == ANSWER_HEADERS - said
        rest = call.request_body(QUESTION)  # Envoy sends the body all the same
        assert rest.HasField("request_body") and not rest.request_body.HasField("response")
        check_open(answer.header_mutation, call.response_headers(), reason, words)
    with counted(servers(on_error="closed"), "failed_closed", reason):
        call = exchange(servers(on_error="closed"))
        check_closed(call.request_headers(**headers), reason, status, param, words)
        assert call.ends() == grpc.StatusCode.OK


def test_ext_proc_body_cut_in_the_middle(exchange, servers):
    with counted(servers(), "failed_open", "body_incomplete"):
        call = exchange(servers())
        call.request_headers()
        first = call.request_body(b'{"messages":', end_of_stream=False).request_body.response
        assert headers_of(first.header_mutation)["x-pointsman-reason"] == "body_incomplete"
        assert call.request_body(b"[", end_of_stream=False).HasField("request_body")
        assert "request_body_mode" in call.response_headers()["x-pointsman-explanation"]
    with counted(servers(on_error="closed"), "failed_closed", "body_incomplete"):
        call = exchange(servers(on_error="closed"))
        call.request_headers()
        answer = call.request_body(b'{"messages":', end_of_stream=False)
        check_closed(answer, "body_incomplete", 400, None, "a piece of 12 bytes")


def test_ext_proc_body_that_is_kept_back(exchange, servers, envoy):
    with counted(servers(), "failed_open", "no_body"):
        call = exchange(servers())
        call.request_headers()
        headers = call.response_headers()
        assert headers["x-pointsman-reason"] == "no_body"
        assert "request_body_mode" in headers["x-pointsman-explanation"]
    with counted(servers(), "failed_open", "no_body"):
        call = exchange(servers())
        call.request_headers()
        answer = call.ask(envoy.ProcessingRequest(request_trailers={}))
        assert not answer.request_trailers.HasField("header_mutation")
        assert call.response_headers()["x-pointsman-reason"] == "no_body"


@pytest.fixture
def occupy(api, connect):
    """Gives a server work for about a second: occupy(server, batches)."""
    item = api.router.RouteRequest(text="how long is the platform? " * 150)
    batch = api.router.BatchRouteRequest(requests=[item] * 900)
    running = []

    def begin(server, batches):
        calls = [connect(server).BatchRoute.future(batch) for _ in range(batches)]
        running.extend(calls)
        harness.eventually(
            lambda: server.metric("pointsman_grpc_requests_in_flight") >= batches
            and server.metric("pointsman_decisions_total") > 0
        )
        return calls

    yield begin
    for call in running:
        call.cancel()


def test_ext_proc_under_overload(occupy, exchange, start_server):
    for on_error in ("open", "closed"):
        server = start_server(ext_proc="true", ext_proc_on_error=on_error, max_requests_in_flight=8)
        call = exchange(server)
        call.request_headers()
        running = occupy(server, 1)
        with counted(server, f"failed_{on_error}", "overloaded"):
            answer = call.request_body(QUESTION)
        assert not running[0].done()
        assert server.metric("pointsman_requests_shed_total") == 1
        if on_error == "open":
            mutation = answer.request_body.response.header_mutation
            check_open(mutation, call.response_headers(), "overloaded", "retry after")
        else:
            headers = check_closed(answer, "overloaded", 429, None, "retry after")
            assert int(headers["retry-after"]) >= 1 and int(headers["retry-after-ms"]) >= 1


def test_ext_proc_deadline_that_is_too_short(occupy, exchange, start_server):
    server = start_server(ext_proc="true", workers=1, max_queue_delay_ms=10_000)
    failures = "pointsman_ext_proc_failures_total"
    for _ in range(10):
        occupy(server, 4)  # whoever comes now waits for some ten milliseconds
        begin = time.monotonic()
        call = exchange(server, seconds=0.1)
        with contextlib.suppress(grpc.RpcError):  # it may end in the client before
            call.request_headers()
            time.sleep(max(0, begin + 0.095 - time.monotonic()))
            call.request_body(QUESTION)
        if server.metric(failures, reason="deadline_exceeded"):
            break
    assert server.metric(failures, reason="deadline_exceeded") >= 1
    assert server.metric(failures) == server.metric(failures, reason="deadline_exceeded")


def test_ext_proc_messages_out_of_order(exchange, servers, envoy):
    invalid = grpc.StatusCode.INVALID_ARGUMENT

    def refused(call, message, words):
        with pytest.raises(grpc.RpcError) as caught:
            call.ask(message)
        assert caught.value.code() == invalid and words in caught.value.details()

    server = servers()
    before = server.metric("pointsman_grpc_requests_total", method="ext_proc", code="INVALID_ARGUMENT")
    refused(exchange(server), envoy.ProcessingRequest(), "nothing of these is set")
    refused(exchange(server), envoy.ProcessingRequest(request_body={}), "request_header_mode")
    refused(exchange(server), b"\xff\xff", "")
    call = exchange(server)
    call.request_headers()
    refused(call, envoy.ProcessingRequest(request_headers={}), "must follow request_headers")
    call = exchange(server)
    route(call)
    refused(call, envoy.ProcessingRequest(request_headers={}), "came twice")
    after = server.metric("pointsman_grpc_requests_total", method="ext_proc", code="INVALID_ARGUMENT")
    assert after == before + 4  # the last had been answered, and counted as OK


def test_ext_proc_stream_that_is_cut(exchange, servers):
    server = servers()
    requests = "pointsman_grpc_requests_total"
    before = server.metric(requests, method="ext_proc", code="CANCELLED")
    for cut in ("cancel", "half-close"):
        call = exchange(server)
        call.request_headers()
        if cut == "cancel":
            call.call.cancel()
        else:
            call.half_close()
            assert call.ends() == grpc.StatusCode.CANCELLED
    harness.eventually(
        lambda: server.metric(requests, method="ext_proc", code="CANCELLED") == before + 2
    )
    harness.eventually(lambda: server.metric("pointsman_grpc_requests_in_flight") == 0)
    assert route(exchange(server)).HasField("request_body")


def test_ext_proc_without_the_scope_or_a_key(exchange, start_server, tmp_path):
    keys = {"front": "route", "batcher": "batch"}
    lines = ["clients:"]
    for name, scope in keys.items():
        digest = hashlib.sha256(name.encode()).hexdigest()
        lines += [f"  - name: {name}", f"    key_sha256: {digest}", f"    scopes: [{scope}]"]
    file = tmp_path / "clients.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    log = tmp_path / "decisions.jsonl"
    server = start_server(ext_proc="true", clients_file=file, decision_log=log)
    expected = {
        "front": grpc.StatusCode.OK,
        "batcher": grpc.StatusCode.PERMISSION_DENIED,
        "stranger": grpc.StatusCode.UNAUTHENTICATED,
    }
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    for key, code in expected.items():
        call = exchange(server, metadata=[("authorization", f"Bearer {key}")])
        if code == grpc.StatusCode.OK:
            headers = headers_of(route(
                call, traceparent=f"00-{trace}-00f067aa0ba902b7-01", x_request_id="r-1",
            ).request_body.response.header_mutation)
            call.half_close()
        assert call.ends() == code
    harness.eventually(lambda: log.read_text(encoding="utf-8"))
    record = json.loads(log.read_text(encoding="utf-8"))
    assert record["decision_id"] == headers["x-pointsman-decision-id"]
    assert (record["client"], record["method"]) == ("front", "ext_proc")
    assert (record["trace_id"], record["correlation_id"]) == (trace, "r-1")
    assert server.metric("pointsman_decisions_total", outcome="chosen") == 1


def test_ext_proc_settings_that_contradict_each_other(bundle, tmp_path):
    for settings, words in (
        ({"ext_proc_max_body_bytes": 4 << 20}, "must be at least 1024 below max_message_bytes"),
        ({"ext_proc_mode": "shadow", "ext_proc_on_error": "closed"}, "ext_proc_on_error: must be open"),
        ({"ext_proc_response_wait_ms": 40_000}, "must be at most max_connection_age_grace_ms, 30000"),
        ({"ext_proc_mode": "guess"}, "must be `route` or `rewrite` or `shadow`; is `guess`"),
    ):
        code, message = harness.refused_start(tmp_path, bundle=bundle, ext_proc="true", **settings)
        assert code == 2 and words in message


# Streams that stay open


def test_a_stream_is_not_kept_for_an_upstream_that_does_not_answer(exchange, start_server):
    server = start_server(ext_proc="true", ext_proc_response_wait_ms=200)
    call = exchange(server)
    route(call)
    harness.eventually(lambda: server.metric("pointsman_grpc_requests_in_flight") == 0)
    assert call.ends() == grpc.StatusCode.OK
    at_once = start_server(ext_proc="true", ext_proc_response_wait_ms=0)
    call = exchange(at_once)
    route(call)
    assert call.ends() == grpc.StatusCode.OK


def test_ext_proc_streams_open_when_the_server_drains(exchange, start_server):
    server = start_server(ext_proc="true", lame_duck_ms=0, grace_period_ms=10_000)
    waiting = [exchange(server) for _ in range(20)]  # for the upstream's headers
    for call in waiting:
        route(call)
    accepted = [exchange(server) for _ in range(20)]  # their bodies are still to come
    for call in accepted:
        call.request_headers()
    server.signal()
    # Those that owe nothing end cleanly, so that Envoy goes on without.
    assert [call.ends() for call in waiting] == [grpc.StatusCode.OK] * len(waiting)
    late = exchange(server)
    late.half_close()
    assert late.ends() == grpc.StatusCode.UNAVAILABLE
    assert server.process.poll() is None
    for call in accepted:
        assert headers_of(
            call.request_body(QUESTION).request_body.response.header_mutation
        )["x-pointsman-outcome"] == "chosen"
    assert [call.ends() for call in accepted] == [grpc.StatusCode.OK] * len(accepted)
    assert server.wait() == 0
    assert server.log_records()[-1]["requests_unanswered"] == 0


def test_many_exchanges_at_once_are_each_answered_as_they_should(exchange, servers):
    server = servers("rewrite")
    errors = []

    def run(seed):
        try:
            for i in range(25):
                call = exchange(server)
                body = {"model": "auto", "messages": [{"role": "user", "content": f"{seed} {i}"}]}
                if (seed + i) % 3 == 0:
                    body["messages"] = seed
                answer = route(call, body).request_body.response
                told = call.response_headers()
                if (seed + i) % 3 == 0:
                    assert told["x-pointsman-reason"] == "invalid_request"
                else:
                    mutated = json.loads(answer.body_mutation.body)
                    assert mutated == {**body, "model": told["x-pointsman-model"]}
        except Exception as error:  # told by the thread that waits
            errors.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    harness.eventually(lambda: server.metric("pointsman_grpc_requests_in_flight") == 0)
