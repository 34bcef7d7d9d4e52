"""The examples of each client, run as they are: against a router, and without one."""

import os
import pathlib
import subprocess

AGENTS = pathlib.Path(__file__).resolve().parent / "agents"
MODELS = ("tiny", "medium", "large", "in-house", "newcomer")  # of the bundle
EXAMPLE_SECONDS = 240  # some compile first


def _run(language, example, target):
    return subprocess.run(
        [AGENTS / language / "example", example], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=EXAMPLE_SECONDS, env=os.environ | {"POINTSMAN_TARGET": target})


def _names_a_model(done):
    return any(model in done.stdout for model in MODELS)


def _refuses(done):
    return [] if done.returncode != 0 else [f"should fail; printed {done.stdout[-300:]!r}"]


def _ends_well(done, as_expected):
    if done.returncode == 0 and as_expected(done):
        return []
    return [f"exit code {done.returncode}, printed {(done.stdout + done.stderr)[-500:]!r}"]


# Name: example, whether a router is there, what is not as it should be.
EXAMPLES = {
    "examples/route": ("route", True, lambda done: _ends_well(done, _names_a_model)),
    "examples/route without a router": ("route", False, _refuses),
    "examples/route_or_default": (
        "route_or_default", True, lambda done: _ends_well(done, _names_a_model)),
    "examples/route_or_default without a router": (
        "route_or_default", False, lambda done: _ends_well(done, lambda d: "no router decided" in d.stdout)),
}


def play(name, language, worlds):
    """Sentences on what was not as it should be."""
    example, is_served, problems = EXAMPLES[name]
    served = worlds.servers["standard", "plaintext"].address
    return problems(_run(language, example, served if is_served else worlds.closed_address))
