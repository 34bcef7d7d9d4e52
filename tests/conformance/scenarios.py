"""What takes more than one call or a network that misbehaves: each scenario plays on one agent.

A scenario returns sentences on what was not as it should be; none: it passed.
"""

import base64
import itertools
import time

import grpc

import cutter
import harness
import worlds as world_servers

PATIENCE_SECONDS = 20


class Stage:
    """One agent, the servers, and ways to them that can be made worse."""

    _made = itertools.count(1)  # names are unique among all agents

    def __init__(self, agent, worlds, proxies, api, language):
        self.agent = agent
        self.worlds = worlds
        self.proxies = proxies
        self.api = api
        self.language = language

    def proxy(self, world="standard", transport="plaintext"):
        address = (self.worlds.scripted.address if world == "scripted"
                   else self.worlds.servers[world, transport].address)
        return self.proxies.proxy(f"{self.language}-{next(Stage._made)}", address)

    def connect(self, world="standard", transport="plaintext", **options):
        """A new client of the agent's."""
        name = f"scenario-{next(Stage._made)}"
        answer = self.agent.ask(
            "connect", client=name, options=self.worlds.options(world, transport) | options)
        assert answer["ok"], answer
        return name

    def send(self, client, op="route", ranking=(), deadline_ms=None, **fields):
        """A future of the answer to one request of these fields."""
        message = (self.api.router.BatchRouteRequest if op == "batch_route"
                   else self.api.router.RouteRequest)(**fields)
        members = {"request": encode(message)}
        if op == "route_or_default":
            members["ranking"] = [encode(self.api.catalogue.Model(id=i)) for i in ranking]
        if deadline_ms is not None:
            members["deadline_ms"] = deadline_ms
        return self.agent.send(op, client=client, **members)

    def ask(self, client, op="route", **fields):
        return self.send(client, op, **fields).result(timeout=PATIENCE_SECONDS)

    def decision(self, answer):
        return self.api.router.RouteResponse.FromString(base64.b64decode(answer["response"]))


def encode(message):
    return base64.b64encode(message.SerializeToString()).decode()


def direct(api, worlds):
    """A stub of the standard server without any client of ours."""
    channel = grpc.insecure_channel(worlds.servers["standard", "plaintext"].address)
    return api.router_grpc.RouterServiceStub(channel)


def expect(condition, sentence, answer):
    return [] if condition else [f"{sentence}; came {str(answer)[:300]}"]


def code_of(answer):
    return "OK" if answer.get("ok") else answer.get("code")


def timed(future):
    begin = time.monotonic()
    answer = future.result(timeout=PATIENCE_SECONDS)
    return answer, time.monotonic() - begin


def slow_network_is_waited_for(stage):
    proxy = stage.proxy()
    proxy.add("latency", latency=200)
    client = stage.connect(target=proxy.address)
    answer, seconds = timed(stage.send(client, text="hi"))
    proxy.remove()
    return expect(code_of(answer) == "OK" and seconds >= 0.2, "should be OK after 200 ms", answer)


def too_slow_network_is_the_deadline(stage):
    proxy = stage.proxy()
    client = stage.connect(target=proxy.address)
    stage.ask(client, text="hi")
    proxy.add("latency", latency=5000)
    answer, seconds = timed(stage.send(client, text="hi", deadline_ms=300))
    routed = stage.ask(client, "route_or_default", ranking=["mine"], text="hi", deadline_ms=300)
    proxy.remove()
    return (expect(code_of(answer) == "DEADLINE_EXCEEDED", "should be DEADLINE_EXCEEDED", answer)
            + expect(0.25 <= seconds < 2, "should end at its deadline of 300 ms", seconds)
            + expect(routed.get("source") == "default"
                     and routed["router_error"]["code"] == "DEADLINE_EXCEEDED"
                     and stage.decision(routed).model == "mine",
                     "route_or_default should take the first of the ranking", routed))


def cut_in_the_middle_of_a_call_is_tried_again(stage):
    """The way stays open, so a retry that connects again at once succeeds."""
    problems = []
    for transport in world_servers.TRANSPORTS:
        proxy = stage.proxy(transport=transport)
        proxy.add("latency", latency=1000)
        with cutter.Cutter(proxy.address) as way:
            client = stage.connect(transport=transport, target=way.address)
            stage.ask(client, text="hi")
            pending = stage.send(client, text="hi", correlation_id="cut")
            time.sleep(0.3)
            proxy.drop("latency")
            way.cut()
            answer = pending.result(timeout=PATIENCE_SECONDS)
        proxy.remove()
        problems += expect(
            code_of(answer) == "OK" and stage.decision(answer).correlation_id == "cut",
            f"should be OK at the second try ({transport})", answer)
    return problems


