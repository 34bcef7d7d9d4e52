"""The OpenAI-shaped front door: deploy/envoy/ext_proc.yaml, a real server that says which model, and a
stub upstream for each model and for the default."""

import contextlib
import http.client
import json
import socket
import time

import bench
import harness
from mesh_parts import envoy, upstreams

MODELS = ("tiny", "medium", "large", "in-house", "newcomer")
HOSTED = "large.example.com"  # the one that is reached over TLS
CHAT, RESPONSES, PAST_POINTSMAN = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
MEBIBYTE = 1 << 20
PREFERENCES = (
    {}, {"x-pointsman-policy": "economy"}, {"x-pointsman-policy": "quality"},
    {"x-pointsman-policy": "good-enough"}, {"x-pointsman-tradeoff": "0.3"},
    {"x-pointsman-allow-models": "in-house,newcomer"}, {"x-pointsman-deny-models": "tiny,large"},
    {"x-pointsman-allow-models": "newcomer"}, {"x-pointsman-max-cost-usd": "0.001"},
)
SETTINGS = {"ext_proc": "true", "ext_proc_response_wait_ms": 0}

EXPECTED = {
    "ext_proc_wrong_upstream": lambda value: value == 0,
    "ext_proc_models_hit": lambda value: value >= 4,
    "ext_proc_trusted_forgeries": lambda value: value == 0,
    "ext_proc_wrong_outcomes": lambda value: value == [],
    "ext_proc_stream_gap_ms": lambda value: value > 0.8 * 1000 * upstreams.EVENT_GAP_SECONDS,
}


class FrontDoor:
    """An Envoy in front of the upstreams. `ask` sends one request over a connection that is kept."""

    def __init__(self, mesh, models, server, *changes):
        places = [
            (envoy.endpoint(*((HOSTED, 443) if name == "large" else (f"{name}.models.internal", 8000))),
             envoy.endpoint("127.0.0.1", model.port))
            for name, model in models.items()
        ]
        trust = ("/etc/ssl/certs/ca-certificates.crt", str(mesh.directory / "hosted-ca.crt"))
        self._models = models
        self.envoy = envoy.Envoy(
            "ext_proc", mesh.directory, [server.grpc_port], [*places, trust, *changes])
        try:
            self.envoy.wait_until_healthy(server.grpc_port)
        except BaseException:
            self.envoy.stop()
            raise
        self._connection = http.client.HTTPConnection("127.0.0.1", self.envoy.port, timeout=30)

    def ask(self, body, path=CHAT, **headers):
        """The answer: .status, .headers, .body (bytes), .upstreams (names of those that were hit) and
        .sent (headers and body as the last of them got it)."""
        before = {name: len(model.hits) for name, model in self._models.items()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        self._connection.request("POST", path, data, headers)
        answer = self._connection.getresponse()
        answer.body = answer.read()
        answer.upstreams = [n for n, model in self._models.items() for _ in model.hits[before[n]:]]
        answer.sent = self._models[answer.upstreams[-1]].hits[-1] if answer.upstreams else None
        return answer

    def microseconds(self, body, path):
        data = json.dumps(body).encode()
        begin = time.perf_counter()
        self._connection.request("POST", path, data, {"content-type": "application/json"})
        self._connection.getresponse().read()
        return (time.perf_counter() - begin) * 1e6

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()
        self.envoy.stop()


@contextlib.contextmanager
def running_upstreams(mesh):
    """By name, "default" included."""
    certificate = mesh.certificates.callers.issue(HOSTED, names=(f"DNS:{HOSTED}",))
    files = mesh.directory / "hosted.crt", mesh.directory / "hosted.key"
    for path, text in zip(files, (certificate.pem, certificate.key_pem)):
        path.write_text(text)
    (mesh.directory / "hosted-ca.crt").write_text(mesh.certificates.callers.pem)
    models = {}
    try:
        for name in (*MODELS, "default"):
            models[name] = upstreams.Upstream(name, files if name == "large" else None)
        yield models
    finally:
        for model in models.values():
            model.stop()


def chat(text, **members):
    return {"model": "auto", "messages": [{"role": "user", "content": text}]} | members


def route_many(door, texts):
    """Requests of every kind under every preference: how many went to another upstream than was said,
    and how often each model was hit."""
    wrong, hits = 0, {}
    for number, text in enumerate(texts):
        preferences = PREFERENCES[number % len(PREFERENCES)]
        if number % 3 == 2:
            answer = door.ask({"model": "auto", "input": text}, RESPONSES, **preferences)
        else:
            answer = door.ask(chat(text), **preferences)
        model = answer.headers.get("x-pointsman-model")
        if answer.status != 200 or answer.upstreams != [model] or not answer.headers.get(
                "x-pointsman-decision-id") or not 0 <= float(answer.headers["x-pointsman-confidence"]) <= 1:
            wrong += 1
            print(f"  {text[:40]!r} {preferences}: {answer.status}, said {model}, hit {answer.upstreams}")
        hits[model] = hits.get(model, 0) + 1
    return wrong, hits


def forgeries_trusted(door):
    """Callers that name the model themselves, to a path that Pointsman judges and to one that it does
    not: how many are believed."""
    judged = door.ask(chat("hi"), x_pointsman_model="large", x_pointsman_policy="economy")
    past = door.ask(chat("hi"), PAST_POINTSMAN, x_pointsman_model="large")
    return (judged.upstreams == ["large"]) + (past.upstreams != ["default"])


def stream_gap_ms(door):
    """Time between the first and the second event of a streamed answer, as the caller sees them."""
    connection = http.client.HTTPConnection("127.0.0.1", door.envoy.port, timeout=30)
    connection.request("POST", CHAT, json.dumps(chat("hi", stream=True)), {"content-type": "application/json"})
    answer = connection.getresponse()
    times = []
    while line := answer.readline():
        if line.startswith(b"data:"):
            times.append(time.perf_counter())
    connection.close()
    return (times[1] - times[0]) * 1000


def cut_body(door):
    """A caller that goes away in the middle of its body."""
    with socket.create_connection(("127.0.0.1", door.envoy.port)) as caller:
        caller.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
                       b"content-length: 1000\r\n\r\n{\"messages\": [")


