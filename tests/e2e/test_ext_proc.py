"""Envoy's external processing by a real server, with a gRPC client in Envoy's place."""

import contextlib
import hashlib
import importlib.resources
import json
import queue
import subprocess
import sys
import threading
import time
import types

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

import harness

PACKAGE = "envoy.service.ext_proc.v3"
FILES = ("service/ext_proc/v3/external_processor", "config/core/v3/base", "type/v3/http_status")
OVERWRITE = 2
SECONDS = 20
ANSWER_HEADERS = {
    f"x-pointsman-{name}"
    for name in ("model", "decision-id", "confidence", "outcome", "policy", "degradations", "shadow",
                 "reason", "explanation")
}
QUESTION = {"messages": [{"role": "user", "content": "what is the capital of Norway?"}]}


@pytest.fixture(scope="module")
def envoy_files(tmp_path_factory):
    """Our part of Envoy's protos, as FileDescriptorProtos by name."""
    out = tmp_path_factory.mktemp("envoy") / "set.binpb"
    protos = harness.REPOSITORY / "proto"
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    files = [f"envoy/{name}.proto" for name in FILES]
    arguments = ["protoc", f"-I{well_known}", f"-I{protos}", f"--descriptor_set_out={out}", *files]
    assert protoc.main(arguments) == 0
    parsed = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    return {file.name: file for file in parsed.file}


@pytest.fixture(scope="module")
def envoy(envoy_files):
    """The messages: envoy.ProcessingRequest, ... In a pool of their own."""
    pool = descriptor_pool.DescriptorPool()
    for name in reversed(FILES):
        pool.Add(envoy_files[f"envoy/{name}.proto"])
    file = pool.FindFileByName(f"envoy/{FILES[0]}.proto")
    return types.SimpleNamespace(**{
        name: message_factory.GetMessageClass(message)
        for name, message in file.message_types_by_name.items()
    })


class Exchange:
    """One HTTP exchange as Envoy has it processed: one message, one answer."""

    def __init__(self, channel, envoy, seconds=SECONDS, **options):
        self.envoy = envoy
        self._messages = queue.Queue()
        call = channel.stream_stream(
            f"/{PACKAGE}.ExternalProcessor/Process",
            request_serializer=lambda message: message if isinstance(message, bytes)
            else message.SerializeToString(),
            response_deserializer=envoy.ProcessingResponse.FromString,
        )
        self.call = call(iter(self._messages.get, None), timeout=seconds, **options)

    def ask(self, message):
        self._messages.put(message)
        return next(self.call)

    def request_headers(self, path="/v1/chat/completions", end_of_stream=False, method="POST", **headers):
        message = self.envoy.ProcessingRequest()
        asked = message.request_headers
        asked.end_of_stream = end_of_stream
        headers = {"content_type": "application/json", **headers}
        for name, value in {":method": method, ":path": path, ":authority": "models", **headers}.items():
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    raw = one if isinstance(one, bytes) else str(one).encode()
                    asked.headers.headers.add(key=name.replace("_", "-"), raw_value=raw)
        return self.ask(message)

    def request_body(self, body, end_of_stream=True):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask(self.envoy.ProcessingRequest(
            request_body={"body": body, "end_of_stream": end_of_stream}
        ))

    def response_headers(self):
        answer = self.ask(self.envoy.ProcessingRequest(response_headers={}))
        return headers_of(answer.response_headers.response.header_mutation)

    def half_close(self):
        self._messages.put(None)

    def ends(self):
        """The code with which the stream ends, without another answer."""
        try:
            assert list(self.call) == []
        except grpc.RpcError as error:
            assert error.code() == self.call.code()
        return self.call.code()


def headers_of(mutation):
    """The headers a mutation sets; each overwrites what was there."""
    assert all(option.append_action == OVERWRITE for option in mutation.set_headers)
    headers = {o.header.key: o.header.raw_value.decode() for o in mutation.set_headers}
    assert len(headers) == len(mutation.set_headers)
    assert not set(headers) & set(mutation.remove_headers)
    return headers


@pytest.fixture
def exchange(envoy, open_channel):
    """Begins exchanges: exchange(server, metadata=[...])."""
    channels = {}

    def begin(server, **options):
        if server.address not in channels:
            channels[server.address] = open_channel(server.address)
        return Exchange(channels[server.address], envoy, **options)

    return begin


