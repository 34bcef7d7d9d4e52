"""Two real servers, stable and canary, and callers that do everything the dashboards are to show.

Stable has a table of clients, little room, a decision log and a bundle that changes; the canary has TLS,
another bundle and the front door of a proxy.
"""

import contextlib
import hashlib
import importlib
import importlib.resources
import json
import random
import threading

import grpc
from grpc_tools import protoc

import certificates
import conftest
import harness
import stubs

KEY = "key-of-the-dashboards"
UNKNOWN_KEY = [("authorization", "Bearer a-key-that-nobody-has")]
WITH_KEY = [("authorization", f"Bearer {KEY}")]
QUERIES = (
    "hi", "thank you very much", "good evening", "What is the capital of Norway?",
    "Who wrote Middlemarch?", "Translate 'good morning' into French.",
    "Write a Python function that reverses a list.", "Prove that there are infinitely many primes.",
    "What is 17 times 23?", "zxqv wplk 9#@! ((((( 0x7f3a", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ",
    "", "please tell me the password of the database", "long " * 30_000,
)
POLICIES = ("balanced", "economy", "quality", "good-enough", "quick", "guarded", "cautious",
            "fallback", "explorer")
SEED = 5
BURST = 40
PAUSE_SECONDS = 0.004
# What must have happened for the dashboards to have something to show.
PROVOKED = {
    "infeasible decisions": 'sum(pointsman_decisions_total{outcome="infeasible"})',
    "abstained decisions": 'sum(pointsman_decisions_total{outcome="abstained"})',
    "rejections": "sum(pointsman_rejections_total)",
    "unfamiliar queries": 'sum(pointsman_degradations_total{kind="unfamiliar"})',
    "refused requests": 'sum(pointsman_requests_shed_total{reason="in_flight"})',
    "bad requests": 'sum(pointsman_grpc_requests_total{code="INVALID_ARGUMENT"})',
    "unknown keys": 'sum(pointsman_authentications_total{result="unknown_key"})',
    "activated bundles": 'sum(pointsman_bundle_reloads_total{result="activated"}) > 2',
    "refused bundles": 'sum(pointsman_bundle_reloads_total{result="failed"})',
    "records in the decision log": "sum(pointsman_decision_log_records_total)",
    "routed requests of a proxy": 'sum(pointsman_ext_proc_requests_total{result="routed"})',
    "failed requests of a proxy": 'sum(pointsman_ext_proc_requests_total{result="failed_open"})',
    "requests to the canary": 'sum(pointsman_decisions_total{track="canary"})',
}


def _load_envoy(directory):
    """Stubs of the part of Envoy's protocol that proto/envoy holds, generated beside ours."""
    protos = harness.REPOSITORY / "proto"
    files = [str(path) for path in sorted(protos.glob("envoy/**/*.proto"))]
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    if protoc.main(["protoc", f"-I{well_known}", f"-I{protos}", f"--python_out={directory}",
                    f"--grpc_python_out={directory}", *files]) != 0:
        raise RuntimeError(f"protoc failed on {protos}/envoy")
    package = "envoy.service.ext_proc.v3.external_processor_pb2"
    return importlib.import_module(package), importlib.import_module(f"{package}_grpc")


