#!/usr/bin/env python3
"""Fails when a C++ file includes what its folder must not know.

  include_walls.py [--root DIRECTORY]   checks the repository
  include_walls.py --self-test          plants one breach of every wall and requires that it is found

The walls: proto <- index <- server and proto <- client. Inside index, embed, search and bundle know
nothing of one another; estimate knows neighbours, but FAISS not even through another header; choose
knows estimates, not neighbours; only the files of index itself know them all. FAISS headers are
included by index/search alone, gRPC not by index, prometheus by server alone.
CMake's link graph says the same; a header-only include would slip through it, hence this check.
"""

import argparse
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')
SUFFIXES = {".h", ".cc", ".cpp", ".hpp", ".c", ".inc"}
OURS = ("index/", "server/", "client/", "tests/")

# The small headers that every folder of index shares.
BASE = ("index/digest.h", "index/errors.h", "index/stable_hash.h", "index/string_view.h",
        "index/version.h")

# Folder: the headers of other folders that it may include, as prefixes of their paths. Its own
# headers and the generated messages are always allowed. The longest matching folder counts.
MAY_INCLUDE = {
    "index": ("index/embed/", "index/search/", "index/bundle/", "index/estimate/", "index/choose/"),
    "index/embed": BASE,
    "index/search": BASE,
    "index/bundle": BASE,
    "index/estimate": BASE + ("index/search/neighbour.h",),
    "index/choose": BASE + ("index/estimate/query_estimate.h",),
    "index/evaluate": BASE + ("index/engine.h", "index/builder.h", "index/bundle/"),
    # Beside the engine, the programs include FAISS's settings of the whole process; the server also
    # whose signatures count and what is valid UTF-8.
    "index/tool": BASE + ("index/engine.h", "index/builder.h", "index/bundle/", "index/evaluate/",
                          "index/search/vector_index.h"),
    "server": BASE + ("index/engine.h", "index/bundle/signature.h", "index/search/vector_index.h",
                      "index/embed/utf8.h"),
    "client": (),
}

# Foreign headers, and the folders that may include them.
FOREIGN = {
    "FAISS": (re.compile(r"^faiss/"), ("index/search/",)),
    "gRPC": (re.compile(r"^(grpc|grpcpp|grpc\+\+)/|\.grpc\.pb\.h$"), ("server/", "client/")),
    "prometheus": (re.compile(r"^prometheus/"), ("server/",)),
}


def folder_of(path):
    return max((folder for folder in MAY_INCLUDE if path.startswith(folder + "/")), key=len)


