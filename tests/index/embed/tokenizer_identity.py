#!/usr/bin/env python3
"""Shows that WordPiece gives the same ids as the Python package `tokenizers`.

  tokenizer_identity.py --driver <wordpiece_driver> [--model <directory>] [--data <directory>]

Compares the two on every code point (alone, and between letters), on random Unicode strings and on
words of about the maximal length, cased and uncased, with a vocabulary that has a token for every
character, so that no difference can hide behind [UNK]. Then again with the tokenizer.json of the
model directory, and there also on the real texts below the data directory: the Universal
Declaration of Human Rights in all languages, the big list of naughty strings, and all queries. The
directories default to $POINTSMAN_MODEL_DIR and $POINTSMAN_DATA_DIR; what lacks one is reported as skipped.
Exit status 1, and the first differing texts, if any differ.
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
import tempfile
import zipfile

BATCH = 400_000
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


def every_character_tokenizer(uncased):
    """The text of a tokenizer.json with a token, and a piece, for every character."""
    # Planes 4 to 13 hold no characters; they pass through both tokenizers as [UNK].
    characters = [c for c in code_points() if ord(c) < 0x32000 or ord(c) >= 0xE0000]
    tokens = ["[UNK]", "[MASK]"] + characters + ["##" + c for c in characters]
    return json.dumps({
        "added_tokens": [
            {"id": i, "content": tokens[i], "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False, "special": True} for i in (0, 1)],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": uncased},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100,
                  "vocab": {token: i for i, token in enumerate(tokens)}}})


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


def encode(driver, texts):
    """The ids that the C++ tokenizer gives for each text."""
    utf8 = [text.encode() for text in texts]
    output = subprocess.run(driver, input=b"".join(struct.pack("<I", len(t)) + t for t in utf8),
                            stdout=subprocess.PIPE, check=True).stdout
    numbers = iter(struct.unpack(f"<{len(output) // 4}I", output))
    return [list(itertools.islice(numbers, count)) for count in numbers]


def compare(name, texts, reference, driver):
    """Prints one line of result, returns the number of differences."""
    texts = iter(texts)
    compared, differing = 0, []
    while batch := list(itertools.islice(texts, BATCH)):
        expected = reference.encode_batch_fast(batch, add_special_tokens=False)
        for text, want, got in zip(batch, expected, encode(driver, batch), strict=True):
            compared += 1
            if want.ids != got:
                differing.append((text, want.ids, got))
    print(f"  {name}: {compared} texts, {len(differing)} differ", flush=True)
    for text, want, got in differing[:SHOWN]:
        print(f"    {text!r}\n      reference {want}\n      pointsman {got}")
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

    def compare_all(title, tokenizer_json, data):
        print(title)
        reference = tokenizers.Tokenizer.from_file(str(tokenizer_json))
        reference.no_truncation()
        reference.no_padding()
        parts = [("code points", code_point_texts()),
                 ("random strings", random_texts(arguments.random, arguments.seed)),
                 ("long words", long_words())]
        if data:
            parts += [("UDHR", udhr_lines(data)), ("naughty strings", naughty_strings(data)),
                      ("queries", queries(data))]
        driver = [arguments.driver, str(tokenizer_json)]
        return sum(compare(name, texts, reference, driver) for name, texts in parts)

    differing = 0
    with tempfile.TemporaryDirectory() as directory:
        for uncased in (True, False):
            path = pathlib.Path(directory, "tokenizer.json")
            path.write_text(every_character_tokenizer(uncased))
            title = f"every character a token, {'uncased' if uncased else 'cased'}"
            differing += compare_all(title, path, None)
    if arguments.model:
        data = pathlib.Path(arguments.data) if arguments.data else None
        if not data:
            print("real texts skipped: no data directory (--data or POINTSMAN_DATA_DIR)")
        differing += compare_all(arguments.model, pathlib.Path(arguments.model, "tokenizer.json"),
                                 data)
    else:
        print("model and real texts skipped: no model directory (--model or POINTSMAN_MODEL_DIR)")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
