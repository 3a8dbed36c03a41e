"""Writes golden-encodings.json: random texts in each encoding that is read, encoded by Python's codecs.

    python3 test/parity/make-encodings-golden.py

Left out are the few characters that Python and the WHATWG Encoding standard read otherwise: docs/decisions/0084-encodings.md.
With a number of characters the texts are that long, and are written to a file of their own:

    python3 test/parity/make-encodings-golden.py 1000000 /tmp/long.json
"""

import base64
import json
import os
import random
import sys

SINGLE = {
    **{f"iso-8859-{n}": f"iso-8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15)},
    **{f"windows-{n}": f"cp{n}" for n in (1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 874)},
    "iso-8859-8-i": "iso-8859-8",
    "ibm866": "cp866",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
}
MULTI = {
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "euc-kr": "cp949",
}
# Where Python reads bytes as another character than the standard does, or writes what the standard does not read.
OTHERWISE = {
    "shift_jis": "\xa0\uf8f0\uf8f1\uf8f2\uf8f3",
    "euc-jp": "\u301c\u2016\u2212\xa2\xa3\xac~\xa5\u203e",
    "iso-2022-jp": "\u301c\u2016\u2212\xa2\xa3\xac\xa5\u203e",
    "gbk": "\ue5e5\ue7c7\u1e3f",
    "gb18030": "\ue5e5\ue7c7\u1e3f",
    "big5": "\u2022\uff64\u203e\u223c\u2641\u2609\uff0f\uff3c\xa5\xa2\xa3",
}
LENGTH = int(sys.argv[1]) if len(sys.argv) > 1 else 160


def written(character: str, codec: str) -> bool:
    try:
        return character.encode(codec).decode(codec) == character
    except UnicodeError:
        return False


def letters_of(name: str, codec: str) -> list[str]:
    points = [*range(0x80), *range(0x80, 0xD800), *range(0xE000, 0x10000), *range(0x10000, 0x110000, 251)]
    skipped = {*OTHERWISE.get(name, ""), "\x0e", "\x0f", "\x1b", "\x80"}
    return [chr(p) for p in points if chr(p) not in skipped and written(chr(p), codec)]


def main() -> None:
    rng = random.Random(7)
    golden = {}
    for name, codec in {**SINGLE, **MULTI}.items():
        letters = letters_of(name, codec)
        high = [letter for letter in letters if ord(letter) >= 0x80]
        low = [letter for letter in letters if ord(letter) < 0x80]
        text = "".join(rng.choice(low if rng.random() < 0.3 else high) for _ in range(LENGTH))
        golden[name] = {"bytes": base64.b64encode(text.encode(codec)).decode(), "text": text}
    path = os.path.join(os.path.dirname(__file__), "golden-encodings.json")
    with open(sys.argv[2] if len(sys.argv) > 2 else path, "w", encoding="utf-8") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main()