def read_includes(root):
    """Path -> list of (line number, included path), for every C++ file behind a wall."""
    includes = {}
    for top in ("proto", "index", "server", "client"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in SUFFIXES:
                continue
            lines = file.read_text(encoding="utf-8").splitlines()
            matches = ((number, INCLUDE.match(line)) for number, line in enumerate(lines, 1))
            includes[file.relative_to(root).as_posix()] = [(n, m[1]) for n, m in matches if m]
    return includes


def breach_of(path, included):
    """What is wrong with this one include, or None."""
    for library, (pattern, folders) in FOREIGN.items():
        if pattern.search(included) and not path.startswith(folders):
            return f"{library} is for {' and '.join(folders)} alone"
    if ".." in included.split("/"):
        return "includes start at the root of the repository"
    if path.startswith("proto/"):
        return "proto holds no C++"
    if not included.startswith(OURS):
        return None
    folder = folder_of(path)
    if folder_of_included(included) == folder or included.startswith(MAY_INCLUDE[folder]):
        return None
    return f"{folder} may include {', '.join(MAY_INCLUDE[folder]) or 'nothing of other folders'}"


def folder_of_included(included):
    return "tests" if included.startswith("tests/") else folder_of(included)


def reaches_faiss(path, includes, seen):
    """The chain of our headers through which `path` sees FAISS, or None."""
    seen.add(path)
    for _, included in includes.get(path, ()):
        if FOREIGN["FAISS"][0].search(included):
            return [path, included]
        if included not in seen and (chain := reaches_faiss(included, includes, seen)):
            return [path] + chain
    return None


def breaches(root):
    includes = read_includes(root)
    found = []
    for path, lines in includes.items():
        for number, included in lines:
            if reason := breach_of(path, included):
                found.append(f"{path}:{number}: includes {included}: {reason}")
        if path.startswith("index/search/"):
            continue
        chain = reaches_faiss(path, includes, set())
        if chain and len(chain) > 2:
            found.append(f"{path}: sees FAISS through {' -> '.join(chain[1:])}")
    return found, len(includes)


# One breach of each wall: file, and the include that must be reported.
PLANTED = [
    ("index/embed/x.cc", "index/search/vector_index.h"),
    ("index/embed/x.cc", "index/engine.h"),
    ("index/search/x.cc", "index/bundle/store.h"),
    ("index/bundle/x.cc", "index/embed/wordpiece.h"),
    ("index/estimate/x.cc", "faiss/Index.h"),
    ("index/estimate/x.cc", "index/search/vector_index.h"),
    ("index/estimate/x.cc", "index/choose/choose.h"),
    ("index/estimate/x.cc", "index/bundle/store.h"),
    ("index/choose/x.cc", "index/search/vector_index.h"),
    ("index/choose/x.h", "index/embed/wordpiece.h"),
    ("index/engine.cc", "faiss/Index.h"),
    ("index/engine.cc", "grpcpp/grpcpp.h"),
    ("index/engine.cc", "pointsman/v1/router.grpc.pb.h"),
    ("index/engine.cc", "prometheus/counter.h"),
    ("index/engine.cc", "server/service.h"),
    ("index/engine.cc", "index/tool/main.h"),
    ("index/tool/x.cc", "index/embed/wordpiece.h"),
    ("index/evaluate/x.cc", "index/choose/choose.h"),
    ("server/x.cc", "index/estimate/estimate.h"),
    ("server/x.cc", "client/cpp/pointsman/client.h"),
    ("server/x.cc", "tests/server/fixture.h"),
    ("client/cli/x.cc", "index/engine.h"),
    ("client/cli/x.cc", "server/service.h"),
    ("client/cli/x.cc", "prometheus/counter.h"),
    ("client/cli/x.cc", "../../index/engine.h"),
    ("proto/x.cc", "string"),
]
ALLOWED = [
    ("index/engine.cc", "index/search/vector_index.h"),
    ("index/search/x.cc", "faiss/Index.h"),
    ("index/estimate/x.cc", "index/search/neighbour.h"),
    ("index/choose/x.cc", "index/estimate/query_estimate.h"),
    ("index/choose/x.cc", "pointsman/v1/policy.pb.h"),
    ("index/tool/x.cc", "index/builder.h"),
    ("server/x.cc", "index/engine.h"),
    ("server/x.cc", "grpcpp/grpcpp.h"),
    ("client/cli/x.cc", "client/cpp/pointsman/client.h"),
]


def plant(files):
    """The breaches found in a tree of these files: {path: included}."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for path, included in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(f"#include <{included}>\n")
        return breaches(root)[0]


def self_test():
    wrong = [f"not found: {path} includes {included}"
             for path, included in PLANTED if len(plant({path: included})) != 1]
    wrong += [f"reported although allowed: {path} includes {included}"
              for path, included in ALLOWED if plant({path: included})]
    hidden = plant({"index/estimate/x.cc": "index/search/neighbour.h",
                    "index/search/neighbour.h": "faiss/Index.h"})
    if len(hidden) != 1 or "through" not in hidden[0]:
        wrong.append(f"FAISS behind a header of search: {hidden}")
    return wrong, len(PLANTED) + len(ALLOWED) + 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        problems, count = self_test()
        print(f"include walls: self-test, {count} cases, {len(problems)} wrong")
    else:
        problems, count = breaches(arguments.root)
        print(f"include walls: {count} files, {len(problems)} breaches")
        if count == 0:
            problems.append(f"{arguments.root}: no C++ files found")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
