"""What the benchmarks share: data, programs and models, and how figures are handed on.

Programs are looked for below $POINTSMAN_BIN_DIR (build/release), the embedding model in
$POINTSMAN_MODEL_DIR (.cache/model), public evaluation data, which is no part of this repository, in
$POINTSMAN_SHARED_DATA (../shared/data beside it).
"""

import argparse
import collections
import contextlib
import csv
import gzip
import json
import os
import pathlib
import platform
import random
import shutil
import signal
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
LOAD_CLIENT = "tests/bench/load/load_client"
STARTER = ROOT / "deploy" / "starter"
SMALL_SOURCES = ROOT / "tests" / "e2e" / "sources"
MIXING_SEED = 4
CORES = sorted(os.sched_getaffinity(0))
LOAD_PATIENCE_SECONDS = 60  # beyond its duration, for a load to connect, to end its calls and report

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


@contextlib.contextmanager
def pinned_to(core):
    """Whatever is started within runs on that core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def machine():
    """What figures depend on; ask before the benchmark makes load of its own."""
    return {"machine": platform.machine(), "cores": len(CORES), "load_at_start": os.getloadavg()[0]}


def start_server(bundle, directory, **settings):
    return harness.Server(bundle, directory, **{"admin_listen_address": "127.0.0.1:0"} | settings)


def build_bundle(sources, out, *flags):
    run(program(INDEX), "build", sources, "--model", model_directory(), "--out", out, *flags)
    return out


def starter_exemplars():
    """The exemplars of the starter bundle, in a fixed order."""
    return [json.loads(line) for path in sorted((STARTER / "exemplars").glob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()]


def many_exemplars(count):
    """The starter's exemplars and, up to the number wanted, halves of two of one capability."""
    exemplars = starter_exemplars()
    by_capability = collections.defaultdict(list)
    for each in exemplars:
        by_capability[each["capability"]].append(each)
    texts = {each["text"] for each in exemplars}
    draw = random.Random(MIXING_SEED)
    while len(exemplars) < count:
        capability = draw.choice(sorted(by_capability))
        first, second = draw.sample(by_capability[capability], 2)
        heads, tails = first["text"].split(" "), second["text"].split(" ")
        text = " ".join(heads[:(len(heads) + 1) // 2] + tails[len(tails) // 2:])
        if text in texts:
            continue
        texts.add(text)
        exemplars.append({"id": f"mixed-{len(exemplars)}", "text": text, "capability": capability,
                          "difficulty": (first["difficulty"] + second["difficulty"]) / 2})
    return exemplars


def build_large_bundle(directory, count, factory="Flat"):
    """A bundle of the starter's catalogue and `count` exemplars; searched exactly, unless another
    factory string says how, or none: as `pointsman-index build` chooses."""
    sources = directory / f"sources-{count}"
    if not sources.exists():
        sources.mkdir()
        for name in ("catalogue.yaml", "policies.yaml"):
            shutil.copy(STARTER / name, sources)
        write_jsonl(sources / "exemplars.jsonl", many_exemplars(count))
    flags = ["--index-factory", factory] if factory else []
    return build_bundle(sources, directory / f"bundle-{count}-{factory or 'chosen'}", *flags)


def write_queries(path, count=512):
    """Requests for a load: texts all over the starter's exemplars, many languages and lengths."""
    texts = [exemplar["text"] for exemplar in starter_exemplars()]
    return write_jsonl(path, ({"text": text} for text in texts[::max(1, len(texts) // count)]))


def resident_mb(pid):
    """Memory of a process that is in RAM, in MB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kilobytes * 1024 / 1e6


class Load:
    """load_client at work in the background, on the last core; flags as keyword arguments. It is
    loading, over connections that stand, when the constructor returns."""

    def __init__(self, directory, *servers, core=None, trace=False, name="load", **flags):
        self.report_file = directory / f"{name}.json"
        self.trace_file = directory / f"{name}.csv"
        self.duration = flags.get("duration", 10)
        flags = {"target": ",".join(server.address for server in servers),
                 "json": self.report_file} | flags
        if trace:
            flags["trace"] = self.trace_file
        command = [str(program(LOAD_CLIENT))]
        for flag, value in flags.items():
            command.append(f"--{flag.replace('_', '-')}" + ("" if value is True else f"={value}"))
        with pinned_to(core) if core is not None else contextlib.nullcontext():
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("loading since "):
            raise SystemExit(f"load_client exited {self.process.wait()} before it could load")

    def stop(self):
        """Ends the load early; `finish` tells what it did."""
        self.process.send_signal(signal.SIGTERM)

    def finish(self):
        """Waits for the end; the report. Every call that was sent is in it."""
        with self:
            code = self.process.wait(timeout=self.duration + LOAD_PATIENCE_SECONDS)
        report = json.loads(self.report_file.read_text(encoding="utf-8"))
        if code != 0 or report["sent"] != sum(report["codes"].values()):
            raise SystemExit(f"load_client exited {code} with calls unaccounted for: {report}")
        return report

    def calls(self):
        """With `trace`, after `finish`: a dictionary of due, sent and received (seconds of
        time.monotonic()), code and digest (index into the report's digests) for every call."""
        with open(self.trace_file, encoding="ascii", newline="") as lines:
            for due, sent, received, code, digest in list(csv.reader(lines))[1:]:
                yield {"due": int(due) / 1e9, "sent": int(sent) / 1e9,
                       "received": int(received) / 1e9, "code": int(code), "digest": int(digest)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None and sys.exc_info()[0] is not None:
            self.process.kill()
        self.process.stdout.close()


def percentile(values, share):
    """By nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else 0.0


def print_figures(figures):
    for key, value in figures.items():
        print(f"{key:28}{value:>14,.3f}" if isinstance(value, float) else f"{key:28}{value!s:>14}")


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
