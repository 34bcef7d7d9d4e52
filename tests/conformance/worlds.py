"""What the cases run against: real servers with settings of their own, in plaintext and with mTLS, and,
for what no healthy server can be made to answer on demand, one that follows a script.

A case names its world (`standard` unless it says otherwise). Where a client connects, and with which
files and key, is `options`.
"""

import contextlib
import hashlib
import pathlib
import re
import socket
import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import any_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import certificates  # noqa: E402
import harness  # noqa: E402

TRANSPORTS = ("plaintext", "mtls")
# Six clients at once on two cores must not be told that the server is crowded.
PATIENT = {"max_queue_delay_ms": 10_000, "file_poll_ms": 3_600_000, "bundle_poll_ms": 0}
# World: settings of its servers.
SETTINGS = {
    "standard": PATIENT,
    "small": PATIENT | {
        "max_request_text_bytes": 1000, "max_turns": 3, "max_tokens": 5000, "max_batch_items": 3,
        "max_message_bytes": 16_384, "max_evidence_exemplars": 2, "max_evidence_text_bytes": 16},
    "keys": PATIENT,
}
KEYS = {"both": "key-of-both", "route": "key-of-route", "expired": "key-that-expired"}
CLIENTS = """clients:
  - {{name: both, key_sha256: {both}, scopes: [route, batch]}}
  - {{name: route, key_sha256: {route}, scopes: [route]}}
  - {{name: expired, key_sha256: {expired}, scopes: [route, batch], expires: 2026-01-01T00:00:00Z}}
"""


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Scripted:
    """A RouterService that does what the text of a request says, word by word:

    code NAME      fail with that gRPC code
    retry MS       with a google.rpc.RetryInfo of so many milliseconds
    field PATH     with a google.rpc.BadRequest that names the field
    garbled        with a grpc-status-details-bin that is none
    until N        fail only the first N attempts of this text
    sleep MS       answer after so long
    bytes N        answer with so large a reason
    """

    def __init__(self, api):
        self._api = api
        self._attempts = {}
        self._lock = threading.Lock()
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=64))
        servicer = type("Servicer", (api.router_grpc.RouterServiceServicer,), {
            "Route": lambda _, request, context: self._route(request, context)})
        api.router_grpc.add_RouterServiceServicer_to_server(servicer(), self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def attempts(self, text):
        return self._attempts.get(text, 0)

    def _route(self, request, context):
        text = request.text
        with self._lock:
            self._attempts[text] = attempt = self._attempts.get(text, 0) + 1
        words = dict(re.findall(r"(\w+) ([\w.\[\]]+)", text))
        if "sleep" in words:
            time.sleep(int(words["sleep"]) / 1000)
        if "code" in words and attempt <= int(words.get("until", 1 << 30)):
            self._refuse(text, words, context)
        metadata = dict(context.invocation_metadata())
        router = self._api.router
        return router.RouteResponse(
            outcome=router.OUTCOME_CHOSEN, model="scripted", correlation_id=request.correlation_id,
            degradations=[router.Degradation(detail=f"user-agent: {metadata.get('user-agent', '')}"),
                          router.Degradation(detail=f"attempt: {attempt}"),
                          router.Degradation(detail="x" * int(words.get("bytes", 0)))])

    def _refuse(self, text, words, context):
        code = grpc.StatusCode[words["code"]]
        message = f"scripted {words['code']}"
        details = self._api.status.Status(code=code.value[0], message=message)
        if "field" in words:
            violation = self._api.errors.BadRequest.FieldViolation(
                field=words["field"], description="is scripted")
            any_of = any_pb2.Any()
            any_of.Pack(self._api.errors.BadRequest(field_violations=[violation]))
            details.details.append(any_of)
        if "retry" in words:
            retry = self._api.errors.RetryInfo()
            retry.retry_delay.FromMilliseconds(int(words["retry"]))
            any_of = any_pb2.Any()
            any_of.Pack(retry)
            details.details.append(any_of)
        garbled = b"\xff\xff\xff\xff" if "garbled" in text else None
        context.set_trailing_metadata(
            [("grpc-status-details-bin", garbled or details.SerializeToString())])
        context.abort(code, message)

    def stop(self):
        self._server.stop(grace=None)


class Worlds:
    """All servers, running. `stop` ends them."""

    def __init__(self, api, directory):
        self.api = api
        self.directory = directory
        self.servers = {}
        self._stack = contextlib.ExitStack()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        self.bundle = self.directory / "bundle"
        built = harness.run(
            harness.binary("index/tool/pointsman-index"), "build", ROOT / "tests/e2e/sources",
            "--model", harness.directory_from("POINTSMAN_MODEL_DIR"), "--out", self.bundle)
        if built.returncode != 0:
            raise RuntimeError(f"no bundle: {built.stderr}")
        self._write_certificates()
        clients = self.directory / "clients.yaml"
        clients.write_text(CLIENTS.format(**{n: _digest(k) for n, k in KEYS.items()}), encoding="utf-8")
        for world, settings in SETTINGS.items():
            if world == "keys":
                settings = settings | {"clients_file": clients}
            for transport in TRANSPORTS:
                place = self.directory / f"{world}-{transport}"
                place.mkdir()
                tls = self._server_tls if transport == "mtls" else {}
                server = harness.Server(self.bundle, place, **settings, **tls)
                self._stack.callback(server.stop)
                self.servers[world, transport] = server
        self.scripted = Scripted(self.api)
        self._stack.callback(self.scripted.stop)
        # Bound and never listening: whoever connects is refused at once.
        closed = self._stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        self.closed_address = f"127.0.0.1:{closed.getsockname()[1]}"

    def _write_certificates(self):
        root, stranger = certificates.Authority(), certificates.Authority("Stranger")
        files = certificates.TlsFiles(self.directory)
        files.write(root.issue(), client_ca=root)
        self._server_tls = {"tls_certificate_file": files.certificate,
                            "tls_private_key_file": files.private_key,
                            "tls_client_ca_file": files.client_ca}
        certificates.write_atomically(self.directory / "root.crt", root.pem)
        for name, authority in (("client", root), ("stranger", stranger)):
            issued = authority.issue_client()
            certificates.write_atomically(self.directory / f"{name}.crt", issued.pem)
            certificates.write_atomically(self.directory / f"{name}.key", issued.key_pem)
        certificates.write_atomically(self.directory / "stranger-root.crt", stranger.pem)

    @property
    def tls(self):
        return {"ca_file": str(self.directory / "root.crt"),
                "certificate_file": str(self.directory / "client.crt"),
                "key_file": str(self.directory / "client.key")}

    def options(self, world, transport, overrides=None):
        """Options of a client: `overrides` are the case's own; a null in them takes a member away, and
        $FILE stands for the file of that name among the certificates."""
        options = {"deadline_ms": 20_000}
        if world == "none":
            options["target"] = self.closed_address
        elif world == "scripted":
            options["target"] = self.scripted.address
        else:
            # By address and not by name: only there do all six see the same single replica.
            options["target"] = self.servers[world, transport].address
            if transport == "mtls":
                options["tls"] = self.tls
            if world == "keys":
                options["api_key"] = KEYS["both"]
        for name, value in (overrides or {}).items():
            if isinstance(value, dict):
                value = {k: v for k, v in (options.get(name, {}) | value).items() if v is not None}
                value = {k: str(self.directory / v[1:]) if v.startswith("$") else v
                         for k, v in value.items()}
            options[name] = value
            if value is None:
                del options[name]
        return options

    def stop(self):
        for server in self.servers.values():  # all at once: each takes its time
            server.signal()
        self._stack.close()