def latencies(door, texts, count):
    """Microseconds with Pointsman and past it, through the same Envoy in turn, after a warm-up."""
    through, past = [], []
    for number in range(-20, count):
        body = chat(texts[number % len(texts)])
        pair = door.microseconds(body, CHAT), door.microseconds(body, PAST_POINTSMAN)
        if number >= 0:
            through.append(pair[0])
            past.append(pair[1])
    return through, past


class Outcomes:
    """What came of single requests, and which of them was not as it should be."""

    def __init__(self):
        self.checked = 0
        self.wrong = []

    def expect(self, name, answer, **wanted):
        actual = {
            "status": answer.status, "upstreams": answer.upstreams,
            "model": answer.headers.get("x-pointsman-model"),
            "reason": answer.headers.get("x-pointsman-reason"),
            "is_explained": len(answer.headers.get("x-pointsman-explanation", "")) > 20,
            "outcome": answer.headers.get("x-pointsman-outcome"),
            "shadow": answer.headers.get("x-pointsman-shadow"),
            "sent": answer.sent and answer.sent[1],
        }
        self.checked += 1
        differing = {k: actual[k] for k, v in wanted.items() if actual[k] != v}
        if differing:
            self.wrong.append(name)
            print(f"  {name}: {str(differing)[:300]}; body {answer.body[:200]}")


