"""A real Prometheus that scrapes given targets and evaluates our rules."""

import json
import math
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import harness
from monitoring import rules

READY_SECONDS = 20
STOP_SECONDS = 10
JOB = "pointsman"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    """`targets`: {track: port of /metrics}. Scrapes and evaluates each second."""

    def __init__(self, directory, targets):
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in rules.RULES],
            "scrape_configs": [{
                "job_name": JOB,
                "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"track": track}}
                                   for track, port in targets.items()],
            }],
        }
        path = pathlib.Path(directory) / "prometheus.yml"
        path.write_text(json.dumps(config))  # YAML, too
        self._url = f"http://127.0.0.1:{(port := _free_port())}"
        self._log = open(pathlib.Path(directory) / "prometheus.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={directory}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
            stdout=self._log, stderr=subprocess.STDOUT)
        try:
            harness.eventually(self._is_ready, READY_SECONDS)
        except BaseException:
            self.stop()
            raise

    def _is_ready(self):
        if self.process.poll() is not None:
            log = pathlib.Path(self._log.name).read_text(encoding="utf-8")
            raise RuntimeError(f"prometheus exited {self.process.returncode}: {log}")
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _get(self, path, **parameters):
        """`data` of an answer of the API; RuntimeError with what Prometheus says of a bad query."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{query}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["error"]) from error

    def has_data(self, target, expression):
        """Whether at least one number comes back for an expression."""
        now = time.time()
        if target.kind == "variable":
            selector, label = expression.removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
            return bool(self._get(f"label/{label}/values", **{"match[]": selector}))
        if target.kind == "range":
            result = self._get("query_range", query=expression, start=now - 10, end=now, step=2)
            values = [value for series in result["result"] for _, value in series["values"]]
        else:
            result = self._get("query", query=expression, time=now)
            values = [series["value"][1] for series in result["result"]]
        return any(math.isfinite(float(value)) for value in values)

    def value(self, expression):
        """The sum of an instant query's series; 0 if there is none."""
        return sum(float(series["value"][1])
                   for series in self._get("query", query=expression)["result"])

    def rules(self):
        """Rules as Prometheus has loaded them, with their health."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()
