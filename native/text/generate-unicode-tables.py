#!/usr/bin/env python3
"""Writes unicode_tables.cc from the Unicode Character Database as two Python packages carry it.

    python native/text/generate-unicode-tables.py > native/text/unicode_tables.cc

Needs `unicodedata2` (categories, decompositions, combining classes) and `regex` (scripts, White_Space, case folding).
Both must agree on which code points are assigned, which proves that they hold the same version of Unicode; the version
is unicodedata2's. Which classes are newer than the regular expressions of the official encoders is asked of `tokenizers`
0.23.3. The C++ side depends on none: the tables are facts and are committed.
"""

import regex
import regex._regex as regex_native
import regex._regex_core as regex_core
import unicodedata2 as ucd
from tokenizers import Regex, normalizers
from two_stage_tables import print_array, two_stage

NUM_CODE_POINTS = 0x110000
HANGUL = range(0xAC00, 0xAC00 + 11172)  # composed by arithmetic, not by table

# Bits of millrace::CharClass and of the flags in unicode_tables.h.
LETTER, MARK, NUMBER, WHITESPACE, UNSPACED, UPPER, LOWER, CHANGED = 1, 2, 4, 8, 16, 32, 64, 128
NFC_NO, NFC_MAYBE = 1, 2

UNSPACED_SCRIPTS = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"]


def is_surrogate(cp):
    return 0xD800 <= cp < 0xE000


def matching(pattern):
    compiled = regex.compile(pattern)
    return {cp for cp in range(NUM_CODE_POINTS) if not is_surrogate(cp) and compiled.match(chr(cp))}


def check_versions_agree():
    unassigned = {cp for cp in range(NUM_CODE_POINTS) if not is_surrogate(cp) and ucd.category(chr(cp)) == "Cn"}
    if unassigned != matching(r"\p{Cn}"):
        raise SystemExit("expected unicodedata2 and regex to hold the same Unicode version, they do not")


def classes():
    whitespace = matching(r"\p{White_Space}")
    unspaced = matching("[" + "".join(r"\p{Script=%s}" % name for name in UNSPACED_SCRIPTS) + "]")
    by_category = {"L": LETTER, "M": MARK, "N": NUMBER}
    table = [0] * NUM_CODE_POINTS
    for cp in range(NUM_CODE_POINTS):
        if is_surrogate(cp):
            continue
        category = ucd.category(chr(cp))
        table[cp] = by_category.get(category[0], 0)
        table[cp] |= {"Lu": UPPER, "Lt": UPPER, "Ll": LOWER}.get(category, 0)
        table[cp] |= WHITESPACE if cp in whitespace else 0
        table[cp] |= UNSPACED if cp in unspaced else 0
    return table


def pretoken_classes():
    """As the regular expressions of the official encoders have them."""
    table = [0] * NUM_CODE_POINTS
    patterns = {r"\p{L}": LETTER, r"\p{M}": MARK, r"\p{N}": NUMBER, r"\s": WHITESPACE, r"\p{Lu}|\p{Lt}": UPPER, r"\p{Ll}": LOWER}
    for pattern, bit in patterns.items():
        without = normalizers.Replace(Regex(pattern), "")
        for begin in range(0, NUM_CODE_POINTS, 2048):
            block = [cp for cp in range(begin, begin + 2048) if not is_surrogate(cp)]
            kept = set(without.normalize_str("".join(map(chr, block))))
            for cp in block:
                table[cp] |= 0 if chr(cp) in kept else bit
    return table


def with_changes(table):
    """CHANGED beside the classes that the official encoders' regular expressions do not have."""
    old = pretoken_classes()
    changed = [cp for cp in range(NUM_CODE_POINTS) if table[cp] & ~UNSPACED != old[cp]]
    # All but one, which pretoken_class in unicode_tables.h names, are no characters there.
    if [(cp, old[cp]) for cp in changed if old[cp] != 0] != [(0x295, LETTER | LOWER)]:
        raise SystemExit("expected only U+0295 to have changed its class, others have")
    for cp in changed:
        table[cp] |= CHANGED
    return table


