#!/usr/bin/env python3
"""Routes the queries of a file through the pointsman command and shows the decisions as a table.

  show_decisions.py --pointsman COMMAND --target HOST:PORT --policy NAME QUERIES.jsonl

Each line of the file is {"id", "request", "expect"}: a name, a RouteRequest, and "cheap" or "strong"
where the decision must be a model of the cheaper or of the dearer half of the catalogue by the mean
of input and output price ("" where anything will do). Exit status 1 if an expectation is not met.
"""

import argparse
import json
import subprocess
import sys

QUERY_CHARACTERS = 44
HALF_OF_EXPECTATION = {"cheap": "cheaper", "strong": "dearer"}


def run(command, text=None):
    """The output of the command, which must succeed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def halves(models):
    """Model id -> "cheaper" or "dearer" half of the models that have prices."""
    priced = [m for m in models if "input_usd_per_mtok" in m and "output_usd_per_mtok" in m]
    priced.sort(key=lambda m: m["input_usd_per_mtok"] + m["output_usd_per_mtok"])
    return {model["id"]: "cheaper" if rank < len(priced) // 2 else "dearer"
            for rank, model in enumerate(priced)}


def one_line(text):
    text = " ".join(text.split())
    return text if len(text) <= QUERY_CHARACTERS else text[:QUERY_CHARACTERS - 1] + "…"


def text_of(request):
    if "text" in request:
        return request["text"]
    return request["conversation"]["turns"][-1]["content"]


def cost_of(decision):
    """Expected cost of the chosen model, USD; None if its prices are unknown."""
    for candidate in decision["candidates"]:
        if candidate["model"] == decision["model"]:
            return candidate.get("cost_usd")
    return None


def row_of(query, decision, half):
    cost = cost_of(decision)
    return [query["id"], one_line(text_of(query["request"])),
            decision["model"] or decision["outcome"].removeprefix("OUTCOME_").lower(),
            half, f"{decision['confidence']:.2f}" if decision["model"] else "",
            "unknown" if cost is None else f"{cost:.6f}", f"{decision['familiarity']:.2f}"]


def print_table(header, rows, right):
    widths = [max(len(row[i]) for row in [header] + rows) for i in range(len(header))]
    for row in [header] + rows:
        cells = [cell.rjust(width) if i in right else cell.ljust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def print_saving(decisions):
    """What the table costs, against the best single model for every query."""
    pairs = [(cost_of(d), d["baseline"].get("cost_usd")) for d in decisions if d["model"]]
    if all(None not in pair for pair in pairs):
        spent, unrouted = (sum(column) for column in zip(*pairs))
        print(f"\n{spent:.4f} USD expected for all of them; {unrouted:.4f} USD if "
              f"{decisions[0]['baseline']['model']} answered every one.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pointsman", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--policy", required=True)
    parser.add_argument("queries")
    arguments = parser.parse_args()

    with open(arguments.queries, encoding="utf-8") as lines:
        queries = [json.loads(line) for line in lines if line.strip()]
    command = [arguments.pointsman, "--target", arguments.target]
    served = json.loads(run(command + ["catalogue", "--json"]))
    requests = "".join(json.dumps(query["request"]) + "\n" for query in queries)
    results = run(command + ["batch", "--policy", arguments.policy, "-"], requests)
    decisions = [json.loads(line)["response"] for line in results.splitlines()]

    half_of = halves(served["catalogue"]["models"])
    rows, unmet = [], []
    for query, decision in zip(queries, decisions, strict=True):
        half = half_of.get(decision["model"], "")
        rows.append(row_of(query, decision, half))
        expected = HALF_OF_EXPECTATION.get(query["expect"], half)
        if half != expected:
            unmet.append(f"{query['id']}: went to {decision['model'] or 'no model'}, which is not in "
                         f"the {expected} half of the catalogue")
    print(f"{len(rows)} queries through {arguments.target}, policy {arguments.policy}:\n")
    print_table(["", "query", "model", "half", "confidence", "cost USD", "familiarity"], rows,
                right={4, 5, 6})
    print_saving(decisions)
    if unmet:
        sys.exit("\nNot as expected:\n" + "\n".join(unmet))


if __name__ == "__main__":
    main()
