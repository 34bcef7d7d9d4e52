#!/usr/bin/env python3
"""Writes unicode_tables.cc: what BERT's normaliser and pre-tokenizer do to each code point.

The figures come from the Python package `tokenizers` itself, not from the Unicode database, so that
wordpiece.cc agrees with the reference on every code point, whatever Unicode version either was
built with. Takes about ten seconds.

  pip install tokenizers
  index/embed/generate_unicode_tables.py > index/embed/unicode_tables.cc
"""

import itertools
import sys
import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xD7A4)
HANGUL_LENGTH = 255  # CodePoint::kHangul

clean = normalizers.BertNormalizer(
    clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False).normalize_str
fold = normalizers.BertNormalizer(
    clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True).normalize_str
nfd = normalizers.NFD().normalize_str
split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str


def word_class(normalised):
    """Class of a normalised, non-empty text, by how it parts the letters on either side of it."""
    kinds = {1: "kWord", 2: "kSpace", 3: "kIsolated"}
    return kinds[len(split("a" + normalised + "b"))]


def is_starter(character):
    """Whether canonical ordering never moves this (already decomposed) character.

    U+0334 has the lowest combining class, 1, and U+0345 the highest, 240."""
    return (nfd("\u0345" + character) == "\u0345" + character and
            nfd(character + "\u0334") == character + "\u0334")


def describe(c):
    """The fields of the CodePoint entry of `c`: cased, uncased, order, fold length, fold text."""
    character = chr(c)
    cleaned = clean(character)
    if not cleaned:
        return ("kRemoved", "kRemoved", 0, 0, "")
    cased = word_class(cleaned)
    decomposed = nfd(character)
    folded = fold(character).strip(" ")
    if cased == "kSpace":
        return ("kSpace", "kSpace", 0, 0, "")
    if not folded:  # A non-spacing mark. Its order tells only whether it is a starter.
        order = 0 if any(is_starter(d) for d in decomposed) else 1
        return (cased, "kStripped", order, 0, "")
    uncased = word_class(fold(character))
    if c in HANGUL:
        v, t = divmod(c - HANGUL.start, 28)
        syllable = chr(0x1100 + v // 21) + chr(0x1161 + v % 21) + (chr(0x11A7 + t) if t else "")
        assert folded == syllable, hex(c)
        return (cased, uncased, 0, HANGUL_LENGTH, "")
    order = 0
    if len(folded) > 1:
        assert uncased == "kWord", hex(c)
    elif folded == character and not is_starter(character):
        order = unicodedata.combining(character)
        assert order > 0, hex(c)
    else:
        assert is_starter(folded), hex(c)
    return (cased, uncased, order, 0 if folded == character else len(folded),
            "" if folded == character else folded)


def check_order(described):
    """The reference must order every pair of movable characters as their `order` says."""
    movable = [(chr(c), d[2]) for c, d in described.items() if d[1] == "kWord" and d[2]]
    for (a, a_order), (b, b_order) in itertools.product(movable, repeat=2):
        assert nfd(a + b) == (b + a if a_order > b_order else a + b), (a, b)
    for text in (d[4] for d in described.values() if len(d[4]) > 1):
        for character in text:  # An entry's own fold is not folded again.
            d = described[ord(character)]
            assert d[1] == "kWord" and not d[4], text


def two_stages(values, block_size):
    blocks, index = {}, []
    for start in range(0, len(values), block_size):
        block = tuple(values[start:start + block_size])
        index.append(blocks.setdefault(block, len(blocks)))
    return index, list(itertools.chain.from_iterable(blocks))


def print_array(declaration, items):
    print(f"{declaration} = {{")
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            print(line)
            line = "   "
        line += f" {item},"
    print(f"{line}\n}};\n")


def main():
    described = {c: describe(c) for c in CODE_POINTS}
    check_order(described)

    pool, entries, values = [], {}, []
    offsets = {}
    for c in range(0x110000):
        cased, uncased, order, length, text = described.get(
            c, ("kRemoved", "kRemoved", 0, 0, ""))  # Surrogates never come out of UTF-8.
        value = 0
        if len(text) == 1:
            value = ord(text) - c
        elif text:
            if text not in offsets:
                offsets[text] = len(pool)
                pool.extend(ord(t) for t in text)
            value = offsets[text]
        values.append(entries.setdefault((value, length, order, cased, uncased), len(entries)))

    shift = min(range(4, 9), key=lambda s: sum(
        len(part) * size for part, size in zip(two_stages(values, 1 << s), (1, 2))))
    index, blocks = two_stages(values, 1 << shift)
    assert max(index) < 256

    print("// Generated by generate_unicode_tables.py from Python tokenizers "
          f"{tokenizers.__version__}. Do not edit.\n")
    print('#include "index/embed/unicode_tables.h"\n')
    print("namespace pointsman::embed::internal {\n")
    print("using enum CharacterClass;\n")
    print(f"static_assert(kBlockShift == {shift});\n")
    print_array(f"const uint8_t kBlockOfCodePoint[{len(index)}]", map(str, index))
    print_array(f"const uint16_t kEntryOfCodePoint[{len(blocks)}]", map(str, blocks))
    print_array(f"const CodePoint kEntries[{len(entries)}]",
                ("{%d, %d, %d, %s, %s}" % e for e in entries))
    print_array(f"const char32_t kFolds[{len(pool)}]", (f"0x{p:X}" for p in pool))
    print("}  // namespace pointsman::embed::internal")


if __name__ == "__main__":
    sys.exit(main())