def cut_for_good_is_unavailable_until_it_is_mended(stage):
    proxy = stage.proxy()
    client = stage.connect(target=proxy.address)
    stage.ask(client, text="hi")
    proxy.cut()
    answer, seconds = timed(stage.send(client, text="hi", deadline_ms=5000))
    routed = stage.ask(client, "route_or_default", ranking=["mine"], text="hi", deadline_ms=5000)
    proxy.mend()
    problems = (
        expect(code_of(answer) == "UNAVAILABLE" and seconds < 6, "should be UNAVAILABLE", answer)
        + expect(routed.get("source") == "default", "route_or_default should answer", routed))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while code_of(answer := stage.ask(client, text="hi")) != "OK" and time.monotonic() < deadline:
        time.sleep(0.1)
    proxy.remove()
    return problems + expect(code_of(answer) == "OK", "should connect again by itself", answer)


def bytes_in_small_pieces_are_put_together(stage):
    texts = [f"what is {n} times {n}?" for n in range(40)]
    problems = []
    for transport in world_servers.TRANSPORTS:
        proxy = stage.proxy(transport=transport)
        for stream in ("upstream", "downstream"):
            proxy.add("slicer", stream, average_size=64, size_variation=32, delay=50)
        client = stage.connect(transport=transport, target=proxy.address)
        requests = [stage.api.router.RouteRequest(text=t, correlation_id=t, explain=True) for t in texts]
        answer = stage.ask(client, "batch_route", requests=requests)
        proxy.remove()
        if code_of(answer) != "OK":
            problems += [f"should be OK ({transport}); came {answer}"]
            continue
        batch = stage.api.router.BatchRouteResponse.FromString(base64.b64decode(answer["response"]))
        problems += expect([r.response.correlation_id for r in batch.results] == texts,
                           f"should hold every decision in order ({transport})", batch)
    return problems


def connection_that_dies_in_every_answer_ends_in_an_error(stage):
    proxy = stage.proxy()
    proxy.add("limit_data", bytes=600)
    client = stage.connect(target=proxy.address)
    requests = [stage.api.router.RouteRequest(text="hi", explain=True)] * 50
    answer, seconds = timed(stage.send(client, "batch_route", requests=requests, deadline_ms=5000))
    proxy.remove()
    return expect(code_of(answer) in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL") and seconds < 8,
                  "should be an error in time", answer)


def silent_connection_is_the_deadline(stage):
    proxy = stage.proxy()
    client = stage.connect(target=proxy.address)
    stage.ask(client, text="hi")
    proxy.add("timeout", timeout=0)
    answer, seconds = timed(stage.send(client, text="hi", deadline_ms=400))
    proxy.remove()
    return expect(code_of(answer) == "DEADLINE_EXCEEDED" and seconds < 2.5,
                  "should be DEADLINE_EXCEEDED after 400 ms", (answer, seconds))


def answers_out_of_order_reach_their_callers(stage):
    client = stage.connect("scripted")
    waits = [600, 450, 300, 150, 0]
    finished = []
    pending = []
    for wait in waits:
        future = stage.send(client, text=f"sleep {wait}", correlation_id=f"after {wait}")
        future.add_done_callback(lambda _, wait=wait: finished.append(wait))
        pending.append(future)
    got = [stage.decision(f.result(timeout=PATIENCE_SECONDS)).correlation_id for f in pending]
    return (expect(got == [f"after {wait}" for wait in waits], "each caller should get its own", got)
            + expect(finished == sorted(waits), "the first sent should be answered last", finished))


