#!/usr/bin/env python3
"""Fails when client/README.md shows code that is not that of an example which tests run.

  client_page.py

Each code block of the page names its example in the sentence before it (`[...](python/examples/route.py)`).
Its lines must all stand in that file, in this order, and be fewer than ten.
"""

import pathlib
import re
import sys

CLIENT = pathlib.Path(__file__).resolve().parents[2] / "client"
BLOCK = re.compile(r"\]\((\S+/examples/\S+)\)[^\n]*\n\n```\w+\n(.*?)```", re.DOTALL)
LANGUAGES = 6
MOST_LINES = 9


def problems(page):
    blocks = BLOCK.findall(page)
    if len(blocks) != LANGUAGES:
        yield f"client/README.md shows {len(blocks)} examples, should be {LANGUAGES}"
    for name, block in blocks:
        example = iter([line.strip() for line in (CLIENT / name).read_text("utf-8").splitlines()])
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        if len(lines) > MOST_LINES:
            yield f"client/README.md: {name} takes {len(lines)} lines, should be at most {MOST_LINES}"
        for line in lines:
            if line not in example:  # goes on where the line before was found
                yield f"client/README.md: not in {name}, or not in this order: {line}"
                break


def main():
    found = list(problems((CLIENT / "README.md").read_text(encoding="utf-8")))
    print("\n".join(found) or "client page: every example is one that runs")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
