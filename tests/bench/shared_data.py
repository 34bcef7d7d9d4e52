"""What the benchmarks share: where data, programs and models are, and labelled files made of the data.

Nothing here is part of the product; the data is public and lies outside the repository.
"""

import argparse
import gzip
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The models of the MMLU-Pro outcomes and those of RouteLLM's are priced in files of their own.
MMLU = ("routellm_mmlu", "routellm")
GSM8K = ("routellm_gsm8k", "routellm")
MMLU_PRO = ("mmlu_pro", "mmlu_pro")


class Unavailable(Exception):
    """Something a benchmark needs is not there: it is skipped, not failed."""


def first_directory(candidates, what, hint):
    for candidate in candidates:
        if candidate and pathlib.Path(candidate).is_dir():
            return pathlib.Path(candidate)
    raise Unavailable(f"no {what}: {hint}")


def data_directory():
    return first_directory(
        [os.environ.get("POINTSMAN_SHARED_DATA"), ROOT.parent / "shared" / "data"],
        "evaluation data", "set POINTSMAN_SHARED_DATA to its directory")


def program(name):
    """The path of a program of ours, from $POINTSMAN_BIN_DIR or the release build."""
    directory = pathlib.Path(os.environ.get("POINTSMAN_BIN_DIR") or ROOT / "build" / "release")
    if not directory.is_dir():
        raise Unavailable(f"no programs in {directory}: build them, or set POINTSMAN_BIN_DIR")
    for path in (directory / name, *sorted(directory.glob(f"*/{name}")),
                 *sorted(directory.glob(f"*/*/{name}"))):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise Unavailable(f"no {name} in {directory}: build it, or set POINTSMAN_BIN_DIR")


def model_directory():
    return first_directory(
        [os.environ.get("POINTSMAN_MODEL_DIR"), ROOT / ".cache" / "model"],
        "embedding model", "run deploy/model/distil, or set POINTSMAN_MODEL_DIR")


def queries(data, name):
    """The rows of one routing file."""
    with gzip.open(data / "routing" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def exemplar(row):
    """A row as a labelled exemplar. The group is left out: the engine is not told the subject."""
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


def write_catalogue(path, data, prices):
    """catalogue.yaml of nothing but ids and list prices (JSON is YAML)."""
    with open(data / "routing" / f"{prices}.prices.json", encoding="utf-8") as file:
        models = [{"id": model, **price} for model, price in json.load(file).items()]
    path.write_text(json.dumps({"models": models}, indent=1) + "\n", encoding="utf-8")
    return path


def run_benchmark(description, measure):
    """Parses `--json FILE`, runs `measure()`, which prints its table and returns its figures, and
    writes those. Where something is absent, says so, writes {"skipped": why} and exits 0."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write the figures there")
    arguments = parser.parse_args()
    try:
        figures = measure()
    except Unavailable as reason:
        print(f"skipped: {reason}")
        figures = {"skipped": str(reason)}
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.exit(0)
