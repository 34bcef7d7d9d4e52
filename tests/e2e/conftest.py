"""Fixtures of the end-to-end tests: stubs, one bundle a session, and servers."""

import importlib
import importlib.resources
import sys
import types

import grpc
import pytest
from grpc_tools import protoc

import harness

SOURCES = harness.REPOSITORY / "tests" / "e2e" / "sources"


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    """The generated modules: api.router, api.catalogue, api.policy, api.router_grpc, api.errors."""
    protos = harness.REPOSITORY / "proto"
    out = tmp_path_factory.mktemp("stubs")
    files = [str(p) for p in sorted(protos.glob("pointsman/v1/*.proto"))]
    files += [str(p) for p in sorted(protos.glob("google/rpc/*.proto"))]
    arguments = [f"-I{protos}", f"--python_out={out}", f"--grpc_python_out={out}", *files]
    # grpc_tools' own directory holds the well-known types, such as google/protobuf/any.proto.
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    assert protoc.main(["protoc", f"-I{well_known}", *arguments]) == 0
    sys.path.insert(0, str(out))
    return types.SimpleNamespace(
        router=importlib.import_module("pointsman.v1.router_pb2"),
        router_grpc=importlib.import_module("pointsman.v1.router_pb2_grpc"),
        catalogue=importlib.import_module("pointsman.v1.catalogue_pb2"),
        policy=importlib.import_module("pointsman.v1.policy_pb2"),
        errors=importlib.import_module("google.rpc.error_details_pb2"),
        status=importlib.import_module("google.rpc.status_pb2"),
    )


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """A small bundle of tests/e2e/sources, built by the real tool."""
    out = tmp_path_factory.mktemp("bundle") / "small"
    built = harness.run(
        harness.binary("index/tool/pointsman-index"), "build", SOURCES,
        "--model", harness.directory_from("POINTSMAN_MODEL_DIR"), "--out", out,
    )
    assert built.returncode == 0, built.stderr
    return out


@pytest.fixture(scope="session")
def draining():
    """Servers that were told to stop. They take a second or two, so all are awaited together."""
    servers = []
    yield servers
    assert all(server.stop() in (0, 3) for server in servers)


@pytest.fixture(scope="session")
def server(bundle, tmp_path_factory, draining):
    """One server with default settings, shared by tests that only ask it."""
    instance = harness.Server(bundle, tmp_path_factory.mktemp("server"))
    draining.append(instance)
    return instance


@pytest.fixture
def start_server(bundle, tmp_path_factory, draining):
    """Starts servers of the test's own: start_server(max_batch_items=2)."""
    started = []

    def start(environment=None, **settings):
        instance = harness.Server(
            settings.pop("bundle", bundle), tmp_path_factory.mktemp("server"), environment,
            **settings,
        )
        started.append(instance)
        return instance

    yield start
    for instance in started:
        if instance.process.poll() is None:
            instance.signal()
        draining.append(instance)


@pytest.fixture
def connect(api):
    """A RouterService stub for a server: connect(server)."""
    channels = []

    def connect_to(server):
        channels.append(grpc.insecure_channel(server.address))
        return api.router_grpc.RouterServiceStub(channels[-1])

    yield connect_to
    for channel in channels:
        channel.close()


@pytest.fixture
def router(connect, server):
    """A RouterService stub for the shared server."""
    return connect(server)


@pytest.fixture
def refusal(api):
    """Calls and expects an error: refusal(call) -> (code, message, {field: description})."""

    def refuse(call):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        trailers = dict(caught.value.trailing_metadata() or ())
        status = api.status.Status.FromString(trailers.get("grpc-status-details-bin", b""))
        fields = {}
        for detail in status.details:
            bad_request = api.errors.BadRequest()
            if detail.Unpack(bad_request):
                for violation in bad_request.field_violations:
                    fields[violation.field] = violation.description
        return caught.value.code(), caught.value.details(), fields

    return refuse
