"""pointsman route: the query in four ways, the answer in two, and every exit code."""

import json
import re

import pytest

from cli import (BAD_INPUT, NO_CHOICE, OK, UNREACHABLE, dead_address, pointsman,
                 pointsman_on_terminal)

ESCAPE = "\x1b["


def decide(server, *arguments, **options):
    result = pointsman(server.address, "route", "--json", *arguments, **options)
    assert result.returncode == OK, result.stderr
    return json.loads(result.stdout)


def without_ids_and_timings(decision):
    return {k: v for k, v in decision.items() if k not in ("decision_id", "timings")}


def test_the_table_shows_choice_and_candidates(server):
    result = pointsman(server.address, "route", "What is 17 times 23?")
    assert result.returncode == OK, result.stderr
    chosen = result.stdout.split()[0]
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["1", chosen] in [row[:2] for row in rows]
    assert "confidence" in result.stdout and "policy balanced" in result.stdout
    assert ESCAPE not in result.stdout and result.stderr == ""


def test_json_has_the_names_of_the_protos(server):
    decision = decide(server, "hello")
    assert decision["outcome"] == "OUTCOME_CHOSEN"
    assert decision["model"] == decision["candidates"][0]["model"]
    assert 0 < decision["candidates"][0]["success_interval"]["upper"] <= 1
    assert decision["rejected"] == [] and decision["evidence"] == []  # there, though empty
    assert "cost_usd" in decision["baseline"]


def test_text_file_and_standard_input_are_the_same_query(server, tmp_path):
    text = "Prove that the sum of two odd numbers is even."
    file = tmp_path / "query.txt"
    file.write_text(text)
    decisions = [
        decide(server, text),
        decide(server, *text.split()),
        decide(server, "--file", file),
        decide(server, "-", stdin=text),
    ]
    for decision in decisions[1:]:
        assert without_ids_and_timings(decision) == without_ids_and_timings(decisions[0])


def test_a_word_that_names_a_subcommand_is_still_a_query(server):
    assert decide(server, "status")["outcome"] == "OUTCOME_CHOSEN"


def test_a_conversation_is_read_from_json(server, tmp_path):
    file = tmp_path / "chat.json"
    file.write_text(json.dumps([
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "Translate 'switch' into German."},
    ]))
    assert decide(server, "--conversation", file)["outcome"] == "OUTCOME_CHOSEN"


def test_options_reach_the_server(server):
    decision = decide(
        server, "--policy", "quality", "--deny", "tiny", "--deny", "medium,in-house",
        "--feature", "tools", "--input-tokens", "1234", "--correlation-id", "c-7",
        "--max-candidates", "1", "write a parser",
    )
    assert decision["provenance"]["policy"] == "quality"
    assert {r["model"]: r["reason"] for r in decision["rejected"]} == {
        "tiny": "REJECTION_REASON_DENIED",
        "medium": "REJECTION_REASON_DENIED",
        "in-house": "REJECTION_REASON_DENIED",
    }
    assert decision["input_tokens"] == "1234"
    assert decision["correlation_id"] == "c-7"
    assert len(decision["candidates"]) == 1


def test_the_tradeoff_turns_quality_into_cost(server):
    costs = [
        decide(server, "--objective", "best-value", "--tradeoff", tradeoff, "hello")
        ["candidates"][0]["cost_usd"]
        for tradeoff in ("0", "1")
    ]
    assert costs[0] > costs[1]


def test_only_allowed_models_are_candidates(server):
    decision = decide(server, "--allow", "medium", "hello")
    assert [c["model"] for c in decision["candidates"]] == ["medium"]


def test_explain_shows_evidence_rules_and_what_would_change_it(server):
    result = pointsman(
        server.address, "route", "--explain", "--policy", "guarded", "What is my password?",
    )
    assert result.returncode == OK, result.stderr
    assert "similarity" in result.stdout
    assert "secrets-stay-in" in result.stdout
    assert "what would change the decision" in result.stdout


def test_explain_names_tradeoffs_margin_and_limits(server):
    result = pointsman(
        server.address, "route", "--explain", "--max-cost-usd", "0.002", "--output-tokens", "500",
        "write a lock-free queue in C++ with hazard pointers",
    )
    assert result.returncode == OK, result.stderr
    assert "best value by tradeoff" in result.stdout
    assert "runner-up" in result.stdout
    assert "large needs limits.max_cost_usd at" in result.stdout


def test_limits_that_nobody_meets_exit_with_their_own_code(server):
    result = pointsman(server.address, "route", "--max-cost-usd", "0.0000001", "hello")
    assert result.returncode == NO_CHOICE
    assert "no model qualifies: raise limits.max_cost_usd from 0.0000001 to" in result.stdout


def test_the_relaxation_that_is_printed_is_enough(server):
    refused = pointsman(server.address, "route", "--max-cost-usd", "0.0000001", "hello")
    enough = re.search(r"to (\S+) and", refused.stdout)[1]
    assert pointsman(server.address, "route", "--max-cost-usd", enough, "hello").returncode == OK


def test_an_abstention_exits_with_the_same_code(server):
    result = pointsman(server.address, "route", "--json", "--policy", "cautious", "hello")
    assert result.returncode == NO_CHOICE
    assert json.loads(result.stdout)["outcome"] == "OUTCOME_ABSTAINED"


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--policy", "nosuch", "hello"), "unknown policy `nosuch`"),
        (("--deny", "nosuch", "hello"), "unknown model `nosuch`"),
        (("--tradeoff", "7", "hello"), "must be within 0 to 1; is 7"),
        (("--tradeoff", "much", "hello"), "--tradeoff"),
        (("--objective", "nosuch", "hello"), "must be best-value"),
        (("--cached-tokens", "5", "hello"), "--incumbent"),
        (("--nosuch", "hello"), "--nosuch"),
        ((), "in exactly one way"),
        (("hello", "--file", "x"), "in exactly one way"),
        (("--file", "no/such/file"), "cannot open no/such/file"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(server, arguments, said):
    result = pointsman(server.address, "route", *arguments)
    assert result.returncode == BAD_INPUT
    assert said in result.stderr and result.stderr.startswith("pointsman: ")
    assert result.stderr.count("\n") == 1 and result.stdout == ""


def test_text_that_is_not_utf8_names_the_byte(server, tmp_path):
    file = tmp_path / "latin1.txt"
    file.write_bytes("café".encode("latin-1"))
    result = pointsman(server.address, "route", "--file", file)
    assert result.returncode == BAD_INPUT
    assert "byte 3 (0xe9)" in result.stderr


def test_an_unreachable_server_is_its_own_exit_code():
    address = dead_address()
    result = pointsman(address, "route", "hello")
    assert result.returncode == UNREACHABLE
    assert address in result.stderr and result.stdout == ""


def test_the_target_option_is_stronger_than_the_environment(server):
    result = pointsman(dead_address(), "route", "--target", server.address, "hello")
    assert result.returncode == OK, result.stderr


def test_colour_is_for_terminals_that_want_it(server):
    code, shown = pointsman_on_terminal(server.address, "route", "hello")
    assert code == OK and ESCAPE in shown
    plain = [{"NO_COLOR": "1"}, {"TERM": "dumb"}]
    for environment in plain:
        code, shown = pointsman_on_terminal(
            server.address, "route", "hello", environment=environment
        )
        assert code == OK and ESCAPE not in shown
