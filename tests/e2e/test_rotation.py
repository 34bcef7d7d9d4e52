"""Certificates and clients that are exchanged while the server runs, and who may call what."""

import hashlib
import json
import signal
import socket
import ssl
import threading

import grpc
import pytest
from cryptography import x509

import cli
import harness
from certificates import GARBAGE, Authority, TlsFiles, write_atomically

ROOT = Authority("Test Root")
STRANGER = Authority("Root of Strangers")
CLIENT_ROOT = Authority("Client Root")


def serial_served(port):
    """Serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context(cadata=ROOT.pem)
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            shown = connection.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(shown).serial_number


def channel_credentials(client=None):
    """Trust in ROOT, and a client certificate to show."""
    if client is None:
        return grpc.ssl_channel_credentials(ROOT.pem.encode())
    return grpc.ssl_channel_credentials(
        ROOT.pem.encode(), client.key_pem.encode(), client.pem.encode()
    )


def digest_of_key(key):
    return hashlib.sha256(key.encode()).hexdigest()


def bearer(key):
    return [("authorization", f"Bearer {key}")]


class ClientsFile:
    """A clients file: write(name="shop", key="k1", scopes=["route"]), one dict for each entry."""

    def __init__(self, path):
        self.path = path

    def write(self, *entries):
        shown = []
        for entry in entries:
            entry = dict(entry)
            if "key" in entry:
                entry["key_sha256"] = digest_of_key(entry.pop("key"))
            shown.append(entry)
        write_atomically(self.path, json.dumps({"clients": shown}))  # JSON is YAML


def reloads(server, file, result):
    return server.metric("pointsman_file_reloads_total", file=file, result=result)


@pytest.fixture
def tls(tmp_path):
    files = TlsFiles(tmp_path)
    files.write(ROOT.issue())
    return files


@pytest.fixture
def start_tls_server(start_server, tls):
    def start(**settings):
        return start_server(
            tls_certificate_file=tls.certificate, tls_private_key_file=tls.private_key, **settings
        )

    return start


@pytest.fixture
def clients(tmp_path):
    return ClientsFile(tmp_path / "clients.yaml")


# --- Certificates ----------------------------------------------------------------------------------


def test_ten_rotations_under_new_connections_fail_no_handshake(api, start_tls_server, tls):
    server = start_tls_server(max_queue_delay_ms=1000)
    credentials = channel_credentials()
    request = api.router.RouteRequest(text="hello")
    stop = threading.Event()
    connections, errors = [0, 0], []

    def connect_again_and_again(worker):
        while not stop.is_set():
            options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
            with grpc.secure_channel(f"localhost:{server.grpc_port}", credentials, options) as new:
                try:
                    api.router_grpc.RouterServiceStub(new).Route(request, timeout=10)
                    connections[worker] += 1
                except grpc.RpcError as error:
                    errors.append(error)

    workers = [threading.Thread(target=connect_again_and_again, args=[i]) for i in range(2)]
    for worker in workers:
        worker.start()
    for _ in range(10):
        seen = list(connections)
        certificate = ROOT.issue()
        tls.write(certificate)
        for port in (server.grpc_port, server.admin_port):
            harness.eventually(lambda: serial_served(port) == certificate.serial)
        # Both clients have connected some more, if they still can.
        harness.eventually(
            lambda: errors or all(now >= then + 20 for now, then in zip(connections, seen))
        )
    stop.set()
    for worker in workers:
        worker.join()
    assert not errors
    assert min(connections) >= 200
    assert reloads(server, "certificate", "succeeded") >= 10


def test_what_cannot_be_served_leaves_the_old_certificate(api, start_tls_server, tls, connect):
    server = start_tls_server()
    first = ROOT.issue()
    tls.write(first)
    harness.eventually(lambda: serial_served(server.grpc_port) == first.serial)
    expired = ROOT.issue(days=-1)
    garbled = ROOT.issue()
    for replace in (
        lambda: tls.write(expired),
        lambda: write_atomically(tls.certificate, GARBAGE),
        lambda: write_atomically(tls.certificate, garbled.garbled_pem),
        lambda: write_atomically(tls.certificate, ROOT.issue().pem),  # not of that key
        lambda: tls.certificate.unlink(),
    ):
        before = reloads(server, "certificate", "failed")
        replace()
        harness.eventually(lambda: reloads(server, "certificate", "failed") > before)
        assert serial_served(server.grpc_port) == first.serial
        refused = server.log_records("ERROR")[-1]["message"]
        assert "the old ones stay" in refused and "tls." in refused
    router = connect(server, channel_credentials())
    assert router.Route(api.router.RouteRequest(text="hello")).model
    # The way back is open.
    last = ROOT.issue()
    tls.write(last)
    harness.eventually(lambda: serial_served(server.grpc_port) == last.serial)


def test_sighup_reads_certificates_and_clients_again(start_tls_server, tls, clients):
    clients.write({"name": "shop", "key": "k" * 32, "scopes": ["route"]})
    server = start_tls_server(clients_file=clients.path)
    counts = {file: reloads(server, file, "succeeded") for file in ("certificate", "clients")}
    server.signal(signal.SIGHUP)
    for file, count in counts.items():
        harness.eventually(lambda: reloads(server, file, "succeeded") > count)


def test_the_expiry_of_the_certificate_in_service_is_a_metric(start_tls_server, tls):
    server = start_tls_server()
    long_lived = ROOT.issue(days=400)
    tls.write(long_lived)
    expiry = long_lived.certificate.not_valid_after_utc.timestamp()
    harness.eventually(lambda: server.metric("pointsman_certificate_not_after_seconds") == expiry)


def test_plaintext_is_not_answered_where_tls_is_asked_for(api, start_tls_server, connect, admin,
                                                          refusal):
    server = start_tls_server()
    code, _, _ = refusal(lambda: connect(server).Route(api.router.RouteRequest(text="x")))
    assert code == grpc.StatusCode.UNAVAILABLE
    code, _, _ = refusal(lambda: admin(server).GetStatus(api.admin.GetStatusRequest()))
    assert code == grpc.StatusCode.UNAVAILABLE


# --- Client certificates ---------------------------------------------------------------------------


@pytest.fixture
def mutual(start_tls_server, tls, clients):
    """A server with mTLS that knows a routing client and an operator by their certificates."""
    write_atomically(tls.client_ca, CLIENT_ROOT.pem)
    clients.write(
        {"name": "checkout", "certificate": "spiffe://mesh/checkout", "scopes": ["route"]},
        {"name": "operator", "certificate": "operator.example", "scopes": ["admin"]},
    )
    return start_tls_server(tls_client_ca_file=tls.client_ca, clients_file=clients.path)


def test_a_client_is_known_by_its_certificate(api, mutual, connect, admin, refusal):
    route = api.router.RouteRequest(text="hello")
    get_status = api.admin.GetStatusRequest()
    checkout = channel_credentials(CLIENT_ROOT.issue_client("URI:spiffe://mesh/checkout"))
    assert connect(mutual, checkout).Route(route).model
    code, message, _ = refusal(lambda: admin(mutual, checkout).GetStatus(get_status))
    assert code == grpc.StatusCode.PERMISSION_DENIED and "checkout" in message

    operator = channel_credentials(CLIENT_ROOT.issue_client("DNS:operator.example"))
    assert admin(mutual, operator).GetStatus(get_status).bundle.digest
    code, _, _ = refusal(lambda: connect(mutual, operator).Route(route))
    assert code == grpc.StatusCode.PERMISSION_DENIED


def test_a_certificate_that_nobody_listed_is_unauthenticated(api, mutual, connect, refusal):
    unlisted = channel_credentials(CLIENT_ROOT.issue_client("URI:spiffe://mesh/unlisted"))
    router = connect(mutual, unlisted)
    code, _, _ = refusal(lambda: router.Route(api.router.RouteRequest(text="x")))
    assert code == grpc.StatusCode.UNAUTHENTICATED
    assert mutual.metric("pointsman_authentications_total", result="unknown_certificate") == 1


@pytest.mark.parametrize(
    "client",
    [
        None,
        STRANGER.issue_client("URI:spiffe://mesh/checkout"),
        CLIENT_ROOT.issue_client("URI:spiffe://mesh/checkout", days=-1),
    ],
    ids=["none", "of a stranger", "expired"],
)
def test_a_client_without_a_valid_certificate_is_not_let_in(api, mutual, connect, refusal, client):
    router = connect(mutual, channel_credentials(client))
    code, _, _ = refusal(lambda: router.Route(api.router.RouteRequest(text="x"), timeout=10))
    assert code == grpc.StatusCode.UNAVAILABLE


def test_the_operators_command_shows_its_certificate(mutual, tmp_path):
    operator = CLIENT_ROOT.issue_client("DNS:operator.example")
    files = TlsFiles(tmp_path / "operator")
    files.certificate.parent.mkdir()
    files.write(operator, client_ca=ROOT)
    arguments = ["--target", mutual.admin_address, "--tls-ca", files.client_ca,
                 "--tls-cert", files.certificate, "--tls-key", files.private_key]
    told = cli.pointsman("unused", "admin", "status", *arguments)
    assert told.returncode == cli.OK, told.stderr
    arguments[3] = tmp_path / "nonexistent"
    assert cli.pointsman("unused", "admin", "status", *arguments).returncode == cli.BAD_INPUT


# --- Keys ------------------------------------------------------------------------------------------

ROUTING, BATCHING, OPERATING = (f"{name}-{'7f' * 16}" for name in ("route", "batch", "admin"))
TABLE = (
    {"name": "shop", "key": ROUTING, "scopes": ["route"]},
    {"name": "reports", "key": BATCHING, "scopes": ["batch"]},
    {"name": "operator", "key": OPERATING, "scopes": ["admin"]},
)


@pytest.fixture
def keyed(start_server, clients):
    """A server whose clients have keys, one for each scope."""
    clients.write(*TABLE)
    return start_server(clients_file=clients.path)


@pytest.fixture
def calls(api, connect, admin):
    """What a key is answered: calls(server)[name](key)."""

    def for_server(server):
        router, operator = connect(server), admin(server)
        query = api.router.RouteRequest(text="hello")
        batch = api.router.BatchRouteRequest(requests=[query])
        requests = {
            "Route": (router.Route, query),
            "GetCatalogue": (router.GetCatalogue, api.router.GetCatalogueRequest()),
            "BatchRoute": (router.BatchRoute, batch),
            "GetStatus": (operator.GetStatus, api.admin.GetStatusRequest()),
            "ActivateBundle": (operator.ActivateBundle,
                               api.admin.ActivateBundleRequest(path="/nonexistent")),
            "Rollback": (operator.Rollback, api.admin.RollbackRequest()),
            "Drain": (operator.Drain, api.admin.DrainRequest()),
        }

        def call(method, request):
            def with_key(key):
                try:
                    method(request, timeout=10, metadata=bearer(key) if key else ())
                    return grpc.StatusCode.OK
                except grpc.RpcError as error:
                    return error.code()

            return with_key

        return {name: call(*request) for name, request in requests.items()}

    return for_server


def test_a_key_may_do_what_its_scopes_say_and_nothing_else(keyed, calls):
    allowed = {ROUTING: {"Route", "GetCatalogue"}, BATCHING: {"BatchRoute"}}
    methods = calls(keyed)
    for key, names in allowed.items():
        for name, call in methods.items():
            expected = grpc.StatusCode.OK if name in names else grpc.StatusCode.PERMISSION_DENIED
            assert call(key) == expected, (key, name)
    assert methods["Route"](OPERATING) == grpc.StatusCode.PERMISSION_DENIED
    assert methods["BatchRoute"](OPERATING) == grpc.StatusCode.PERMISSION_DENIED
    assert methods["GetStatus"](OPERATING) == grpc.StatusCode.OK
    assert methods["ActivateBundle"](OPERATING) == grpc.StatusCode.FAILED_PRECONDITION
    assert methods["Rollback"](OPERATING) == grpc.StatusCode.FAILED_PRECONDITION
    assert methods["Drain"](OPERATING) == grpc.StatusCode.OK
    assert keyed.wait() == 0


@pytest.mark.parametrize(
    ("key", "result"), [(None, "none_presented"), (ROUTING + "x", "unknown_key"),
                        ("two words", "malformed")]
)
def test_without_a_good_key_every_call_is_unauthenticated(keyed, calls, key, result):
    methods = calls(keyed)
    for name, call in methods.items():
        assert call(key) == grpc.StatusCode.UNAUTHENTICATED, name
    assert keyed.metric("pointsman_authentications_total", result=result) == len(methods)


def test_a_clients_file_that_is_swapped_lets_in_the_new_and_keeps_out_the_removed(
    keyed, clients, calls
):
    route = calls(keyed)["Route"]
    fresh = "fresh-" + "a5" * 16
    assert route(fresh) == grpc.StatusCode.UNAUTHENTICATED
    clients.write(*TABLE, {"name": "shop", "key": fresh, "scopes": ["route"]})
    harness.eventually(lambda: route(fresh) == grpc.StatusCode.OK)
    assert route(ROUTING) == grpc.StatusCode.OK  # two keys of one client, while it changes over
    clients.write({"name": "shop", "key": fresh, "scopes": ["route"]}, TABLE[2])
    harness.eventually(lambda: route(ROUTING) == grpc.StatusCode.UNAUTHENTICATED)
    assert route(fresh) == grpc.StatusCode.OK


def test_a_clients_file_that_is_not_in_order_changes_nothing(keyed, clients, calls):
    route = calls(keyed)["Route"]
    for text in ("", "clients: [{name: shop, key_sha256: ff, scopes: [route]}]", "clients: {"):
        before = reloads(keyed, "clients", "failed")
        write_atomically(clients.path, text)
        harness.eventually(lambda: reloads(keyed, "clients", "failed") > before)
        assert route(ROUTING) == grpc.StatusCode.OK
        assert clients.path.name in keyed.log_records("ERROR")[-1]["message"]


def test_the_operators_command_takes_its_key_from_a_file(keyed, tmp_path):
    key_file = tmp_path / "operator.key"
    key_file.write_text(OPERATING + "\n")
    arguments = ["admin", "status", "--target", keyed.admin_address]
    told = cli.pointsman("unused", *arguments, "--key-file", key_file)
    assert told.returncode == cli.OK, told.stderr
    key_file.write_text(ROUTING + "\n")
    denied = cli.pointsman("unused", *arguments, "--key-file", key_file)
    assert denied.returncode == cli.FAILED and "admin" in denied.stderr
    assert ROUTING not in denied.stderr


def test_no_secret_is_in_log_configuration_metrics_or_decision_log(
    api, start_tls_server, tls, clients, connect, tmp_path
):
    private_key = tls.private_key.read_text()
    hash_key = tmp_path / "hash.key"
    hash_key.write_text("hash-key-" + "c3" * 24)
    hash_key.chmod(0o600)
    clients.write(*TABLE)
    decision_log = tmp_path / "decisions.jsonl"
    settings = {"clients_file": clients.path, "decision_log": decision_log,
                "decision_log_hash_key_file": hash_key}
    server = start_tls_server(**settings)
    router = connect(server, channel_credentials())
    wrong = "wrong-" + "b7" * 16
    query = "the zanzibar-7731 question"
    for key in (ROUTING, wrong, "two " + wrong):
        try:
            router.Route(api.router.RouteRequest(text=query), metadata=bearer(key))
        except grpc.RpcError as error:
            assert wrong not in error.details()
    # A key written where its digest belongs is refused, and not repeated.
    for field in ("key", "key_sha256"):
        before = reloads(server, "clients", "failed")
        write_atomically(clients.path, f"clients: [{{{field}: {wrong}, scopes: [route]}}]")
        harness.eventually(lambda: reloads(server, "clients", "failed") > before)
    metrics = server.metrics_text()
    server.signal()
    assert server.wait() == 0
    printed = harness.run(
        harness.binary("server/pointsman-server"), "--print-config", "--bundle=x",
        f"--tls-certificate-file={tls.certificate}", f"--tls-private-key-file={tls.private_key}",
        *harness.flags(**settings), env=harness.clean_environment(),
    )
    assert printed.returncode == 0, printed.stderr
    recorded = decision_log.read_text()
    assert recorded.count("\n") == 1
    secrets = [ROUTING, wrong, query, "zanzibar", hash_key.read_text(),
               digest_of_key(ROUTING), digest_of_key(wrong), *private_key.splitlines()[1:-1]]
    for place in (server.log(), metrics, printed.stdout, recorded):
        for secret in secrets:
            assert secret not in place
