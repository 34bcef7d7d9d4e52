"""What happens when certificates, keys and clients are not in order: rows of the table in
server/README.md."""

import datetime
import hashlib
import os
import shutil
import socket
import ssl

import grpc
import pytest

import certificates
import harness

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
KEY = "a-key-of-a-test"


@pytest.fixture(scope="module")
def root():
    return certificates.Authority()


@pytest.fixture(scope="module")
def files(root, tmp_path_factory):
    """The files of `secure`; tests leave a good pair behind."""
    files = certificates.TlsFiles(tmp_path_factory.mktemp("tls"))
    files.write(root.issue(), client_ca=root)
    return files


def tls_settings(files, client_ca=True):
    settings = {
        "tls_certificate_file": files.certificate,
        "tls_private_key_file": files.private_key,
    }
    return settings | ({"tls_client_ca_file": files.client_ca} if client_ca else {})


@pytest.fixture(scope="module")
def secure(bundle, files, tmp_path_factory, draining):
    """A server with mTLS."""
    server = harness.Server(
        bundle, tmp_path_factory.mktemp("server"), file_poll_ms=200, **tls_settings(files)
    )
    draining.append(server)
    return server


def credentials(root, client=None):
    if client is None:
        return grpc.ssl_channel_credentials(root.pem.encode())
    return grpc.ssl_channel_credentials(
        root.pem.encode(), client.key_pem.encode(), client.pem.encode()
    )


