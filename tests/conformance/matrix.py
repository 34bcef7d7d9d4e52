"""The result of a run as a table in a Markdown file, between two markers."""

import collections

BEGIN, END = "<!-- conformance: begin -->", "<!-- conformance: end -->"
NAMES = {"cpp": "C++", "go": "Go", "java": "Java", "python": "Python", "rust": "Rust",
         "typescript": "TypeScript"}


def table(languages, passed, failed):
    """Rows: groups of cases; columns: languages; cells: passed of all."""
    groups = sorted({group for _, group in [*passed, *failed]})
    lines = ["| cases | " + " | ".join(NAMES[name] for name in languages) + " |",
             "|---|" + "---|" * len(languages)]
    totals = collections.Counter()
    for group in groups:
        cells = []
        for language in languages:
            good, bad = passed[language, group], failed[language, group]
            totals[language, "passed"] += good
            totals[language, "all"] += good + bad
            cells.append(f"{good}" if not bad else f"{good} of {good + bad}")
        lines.append(f"| {group.replace('_', ' ')} | " + " | ".join(cells) + " |")
    lines.append("| **passed** | " + " | ".join(
        f"{totals[name, 'passed']} of {totals[name, 'all']}" for name in languages) + " |")
    return "\n".join(lines)


def write(path, languages, passed, failed):
    text = path.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path}: needs the lines {BEGIN} and {END} for the table to stand between")
    path.write_text(f"{head}{begin}\n{table(languages, passed, failed)}\n{end}{tail}",
                    encoding="utf-8")