def attempts_are_those_of_the_policy(stage):
    """Only UNAVAILABLE is tried again, four times in all."""
    client = stage.connect("scripted")
    problems = []
    for words, code, attempts in (
            ("code UNAVAILABLE until 2", "OK", 3),
            ("code UNAVAILABLE", "UNAVAILABLE", 4),
            ("code INVALID_ARGUMENT until 1", "INVALID_ARGUMENT", 1),
            ("code RESOURCE_EXHAUSTED until 1 retry 20", "RESOURCE_EXHAUSTED", 1),
            ("code INTERNAL until 1", "INTERNAL", 1),
            ("code UNKNOWN until 1", "UNKNOWN", 1),
            ("code ABORTED until 1", "ABORTED", 1),
            ("code CANCELLED until 1", "CANCELLED", 1)):
        text = f"{words} {stage.language}"
        answer = stage.ask(client, text=text)
        made = stage.worlds.scripted.attempts(text)
        problems += expect(code_of(answer) == code and made == attempts,
                           f"`{words}` should be {code} after {attempts} attempts, not {made}", answer)
    once = stage.connect("scripted", max_attempts=1)
    text = f"code UNAVAILABLE until 1 only once {stage.language}"
    answer = stage.ask(once, text=text)
    return problems + expect(
        code_of(answer) == "UNAVAILABLE" and stage.worlds.scripted.attempts(text) == 1,
        "max_attempts 1 should not try again", answer)


def deadline_covers_all_attempts(stage):
    client = stage.connect("scripted", initial_backoff_ms=400, max_backoff_ms=400)
    answer, seconds = timed(stage.send(
        client, text=f"code UNAVAILABLE slowly {stage.language}", deadline_ms=600))
    return expect(code_of(answer) in ("DEADLINE_EXCEEDED", "UNAVAILABLE") and seconds < 1.2,
                  "should end by its deadline of 600 ms, retries included", (answer, seconds))


def clients_name_themselves(stage):
    answer = stage.ask(stage.connect("scripted"), text="who is there?")
    agent = stage.decision(answer).degradations[0].detail
    return expect(f"pointsman-{stage.language}/0.1.0" in agent, "user agent", agent)


def defaults_are_counted(stage):
    client = stage.connect("scripted")
    for text in ("fine", "fine", "code INVALID_ARGUMENT", "code UNAVAILABLE", "code INVALID_ARGUMENT"):
        stage.ask(client, "route_or_default", ranking=["mine"], text=f"{text} {stage.language}")
    counts = stage.agent.ask("default_counts", client=client)
    expected = {"by_router": 2, "by_default": 3,
                "by_default_per_code": {"INVALID_ARGUMENT": 2, "UNAVAILABLE": 1}}
    return expect({k: counts.get(k) for k in expected} == expected, f"should be {expected}", counts)


def draining_is_told_and_answered(stage):
    place = stage.worlds.directory / f"draining-{stage.language}"
    place.mkdir()
    server = harness.Server(stage.worlds.bundle, place, **world_servers.PATIENT | {
        "lame_duck_ms": 1500})
    try:
        client = stage.connect(target=server.address, balance_by_health=False)
        before = stage.agent.ask("check_health", client=client)
        server.signal()
        deadline = time.monotonic() + 1
        while True:
            during = stage.agent.ask("check_health", client=client)
            if during.get("health") == "NOT_SERVING" or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        answer = stage.ask(client, text="hi")
        code = server.wait()
    finally:
        server.stop()
    gone = stage.agent.ask("check_health", client=client, deadline_ms=2000)
    return (expect(before.get("health") == "SERVING", "should be SERVING at first", before)
            + expect(during.get("health") == "NOT_SERVING", "should tell NOT_SERVING", during)
            + expect(code_of(answer) == "OK", "a lame duck should answer", answer)
            + expect(code == 0, "the server should exit 0", code)
            + expect(code_of(gone) in ("UNAVAILABLE", "DEADLINE_EXCEEDED"),
                     "nobody should be there any more", gone))


def closed_client_refuses(stage):
    client = stage.connect()
    stage.ask(client, text="hi")
    closed = stage.agent.ask("close", client=client)
    answer = stage.ask(client, text="hi")
    return expect(closed["ok"] and not answer["ok"], "a closed client should not route", answer)


_ALL = (
    slow_network_is_waited_for, too_slow_network_is_the_deadline,
    cut_in_the_middle_of_a_call_is_tried_again, cut_for_good_is_unavailable_until_it_is_mended,
    bytes_in_small_pieces_are_put_together, connection_that_dies_in_every_answer_ends_in_an_error,
    silent_connection_is_the_deadline, answers_out_of_order_reach_their_callers,
    attempts_are_those_of_the_policy, deadline_covers_all_attempts, clients_name_themselves,
    defaults_are_counted, draining_is_told_and_answered, closed_client_refuses)
SCENARIOS = {f"scenarios/{play.__name__}": play for play in _ALL}