def serial_served(server, root, client, directory):
    """The serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context(cadata=root.pem)
    pair = directory / "client.pem"
    pair.write_text(client.pem + client.key_pem, encoding="utf-8")
    context.load_cert_chain(pair)
    with socket.create_connection(("127.0.0.1", server.grpc_port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            return int(connection.getpeercert()["serialNumber"], 16)


def reloads(server, file, result):
    return server.metric("pointsman_file_reloads_total", file=file, result=result)


# Rotation


@pytest.fixture
def refused_rotation(api, admin, connect, root, files, secure, tmp_path):
    """Replaces certificate files by what must be refused; the sentence that the log has for it."""
    client = root.issue_client()
    good = root.issue()
    files.write(good)
    harness.eventually(lambda: serial_served(secure, root, client, tmp_path) == good.serial)

    def rotate(change):
        harness.eventually(lambda: secure.metric("pointsman_connections") == 0)
        failures = reloads(secure, "certificate", "failed")
        change()
        harness.eventually(lambda: reloads(secure, "certificate", "failed") > failures)

        # The old one stays for new connections; metric and log tell.
        assert serial_served(secure, root, client, tmp_path) == good.serial
        router = connect(secure, credentials(root, client))
        assert router.Route(api.router.RouteRequest(text="hello"), timeout=10).model
        status = admin(secure, credentials(root, client)).GetStatus(api.admin.GetStatusRequest())
        assert status.state == api.admin.SERVER_STATE_SERVING
        message = secure.log_records("ERROR")[-1]["message"]
        assert message.startswith("certificates refused; the old ones stay: ")
        assert "PRIVATE KEY" not in secure.log()
        return message

    yield rotate
    files.write(root.issue(), client_ca=root)


def test_expired_certificate_on_rotation(refused_rotation, root, files):
    message = refused_rotation(lambda: files.write(root.issue(days=-1)))
    assert "expired at" in message and str(files.certificate) in message


def test_certificate_that_is_not_valid_yet_on_rotation(refused_rotation, root, files):
    message = refused_rotation(lambda: files.write(root.issue(starts_in_hours=1)))
    assert "is not valid before" in message


def test_garbled_certificate_on_rotation(refused_rotation, root, files):
    garbled = root.issue().garbled_pem
    message = refused_rotation(
        lambda: certificates.write_atomically(files.certificate, garbled)
    )
    assert str(files.certificate) in message


def test_certificate_without_its_key_on_rotation(refused_rotation, root, files):
    message = refused_rotation(
        lambda: certificates.write_atomically(files.certificate, root.issue().pem)
    )
    assert "does not belong to" in message


def test_certificate_that_vanishes_on_rotation(refused_rotation, files):
    message = refused_rotation(files.certificate.unlink)
    assert "cannot be read" in message


def test_empty_list_of_client_authorities_on_rotation(refused_rotation, files):
    message = refused_rotation(lambda: certificates.write_atomically(files.client_ca, ""))
    assert str(files.client_ca) in message


# At start


@pytest.mark.parametrize("fault", ["expired", "garbled", "absent", "key of another"])
def test_bad_certificate_at_start(bundle, root, tmp_path, fault):
    files = certificates.TlsFiles(tmp_path)
    files.write(root.issue(days=-1 if fault == "expired" else 90))
    if fault == "garbled":
        files.certificate.write_text(root.issue().garbled_pem)
    elif fault == "absent":
        files.certificate.unlink()
    elif fault == "key of another":
        files.private_key.write_text(root.issue().key_pem)
    code, log = harness.refused_start(
        tmp_path, bundle=bundle, **tls_settings(files, client_ca=False)
    )
    assert code == 1
    assert str(tmp_path) in log and "cannot start" in log


def test_unreadable_private_key_at_start(bundle, root, tmp_path):
    files = certificates.TlsFiles(tmp_path)
    files.write(root.issue())
    files.private_key.chmod(0o000)
    prefix = []
    if os.geteuid() == 0:  # root reads everything, unless told not to
        if not shutil.which("setpriv"):
            pytest.skip("as root this needs setpriv")
        prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    code, log = harness.refused_start(
        tmp_path, prefix, bundle=bundle, **tls_settings(files, client_ca=False)
    )
    assert code == 1
    assert f"{files.private_key}: the private key cannot be read" in log


def test_world_readable_private_key_is_warned_of(start_server, root, tmp_path):
    files = certificates.TlsFiles(tmp_path)
    files.write(root.issue())
    files.private_key.chmod(0o644)
    server = start_server(**tls_settings(files, client_ca=False))
    warnings = [record["message"] for record in server.log_records("WARNING")]
    assert any(
        f"{files.private_key}: the private key can be read by everybody (mode 0644)" in warning
        for warning in warnings
    )


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"tls_certificate_file": "x"}, "must be set together; `tls_private_key_file` is empty"),
        ({"tls_private_key_file": "x"}, "must be set together; `tls_certificate_file` is empty"),
        ({"tls_client_ca_file": "x"}, "tls_client_ca_file: needs tls_certificate_file"),
    ],
)
def test_tls_by_halves_never_falls_back_to_plaintext(bundle, tmp_path, settings, message):
    code, complaint = harness.refused_start(tmp_path, bundle=bundle, **settings)
    assert code == 2 and message in complaint


def test_admin_on_a_public_address_without_mtls(bundle, root, tmp_path):
    files = certificates.TlsFiles(tmp_path)
    files.write(root.issue())
    for settings in ({}, tls_settings(files, client_ca=False)):
        code, message = harness.refused_start(
            tmp_path, bundle=bundle, admin_listen_address="0.0.0.0:0", **settings
        )
        assert code == 2
        assert "admin_listen_address: must be on 127.0.0.1 or [::1]" in message


# Clients that do not get in


@pytest.mark.parametrize("client", ["plaintext", "no certificate", "stranger", "expired"])
def test_client_without_a_good_certificate(api, secure, root, connect, refusal, client):
    request = api.router.RouteRequest(text="hello")
    offered = {
        "plaintext": lambda: None,
        "no certificate": lambda: credentials(root),
        "stranger": lambda: credentials(root, certificates.Authority().issue_client()),
        "expired": lambda: credentials(root, root.issue_client(days=-1)),
    }[client]()
    decisions = secure.metric("pointsman_decisions_total")
    code, _, _ = refusal(lambda: connect(secure, offered).Route(request, timeout=10))
    assert code == grpc.StatusCode.UNAVAILABLE
    assert secure.metric("pointsman_decisions_total") == decisions
    good = connect(secure, credentials(root, root.issue_client()))
    assert good.Route(request, timeout=10).model


def test_admin_method_on_the_public_port(api, server, open_channel, refusal):
    stub = api.admin_grpc.AdminServiceStub(open_channel(server.address))
    code, _, _ = refusal(lambda: stub.Drain(api.admin.DrainRequest()))
    assert code == grpc.StatusCode.UNIMPLEMENTED


# Keys


def entry(name, key, scopes="[route, batch, admin]", **more):
    digest = hashlib.sha256(key.encode()).hexdigest()
    lines = [f"  - name: {name}", f"    key_sha256: {digest}", f"    scopes: {scopes}"]
    return "\n".join([*lines, *(f"    {field}: {value}" for field, value in more.items())]) + "\n"


def in_seconds(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds")


@pytest.fixture(scope="module")
def clients_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("clients") / "clients.yaml"
    write_clients(path)
    return path


def write_clients(path):
    text = "clients:\n" + entry("shop", KEY) + entry("reader", "read-only", "[route]")
    certificates.write_atomically(path, text)


@pytest.fixture(scope="module")
def guarded(bundle, clients_file, tmp_path_factory, draining):
    """A server that asks for keys."""
    server = harness.Server(
        bundle, tmp_path_factory.mktemp("server"), clients_file=clients_file, file_poll_ms=200
    )
    draining.append(server)
    return server


def bearing(key):
    return (("authorization", f"Bearer {key}"),)


@pytest.fixture
def refused_key(api, connect, refusal):
    """Calls Route with metadata that must be refused, and looks that it is counted."""

    def call(server, metadata, result):
        counted = server.metric("pointsman_authentications_total", result=result)
        decisions = server.metric("pointsman_decisions_total")
        request = api.router.RouteRequest(text="hello")
        code, message, _ = refusal(lambda: connect(server).Route(request, metadata=metadata))
        assert server.metric("pointsman_authentications_total", result=result) == counted + 1
        assert server.metric("pointsman_decisions_total") == decisions
        return code, message

    return call


def test_no_key(guarded, refused_key):
    code, message = refused_key(guarded, (), "none_presented")
    assert code == UNAUTHENTICATED and "authorization: Bearer KEY" in message


def test_unknown_key(guarded, refused_key):
    code, message = refused_key(guarded, bearing("guessed"), "unknown_key")
    assert code == UNAUTHENTICATED and "guessed" not in message


def test_malformed_key(guarded, refused_key):
    for value in ("Basic YTpi", "Bearer", "Bearer " + "x" * 600, "Bearer two keys"):
        code, _ = refused_key(guarded, (("authorization", value),), "malformed")
        assert code == UNAUTHENTICATED


def test_key_that_expired_a_second_ago(api, start_server, connect, refused_key, tmp_path):
    file = tmp_path / "clients.yaml"
    soon = 3
    certificates.write_atomically(
        file,
        "clients:\n" + entry("gone", "old-key", expires=in_seconds(-1))
        + entry("going", "short-key", expires=in_seconds(soon)),
    )
    server = start_server(clients_file=file)
    code, message = refused_key(server, bearing("old-key"), "expired")
    assert code == UNAUTHENTICATED and "the key expired at" in message
    warnings = [record["message"] for record in server.log_records("WARNING")]
    assert any("client `gone` expired at" in warning for warning in warnings)

    # One that expires while the server runs needs no reload to be refused.
    request = api.router.RouteRequest(text="hello")
    router = connect(server)
    assert router.Route(request, metadata=bearing("short-key")).model

    def refused():
        try:
            router.Route(request, metadata=bearing("short-key"))
        except grpc.RpcError as error:
            return error
        return None

    error = harness.eventually(refused)
    assert error.code() == UNAUTHENTICATED and "the key expired at" in error.details()


def test_key_without_the_scope(api, guarded, admin, connect, refusal):
    missing = guarded.metric("pointsman_authentications_total", result="scope_missing")
    metadata = bearing("read-only")
    batch = api.router.BatchRouteRequest(requests=[api.router.RouteRequest(text="hello")])
    code, message, _ = refusal(lambda: connect(guarded).BatchRoute(batch, metadata=metadata))
    assert code == grpc.StatusCode.PERMISSION_DENIED and "lacks the scope `batch`" in message
    drain = api.admin.DrainRequest()
    code, _, _ = refusal(lambda: admin(guarded).Drain(drain, metadata=metadata))
    assert code == grpc.StatusCode.PERMISSION_DENIED
    assert (
        guarded.metric("pointsman_authentications_total", result="scope_missing") == missing + 2
    )


# The clients file


@pytest.fixture
def refused_clients(api, admin, connect, guarded, clients_file):
    """Replaces the clients file by one that must be refused; what the log says."""

    def replace(text, nudge=False):
        failures = reloads(guarded, "clients", "failed")
        if text is None:
            clients_file.unlink()
        else:
            certificates.write_atomically(clients_file, text)
        if nudge:
            guarded.signal(harness.signal.SIGHUP)
        harness.eventually(lambda: reloads(guarded, "clients", "failed") > failures)
        # The old clients stay.
        request = api.router.RouteRequest(text="hello")
        assert connect(guarded).Route(request, metadata=bearing(KEY)).model
        status = admin(guarded).GetStatus(api.admin.GetStatusRequest(), metadata=bearing(KEY))
        assert status.state == api.admin.SERVER_STATE_SERVING
        message = guarded.log_records("ERROR")[-1]["message"]
        assert message.startswith("clients refused; the old ones stay: ")
        assert KEY not in guarded.log()
        return message

    yield replace
    write_clients(clients_file)


def test_clients_file_emptied_on_reload(refused_clients, clients_file):
    assert f"{clients_file}: the clients file is an empty file" in refused_clients("")


def test_clients_file_deleted_on_reload(refused_clients, clients_file):
    assert f"{clients_file}: the clients file cannot be read" in refused_clients(None)


def test_clients_file_broken_at_sighup(refused_clients, clients_file):
    text = "clients:\n" + entry("shop", KEY).replace("scopes", "scoops")
    message = refused_clients(text, nudge=True)
    assert f"{clients_file}:4: clients[0]: unknown field `scoops`; did you mean `scopes`?" in message


def test_key_in_place_of_its_digest_is_not_logged(refused_clients):
    message = refused_clients(f"clients:\n  - {{name: a, key_sha256: {KEY}, scopes: [route]}}\n")
    assert "must be the SHA-256 of the key, 64 hexadecimal digits" in message


def test_bad_clients_file_at_start(bundle, tmp_path):
    file = tmp_path / "clients.yaml"
    for text in (None, "", "clients:\n", "nonsense: [\n", "clients:\n" + entry("A B", KEY)):
        if text is not None:
            file.write_text(text, encoding="utf-8")
        code, log = harness.refused_start(tmp_path, bundle=bundle, clients_file=file)
        assert code == 1 and str(file) in log
