#!/usr/bin/env python3
"""Fails when the repository does not look like its plan.

  layout.py [--root DIRECTORY]

Only the agreed entries at the top; only the agreed folders inside index; every header has a guard
named after it; every script with an interpreter line can be executed. Files that git ignores are
not looked at.
"""

import argparse
import pathlib
import re
import subprocess
import sys

TOP = {
    ".ci", ".clang-format", ".clang-tidy", ".gitattributes", ".gitignore", "CHANGELOG.md", "CMakeLists.txt",
    "CMakePresets.json", "LICENSE", "README.md", "client", "deploy", "index", "proto", "server",
    "tests",
}
INDEX = {"adr", "bundle", "choose", "embed", "estimate", "evaluate", "search", "tool"}


def repository_files(root):
    """Tracked and new files, as paths below `root`; what is ignored or deleted is left out."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        cwd=root, check=True, capture_output=True).stdout.decode()
    names = sorted(set(filter(None, listing.split("\0"))))
    return [pathlib.PurePosixPath(name) for name in names if (root / name).is_file()]


def is_guarded(path, text):
    tail = re.sub(r"[^A-Z0-9]", "_", path.name.upper())
    return re.search(rf"^#ifndef (POINTSMAN_\w*{tail}_)\n#define \1$", text, re.MULTILINE)


def problems(root):
    files = repository_files(root)
    found = [f"{entry}: not an entry of the plan at the top"
             for entry in sorted({path.parts[0] for path in files} - TOP)]
    found += [f"{entry}: planned at the top, but absent"
              for entry in sorted(TOP - {path.parts[0] for path in files})]
    folders = {path.parts[1] for path in files if path.parts[0] == "index" and len(path.parts) > 2}
    found += [f"index/{folder}: not a folder of the plan" for folder in sorted(folders - INDEX)]
    for path in files:
        if path.suffix == ".h":
            if not is_guarded(path, (root / path).read_text(encoding="utf-8")):
                found.append(f"{path}: no include guard named after the file")
        with open(root / path, "rb") as file:
            is_script = file.read(2) == b"#!"
        if is_script and not (root / path).stat().st_mode & 0o100:
            found.append(f"{path}: is a script, but not executable")
    return found, len(files)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[2])
    found, count = problems(parser.parse_args().root)
    print(f"layout: {count} files, {len(found)} problems")
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
