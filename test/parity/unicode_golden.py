"""Writes golden-unicode.txt: FNV-1a digests of what Python's packages say about every code point.

    python test/parity/unicode_golden.py > test/parity/golden-unicode.txt

Needs unicodedata2 and regex, as native/text/generate-unicode-tables.py does. Folding is checked against str.casefold here,
where the interpreter's (older) version of Unicode assigns the code point: those never change.
"""

import unicodedata

import regex
import regex._regex as regex_native
import regex._regex_core as regex_core
import unicodedata2 as ucd

CODE_POINTS = [cp for cp in range(0x110000) if not 0xD800 <= cp < 0xE000]


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return "%016x" % value


def classes():
    whitespace = regex.compile(r"\p{White_Space}")
    unspaced = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
    by_category = {"L": 1, "M": 2, "N": 4}
    data = bytearray(0x110000)
    for cp in CODE_POINTS:
        char = chr(cp)
        category = ucd.category(char)
        data[cp] = by_category.get(category[0], 0)
        data[cp] |= {"Lu": 32, "Lt": 32, "Ll": 64}.get(category, 0)
        data[cp] |= 8 if whitespace.match(char) else 0
        data[cp] |= 16 if unspaced.match(char) else 0
    return bytes(data)


def folded(char):
    # The regex package leaves out the two letters that differ in Turkic languages.
    if char in "I\u0130":
        result = char.casefold()
    else:
        result = regex_native.fold_case(regex_core.UNICODE | regex_core.FULLCASE | regex_core.IGNORECASE, char)
    if unicodedata.category(char) != "Cn" and result != char.casefold():
        raise SystemExit("expected both sources to fold %r alike" % char)
    return result


def lines(function):
    return "".join(function(chr(cp)) + "\n" for cp in CODE_POINTS).encode()


def main():
    marked = "".join(chr(cp) + "\u0323\u0301\u3099" for cp in CODE_POINTS)
    print("version", ucd.unidata_version)
    print("classes", fnv1a(classes()))
    print("nfc", fnv1a(lines(lambda char: ucd.normalize("NFC", char))))
    print("nfc-of-marked", fnv1a(ucd.normalize("NFC", marked).encode()))
    print("fold", fnv1a(lines(folded)))


if __name__ == "__main__":
    main()
