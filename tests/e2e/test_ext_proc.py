"""Envoy's external processing by a real server: what is routed, and how it is told."""

import json

import grpc

from ext_proc_exchange import (  # noqa: F401  fixtures among them
    ANSWER_HEADERS, QUESTION, envoy, envoy_files, exchange, headers_of, route, servers,
)


def test_off_by_default(exchange, server):
    call = exchange(server)
    call.half_close()
    assert call.ends() == grpc.StatusCode.UNIMPLEMENTED


def test_chat_completion_is_routed_and_the_caller_is_told(exchange, servers):
    call = exchange(servers())
    answer = route(call).request_body.response
    headers = headers_of(answer.header_mutation)
    assert set(headers) - {"x-pointsman-degradations"} == {
        f"x-pointsman-{name}" for name in ("model", "decision-id", "confidence", "outcome", "policy")
    }
    assert headers["x-pointsman-model"] in {"tiny", "medium", "large", "in-house", "newcomer"}
    assert headers["x-pointsman-outcome"] == "chosen"
    assert headers["x-pointsman-policy"] == "balanced"
    assert len(headers["x-pointsman-decision-id"]) == 26
    assert len(headers["x-pointsman-confidence"]) == 5 and 0 < float(headers["x-pointsman-confidence"]) < 1
    assert answer.clear_route_cache and not answer.HasField("body_mutation")
    assert call.response_headers() == headers
    assert call.ends() == grpc.StatusCode.OK


def test_same_decision_as_route(api, exchange, servers, connect):
    server = servers()
    conversation = [("system", "Be brief."), ("user", "hi"), ("assistant", "Hello!"),
                    ("user", "translate `good morning` into Norwegian")]
    request = api.router.RouteRequest(policy="quality", correlation_id="abc")
    for role, content in conversation:
        request.conversation.turns.add(role=f"ROLE_{role.upper()}", content=content)
    expected = connect(server).Route(request)
    body = {"messages": [{"role": role, "content": content} for role, content in conversation]}
    for path, sent in (
        ("/v1/chat/completions", body),
        ("/openai/deployments/x/chat/completions?api-version=2024", body),
        ("/v1/responses", {"instructions": "Be brief.", "input": body["messages"][1:], "stream": True}),
    ):
        answer = route(exchange(server), sent, path, x_pointsman_policy="quality", x_request_id="abc")
        headers = headers_of(answer.request_body.response.header_mutation)
        assert headers["x-pointsman-model"] == expected.model
        assert headers["x-pointsman-confidence"] == f"{expected.confidence:.3f}"
        assert headers["x-pointsman-policy"] == "quality"


def test_preferences_of_the_caller_are_followed(exchange, servers):
    server = servers()

    def model(body=None, **headers):
        mutation = route(exchange(server), body, **headers).request_body.response.header_mutation
        return headers_of(mutation)["x-pointsman-model"]

    assert model(x_pointsman_allow_models="large") == "large"
    assert model(x_pointsman_allow_models="medium , large", x_pointsman_deny_models="large") == "medium"
    assert model(x_pointsman_allow_models=["tiny", "medium"], x_pointsman_features="tools") == "medium"
    assert model(x_pointsman_tags="tenant:internal") == "in-house"
    assert model(x_pointsman_policy="quality", x_pointsman_max_latency_ms="900") != "large"
    cheap = model(x_pointsman_tradeoff="1", x_pointsman_allow_models="tiny,large")
    good = model(x_pointsman_tradeoff="0", x_pointsman_allow_models="tiny,large")
    assert (cheap, good) == ("tiny", "large")


def test_what_the_request_needs_is_read_off_it(exchange, servers):
    server = servers()
    picture = {"role": "user", "content": [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]}

    def headers(**body):
        mutation = route(exchange(server), {**QUESTION, **body}, x_pointsman_tradeoff="1")
        return headers_of(mutation.request_body.response.header_mutation)

    assert headers()["x-pointsman-model"] == "tiny"
    assert headers(messages=[picture])["x-pointsman-model"] in {"large", "newcomer"}
    assert headers(tools=[{"type": "function"}])["x-pointsman-model"] != "tiny"
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    assert headers(response_format=schema)["x-pointsman-model"] in {"medium", "large"}
    sound = [{"type": "input_audio", "input_audio": {}}, {"type": "text", "text": "and this?"}]
    heard = headers(messages=[{"role": "user", "content": sound}])
    assert "content_not_judged" in heard["x-pointsman-degradations"].split(",")