def foldings():
    """CaseFolding.txt, status C + F. The regex package leaves out the two letters that differ in Turkic languages."""
    flags = regex_core.UNICODE | regex_core.FULLCASE | regex_core.IGNORECASE
    table = {}
    for cp in range(NUM_CODE_POINTS):
        if is_surrogate(cp):
            continue
        folded = regex_native.fold_case(flags, chr(cp))
        if folded != chr(cp):
            table[cp] = [ord(c) for c in folded]
    table[0x49] = [0x69]
    table[0x130] = [0x69, 0x307]
    return table


def decompositions():
    """Full canonical decompositions, Hangul syllables left out."""
    table = {}
    for cp in range(NUM_CODE_POINTS):
        if is_surrogate(cp) or cp in HANGUL:
            continue
        decomposed = ucd.normalize("NFD", chr(cp))
        if decomposed != chr(cp):
            table[cp] = [ord(c) for c in decomposed]
    return table


def compositions():
    """(first, second) -> composite, without the composition exclusions and Hangul."""
    pairs = {}
    for cp in range(NUM_CODE_POINTS):
        if is_surrogate(cp) or cp in HANGUL:
            continue
        mapping = ucd.decomposition(chr(cp))
        if not mapping or mapping.startswith("<"):
            continue
        parts = [int(part, 16) for part in mapping.split()]
        if len(parts) == 2 and ucd.normalize("NFC", chr(cp)) == chr(cp):
            pairs[(parts[0], parts[1])] = cp
    return pairs


def nfc_flags(decomposition, pairs):
    """NO: never stands in NFC text. MAYBE: it, or what it decomposes to, may join the character before it."""
    seconds = {second for _, second in pairs} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    table = [0] * NUM_CODE_POINTS
    for cp in range(NUM_CODE_POINTS):
        if is_surrogate(cp) or cp in HANGUL:
            continue
        if ucd.normalize("NFC", chr(cp)) != chr(cp):
            table[cp] = NFC_NO
        elif decomposition.get(cp, [cp])[0] in seconds:
            table[cp] = NFC_MAYBE
    return table


def print_mapping(name, mapping, limit, block_size):
    """A two-stage table of entry numbers (0: maps to itself) into offsets into code points."""
    entry = [0] * limit
    offsets, data = [0, 0], []
    for number, cp in enumerate(sorted(mapping), start=1):
        if cp >= limit:
            raise SystemExit("expected every key of %s below %x, got %x" % (name, limit, cp))
        entry[cp] = number
        data += mapping[cp]
        offsets.append(len(data))
    index, leaves = two_stage(entry, block_size)
    print_array("uint8_t", "k%sIndex" % name, index)
    print_array("uint16_t", "k%sEntry" % name, leaves)
    print_array("uint16_t", "k%sOffset" % name, offsets)
    print_array("uint32_t", "k%sData" % name, ["0x%X" % value for value in data])


def main():
    check_versions_agree()
    decomposition = decompositions()
    pairs = compositions()
    flags = nfc_flags(decomposition, pairs)
    folding = foldings()
    properties = [
        (cls, 0 if is_surrogate(cp) else ucd.combining(chr(cp)), flags[cp], int(cp in folding))
        for cp, cls in enumerate(with_changes(classes()))
    ]
    distinct = sorted(set(properties))
    number_of = {record: number for number, record in enumerate(distinct)}
    index, leaves = two_stage([number_of[record] for record in properties], 128)

    print("// Generated by generate-unicode-tables.py from Unicode %s; do not edit." % ucd.unidata_version)
    print('#include "text/unicode_tables.h"\n')
    print("// clang-format off\nnamespace millrace {\n")
    print('const char kUnicodeVersion[] = "%s";\n' % ucd.unidata_version)
    print("// {class, combining class, NFC flags, whether it folds}")
    print_array("UnicodeProperty", "kProperties", ["{%d,%d,%d,%d}" % record for record in distinct])
    print_array("uint8_t", "kPropertyIndex", index)
    print_array("uint8_t", "kPropertyLeaf", leaves)
    print_mapping("Fold", folding, 0x20000, 64)
    print_mapping("Decomposition", decomposition, 0x30000, 64)
    ordered = sorted(pairs)
    print_array("uint64_t", "kPairKey", ["0x%X" % (first << 32 | second) for first, second in ordered])
    print_array("uint32_t", "kPairComposite", ["0x%X" % pairs[pair] for pair in ordered])
    print("}  // namespace millrace")


if __name__ == "__main__":
    main()
