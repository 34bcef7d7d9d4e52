"""What the benchmarks share: data, programs and models, and how figures are handed on.

Programs are looked for below $POINTSMAN_BIN_DIR (build/release), the embedding model in
$POINTSMAN_MODEL_DIR (.cache/model), public evaluation data, which is no part of this repository, in
$POINTSMAN_SHARED_DATA (../shared/data beside it).
"""

import argparse
import gzip
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("POINTSMAN_BIN_DIR", str(ROOT / "build" / "release"))
os.environ.setdefault("POINTSMAN_MODEL_DIR", str(ROOT / ".cache" / "model"))
os.environ.setdefault("POINTSMAN_SHARED_DATA", str(ROOT.parent / "shared" / "data"))
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import harness  # noqa: E402  reads the variables set above

INDEX = "index/tool/pointsman-index"
SERVER = "server/pointsman-server"
CLIENT = "client/cli/pointsman"

# Labelled data, and the price list of its models.
MMLU = ("routellm_mmlu", "routellm")
GSM8K = ("routellm_gsm8k", "routellm")
MMLU_PRO = ("mmlu_pro", "mmlu_pro")


class Unavailable(Exception):
    """Something that a benchmark needs is not there: it is skipped, not failed."""


def directory(variable, what):
    path = pathlib.Path(os.environ[variable])
    if not path.is_dir():
        raise Unavailable(f"no {what} at {path}; {variable} names another place")
    return path


def data_directory():
    return directory("POINTSMAN_SHARED_DATA", "evaluation data")


def model_directory():
    return directory("POINTSMAN_MODEL_DIR", "embedding model")


def program(name):
    path = directory("POINTSMAN_BIN_DIR", "build") / name
    if not os.access(path, os.X_OK):
        raise Unavailable(f"no program {path}: build it, or set POINTSMAN_BIN_DIR")
    return path


def run(*command, **options):
    """Runs a command to its end and returns its standard output. Progress bars stay visible on a
    terminal; elsewhere standard error is kept for the message of a failure."""
    stderr = None if sys.stderr.isatty() else subprocess.PIPE
    done = subprocess.run([str(part) for part in command], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=stderr, **options)
    if done.returncode != 0:
        last_lines = "\n".join((done.stderr or "").splitlines()[-20:])
        raise SystemExit(f"{command[0]} {command[1]} failed ({done.returncode})\n{last_lines}")
    return done.stdout


def rows(name):
    """The rows of a routing file: id, query, group, outcomes."""
    path = data_directory() / "routing" / f"{name}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def exemplar(row):
    """A row as a labelled exemplar. Its group is left out: the engine is not told the subject."""
    tokens = row.get("output_tokens", {})
    outcomes = {}
    for model, quality in row["outcomes"].items():
        outcomes[model] = {"quality": quality}
        if tokens.get(model) is not None:
            outcomes[model]["output_tokens"] = tokens[model]
    return {"id": row["id"], "text": row["query"], "outcomes": outcomes}


def write_jsonl(path, records):
    with open(path, "w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return path


def write_catalogue(path, prices):
    """catalogue.yaml of nothing but ids and list prices (JSON is YAML)."""
    text = (data_directory() / "routing" / f"{prices}.prices.json").read_text(encoding="utf-8")
    models = [{"id": model, **price} for model, price in json.loads(text).items()]
    path.write_text(json.dumps({"models": models}, indent=1) + "\n", encoding="utf-8")
    return path


def main(description, measure):
    """Runs `measure()`, which prints its table and returns its figures; writes them to `--json FILE`.
    Where something is absent, says so, writes {"skipped": why} and exits 0."""
    parser = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path,
                        help="write the figures there, too")
    arguments = parser.parse_args()
    try:
        figures = measure()
    except Unavailable as reason:
        print(f"skipped: {reason}")
        figures = {"skipped": str(reason)}
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
