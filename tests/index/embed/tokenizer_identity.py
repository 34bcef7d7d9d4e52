#!/usr/bin/env python3
"""Shows that WordPiece gives the same ids as the Python package `tokenizers`.

  tokenizer_identity.py --driver <wordpiece_driver> --model <directory> [--data <directory>]

Compares the two on every code point (alone, and between letters), on random Unicode strings, and on
the real texts below --data: the Universal Declaration of Human Rights in all languages, the big list
of naughty strings, and all queries. The model directory holds a tokenizer.json; it and the data
directory default to $POINTSMAN_MODEL_DIR and $POINTSMAN_DATA_DIR. A part whose input is absent is
reported as skipped. Exit status 1 and the first differing texts if any differ.
"""

import argparse
import gzip
import io
import itertools
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tarfile
import zipfile

BATCH = 20_000
SHOWN = 5


def code_points():
    return [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def code_point_texts():
    for c in code_points():
        yield c
        yield f"a{c}b"
        yield f"{c} A{c}{c}"


def random_texts(count, seed):
    """Strings of 1 to 40 characters; each mixes a few of the pools below."""
    rng = random.Random(seed)
    alphabet = code_points()
    assigned = [c for c in alphabet if ord(c) < 0x3400 or 0xA000 <= ord(c) < 0xAC00 or
                0xF900 <= ord(c) < 0x20000]
    # Combining marks whose order canonical decomposition may change, stripped ones among them.
    marks = ("\u0300\u0323\u0334\u0345\u0327\u3099\u309A\u302E\u302F\u1B44\uA953\uA9C0\U000111C0"
             "\U00016FF0\U00016FF1\U0001D165\U0001D166\U0001D16D\U0001D16E\U0001D172\U00011235"
             "\u0CBF\u0941\u180B\u20D0\u05B0")
    pools = [
        alphabet, assigned, marks, [chr(c) for c in range(0x80)], "abcdefghijklmnopqrstuvwxyz",
        [chr(c) for c in range(0xA0, 0x250)], [chr(c) for c in range(0xAC00, 0xD7A4)],
        [chr(c) for c in range(0x4E00, 0xA000)], [chr(c) for c in range(0xF900, 0xFB00)],
        [chr(c) for c in range(0x1D100, 0x1D200)], [chr(c) for c in range(0x900, 0xE00)],
        [" ", "\t", "\n", "\u00A0", "\u200B", "\u200D", "\uFFFD", "\0"],
        ["[CLS]", "[MASK]", "[UNK]", "[", "]", "[SEP", "[[PAD]]"],
    ]
    for _ in range(count):
        mixed = rng.sample(pools, rng.randint(1, 4))
        yield "".join(rng.choice(rng.choice(mixed)) for _ in range(rng.randint(1, 40)))


def long_words():
    """Around the bound on the characters of a word."""
    for n in itertools.chain(range(95, 110), [1000]):
        yield "a" * n
        yield "é" * n
        yield "\u1100" * n
        yield "한" * (n // 3)
        yield "a\u0301" * n
        yield "\u302E\u302F" * n


def udhr_lines(data):
    """Every line of every text in the archive, which holds zip files of texts in many encodings."""
    def decode(content):
        for encoding in ("utf-8", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else (
                "utf-8",):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                pass
        return content.decode("latin-1")

    with tarfile.open(data / "text/udhr.tar.xz") as archive:
        for member in archive:
            if not member.isfile():
                continue
            content = archive.extractfile(member).read()
            if member.name.endswith(".zip"):
                with zipfile.ZipFile(io.BytesIO(content)) as inner:
                    for name in inner.namelist():
                        yield from decode(inner.read(name)).splitlines()
            else:
                yield from decode(content).splitlines()


def naughty_strings(data):
    return json.loads((data / "text/blns.json").read_text())


def queries(data):
    for path in sorted((data / "routing").glob("*.jsonl.gz")):
        with gzip.open(path, "rt") as lines:
            for line in lines:
                yield json.loads(line)["query"]
    intents = json.loads((data / "intents/clinc150_data_full.json").read_text())
    for rows in intents.values():
        for text, _ in rows:
            yield text


class Driver:
    def __init__(self, command, model):
        self.process = subprocess.Popen([command, model], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def encode(self, texts):
        """The ids of each text. One at a time, so that neither pipe can fill up."""
        for text in texts:
            utf8 = text.encode()
            self.process.stdin.write(struct.pack("<I", len(utf8)) + utf8)
            self.process.stdin.flush()
            count, = struct.unpack("<I", self.process.stdout.read(4))
            yield list(struct.unpack(f"<{count}I", self.process.stdout.read(4 * count)))


def compare(name, texts, reference, driver):
    """Prints one line of result, returns the number of differences."""
    texts = iter(texts)
    compared, differing = 0, []
    while batch := list(itertools.islice(texts, BATCH)):
        expected = reference.encode_batch_fast(batch, add_special_tokens=False)
        for text, want, got in zip(batch, expected, driver.encode(batch)):
            compared += 1
            if want.ids != got:
                differing.append((text, want.ids, got))
    print(f"{name}: {compared} texts, {len(differing)} differ", flush=True)
    for text, want, got in differing[:SHOWN]:
        print(f"  {text!r}\n    reference {want}\n    pointsman {got}")
    return len(differing)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", required=True)
    parser.add_argument("--model", default=os.environ.get("POINTSMAN_MODEL_DIR"))
    parser.add_argument("--data", default=os.environ.get("POINTSMAN_DATA_DIR"))
    parser.add_argument("--random", type=int, default=200_000, help="number of random strings")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        import tokenizers
    except ImportError:
        print("skipped: no Python package `tokenizers`")
        return 0
    if not arguments.model:
        print("skipped: no model directory (--model or POINTSMAN_MODEL_DIR)")
        return 0

    model = os.path.join(arguments.model, "tokenizer.json")
    reference = tokenizers.Tokenizer.from_file(model)
    reference.no_truncation()
    reference.no_padding()
    driver = Driver(arguments.driver, model)

    parts = [("code points", code_point_texts()),
             ("random strings", random_texts(arguments.random, arguments.seed)),
             ("long words", long_words())]
    differing = sum(compare(name, texts, reference, driver) for name, texts in parts)
    for name, texts in [("UDHR", udhr_lines), ("naughty strings", naughty_strings),
                        ("queries", queries)]:
        if arguments.data:
            differing += compare(name, texts(pathlib.Path(arguments.data)), reference, driver)
        else:
            print(f"{name}: skipped: no data directory (--data or POINTSMAN_DATA_DIR)")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
