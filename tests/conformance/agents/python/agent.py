"""The conformance agent of the Python client: does what PROTOCOL.md says, one thread a command."""

import base64
import concurrent.futures
import json
import sys
import threading

import pointsman
from pointsman.v1 import catalogue_pb2, router_pb2

MILLISECONDS = 1e-3
# Member of the protocol -> field of Options or Retry, and its unit.
OPTIONS = {
    "target": ("target", None), "api_key": ("api_key", None),
    "allow_api_key_without_tls": ("allow_api_key_without_tls", None),
    "deadline_ms": ("timeout", MILLISECONDS), "balance_by_health": ("balance_by_health", None),
    "keepalive_interval_ms": ("keepalive_interval", MILLISECONDS),
    "keepalive_timeout_ms": ("keepalive_timeout", MILLISECONDS),
    "max_response_bytes": ("max_response_bytes", None),
}
RETRY = {
    "max_attempts": ("max_attempts", None),
    "initial_backoff_ms": ("initial_backoff", MILLISECONDS),
    "max_backoff_ms": ("max_backoff", MILLISECONDS), "backoff_multiplier": ("multiplier", None),
}


def encode(message):
    return base64.b64encode(message.SerializeToString()).decode()


def decode(kind, text):
    return kind.FromString(base64.b64decode(text))


def error_of(error):
    answer = {"ok": False, "code": error.code.name, "message": error.message}
    if error.field_violations:
        answer["field_violations"] = [
            {"field": v.field, "problem": v.problem} for v in error.field_violations
        ]
    if error.retry_delay is not None:
        answer["retry_delay_ms"] = round(error.retry_delay.total_seconds() * 1000)
    return answer


def fields(json_options, names):
    return {
        field: json_options[name] * unit if unit else json_options[name]
        for name, (field, unit) in names.items() if name in json_options
    }


def read_options(json_options):
    tls = json_options.get("tls")
    return pointsman.Options(
        tls=None if tls is None else pointsman.Tls.from_files(
            tls.get("ca_file"), tls.get("certificate_file"), tls.get("key_file"),
            tls.get("server_name", "")),
        retry=pointsman.Retry(**fields(json_options, RETRY)), **fields(json_options, OPTIONS))


class Agent:
    def __init__(self):
        self._clients = {}
        self._output = threading.Lock()

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            for line in sys.stdin:
                command = json.loads(line)
                if command["op"] == "connect":
                    self._answer(command)
                else:
                    pool.submit(self._answer, command)

    def _answer(self, command):
        try:
            answer = {"ok": True} | self._do(command)
        except pointsman.RouterError as error:
            answer = error_of(error)
        except OSError as error:
            answer = {"ok": False, "code": "NOT_FOUND", "message": str(error)}
        except ValueError as error:
            answer = {"ok": False, "code": "INVALID_ARGUMENT", "message": str(error)}
        except Exception as error:  # noqa: BLE001  whatever it is, the judge must hear of it
            answer = {"ok": False, "code": "UNKNOWN", "message": f"agent failed: {error!r}"}
        with self._output:
            print(json.dumps({"id": command["id"]} | answer), flush=True)

    def _do(self, command):
        operation = getattr(self, f"_{command['op']}", None)
        if operation is None:
            return {"ok": False, "code": "UNIMPLEMENTED", "message": f"no op {command['op']}"}
        return operation(command) or {}

    def _client(self, command):
        return self._clients[command["client"]]

    @staticmethod
    def _timeout(command):
        return command["deadline_ms"] * MILLISECONDS if "deadline_ms" in command else None

    def _connect(self, command):
        self._clients[command["client"]] = pointsman.Client(read_options(command["options"]))

    def _close(self, command):
        self._client(command).close()

    def _route(self, command):
        request = decode(router_pb2.RouteRequest, command["request"])
        return {"response": encode(
            self._client(command).route(request, timeout=self._timeout(command)))}

    def _batch_route(self, command):
        request = decode(router_pb2.BatchRouteRequest, command["request"])
        return {"response": encode(
            self._client(command).batch_route(request, timeout=self._timeout(command)))}

    def _get_catalogue(self, command):
        return {"response": encode(
            self._client(command).get_catalogue(timeout=self._timeout(command)))}

    def _check_health(self, command):
        return {"health": self._client(command).check_health(timeout=self._timeout(command)).value}

    def _routed(self, command):
        return self._client(command).route_or_default(
            decode(router_pb2.RouteRequest, command["request"]),
            [decode(catalogue_pb2.Model, model) for model in command["ranking"]],
            timeout=self._timeout(command))

    def _route_or_default(self, command):
        routed = self._routed(command)
        answer = {"source": routed.source.value, "response": encode(routed.response),
                  "unchecked_limits": list(routed.unchecked_limits)}
        if routed.router_error is not None:
            answer["router_error"] = error_of(routed.router_error)
        return answer

    def _explain_routed(self, command):
        return {"text": pointsman.explain(self._routed(command))}

    def _explain(self, command):
        return {"text": pointsman.explain(decode(router_pb2.RouteResponse, command["response"]))}

    def _default_counts(self, command):
        counts = self._client(command).default_counts()
        return {"by_router": counts.by_router, "by_default": counts.by_default,
                "by_default_per_code": {c.name: n for c, n in counts.by_default_per_code.items()}}

    def _rank_from_catalogue(self, command):
        catalogue = decode(catalogue_pb2.Catalogue, command["catalogue"])
        return {"ranking": [
            encode(model) for model in pointsman.rank_from_catalogue(catalogue, command["ids"])]}


if __name__ == "__main__":
    Agent().run()
