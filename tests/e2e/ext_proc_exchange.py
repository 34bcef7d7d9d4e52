"""A gRPC client in Envoy's place: exchanges of external processing with a server, one message at a time."""

import importlib.resources
import json
import queue
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
