"""The dashboards of deploy/grafana, as Grafana would read them: every expression with its place."""

import dataclasses
import json
import re
import sys

import harness

DIRECTORY = harness.REPOSITORY / "deploy" / "grafana"
UNITS_WITHOUT = {None, ""}


@dataclasses.dataclass(frozen=True)
class Target:
    """One expression; `kind` is "instant", "range", "variable" or "annotation"."""

    dashboard: str
    panel: str
    kind: str
    expression: str

    def __str__(self):
        return f"{self.dashboard} / {self.panel}: {self.expression}"


def load():
    """The dashboards that are checked in."""
    return [json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((DIRECTORY / "dashboards").glob("*.json"))]


def panels_of(dashboard):
    """Panels that show data, those inside of rows included."""
    for panel in dashboard["panels"]:
        yield from panel.get("panels", [])
        if panel["type"] != "row":
            yield panel


def targets_of(dashboard):
    """Every expression that Grafana would send to the data source."""
    title = dashboard["title"]
    for panel in panels_of(dashboard):
        for target in panel["targets"]:
            kind = "instant" if target.get("instant") else "range"
            yield Target(title, panel["title"], kind, target["expr"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield Target(title, f"${variable['name']}", "variable", variable["query"])
    for annotation in dashboard["annotations"]["list"]:
        if annotation.get("expr"):
            yield Target(title, annotation["name"], "annotation", annotation["expr"])


def substitute(expression, values):
    """With the variables as Grafana puts them in."""
    for name, value in values.items():
        expression = re.sub(rf"\${{?{name}\b}}?", lambda _, value=value: value, expression)
    if "$" in expression:
        raise ValueError(f"no value for a variable in {expression}")
    return expression


def check():
    """Problems of the files: not what the definitions give, or panels that do not explain themselves."""
    result = harness.run(sys.executable, "-B", DIRECTORY / "generate", "--check")
    problems = [] if result.returncode == 0 else [(result.stdout + result.stderr).strip()]
    uids = set()
    for dashboard in load():
        if dashboard["uid"] in uids:
            problems.append(f"dashboard {dashboard['title']}: uid {dashboard['uid']} is taken")
        uids.add(dashboard["uid"])
        titles = set()
        for panel in panels_of(dashboard):
            place = f"{dashboard['title']} / {panel['title']}"
            description = panel.get("description") or ""
            if not description:
                problems.append(f"{place}: no description")
            if len(panel["fieldConfig"]["defaults"]["thresholds"]["steps"]) > 1 and "Good:" not in description:
                problems.append(f"{place}: has thresholds, and its description does not say what is good")
            if not panel["targets"]:
                problems.append(f"{place}: no expression")
            if panel["fieldConfig"]["defaults"].get("unit") in UNITS_WITHOUT:
                problems.append(f"{place}: no unit")
            if (panel["title"], panel["type"]) in titles:
                problems.append(f"{place}: another {panel['type']} has this title")
            titles.add((panel["title"], panel["type"]))
    return problems
