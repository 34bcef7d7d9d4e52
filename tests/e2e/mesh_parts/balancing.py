"""Replicas behind Envoy and behind the clients' own balancing, while something happens to them."""

import contextlib
import os
import pathlib
import signal
import time

import bench
import harness
from mesh_parts import certificate_files, envoy, load, stub_servers

SHIPPED_RATE = 150  # calls a second, by the shipped client's channel with its retries
PLAIN_RATE = 100    # by a client without retries, so that Envoy's own are seen
HEEDED_SECONDS = 0.5  # an ejection, by the whole of Envoy

# How busy the machine is must not decide: calls are not shed for waiting.
SETTINGS = {
    "max_queue_delay_ms": 2000, "lame_duck_ms": 2000, "grace_period_ms": 5000,
    "orca_load_report": "true", "bundle_poll_ms": 500,
}


class Mesh:
    """What all parts share: certificates, two bundles that differ in their version, and replicas."""

    def __init__(self, directory):
        self.directory = directory
        self.certificates = certificate_files.MeshCertificates(directory)
        self.bundle = bench.build_bundle(bench.SMALL_SOURCES, directory / "bundle")
        self.other_bundle = bench.build_bundle(
            bench.SMALL_SOURCES, directory / "other-bundle", "--version-name", "other")

    def replica(self, name, **settings):
        """A server that demands mTLS, in a directory of that name."""
        return self.plain_replica(name, **self.certificates.server_settings, **settings)

    def plain_replica(self, name, **settings):
        return Replica(self.bundle, self.directory / name, **settings)


