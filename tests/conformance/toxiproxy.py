"""TCP between client and server, made slow, chopped or cut: Toxiproxy, over its HTTP API.

The program is $POINTSMAN_TOXIPROXY, else .cache/tools/toxiproxy-server, else toxiproxy-server of the PATH.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 20


def program():
    candidates = (os.environ.get("POINTSMAN_TOXIPROXY"),
                  REPOSITORY / ".cache" / "tools" / "toxiproxy-server",
                  shutil.which("toxiproxy-server"))
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return str(candidate)
    raise RuntimeError("no toxiproxy-server; go install "
                       "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0, or set POINTSMAN_TOXIPROXY")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Toxiproxy:
    def __init__(self, directory):
        port = _free_port()
        self._api = f"http://127.0.0.1:{port}"
        self._log = open(pathlib.Path(directory) / "toxiproxy.log", "w", encoding="utf-8")
        self._process = subprocess.Popen(
            [program(), "-host", "127.0.0.1", "-port", str(port)],
            stdout=self._log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.call("GET", "/version")
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise
                time.sleep(0.02)

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self._api + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json", "user-agent": "pointsman-conformance"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text.startswith((b"{", b"[")) else None

    def proxy(self, name, upstream):
        """A way to `upstream`, host:port."""
        made = self.call("POST", "/proxies", {"name": name, "listen": "127.0.0.1:0",
                                              "upstream": upstream, "enabled": True})
        return Proxy(self, name, made["listen"])

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=START_SECONDS)
        self._log.close()


class Proxy:
    def __init__(self, toxiproxy, name, address):
        self._toxiproxy = toxiproxy
        self._path = f"/proxies/{name}"
        self.address = address

    def add(self, kind, stream="downstream", **attributes):
        """A toxic on bytes to the client (or "upstream"), such as add("latency", latency=300)."""
        self._toxiproxy.call("POST", f"{self._path}/toxics", {
            "name": f"{kind}-{stream}", "type": kind, "stream": stream, "attributes": attributes})

    def drop(self, kind, stream="downstream"):
        self._toxiproxy.call("DELETE", f"{self._path}/toxics/{kind}-{stream}")

    def cut(self):
        """Ends every connection through it; new ones are refused until `mend`."""
        self._set(False)

    def mend(self):
        self._set(True)

    def remove(self):
        self._toxiproxy.call("DELETE", self._path)

    def _set(self, enabled):
        self._toxiproxy.call("POST", self._path, {"enabled": enabled})
