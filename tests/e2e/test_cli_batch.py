"""pointsman batch: JSONL in, JSONL out, in order, whatever single lines hold."""

import json

from cli import (BAD_INPUT, FAILED, OK, UNREACHABLE, dead_address, pointsman,
                 pointsman_on_terminal)


def lines_of(*requests):
    return "".join(json.dumps(request) + "\n" for request in requests)


def results_of(output):
    return [json.loads(line) for line in output.splitlines()]


def numbered(count):
    return [{"text": f"What is {i} times 7?", "correlation_id": str(i)} for i in range(count)]


def test_results_keep_the_order_of_the_lines(server, tmp_path):
    file = tmp_path / "requests.jsonl"
    file.write_text(lines_of(*numbered(250)))
    result = pointsman(
        server.address, "batch", "--chunk-size", "7", "--concurrency", "8", file
    )
    assert result.returncode == OK, result.stderr
    ids = [entry["response"]["correlation_id"] for entry in results_of(result.stdout)]
    assert ids == [str(i) for i in range(250)]
    assert "250 lines: 250 chosen, 0 infeasible, 0 abstained, 0 failed" in result.stderr


def test_a_batch_decides_as_route_does(server):
    text = "Write a haiku about points."
    batch = pointsman(server.address, "batch", "-", stdin=lines_of({"text": text}))
    route = pointsman(server.address, "route", "--json", text)
    one, other = results_of(batch.stdout)[0]["response"], json.loads(route.stdout)
    for decision in (one, other):
        del decision["decision_id"], decision["timings"]
    assert one == other


def test_options_fill_in_what_a_line_does_not_say(server):
    result = pointsman(
        server.address, "batch", "--policy", "economy", "-",
        stdin=lines_of({"text": "hi"}, {"text": "hi", "policy": "quality"}),
    )
    policies = [e["response"]["provenance"]["policy"] for e in results_of(result.stdout)]
    assert policies == ["economy", "quality"]


def test_infeasible_lines_are_results(server):
    result = pointsman(
        server.address, "batch", "-",
        stdin=lines_of({"text": "hi", "limits": {"max_cost_usd": 0}}, {"text": "hi"}),
    )
    assert result.returncode == OK, result.stderr
    outcomes = [entry["response"]["outcome"] for entry in results_of(result.stdout)]
    assert outcomes == ["OUTCOME_INFEASIBLE", "OUTCOME_CHOSEN"]


def test_a_bad_line_stops_the_batch_after_the_lines_before_it(server, tmp_path):
    file = tmp_path / "requests.jsonl"
    file.write_text(lines_of({"text": "hi"}) + "{broken\n" + lines_of({"text": "never asked"}))
    result = pointsman(server.address, "batch", file)
    assert result.returncode == BAD_INPUT
    assert f"pointsman: {file}:2: not a RouteRequest in JSON" in result.stderr
    assert len(results_of(result.stdout)) == 1


def test_a_line_that_the_server_refuses_is_named_too(server, tmp_path):
    file = tmp_path / "requests.jsonl"
    file.write_text(lines_of({"text": "hi"}, {"text": "hi", "policy": "nosuch"}))
    result = pointsman(server.address, "batch", file)
    assert result.returncode == BAD_INPUT
    assert f"{file}:2: " in result.stderr and "unknown policy `nosuch`" in result.stderr


def test_keep_going_puts_errors_into_the_output(server):
    stdin = lines_of({"text": "a"}) + "[]\n" + lines_of({"text": "b", "tradeoff": 9}, {"text": "c"})
    result = pointsman(server.address, "batch", "--keep-going", "-", stdin=stdin)
    assert result.returncode == FAILED
    entries = results_of(result.stdout)
    assert [sorted(entry) for entry in entries] == [["response"], ["error"], ["error"], ["response"]]
    assert entries[1]["error"]["code"] == 3
    assert entries[1]["error"]["message"].startswith("standard input:2: ")
    assert "must be within 0 to 1; is 9" in entries[2]["error"]["message"]
    assert "4 lines: 2 chosen, 0 infeasible, 0 abstained, 2 failed" in result.stderr


def test_blank_lines_are_skipped_but_counted_in_line_numbers(server):
    result = pointsman(server.address, "batch", "-", stdin="\n\n{\n")
    assert result.returncode == BAD_INPUT
    assert "standard input:3: " in result.stderr


def test_an_empty_input_gives_an_empty_output(server):
    result = pointsman(server.address, "batch", "-")
    assert result.returncode == OK and result.stdout == ""


def test_more_lines_than_the_server_takes_at_once(start_server):
    small = start_server(max_batch_items=5)
    result = pointsman(small.address, "batch", "--chunk-size", "5", "-",
                       stdin=lines_of(*numbered(12)))
    assert result.returncode == OK and len(results_of(result.stdout)) == 12
    refused = pointsman(small.address, "batch", "--chunk-size", "6", "-",
                        stdin=lines_of(*numbered(12)))
    assert refused.returncode == BAD_INPUT
    assert "standard input:1-6: " in refused.stderr


def test_an_unreachable_server_names_the_lines_that_are_lost():
    result = pointsman(dead_address(), "batch", "-", stdin=lines_of({"text": "hi"}))
    assert result.returncode == UNREACHABLE
    assert "standard input:1-1: " in result.stderr and result.stdout == ""


def test_a_missing_file_is_bad_input(server):
    result = pointsman(server.address, "batch", "no/such.jsonl")
    assert result.returncode == BAD_INPUT and "cannot open no/such.jsonl" in result.stderr


def test_the_progress_bar_is_for_terminals(server, tmp_path):
    file = tmp_path / "requests.jsonl"
    file.write_text(lines_of(*numbered(50)))
    code, shown = pointsman_on_terminal(server.address, "batch", "--chunk-size", "10", file)
    assert code == OK and "] " in shown and "% " in shown
    assert "%" not in pointsman(server.address, "batch", file).stderr
