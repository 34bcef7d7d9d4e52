"""What happens when the address of bundles gives something else: rows of the table in
server/README.md."""

import http.server
import io
import json
import ssl
import tarfile
import threading

import pytest

import certificates
import failure_bundles as bundles
import harness

FETCHES = "pointsman_bundle_fetches_total"


def archive(bundle):
    """A tar of a bundle."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for file in sorted(bundle.iterdir()):
            tar.add(file, arcname=file.name)
    return out.getvalue()


class Origin(http.server.ThreadingHTTPServer):
    """An HTTPS server that gives `contents` with `code`, or hangs before it does."""

    daemon_threads = True

    def __init__(self, directory):
        super().__init__(("127.0.0.1", 0), Handler)
        root = certificates.Authority()
        files = certificates.TlsFiles(directory)
        files.write(root.issue(), client_ca=root)
        self.ca_file = files.client_ca
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.private_key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.code, self.contents = 200, b""
        self.url = f"https://localhost:{self.server_port}/bundle.tar"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self):
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, *_):
        """Clients that end a handshake are part of the plan."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # the name is http.server's
        self.send_response(self.server.code)
        if self.server.code == 302:
            self.send_header("Location", "http://localhost/bundle.tar")
        self.send_header("Content-Length", str(len(self.server.contents)))
        self.end_headers()
        self.wfile.write(self.server.contents)

    def log_message(self, *_):
        """Silent."""


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return bundles.SigningKey(tmp_path_factory.mktemp("key"), "trusted")


@pytest.fixture(scope="module")
def signed(bundle, key, tmp_path_factory):
    return key.sign(bundles.copy(bundle, tmp_path_factory.mktemp("signed") / "bundle"))


@pytest.fixture(scope="module")
def good(signed):
    return archive(signed)


@pytest.fixture(scope="module")
def origin(good, tmp_path_factory):
    origin = Origin(tmp_path_factory.mktemp("origin"))
    origin.contents = good
    yield origin
    origin.stop()


def url_settings(origin, key, directory):
    return {
        "bundle": "",
        "bundle_url": origin.url,
        "bundle_url_ca_file": origin.ca_file,
        "bundle_url_poll_ms": 100,
        "bundle_cache_directory": directory / "cache",
        "trusted_keys_file": key.public,
    }


@pytest.fixture
def fetching(origin, good, key, start_server, tmp_path):
    """A server that has served from the origin's bundle and asks it again and again."""
    origin.code, origin.contents = 200, good
    return start_server(**url_settings(origin, key, tmp_path), max_bundle_bytes=len(good))


@pytest.mark.parametrize(
    "fault",
    ["error 500", "redirect to plaintext", "no archive", "cut", "corrupt", "unsigned", "too large"],
)
def test_bundle_url_gives_something_else(
    api, admin, connect, origin, good, bundle, signed, fetching, tmp_path, fault
):
    stub = admin(fetching)
    before = stub.GetStatus(api.admin.GetStatusRequest()).bundle
    failed = fetching.metric(FETCHES, result="failed")
    if fault == "error 500":
        origin.code = 500
    elif fault == "redirect to plaintext":
        origin.code = 302
    elif fault == "no archive":
        origin.contents = b"<html>please log in</html>" * 1000
    elif fault == "cut":
        origin.contents = good[: len(good) // 2]
    elif fault == "corrupt":
        broken = bundles.copy(signed, tmp_path / "broken")
        bundles.flip_a_bit(broken / "policies.binpb")
        origin.contents = archive(broken)
    elif fault == "unsigned":
        origin.contents = archive(bundle)
    elif fault == "too large":
        big = bundles.copy(signed, tmp_path / "big")
        bundles.replace(big / "golden.binpb", bytes(1 << 20))
        origin.contents = archive(big)

    harness.eventually(lambda: fetching.metric(FETCHES, result="failed") > failed)
    harness.eventually(lambda: fetching.log_records("ERROR"))
    status = stub.GetStatus(api.admin.GetStatusRequest())
    assert status.state == api.admin.SERVER_STATE_SERVING and status.bundle == before
    assert status.reloads[0].error and origin.url.partition("//")[2] in status.reloads[0].source
    response = connect(fetching).Route(api.router.RouteRequest(text="hello"), timeout=5)
    assert response.provenance.bundle_digest == before.digest


def test_bundle_url_that_cannot_be_reached_at_start(origin, key, bundle, tmp_path):
    settings = url_settings(origin, key, tmp_path) | {"bundle_url": "https://127.0.0.1:1/b.tar"}
    code, log = harness.refused_start(tmp_path, **settings)
    assert code == 1 and "127.0.0.1:1" in log


def test_bundle_url_of_a_stranger(origin, key, good, tmp_path):
    origin.code, origin.contents = 200, good
    other = tmp_path / "other.crt"
    other.write_text(certificates.Authority().pem, encoding="utf-8")
    settings = url_settings(origin, key, tmp_path) | {"bundle_url_ca_file": other}
    code, log = harness.refused_start(tmp_path, **settings)
    assert code == 1 and "certificate" in log


def test_bundle_url_down_at_a_restart_serves_what_was_cached(
    api, connect, origin, good, signed, key, start_server, tmp_path
):
    origin.code, origin.contents = 200, good
    settings = url_settings(origin, key, tmp_path)
    first = start_server(**settings)
    first.signal()
    assert first.wait() == 0
    origin.code = 503
    again = start_server(**settings)
    digest = json.loads((signed / "manifest.json").read_text())["digest"]
    response = connect(again).Route(api.router.RouteRequest(text="hello"), timeout=5)
    assert response.provenance.bundle_digest == digest


def test_bundle_url_over_plaintext(key, tmp_path):
    code, message = harness.refused_start(
        tmp_path, bundle_url="http://127.0.0.1:1/bundle.tar", trusted_keys_file=key.public,
        bundle_cache_directory=tmp_path / "cache",
    )
    assert code in (1, 2) and "https" in message