def test_rewrite_changes_the_model_and_nothing_else(exchange, servers):
    body = '{ "temperature": 1.50,\n "model" : "auto",\t"messages":[{"role":"user","content":"h\\u00e9 \\ud83d\\ude00"}] }'
    call = exchange(servers("rewrite"))
    answer = route(call, body.encode()).request_body.response
    headers = headers_of(answer.header_mutation)
    model = headers["x-pointsman-model"]
    expected = body.replace('"auto"', f'"{model}"').encode()
    assert answer.body_mutation.body == expected
    assert headers["content-length"] == str(len(expected))
    assert answer.clear_route_cache
    without = route(exchange(servers("rewrite")), b'{"messages":[{"role":"user","content":"hi"}]}')
    mutated = json.loads(without.request_body.response.body_mutation.body)
    assert list(mutated) == ["model", "messages"]
    assert set(call.response_headers()) == set(headers) - {"content-length"}


def test_shadow_only_adds_headers(exchange, servers):
    server = servers("shadow")
    call = exchange(server)
    answer = route(call).request_body.response
    headers = headers_of(answer.header_mutation)
    assert headers["x-pointsman-shadow"] == "true" and headers["x-pointsman-model"]
    assert not answer.clear_route_cache and not answer.HasField("body_mutation")
    assert call.response_headers()["x-pointsman-shadow"] == "true"
    failed = route(exchange(server), b"{").request_body.response
    assert headers_of(failed.header_mutation)["x-pointsman-reason"] == "malformed_json"
    assert not failed.clear_route_cache


def test_one_mebibyte_body(exchange, servers):
    text = "how long is the platform? " * (1 << 20)
    body = {"messages": [{"role": "user", "content": text[: 1 << 20]}], "model": "auto"}
    answer = route(exchange(servers("rewrite")), body).request_body.response
    headers = headers_of(answer.header_mutation)
    assert "truncated" in headers["x-pointsman-degradations"].split(",")
    assert json.loads(answer.body_mutation.body) == {**body, "model": headers["x-pointsman-model"]}


def test_other_requests_pass_and_bring_no_headers_of_ours(exchange, servers):
    server = servers()
    results = "pointsman_ext_proc_requests_total"
    before = server.metric(results, result="passed")
    for path, method in (("/v1/embeddings", "POST"), ("/v1/chat/completions", "GET"), ("/", "POST"),
                         ("/x?path=/chat/completions", "POST")):
        call = exchange(server)
        answer = call.request_headers(path, method=method, x_pointsman_model="large").request_headers
        assert set(answer.response.header_mutation.remove_headers) == ANSWER_HEADERS
        assert not answer.response.header_mutation.set_headers
        assert answer.response.clear_route_cache  # it may have been chosen by what was sent
        assert call.ends() == grpc.StatusCode.OK
    assert server.metric(results, result="passed") == before + 4


def test_a_caller_cannot_pretend_to_be_the_router(exchange, servers):
    for server in (servers(), servers("shadow")):
        call = exchange(server)
        first = call.request_headers(x_pointsman_model="large", x_pointsman_outcome="chosen")
        response = first.request_headers.response
        assert set(response.header_mutation.remove_headers) == ANSWER_HEADERS
        assert response.clear_route_cache
        failed = call.request_body(b"{").request_body.response
        assert headers_of(failed.header_mutation)["x-pointsman-outcome"] == "failed-open"
    plain = exchange(servers()).request_headers()
    assert not plain.request_headers.response.clear_route_cache


def test_trailers_and_bodies_are_answered_so_that_envoy_goes_on(exchange, servers, envoy):
    call = exchange(servers())
    route(call)
    assert call.ask(envoy.ProcessingRequest(request_trailers={})).HasField("request_trailers")
    answer = call.ask(envoy.ProcessingRequest(response_body={"body": b"x", "end_of_stream": True}))
    assert answer.HasField("response_body")
    assert call.ends() == grpc.StatusCode.OK