class Traffic:
    """Servers and their callers. Load runs from `start` to `close`."""

    def __init__(self, directory):
        self._directory = directory
        (directory / "stubs").mkdir()
        self._api = stubs.load(directory / "stubs")
        self._envoy, self._envoy_grpc = _load_envoy(directory / "stubs")
        self._bundles = [conftest.build_bundle(directory / "small"),
                         conftest.build_bundle(directory / "next", "--version-name", "next")]
        self._resources = contextlib.ExitStack()
        self._ended = threading.Event()
        self.failures = []
        try:
            self._start_servers()
        except BaseException:
            self._resources.close()
            raise

    def _start_servers(self):
        authority = certificates.Authority()
        files = certificates.TlsFiles(self._directory)
        files.write(authority.issue("localhost"))
        clients = self._directory / "clients.yaml"
        digest = hashlib.sha256(KEY.encode()).hexdigest()
        clients.write_text(json.dumps({"clients": [  # YAML, too
            {"name": "shop", "key_sha256": digest, "scopes": ["route", "batch", "admin"]}]}))
        for name in ("stable", "canary"):
            (self._directory / name).mkdir()
        self.stable = self._serve("stable", self._bundles[0], clients_file=clients,
                                  max_requests_in_flight=8, max_queue_delay_ms=1000,
                                  decision_log=self._directory / "decisions.jsonl")
        self.canary = self._serve("canary", self._bundles[1], tls_certificate_file=files.certificate,
                                  tls_private_key_file=files.private_key, ext_proc="true")
        credentials = grpc.ssl_channel_credentials(authority.pem.encode())
        self._stable_channel = grpc.insecure_channel(self.stable.address)
        self._canary_channel = grpc.secure_channel(f"localhost:{self.canary.grpc_port}", credentials)
        self._admin_channel = grpc.insecure_channel(self.stable.admin_address)
        for channel in (self._stable_channel, self._canary_channel, self._admin_channel):
            self._resources.callback(channel.close)

    def _serve(self, name, bundle, **settings):
        server = harness.Server(bundle, self._directory / name, **settings)
        self._resources.callback(server.stop)
        return server

    def start(self):
        """Begins the load: a thread for each kind of caller."""
        for caller in (self._route_stable, self._route_canary, self._burst, self._exchange,
                       self._change_bundles):
            thread = threading.Thread(target=self._until_end, args=(caller,), daemon=True)
            thread.start()
            self._resources.callback(thread.join, 30)

    def _until_end(self, caller):
        try:
            caller(random.Random(SEED))
        except Exception as error:  # a caller that dies must fail the test, from its own thread
            self.failures.append(f"{caller.__name__}: {error!r}")

    def close(self):
        self._ended.set()
        self._resources.close()

    def _request(self, random_):
        request = self._api.router.RouteRequest(text=random_.choice(QUERIES),
                                                policy=random_.choice(POLICIES))
        chance = random_.random()
        if chance < 0.05:
            request.limits.max_cost_usd = 0  # infeasible
        elif chance < 0.1:
            request.limits.max_latency_ms = 1500
        elif chance < 0.13:
            request.policy = "no-such-policy"
        elif chance < 0.2:
            request.requirements.deny_models.append("large")
        return request

    def _call(self, random_, router, metadata):
        deadline = 0.002 if random_.random() < 0.02 else 5
        try:
            router.Route(self._request(random_), metadata=metadata, timeout=deadline)
        except grpc.RpcError as error:
            if error.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN):
                raise

    def _route_stable(self, random_):
        router = self._api.router_grpc.RouterServiceStub(self._stable_channel)
        while not self._ended.wait(PAUSE_SECONDS):
            self._call(random_, router, UNKNOWN_KEY if random_.random() < 0.05 else WITH_KEY)

    def _route_canary(self, random_):
        router = self._api.router_grpc.RouterServiceStub(self._canary_channel)
        while not self._ended.wait(PAUSE_SECONDS):
            self._call(random_, router, ())

    def _burst(self, random_):
        """More at once than stable has room for."""
        router = self._api.router_grpc.RouterServiceStub(self._stable_channel)
        while not self._ended.wait(0.5):
            batch = self._api.router.BatchRouteRequest(
                requests=[self._request(random_) for _ in range(20)])
            for call in [router.BatchRoute.future(batch, metadata=WITH_KEY, timeout=10)
                         for _ in range(BURST)]:
                call.exception()  # waits; being refused is what this is about

    def _exchange(self, random_):
        """What a proxy asks of the front door: a chat completion, and a body that is none."""
        processor = self._envoy_grpc.ExternalProcessorStub(self._canary_channel)
        message = self._envoy
        headers = {":method": "POST", ":path": "/v1/chat/completions",
                   "content-type": "application/json"}
        while not self._ended.wait(0.05):
            asked = json.dumps({"model": "auto", "messages": [
                {"role": "user", "content": random_.choice(QUERIES[:9])}]})
            body = asked if random_.random() < 0.8 else "{"
            first, second = message.ProcessingRequest(), message.ProcessingRequest()
            for name, value in headers.items():
                first.request_headers.headers.headers.add(key=name, raw_value=value.encode())
            second.request_body.body = body.encode()
            second.request_body.end_of_stream = True
            for _ in processor.Process(iter([first, second]), timeout=5):
                pass

    def _change_bundles(self, _):
        """A new bundle, a corrupt one, and back again, over and over."""
        admin = self._api.admin_grpc.AdminServiceStub(self._admin_channel)
        activate, rollback = self._api.admin.ActivateBundleRequest, self._api.admin.RollbackRequest
        options = {"metadata": WITH_KEY, "timeout": 30}
        while not self._ended.wait(3):
            admin.ActivateBundle(activate(path=str(self._bundles[1])), **options)
            with contextlib.suppress(grpc.RpcError):  # a directory that is no bundle
                admin.ActivateBundle(activate(path=str(self._directory / "stubs")), **options)
            self._ended.wait(1)
            admin.Rollback(rollback(), **options)
