"""Fixtures of the end-to-end tests: stubs, one bundle a session, and servers."""

import grpc
import pytest

import harness
import stubs

SOURCES = harness.REPOSITORY / "tests" / "e2e" / "sources"


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    """The generated modules: api.router, api.router_grpc, api.admin, api.admin_grpc, api.errors, ..."""
    return stubs.load(tmp_path_factory.mktemp("stubs"))


def build_bundle(out, *arguments):
    """Builds tests/e2e/sources with the real tool."""
    built = harness.run(
        harness.binary("index/tool/pointsman-index"), "build", SOURCES,
        "--model", harness.directory_from("POINTSMAN_MODEL_DIR"), "--out", out, *arguments,
    )
    assert built.returncode == 0, built.stderr
    return out


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """A small bundle. Tests that need another one copy it: it is everybody's."""
    return build_bundle(tmp_path_factory.mktemp("bundle") / "small")


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory):
    """The same with another version name, hence another digest."""
    out = tmp_path_factory.mktemp("bundle") / "other"
    return build_bundle(out, "--version-name", "other")


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

    def start(environment=None, prefix=(), **settings):
        instance = harness.Server(
            settings.pop("bundle", bundle), tmp_path_factory.mktemp("server"), environment, prefix,
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
def open_channel():
    """Channels that are closed after the test: open_channel(address, credentials)."""
    channels = []

    def open_to(address, credentials=None):
        # A connection of its own for each channel, or a test would borrow another's handshake.
        options = [("grpc.use_local_subchannel_pool", 1)]
        if credentials is None:
            channels.append(grpc.insecure_channel(address, options))
        else:
            channels.append(grpc.secure_channel(address, credentials, options))
        return channels[-1]

    yield open_to
    for channel in channels:
        channel.close()


@pytest.fixture
def connect(api, open_channel):
    """A RouterService stub for a server: connect(server)."""

    def connect_to(server, credentials=None):
        return api.router_grpc.RouterServiceStub(open_channel(server.address, credentials))

    return connect_to


@pytest.fixture
def admin(api, open_channel):
    """An AdminService stub for a server: admin(server)."""

    def connect_to(server, credentials=None):
        return api.admin_grpc.AdminServiceStub(open_channel(server.admin_address, credentials))

    return connect_to


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