def check_bad_requests(door, outcomes):
    """What cannot be judged goes on to the default upstream, with the reason and a sentence."""
    passes = {"status": 200, "upstreams": ["default"], "model": None, "outcome": "failed-open",
              "is_explained": True}
    cases = [
        ("malformed JSON", b'{"messages": [', {}, "malformed_json"),
        ("no messages", {"model": "auto"}, {}, "invalid_request"),
        ("unknown policy", chat("hi"), {"x_pointsman_policy": "nonsense"}, "unknown_policy"),
        ("limit that is no number", chat("hi"), {"x_pointsman_max_cost_usd": "cheap"}, "invalid_header"),
        ("unknown model", chat("hi"), {"x_pointsman_allow_models": "gpt-0"}, "unknown_model"),
        ("unknown content type", b"hi", {"content_type": "text/plain"}, "unsupported_content_type"),
        ("infeasible", chat("hi"), {"x_pointsman_max_cost_usd": "0", "x_pointsman_allow_models": "large"},
         "infeasible"),
        ("body above the server's limit", chat("a" * (5 * MEBIBYTE // 2)), {}, "body_too_large"),
    ]
    for name, body, headers, reason in cases:
        outcomes.expect(name, door.ask(body, **headers), reason=reason, **passes)


def check_large_body(door, outcomes):
    empty = len(json.dumps(chat("")))
    body = json.dumps(chat("a" * (MEBIBYTE - empty))).encode()
    assert len(body) == MEBIBYTE
    answer = door.ask(body)
    outcomes.expect("body of 1 MiB", answer, status=200, outcome="chosen", sent=body,
                    upstreams=[answer.headers.get("x-pointsman-model")])


def check_route_mode(mesh, models, quick, outcomes):
    queries = [exemplar["text"] for exemplar in bench.starter_exemplars()]
    texts = queries[:: max(1, len(queries) // (120 if quick else 400))]
    with mesh.replica("front-route", **SETTINGS) as server:
        with FrontDoor(mesh, models, server) as door:
            wrong, hits = route_many(door, texts)
            trusted = forgeries_trusted(door)
            check_bad_requests(door, outcomes)
            check_large_body(door, outcomes)
            gap_ms = stream_gap_ms(door)
            before = sum(len(model.hits) for model in models.values())
            cut_body(door)
            outcomes.expect("after a cut body", door.ask(chat("hi")), status=200, outcome="chosen")
            if sum(len(model.hits) for model in models.values()) != before + 1:
                outcomes.wrong.append("a cut body reached an upstream")
            through, past = latencies(door, texts, 200 if quick else 1000)

            server.freeze()
            slow = door.ask(chat("hi"))
            server.thaw()
            outcomes.expect("hung Pointsman, open", slow, status=200, upstreams=["default"], model=None)
            server.kill()
            for when in ("dies", "is dead"):
                answer = door.ask(chat("hi"), x_pointsman_model="large")
                outcomes.expect(
                    f"Pointsman {when}, open", answer, status=200, upstreams=["default"], model=None)
                harness.eventually(lambda: not door.envoy.hosts()[server.grpc_port]["healthy"])
        server.start()
        with FrontDoor(mesh, models, server,
                       ("failure_mode_allow: true", "failure_mode_allow: false")) as door:
            outcomes.expect("alive, closed", door.ask(chat("hi")), status=200, outcome="chosen")
            server.freeze()
            outcomes.expect("hung Pointsman, closed", door.ask(chat("hi")), status=504, upstreams=[])
            server.thaw()
            server.kill()
            for when in ("dies", "is dead"):
                outcomes.expect(f"Pointsman {when}, closed", door.ask(chat("hi")), status=503, upstreams=[])
                harness.eventually(lambda: not door.envoy.hosts()[server.grpc_port]["healthy"])
    for name, times in (("through", through), ("past", past)):
        print(f"  {name:8} p50 {bench.percentile(times, 50):8.0f} us  p99 {bench.percentile(times, 99):8.0f} us")
    return {
        "ext_proc_requests": len(texts),
        "ext_proc_wrong_upstream": wrong,
        "ext_proc_models_hit": len(hits),
        "ext_proc_trusted_forgeries": trusted,
        "ext_proc_stream_gap_ms": gap_ms,
        "ext_proc_p50_us": bench.percentile(through, 50),
        "ext_proc_added_p50_us": bench.percentile(through, 50) - bench.percentile(past, 50),
        "ext_proc_added_p99_us": bench.percentile(through, 99) - bench.percentile(past, 99),
    }


@contextlib.contextmanager
def door_with(mesh, models, name, **settings):
    with mesh.replica(f"front-{name}", **SETTINGS, **settings) as server:
        with FrontDoor(mesh, models, server) as door:
            yield door


def check_other_modes(mesh, models, outcomes):
    with door_with(mesh, models, "rewrite", ext_proc_mode="rewrite") as door:
        body = b'{"model":  "auto" , "messages": [{"role":"user","content":"hi \\u00e9"}], "n" : 1.50}'
        answer = door.ask(body)
        model = answer.headers.get("x-pointsman-model")
        outcomes.expect("rewrite", answer, status=200, upstreams=[model],
                        sent=body.replace(b'"auto"', json.dumps(model).encode()))
    with door_with(mesh, models, "shadow", ext_proc_mode="shadow") as door:
        body = json.dumps(chat("hi")).encode()
        answer = door.ask(body)
        outcomes.expect("shadow", answer, status=200, upstreams=["default"], outcome="chosen",
                        shadow="true", sent=body)
        if answer.headers.get("x-pointsman-model") not in MODELS:
            outcomes.wrong.append("shadow names no model")
    with door_with(mesh, models, "closed", ext_proc_on_error="closed") as door:
        answer = door.ask(b'{"messages": [')
        outcomes.expect("malformed JSON, closed", answer, status=400, upstreams=[])
        if answer.status == 400 and json.loads(answer.body)["error"]["code"] != "malformed_json":
            outcomes.wrong.append("error body of malformed JSON, closed")
        outcomes.expect("unknown policy, closed", door.ask(chat("hi"), x_pointsman_policy="nonsense"),
                        status=400, upstreams=[])


def measure(mesh, quick):
    """The figures of the front door."""
    outcomes = Outcomes()
    with running_upstreams(mesh) as models:
        figures = check_route_mode(mesh, models, quick, outcomes)
        check_other_modes(mesh, models, outcomes)
    return figures | {
        "ext_proc_outcomes": outcomes.checked, "ext_proc_wrong_outcomes": outcomes.wrong,
    }
