"""The rules of deploy/prometheus: what promtool says, and whether each alert is tested and explained."""

import re
import tempfile

import yaml

import harness

DIRECTORY = harness.REPOSITORY / "deploy" / "prometheus"
RULES = sorted((DIRECTORY / "rules").glob("*.yaml"))
TESTS = sorted((DIRECTORY / "tests").glob("*.yaml"))
RUNBOOK = DIRECTORY / "RUNBOOK.md"
SEVERITIES = {"info", "warning", "critical"}
# Any name of ours in an expression, recorded ones included.
METRIC = re.compile(r"\b(?:track\w*:)?(?:pointsman|process|exposer)_\w+(?::\w+)?")


def promtool(*arguments):
    """Problems that promtool has with files of ours; empty: none."""
    result = harness.run("promtool", *arguments)
    return [] if result.returncode == 0 else [(result.stdout + result.stderr).strip()]


def all_rules():
    """Every rule of every group, as Prometheus reads it."""
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"]
            for rule in group["rules"]]


def metrics_of(expression):
    """Names of metrics in an expression, without the suffixes of histograms and summaries."""
    return {re.sub("_(bucket|sum|count)$", "", name) for name in METRIC.findall(expression)}


def check_kubernetes_example():
    """Debian's promtool is built without Kubernetes: the rest is checked with other targets in its place."""
    config = yaml.safe_load((DIRECTORY / "kubernetes.yml").read_text())
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": ["pod:7432"]}] * len(job.pop("kubernetes_sd_configs"))
    config["rule_files"] = [str(DIRECTORY / name) for name in config["rule_files"]]
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        yaml.safe_dump(config, file)
        file.flush()
        return promtool("check", "config", file.name)


def tested_alerts():
    """{alert: kinds of cases it has}, of "fires" and "silent"."""
    kinds = {}
    for path in TESTS:
        for test in yaml.safe_load(path.read_text())["tests"]:
            for case in test["alert_rule_test"]:
                kind = "fires" if case.get("exp_alerts") else "silent"
                kinds.setdefault(case["alertname"], set()).add(kind)
    return kinds


def check():
    """(figures, problems) of everything that can be said without a server."""
    problems = promtool("check", "rules", *RULES) + promtool("test", "rules", *TESTS)
    problems += promtool("check", "config", DIRECTORY / "prometheus.yml")
    problems += check_kubernetes_example()
    rules = all_rules()
    alerts = [rule for rule in rules if "alert" in rule]
    kinds = tested_alerts()
    anchors = {heading.lower() for heading in re.findall(r"^### (\w+)$", RUNBOOK.read_text(), re.MULTILINE)}
    for alert in alerts:
        name = alert["alert"]
        for kind in sorted({"fires", "silent"} - kinds.get(name, set())):
            problems.append(f"alert {name}: no promtool test in which it is {kind!r}")
        if alert["labels"].get("severity") not in SEVERITIES:
            problems.append(f"alert {name}: severity must be one of {sorted(SEVERITIES)}")
        annotations = alert["annotations"]
        for annotation in ("summary", "description", "runbook_url"):
            if not annotations.get(annotation):
                problems.append(f"alert {name}: no {annotation}")
        page, _, anchor = annotations.get("runbook_url", "").partition("#")
        if not page.endswith("/deploy/prometheus/RUNBOOK.md") or anchor != name.lower():
            problems.append(f"alert {name}: runbook_url must end in RUNBOOK.md#{name.lower()}")
        if name.lower() not in anchors:
            problems.append(f"alert {name}: no heading of its own in {RUNBOOK.name}")
    names = {alert["alert"] for alert in alerts}
    problems += [f"{RUNBOOK.name}: {anchor} is no alert"
                 for anchor in sorted(anchors - {name.lower() for name in names})]
    problems += [f"tests: {name} is no alert" for name in sorted(kinds.keys() - names)]
    figures = {
        "recording_rules": len(rules) - len(alerts),
        "alerts": len(alerts),
        "alerts_tested": sum(kinds.get(name) == {"fires", "silent"} for name in names),
    }
    return figures, problems


def metrics_in_rules():
    """Names of metrics that rules read."""
    return set().union(*(metrics_of(rule["expr"]) for rule in all_rules()))
