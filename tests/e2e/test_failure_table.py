"""The table "What happens when" of server/README.md against the tests that provoke its rows."""

import ast
import re

import harness

E2E = harness.REPOSITORY / "tests" / "e2e"
HEADING = "## What happens when"


def rows():
    """[(failure, outcome, tests)] of the table."""
    readme = (harness.REPOSITORY / "server" / "README.md").read_text(encoding="utf-8")
    section = readme.split(f"\n{HEADING}", 1)[1].split("\n## ", 1)[0]
    cells = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    return [
        (failure, outcome, re.findall(r"`(test_\w+)`", tests))
        for failure, outcome, tests in cells
        if failure != "failure" and not set(failure) <= set("-")
    ]


def functions_in(pattern):
    """Names of the test functions of the files that match."""
    return [
        node.name
        for file in sorted(E2E.glob(pattern))
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def test_the_table_names_every_test_and_every_test_is_in_the_table():
    named = [name for _, _, tests in rows() for name in tests]
    assert len(rows()) > 50
    assert all(tests for _, _, tests in rows())
    assert sorted(named) == sorted(set(named)), "a test is named in two rows"
    known = functions_in("test_*.py")
    assert not set(named) - set(known), "named, but there is no such test"
    own = set(functions_in("test_failure_*.py")) - set(functions_in("test_failure_table.py"))
    assert not own - set(named), "provokes a failure that the table does not name"
    failures = [failure for failure, _, _ in rows()]
    assert len(failures) == len(set(failures))


def test_names_of_tests_are_unique():
    known = functions_in("test_failure_*.py")
    assert sorted(known) == sorted(set(known))