@pytest.fixture(scope="module")
def servers(bundle, tmp_path_factory, draining):
    """Shared servers, one of each kind: servers(mode, on_error)."""
    started = {}

    def get(mode="route", on_error="open"):
        if (mode, on_error) not in started:
            started[mode, on_error] = harness.Server(
                bundle, tmp_path_factory.mktemp("server"), ext_proc="true", ext_proc_mode=mode,
                ext_proc_on_error=on_error, ext_proc_max_body_bytes=3_000_000,
                max_request_text_bytes=2_000_000, max_turns=50,
            )
        return started[mode, on_error]

    yield get
    for server in started.values():
        server.signal()
        draining.append(server)


def route(exchange, body=None, path="/v1/chat/completions", **headers):
    """Headers and body of one request; the answer to the body."""
    first = exchange.request_headers(path, **headers)
    assert first.WhichOneof("response") == "request_headers", first
    assert set(first.request_headers.response.header_mutation.remove_headers) == ANSWER_HEADERS
    return exchange.request_body(QUESTION if body is None else body)


# The messages are Envoy's


PUBLISHED = """
import sys
from google.protobuf import descriptor_pb2
from envoy.config.core.v3 import base_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2
from envoy.type.v3 import http_status_pb2
files = descriptor_pb2.FileDescriptorSet()
for module in (external_processor_pb2, base_pb2, http_status_pb2):
    files.file.add().ParseFromString(module.DESCRIPTOR.serialized_pb)
sys.stdout.buffer.write(files.SerializeToString())
"""


def test_our_part_of_the_protos_is_wire_compatible_with_the_published_whole(envoy_files):
    # In a process of its own: a pool takes only one definition of a file.
    output = subprocess.run(
        [sys.executable, "-c", PUBLISHED], capture_output=True, check=True, timeout=60
    ).stdout
    published = {f.name: f for f in descriptor_pb2.FileDescriptorSet.FromString(output).file}
    compared = 0

    def compare(ours, theirs, where):
        nonlocal compared
        names = {field.name: field for field in theirs.field}
        for field in ours.field:
            other = names[field.name]
            for attribute in ("number", "type", "label", "type_name", "proto3_optional"):
                assert getattr(field, attribute) == getattr(other, attribute), (where, field.name)
            assert field.HasField("oneof_index") == other.HasField("oneof_index")
            if field.HasField("oneof_index"):
                mine = ours.oneof_decl[field.oneof_index].name
                assert mine == theirs.oneof_decl[other.oneof_index].name, (where, field.name)
            compared += 1
        for message in ours.nested_type:
            compare(message, {m.name: m for m in theirs.nested_type}[message.name], message.name)
        compare_enums(ours.enum_type, theirs.enum_type)

    def compare_enums(ours, theirs):
        nonlocal compared
        for enum in ours:
            other = {e.name: e for e in theirs}[enum.name]
            values = {value.name: value.number for value in other.value}
            for value in enum.value:
                assert values[value.name] == value.number, (enum.name, value.name)
                compared += 1

    for name, ours in envoy_files.items():
        theirs = published[name]
        assert (ours.package, ours.syntax) == (theirs.package, theirs.syntax)
        for message in ours.message_type:
            compare(message, {m.name: m for m in theirs.message_type}[message.name], message.name)
        compare_enums(ours.enum_type, theirs.enum_type)
        for service in ours.service:
            assert service in [strip_options(s) for s in theirs.service]
    assert compared > 40


def strip_options(service):
    stripped = descriptor_pb2.ServiceDescriptorProto.FromString(service.SerializeToString())
    stripped.ClearField("options")
    for method in stripped.method:
        method.ClearField("options")
    return stripped


def test_reflection_shows_the_service_where_it_is_on(servers, server, open_channel):
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
        ProtoReflectionDescriptorDatabase,
    )

    on = ProtoReflectionDescriptorDatabase(open_channel(servers().address))
    assert f"{PACKAGE}.ExternalProcessor" in on.get_services()
    file = on.FindFileContainingSymbol(f"{PACKAGE}.ExternalProcessor")
    assert file.name == f"envoy/{FILES[0]}.proto"
    off = ProtoReflectionDescriptorDatabase(open_channel(server.address))
    assert f"{PACKAGE}.ExternalProcessor" not in off.get_services()


def test_off_by_default(exchange, server):
    call = exchange(server)
    call.half_close()
    assert call.ends() == grpc.StatusCode.UNIMPLEMENTED


# What is routed


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


# What cannot be routed


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
