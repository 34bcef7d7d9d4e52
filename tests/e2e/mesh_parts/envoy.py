"""Real Envoys that run the configurations of deploy/envoy as they are shipped.

Only what must differ on a test machine is changed, by name: addresses, and where the files lie. The
binary is $POINTSMAN_ENVOY, else `envoy` on the PATH, else what tests/run has installed.
"""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import harness

CONFIGS = harness.REPOSITORY / "deploy" / "envoy"
START_SECONDS = 30
STOP_SECONDS = 15
DRAIN_SECONDS = 2
ADMIN = "address: 127.0.0.1, port_value: 9901"
FILES = "/etc/pointsman/"
# Where each configuration listens.
LISTENERS = {
    "edge": "address: 0.0.0.0, port_value: 8443",
    "sidecar": "address: 127.0.0.1, port_value: 7431",
    "ext_proc": "address: 127.0.0.1, port_value: 8080",
}
ANY_PORT = "address: 127.0.0.1, port_value: 0"
SERVERS = ("a.pointsman.internal", "b.pointsman.internal", "c.pointsman.internal")


def find():
    """Path of the binary, or None."""
    installed = harness.REPOSITORY.glob(
        ".cache/venv/envoy/lib/python3*/site-packages/envoy/_bin/envoy"
    )
    candidates = [os.environ.get("POINTSMAN_ENVOY"), shutil.which("envoy"), *installed]
    return next((str(path) for path in candidates if path and os.access(path, os.X_OK)), None)


def replace(text, old, new):
    """`text` with every `old` replaced; there must be one."""
    if old not in text:
        raise ValueError(f"the configuration has no {old!r} to replace")
    return text.replace(old, new)


def endpoint(host, port=7431):
    """An address as the configurations write it."""
    return f"address: {host}, port_value: {port}"


def install(directory):
    """Puts deploy/envoy where its configurations look for it, with `directory` for /etc/pointsman."""
    here = directory / "envoy"
    if here.exists():
        return here
    (here / "secrets").mkdir(parents=True)
    shutil.copy(CONFIGS / "pointsman.pb", here)
    for secret in (CONFIGS / "secrets").glob("*.yaml"):
        text = replace(secret.read_text(encoding="utf-8"), FILES, f"{directory}/")
        (here / "secrets" / secret.name).write_text(text, encoding="utf-8")
    return here


def write_config(name, directory, changes=()):
    """deploy/envoy/NAME.yaml for this machine, as a file. `changes`: pairs of old and new text."""
    text = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in [(ADMIN, ANY_PORT), (LISTENERS[name], ANY_PORT), (FILES, f"{directory}/"), *changes]:
        text = replace(text, old, new)
    path = install(directory) / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


class Envoy:
    """An Envoy with one of the configurations, on free ports, with files below `directory`.

    `servers`: ports of Pointsman on this machine, in the order of SERVERS; places without one get the
    discard port, where nobody answers. `changes`: further pairs of old and new text.
    """

    def __init__(self, name, directory, servers, changes=()):
        ports = [*servers, *[9] * (len(SERVERS) - len(servers))]
        places = [(endpoint(host), endpoint("127.0.0.1", port)) for host, port in zip(SERVERS, ports)]
        config = write_config(name, directory, [*places, *changes])
        admin_file = directory / f"{name}.admin"
        admin_file.unlink(missing_ok=True)
        self.log_file = directory / f"{name}.log"
        with open(self.log_file, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [find(), "-c", str(config), "--log-level", "warn", "--concurrency", "1",
                 "--disable-hot-restart", "--drain-time-s", str(DRAIN_SECONDS),
                 "--admin-address-path", str(admin_file)],
                stdout=log, stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready(admin_file)
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self, admin_file):
        deadline = time.monotonic() + START_SECONDS
        while not self._is_live(admin_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Envoy is not ready: {self.log_file.read_text()}")
            time.sleep(0.02)
        listeners = json.loads(self.admin("/listeners?format=json"))["listener_statuses"]
        self.port = listeners[0]["local_address"]["socket_address"]["port_value"]

    def _is_live(self, admin_file):
        if not admin_file.exists() or not admin_file.read_text():
            return False
        self.admin_address = admin_file.read_text().strip()
        try:
            return self.admin("/ready").strip() == "LIVE"
        except OSError:
            return False

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def admin(self, path, method="GET"):
        """The answer of Envoy's admin interface."""
        request = urllib.request.Request(f"http://{self.admin_address}{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def stats(self, pattern):
        """Counters and gauges whose whole name matches the pattern, by name."""
        found = {}
        for line in self.admin("/stats").splitlines():
            name, _, value = line.partition(": ")
            if re.fullmatch(pattern, name) and value.isdigit():
                found[name] = int(value)
        return found

    def stat(self, name):
        """A counter or gauge of the cluster of Pointsman servers."""
        return self.stats(re.escape(f"cluster.pointsman.{name}")).get(f"cluster.pointsman.{name}", 0)

    def hosts(self):
        """For each Pointsman server, by port: {"healthy": bool, "flags": set of str, "calls": int}."""
        clusters = json.loads(self.admin("/clusters?format=json"))["cluster_statuses"]
        cluster = next(c for c in clusters if c["name"] == "pointsman")
        hosts = {}
        for host in cluster["host_statuses"]:
            stats = {s["name"]: int(s.get("value", 0)) for s in host["stats"]}
            flags = {flag for flag, value in host["health_status"].items() if value is True}
            hosts[host["address"]["socket_address"]["port_value"]] = {
                "healthy": not flags, "flags": flags, "calls": stats["rq_total"],
            }
        return hosts

    def wait_until_healthy(self, *ports, seconds=20):
        """Until Envoy sends calls to all of these servers."""
        harness.eventually(lambda: all(self.hosts()[port]["healthy"] for port in ports), seconds)

    def is_drained(self):
        """After /drain_listeners?graceful: nobody is connected any more, nor can be."""
        with socket.socket() as probe:
            is_refused = probe.connect_ex(("127.0.0.1", self.port)) != 0
        connections = self.stats(r"http\.(edge|sidecar|front_door)\.downstream_cx_active")
        return is_refused and not any(connections.values())

    def log(self):
        return pathlib.Path(self.log_file).read_text(encoding="utf-8")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
