"""Real binaries as test parts: where they are, how they are run, how a server is talked to.

Binaries are looked for below $POINTSMAN_BIN_DIR (a build directory) and the embedding model in
$POINTSMAN_MODEL_DIR.
"""

import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 30
STOP_SECONDS = 30


def directory_from(variable):
    """The directory that an environment variable names."""
    value = os.environ.get(variable)
    if not value or not pathlib.Path(value).is_dir():
        raise RuntimeError(f"{variable} must name a directory; is {value!r}")
    return pathlib.Path(value)


def binary(name):
    """Path of a built binary, such as "server/pointsman-server"."""
    return directory_from("POINTSMAN_BIN_DIR") / name


def run(*command, **options):
    """Runs a command to its end; the result has returncode, stdout and stderr as text."""
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=120, **options
    )


def clean_environment(**variables):
    """This environment without settings of a server that might be around, plus `variables`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("POINTSMAN_")}
    return kept | variables


def eventually(condition, seconds=20):
    """Waits until `condition()` is true, and returns what it gave; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"did not come true within {seconds} s"
        time.sleep(0.02)
    return result


def flags(**settings):
    """Settings as flags of the server: flags(lame_duck_ms=0) -> ["--lame-duck-ms=0"]."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]


def refused_start(directory, prefix=(), environment=None, **settings):
    """Exit code and standard error of a server that must not come to serve with these settings."""
    port_file = directory / "ports-of-refused.json"
    settings = {
        "listen_address": "127.0.0.1:0",
        "metrics_listen_address": "127.0.0.1:0",
        "admin_listen_address": "127.0.0.1:0",
        "port_file": port_file,
    } | settings
    result = run(
        *prefix, binary("server/pointsman-server"), *flags(**settings),
        env=clean_environment(**(environment or {})),
    )
    assert not port_file.exists()
    assert "SERVING" not in result.stdout
    return result.returncode, result.stderr


class Server:
    """A pointsman-server on free ports. Settings are keyword arguments, as in its config file.

    `prefix` is a command that runs the server, such as ["prlimit", "--nofile=512"].
    """

    def __init__(self, bundle, directory, environment=None, prefix=(), **settings):
        self.port_file = directory / "ports.json"
        self.port_file.unlink(missing_ok=True)
        settings = {
            "bundle": bundle,
            "listen_address": "127.0.0.1:0",
            "metrics_listen_address": "127.0.0.1:0",
            "admin_listen_address": "127.0.0.1:0",
            "port_file": self.port_file,
            "lame_duck_ms": 0,
            "grace_period_ms": 500,
        } | settings
        self._log = open(directory / "server.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [*map(str, prefix), str(binary("server/pointsman-server")), *flags(**settings)],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=clean_environment(**(environment or {})),
        )
        self._wait_until_serving()

    def _wait_until_serving(self):
        deadline = time.monotonic() + START_SECONDS
        while not self.port_file.exists():
            if self.process.poll() is not None:
                raise RuntimeError(f"server exited {self.process.returncode}: {self.log()}")
            if time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"server not SERVING after {START_SECONDS} s: {self.log()}")
            time.sleep(0.01)
        ports = json.loads(self.port_file.read_text())
        self.grpc_port = ports["grpc_port"]
        self.metrics_port = ports["metrics_port"]
        self.admin_port = ports["admin_port"]

    @property
    def address(self):
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def admin_address(self):
        return f"127.0.0.1:{self.admin_port}"

    def log(self):
        """What the server has logged so far."""
        return pathlib.Path(self._log.name).read_text(encoding="utf-8")

    def log_records(self, severity=None):
        """The log lines so far as objects, all or those of one severity."""
        lines = self.log().splitlines(keepends=True)
        records = [json.loads(line) for line in lines if line.endswith("\n")]
        return [r for r in records if severity in (None, r["severity"])]

    def metrics_text(self):
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()

    def metric(self, name, **labels):
        """The sum of the series of `name` that bear at least these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        total = 0.0
        for line in self.metrics_text().splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name and all(label in series for label in wanted):
                total += float(value)
        return total

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """The exit code."""
        return self.process.wait(timeout=STOP_SECONDS)

    def stop(self):
        """Ends the server, however far it has come; the exit code, or None if it had to be killed."""
        try:
            if self.process.poll() is None:
                self.signal()
            return self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.process.stdout.close()
            self._log.close()