class Replica:
    """A server that can be ended and started again on the port that it had; as a context, it is killed
    on leaving."""

    def __init__(self, bundle, directory, **settings):
        directory.mkdir()
        self.directory = directory
        self.bundle = directory / "bundle"
        self.bundle.symlink_to(bundle)
        self._settings = SETTINGS | settings
        self._server = None
        self.start()
        self.grpc_port = self._server.grpc_port

    @property
    def address(self):
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def server(self):
        return self._server

    def start(self):
        port = self.grpc_port if self._server else 0
        self._server = harness.Server(
            self.bundle, self.directory, listen_address=f"127.0.0.1:{port}", **self._settings)

    def kill(self):
        """As a machine that loses its power: no farewell."""
        self._server.process.kill()
        self._server.process.wait()
        self._server.stop()  # closes its files

    def freeze(self):
        """It hangs, from now on: every thread has stopped when this returns."""
        pid = self._server.process.pid
        self._server.signal(signal.SIGSTOP)
        harness.eventually(lambda: all(
            task.read_text().rpartition(")")[2].split()[0] == "T"
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")))

    def thaw(self):
        self._server.signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def stop(self):
        """The exit code."""
        return self._server.stop()

    def serve(self, bundle):
        """Another bundle, as an author would: by renaming a symlink. Waits until it is in service."""
        before = self._bundles()
        aside = self.directory / "bundle.new"
        aside.symlink_to(bundle)
        os.replace(aside, self.bundle)
        harness.eventually(lambda: self._bundles() > before, 30)

    def _bundles(self):
        return self._server.metric("pointsman_bundle_reloads_total", result="activated")


def print_phases(title, phases):
    for name, count in phases.items():
        print(f"  {title:16} {name:22} {count['calls']:6} calls {count['failed']:4} failed")


def failed(*loads):
    return sum(phase["failed"] for phases in loads for phase in phases.values())


def calls(edge):
    return {port: host["calls"] for port, host in edge.hosts().items()}


def calls_since(edge, before):
    return {port: count - before[port] for port, count in calls(edge).items()}


def behind_edge(mesh, quick):
    """Three replicas behind the edge: one killed, one restarted, one with another bundle, one hung."""
    pause = 1.0 if quick else 3.0
    tls = {"ca": mesh.certificates.edge_authority}
    with contextlib.ExitStack() as stack:
        a, b, c = [stack.enter_context(mesh.replica(f"replica-{name}")) for name in "abc"]
        ports = [replica.grpc_port for replica in (a, b, c)]
        edge = stack.enter_context(envoy.Envoy("edge", mesh.directory, ports))
        edge.wait_until_healthy(*ports)
        shipped = stack.enter_context(load.Load(mesh.directory, "shipped", edge, rate=SHIPPED_RATE, **tls))
        plain = stack.enter_context(
            load.Load(mesh.directory, "plain", edge, rate=PLAIN_RATE, shipped=False, **tls))

        @contextlib.contextmanager
        def phase(name):
            with shipped.phase(name), plain.phase(name):
                yield

        start = calls(edge)
        with phase("steady"):
            time.sleep(2 * pause)
        local = calls_since(edge, start)
        before = calls(edge)
        with phase("kill -9"):
            b.kill()
            harness.eventually(lambda: not edge.hosts()[b.grpc_port]["healthy"])
            time.sleep(pause)
        failover = calls_since(edge, before)
        with phase("back after kill -9"):
            b.start()
            edge.wait_until_healthy(b.grpc_port)
            time.sleep(pause)
        with phase("SIGTERM and restart"):
            code = a.stop()
            a.start()
            edge.wait_until_healthy(a.grpc_port)
            time.sleep(pause)
        with phase("bundle swap"):
            b.serve(mesh.other_bundle)
            time.sleep(pause)
        if not quick:
            with phase("SIGSTOP (hangs)"):
                a.freeze()
                harness.eventually(lambda: not edge.hosts()[a.grpc_port]["healthy"])
                time.sleep(pause)
                a.thaw()
                edge.wait_until_healthy(a.grpc_port)
        results = [shipped.finish(), plain.finish()]
        retries = edge.stat("upstream_rq_retry")
        unrepeated = {name: edge.stat(f"upstream_rq_retry_{name}")
                      for name in ("overflow", "limit_exceeded")}
    print_phases("shipped client", results[0])
    print_phases("no client retries", results[1])
    return {
        "replicas": len(ports),
        "replica_calls": sum(p["calls"] for r in results for p in r.values()),
        "replica_kill_failed_requests": failed(*results),
        "phases": {"shipped": results[0], "plain": results[1]},
        "envoy_retries": retries,
        "envoy_not_repeated": unrepeated,
        "restart_exit_code": code,
        "remote_locality_calls_steady": local[c.grpc_port],
        "remote_locality_calls_failover": failover[c.grpc_port],
    }


def with_misbehaving_replica(mesh, quick):
    """A replica whose health is good and whose answers are UNAVAILABLE is ejected, and nobody notices."""
    with (
        mesh.replica("good") as good,
        stub_servers.StubServer(mesh.certificates) as bad,
        envoy.Envoy("edge", mesh.directory, [good.grpc_port, bad.grpc_port]) as edge,
    ):
        edge.wait_until_healthy(good.grpc_port, bad.grpc_port)
        with load.Load(mesh.directory, "outlier", edge, rate=PLAIN_RATE, shipped=False,
                       ca=mesh.certificates.edge_authority) as steady:
            harness.eventually(lambda: edge.stat("outlier_detection.ejections_enforced_total"))
            time.sleep(HEEDED_SECONDS)
            is_ejected = "failed_outlier_check" in edge.hosts()[bad.grpc_port]["flags"]
            before_ejection = bad.calls
            time.sleep(1.0 if quick else 3.0)
            after_ejection = bad.calls - before_ejection
            phases = steady.finish()
        ejections = edge.stat("outlier_detection.ejections_enforced_total")
    print_phases("outlier", phases)
    return {
        "outlier_ejections": ejections,
        "outlier_is_ejected": is_ejected,
        "outlier_calls_before_ejection": before_ejection,
        "outlier_calls_after_ejection": after_ejection,
        "outlier_failed_requests": failed(phases),
    }


def over_the_circuit_breaker(mesh):
    """With room for one call at a time Envoy refuses the others itself, at once, as UNAVAILABLE."""
    changes = [("max_requests: 1000", "max_requests: 1")]
    queries = bench.write_queries(mesh.directory / "narrow.jsonl")
    with (
        mesh.replica("narrow") as replica,
        envoy.Envoy("edge", mesh.directory, [replica.grpc_port], changes) as edge,
    ):
        edge.wait_until_healthy(replica.grpc_port)
        with bench.Load(mesh.directory, edge, name="narrow", concurrency=16, duration=1,
                        requests=queries, ca=mesh.certificates.edge_authority) as closed_loop:
            report = closed_loop.finish()
        overflows = edge.stat("upstream_rq_active_overflow")
    return {
        "circuit_breaker_overflows": overflows,
        "circuit_breaker_ok": report["ok"],
        "circuit_breaker_other_codes": sorted(set(report["codes"]) - {"OK", "UNAVAILABLE"}),
    }


def weighted_by_load(mesh):
    """Two replicas of one zone, one of which says that each call costs it nine times as much."""
    with (
        stub_servers.StubServer(mesh.certificates, stub_servers.load_report(100, 0.1)) as idle,
        stub_servers.StubServer(mesh.certificates, stub_servers.load_report(100, 0.9)) as busy,
    ):
        first, second = [
            f"- endpoint: {{address: {{socket_address: {{{envoy.endpoint('127.0.0.1', port)}}}}}}}"
            for port in (idle.grpc_port, busy.grpc_port)
        ]
        changes = [
            (first, f"{first}\n              {second}"),
            ("blackout_period: 5s", "blackout_period: 0.5s"),
        ]
        with envoy.Envoy("edge", mesh.directory, [idle.grpc_port], changes) as edge:
            edge.wait_until_healthy(idle.grpc_port, busy.grpc_port)
            with load.Load(mesh.directory, "weighted", edge, rate=PLAIN_RATE,
                           ca=mesh.certificates.edge_authority) as steady:
                time.sleep(3)  # blackout and first update of weights
                before = idle.calls, busy.calls
                time.sleep(2)
                idle_calls, busy_calls = idle.calls - before[0], busy.calls - before[1]
                phases = steady.finish()
    return {
        "orca_share_of_idle_replica": idle_calls / max(1, idle_calls + busy_calls),
        "orca_failed_requests": failed(phases),
    }


def beside_an_application(mesh):
    """The shipped command through a sidecar, in plaintext, to a server that knows it by certificate."""
    clients = mesh.directory / "clients.yaml"
    clients.write_text(
        "clients:\n  - {name: shop, certificate: 'spiffe://mesh/envoy', scopes: [route, batch]}\n")
    commands = (["status"], ["route", "--json", "Prove that 7 is prime."], ["catalogue"])
    failures = 0
    with (
        mesh.replica("beside", clients_file=clients) as replica,
        envoy.Envoy("sidecar", mesh.directory, [replica.grpc_port]) as sidecar,
    ):
        sidecar.wait_until_healthy(replica.grpc_port)
        for command in commands:
            done = harness.run(
                harness.binary("client/cli/pointsman"), *command, "--target", sidecar.address,
                env=harness.clean_environment())
            if done.returncode != 0:
                failures += 1
                print(f"  {' '.join(command)}: {done.returncode} {done.stderr}")
    return {"sidecar_commands": len(commands), "sidecar_failed_commands": failures}


def drained_edges(mesh):
    """Two edges; one is drained and stopped, as when Envoy itself is replaced."""
    second_home = mesh.directory / "second-edge"
    second_home.mkdir()
    (second_home / "tls").symlink_to(mesh.directory / "tls")
    with (
        mesh.replica("drained") as replica,
        envoy.Envoy("edge", mesh.directory, [replica.grpc_port]) as first,
        envoy.Envoy("edge", second_home, [replica.grpc_port]) as second,
    ):
        for edge in (first, second):
            edge.wait_until_healthy(replica.grpc_port)
        with load.Load(mesh.directory, "edges", first, second, rate=SHIPPED_RATE, server_name="localhost",
                       ca=mesh.certificates.edge_authority) as steady:
            with steady.phase("both"):
                time.sleep(1)
            with steady.phase("one drains"):
                first.admin("/drain_listeners?graceful", method="POST")
                harness.eventually(first.is_drained)
                first.stop()
                time.sleep(1)
            phases = steady.finish()
    print_phases("two edges", phases)
    return {"drain_failed_requests": failed(phases)}


def balanced_by_clients(mesh, quick):
    """No Envoy: the shipped client's round robin over two replicas, one killed and brought back."""
    pause = 1.0 if quick else 3.0
    with mesh.plain_replica("direct-a") as first, mesh.plain_replica("direct-b") as second:

        def is_called_again():
            return second.server.metric("pointsman_grpc_requests_total", method="Route") > 10

        with load.Load(mesh.directory, "direct", first, second, rate=SHIPPED_RATE) as steady:
            with steady.phase("steady"):
                time.sleep(pause)
            with steady.phase("kill -9"):
                second.kill()
                time.sleep(pause)
            with steady.phase("back"):
                second.start()
                harness.eventually(is_called_again)
            phases = steady.finish()
    print_phases("client-side", phases)
    return {"client_side_failed_requests": failed(phases)}
