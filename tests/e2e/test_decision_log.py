"""The decision log of the real server, and `pointsman-index replay` over it."""

import json

import harness

DECISIONS = 10_000
BATCH = 500
SUBJECTS = ["the tides", "a B-tree", "photosynthesis", "compound interest", "a binary search tree",
            "the French Revolution", "a haiku", "TCP slow start", "17 * 23", "une baguette"]
TASKS = ["explain {} to a child", "write a unit test about {}", "summarise {}", "hello, {}!",
         "translate \"{}\" into German", "what is {}?", "prove something about {}\u2028and more",
         "```python\nprint('{}')\n``` fix this", "{} \U0001f600", "  {}  "]


def texts(count):
    """Different texts, of all the kinds that JSON finds hard."""
    for number in range(count):
        task = TASKS[number % len(TASKS)]
        yield task.format(f"{SUBJECTS[number // len(TASKS) % len(SUBJECTS)]} {number}")


def replay(log, bundle, *flags):
    return harness.run(harness.binary("index/tool/pointsman-index"), "replay", log,
                       "--bundle", bundle, *flags)


def stop(server):
    server.signal()
    assert server.wait() == 0


def records(log):
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def test_ten_thousand_logged_decisions_replay_equal(api, bundle, start_server, connect, tmp_path):
    log = tmp_path / "decisions.jsonl"
    server = start_server(decision_log=log, decision_log_content="text")
    router = connect(server)
    policies = ["", "economy"]
    queries = list(texts(DECISIONS))
    for start in range(0, DECISIONS, BATCH):
        batch = api.router.BatchRouteRequest()
        for number, text in enumerate(queries[start:start + BATCH]):
            request = batch.requests.add(policy=policies[number % 2])
            if number % 3 == 0:
                turns = request.conversation.turns
                turns.add(role=api.router.ROLE_SYSTEM, content="Be brief.")
                turns.add(role=api.router.ROLE_USER, content=text)
            else:
                request.text = text
            if number % 5 == 0:
                request.limits.max_cost_usd = 0.001
            if number % 7 == 0:
                request.tradeoff = 0.25
                request.assignment_key = f"user {number}"
                request.max_candidates = 2
        answer = router.BatchRoute(batch, timeout=60)
        assert all(result.WhichOneof("result") == "response" for result in answer.results)
    stop(server)

    result = tmp_path / "result.json"
    replayed = replay(log, bundle, "--json", result)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    counts = json.loads(result.read_text())
    assert counts["compared"] == DECISIONS and counts["different"] == 0, counts


def test_a_changed_record_is_reported(api, bundle, start_server, connect, tmp_path):
    log = tmp_path / "decisions.jsonl"
    server = start_server(decision_log=log, decision_log_content="text")
    decision = connect(server).Route(api.router.RouteRequest(text="hello"))
    stop(server)
    (record,) = records(log)
    record["confidence"] = 0.123
    log.write_text(json.dumps(record) + "\n", encoding="utf-8")
    replayed = replay(log, bundle)
    assert replayed.returncode == 1
    assert decision.decision_id in replayed.stdout and "confidence" in replayed.stdout


def test_a_record_says_what_the_response_said(api, start_server, connect, tmp_path):
    log = tmp_path / "decisions.jsonl"
    server = start_server(decision_log=log, decision_log_candidates=2)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    request = api.router.RouteRequest(text="what is 17 * 23", correlation_id="order 7")
    response, call = connect(server).Route.with_call(request, metadata=[("traceparent", trace)])
    assert dict(call.initial_metadata())["traceparent"] == trace
    stop(server)
    (record,) = records(log)
    assert record["decision_id"] == response.decision_id
    assert record["method"] == "Route" and record["correlation_id"] == "order 7"
    assert record["trace_id"] == trace.split("-")[1]
    assert record["bundle_digest"] == response.provenance.bundle_digest
    assert record["model"] == response.model and record["outcome"] == "OUTCOME_CHOSEN"
    assert record["confidence"] == response.confidence
    assert [c["model"] for c in record["candidates"]] == [
        c.model for c in response.candidates[:2]]


def test_without_opting_in_no_text_reaches_the_log(api, start_server, connect, tmp_path):
    log = tmp_path / "decisions.jsonl"
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef0123456789abcdef")
    server = start_server(decision_log=log, decision_log_hash_key_file=key)
    router = connect(server)
    for text in ("zanzibar-7731", "zanzibar-7731", "zanzibar-7732"):
        router.Route(api.router.RouteRequest(text=text))
    stop(server)
    first, second, third = records(log)
    assert "zanzibar" not in log.read_text()
    assert first["input_hash"] == second["input_hash"] != third["input_hash"]
    assert first["input_bytes"] == len("zanzibar-7731")


def test_what_patterns_match_is_redacted_and_not_replayed(api, bundle, start_server, connect, tmp_path):
    log = tmp_path / "decisions.jsonl"
    patterns = tmp_path / "patterns"
    patterns.write_text("[0-9]{4}-[0-9]{4}\n")
    server = start_server(decision_log=log, decision_log_content="text",
                          decision_log_redact_file=patterns)
    router = connect(server)
    router.Route(api.router.RouteRequest(text="my card is 1234-5678"))
    router.Route(api.router.RouteRequest(text="what is the capital of Norway"))
    stop(server)
    redacted, plain = records(log)
    assert redacted["redacted"] and "1234" not in log.read_text()
    assert "my card is" in redacted["request"]["text"] and not plain.get("redacted")
    replayed = replay(log, bundle)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_the_log_can_be_moved_away_and_reopened(api, start_server, connect, tmp_path):
    log = tmp_path / "decisions.jsonl"
    server = start_server(decision_log=log)
    router = connect(server)
    first = router.Route(api.router.RouteRequest(text="one"))
    harness.eventually(lambda: server.metric("pointsman_decision_log_records_total") == 1)
    log.rename(tmp_path / "moved.jsonl")
    server.signal(harness.signal.SIGHUP)
    harness.eventually(log.exists)
    second = router.Route(api.router.RouteRequest(text="two"))
    stop(server)
    assert [r["decision_id"] for r in records(tmp_path / "moved.jsonl")] == [first.decision_id]
    assert [r["decision_id"] for r in records(log)] == [second.decision_id]


def test_standard_output_carries_nothing_but_records(api, start_server, connect):
    server = start_server(decision_log="-")
    response = connect(server).Route(api.router.RouteRequest(text="hello"))
    server.signal()
    out, _ = server.process.communicate(timeout=harness.STOP_SECONDS)
    (record,) = [json.loads(line) for line in out.splitlines()]
    assert record["decision_id"] == response.decision_id
