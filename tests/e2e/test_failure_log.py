"""What happens when the decision log cannot be written: rows of the table in server/README.md."""

import json
import os
import shutil
import subprocess

import pytest

import harness

DROPPED = "pointsman_decision_log_dropped_total"
RECORDS = "pointsman_decision_log_records_total"


@pytest.fixture
def decide(api, connect):
    """Has a server decide many queries, each of which must be decided; how many."""

    def send(server, count=400):
        item = api.router.RouteRequest(text="why does a signal show red?")
        batch = api.router.BatchRouteRequest(requests=[item] * count)
        results = connect(server).BatchRoute(batch, timeout=30).results
        assert all(result.response.model for result in results)
        return len(results)

    return send


def decisions_of(api, server, admin):
    status = admin(server).GetStatus(api.admin.GetStatusRequest(), timeout=5)
    assert status.state == api.admin.SERVER_STATE_SERVING
    return server.metric("pointsman_decisions_total")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", directory],
        capture_output=True, text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield directory
    # Lazily: the server may still be writing its last lines.
    subprocess.run(["umount", "--lazy", directory], check=True)


def test_decision_log_on_a_full_disk(api, small_disk, start_server, admin, decide):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(160 << 10))
    log = small_disk / "decisions.jsonl"
    server = start_server(decision_log=log)
    sent = 0

    def dropped():
        nonlocal sent
        sent += decide(server)
        return server.metric(DROPPED, reason="write_failed")

    harness.eventually(dropped)
    assert decisions_of(api, server, admin) == sent
    assert server.metric("pointsman_decision_log_write_errors_total") > 0
    failing = "the decision log is failing; decisions are not affected"
    logged = [r for r in server.log_records("ERROR") if r["message"] == failing]
    assert logged and str(log) in logged[0]["reason"] and "No space left" in logged[0]["reason"]

    # Once there is room it goes on, and what was written is whole lines.
    written = server.metric(RECORDS)
    ballast.unlink()

    def goes_on():
        decide(server, count=10)
        return server.metric(RECORDS) > written

    harness.eventually(goes_on)
    server.signal()
    assert server.wait() == 0
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) >= written
    assert all(line.endswith("\n") and json.loads(line)["decision_id"] for line in lines)


def test_slow_decision_log(api, start_server, admin, decide, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    nobody_reads = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        server = start_server(decision_log=pipe, decision_log_ring_bytes=512 << 10)
        sent = 0

        def dropped():
            nonlocal sent
            sent += decide(server)
            return server.metric(DROPPED, reason="ring_full")

        harness.eventually(dropped)
        assert decisions_of(api, server, admin) == sent
        assert server.metric("pointsman_decision_log_ring_bytes") <= 512 << 10
        slow = "the decision log's writer cannot keep up"
        harness.eventually(
            lambda: any(r["message"] == slow for r in server.log_records("WARNING"))
        )
    finally:
        os.close(nobody_reads)


def test_reader_of_the_decision_log_is_gone(api, start_server, admin, decide, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    server = start_server(decision_log=pipe)
    sent = decide(server, count=10)
    harness.eventually(lambda: server.metric(RECORDS) == 10)
    os.close(reader)
    sent += decide(server, count=10)
    harness.eventually(lambda: server.metric(DROPPED, reason="write_failed") > 0)
    assert decisions_of(api, server, admin) == sent


def test_decision_log_directory_is_removed(api, start_server, admin, decide, tmp_path):
    directory = tmp_path / "log"
    directory.mkdir()
    server = start_server(decision_log=directory / "decisions.jsonl")
    decide(server, count=10)
    shutil.rmtree(directory)
    server.signal(harness.signal.SIGHUP)
    harness.eventually(lambda: server.metric("pointsman_decision_log_write_errors_total") > 0)
    assert decide(server, count=10) + 10 == decisions_of(api, server, admin)
    # When the directory is back, so is the log.
    directory.mkdir()

    def is_back():
        decide(server, count=1)
        return (directory / "decisions.jsonl").exists()

    harness.eventually(is_back)


def test_torn_last_line_left_by_a_crash(start_server, decide, tmp_path):
    log = tmp_path / "decisions.jsonl"
    log.write_text('{"decision_id": "whole"}\n{"decision_id": "to')
    server = start_server(decision_log=log)
    torn = [r for r in server.log_records("WARNING") if "torn last line" in r["message"]]
    assert torn and torn[0]["bytes"] == len('{"decision_id": "to')
    decide(server, count=3)
    harness.eventually(lambda: server.metric(RECORDS) == 3)
    identities = [json.loads(line)["decision_id"] for line in log.read_text().splitlines()]
    assert identities[0] == "whole" and len(identities) == 4


def test_decision_log_in_a_directory_that_does_not_exist(bundle, tmp_path):
    log = tmp_path / "absent" / "decisions.jsonl"
    code, message = harness.refused_start(tmp_path, bundle=bundle, decision_log=log)
    assert code == 1
    assert str(log) in message and "No such file or directory" in message


def test_decision_log_that_holds_something_else(bundle, tmp_path):
    log = tmp_path / "diary.txt"
    log.write_text("Dear diary")
    code, message = harness.refused_start(tmp_path, bundle=bundle, decision_log=log)
    assert code == 1 and "holds something that is not a decision log" in message
    assert log.read_text() == "Dear diary"


def test_decision_log_of_another_process(bundle, start_server, tmp_path):
    log = tmp_path / "decisions.jsonl"
    start_server(decision_log=log)
    code, message = harness.refused_start(tmp_path, bundle=bundle, decision_log=log)
    assert code == 1 and f"{log} is the decision log of another process" in message


def test_bad_files_beside_the_decision_log(bundle, tmp_path):
    log = tmp_path / "decisions.jsonl"
    bad = tmp_path / "bad"
    bad.write_text("short")
    code, message = harness.refused_start(
        tmp_path, bundle=bundle, decision_log=log, decision_log_hash_key_file=bad
    )
    assert code == 1 and str(bad) in message
    bad.write_text("good\n(unclosed\n")
    code, message = harness.refused_start(
        tmp_path, bundle=bundle, decision_log=log, decision_log_content="text",
        decision_log_redact_file=bad,
    )
    assert code == 1 and f"{bad}:2" in message
