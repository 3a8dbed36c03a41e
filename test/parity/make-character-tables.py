"""Writes src/tokenizers/hugging-face/character-tables.ts: what Hugging Face tokenizers knows of every character.

    python test/parity/make-character-tables.py

The library mixes Unicode versions (Oniguruma's, the Rust compiler's, three crates'), so it is asked about each code point
itself. Only the ranges that its normal forms do not know are found by comparison, with this Python's unicodedata where
that is new enough (Unicode 16 or later) and else with Node's String.prototype.normalize.
"""

import json
import pathlib
import subprocess

import code_point_sets
from code_point_sets import base36, lines_of, ranges
from tokenizers import normalizers, pre_tokenizers

CODE_POINTS = [cp for cp in range(0x110000) if not 0xD800 <= cp < 0xE000]
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn".split()
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$"
FORMS = ("NFC", "NFD", "NFKC", "NFKD")


def matching(pattern):
    return code_point_sets.matching(pattern, CODE_POINTS)


def cut(pre_tokenizer, num_pieces):
    return {cp for cp in CODE_POINTS if len(pre_tokenizer.pre_tokenize_str("a%sa" % chr(cp))) == num_pieces}


def normalized_to(normalizer, text):
    return {cp for cp in CODE_POINTS if normalizer.normalize_str(chr(cp)) == text}


def run_lengths(names, letter_of):
    """Letter and length, in turn, of all code points; surrogates go with what is before them."""
    text, current, length = "", None, 0
    for cp in range(0x110000):
        name = names.get(cp, current if 0xD800 <= cp < 0xE000 else None)
        if name != current and current is not None:
            text += letter_of[current] + base36(length)
            length = 0
        current, length = name, length + 1
    return text + letter_of[current] + base36(length)


def general_categories():
    names = {}
    for category in CATEGORIES:
        for cp in matching(r"\p{%s}" % category):
            assert cp not in names
            names[cp] = category
    assert len(names) == len(CODE_POINTS)
    return names


def scripts():
    """A number for each script as the UnicodeScripts pre-tokenizer knows it; 0: goes with whatever is before it."""
    pre_tokenizer = pre_tokenizers.UnicodeScripts()

    def same(left, right):
        return len(pre_tokenizer.pre_tokenize_str(chr(left) + chr(right))) == 1

    examples, numbers, last = [ord("a")], {}, None
    for cp in CODE_POINTS:
        if same(ord("a"), cp) and same(0x3B1, cp):
            numbers[cp] = 0
            continue
        if last is not None and same(last, cp):
            numbers[cp] = numbers[last]
        else:
            number = next((i for i, example in enumerate(examples) if same(example, cp)), None)
            if number is None:
                number = len(examples)
                examples.append(cp)
            numbers[cp] = number + 1
        last = cp
    return numbers


def lower_case(unassigned):
    """Lower case of the characters that are newer than Unicode 14, for which an old Node knows none: first, length, difference."""
    lowercase = normalizers.Lowercase()
    old = json.loads(subprocess.check_output(["node", "-p", NEW_CASES]))
    found = []
    for cp in old:
        lower = lowercase.normalize_str(chr(cp))
        assert len(lower) == 1
        difference = ord(lower) - cp
        if difference == 0:
            continue
        if found and found[-1][0] + found[-1][1] == cp and found[-1][2] == difference:
            found[-1][1] += 1
        else:
            found.append([cp, 1, difference])
    known = set(old)
    for cp in CODE_POINTS:
        assert cp in known or cp not in unassigned or lowercase.normalize_str(chr(cp)) == chr(cp)
    return found


# Upper case letters of Unicode 15 to 17: fixed, since a later Unicode has later letters, which this library does not know.
NEW_CASES = """JSON.stringify([0x1c89, 0xa7cb, 0xa7cc, 0xa7ce, 0xa7d2, 0xa7d4, 0xa7da, 0xa7dc,
  ...Array.from({length: 0x16}, (_, i) => 0x10d50 + i), ...Array.from({length: 0x19}, (_, i) => 0x16ea0 + i)])"""

COMPARE_FORMS = """
const theirs = JSON.parse(require("fs").readFileSync(0, "utf8"));
const unknown = new Set();
for (const [form, rows] of Object.entries(theirs)) for (const [cp, ...results] of rows) {
  const c = String.fromCodePoint(cp);
  const texts = [c, "a\\u0334\\u0345" + c + "\\u0334\\u0315\\u0345", c + "\\u0301"];
  if (texts.every((text, i) => text.normalize(form) === results[i])) continue;
  unknown.add(cp);
  // What it is composed of is as new as the character itself.
  if ([...c.normalize("NFD")].length > 1) unknown.add(c.normalize("NFD").codePointAt(0));
}
console.log(JSON.stringify([...unknown]));
"""


def unknown_to_forms():
    theirs = {}
    for form in FORMS:
        normalize = getattr(normalizers, form)().normalize_str
        theirs[form] = [
            [cp, normalize(c), normalize("a\u0334\u0345%s\u0334\u0315\u0345" % c), normalize(c + "\u0301")]
            for cp, c in ((cp, chr(cp)) for cp in CODE_POINTS)
        ]
    answer = subprocess.run(["node", "-e", COMPARE_FORMS], input=json.dumps(theirs), capture_output=True, check=True, text=True)
    return set(json.loads(answer.stdout))


def constant(name, comment, text):
    body = ",\n".join("  " + line for line in lines_of(text))
    return "/** %s */\nexport const %s: string = [\n%s,\n].join(\"\");\n" % (comment, name, body)


def main():
    names = general_categories()
    unassigned = {cp for cp, name in names.items() if name == "Cn"}
    script_numbers = scripts()
    assert max(script_numbers.values()) < 36 * 36
    strip = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    clean = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    sets = {
        "WORD": ("`\\w` of the Whitespace pre-tokenizer and of whole-word added tokens.", cut(pre_tokenizers.Whitespace(), 1)),
        "ONIGURUMA_WORD": ("`\\w` of Oniguruma.", matching(r"\w")),
        "NUMERIC": ("What Digits takes for a digit.", cut(pre_tokenizers.Digits(True), 3)),
        "PUNCTUATION": ("What Punctuation and BertPreTokenizer take for punctuation.", cut(pre_tokenizers.Punctuation(), 3)),
        "COMBINING_MARK": ("What StripAccents removes.", normalized_to(normalizers.StripAccents(), "")),
        "NONSPACING_MARK": ("What BertNormalizer removes as an accent.", normalized_to(strip, "")),
        "CONTROL": ("What BertNormalizer removes as control characters.", normalized_to(clean, "")),
        "UNKNOWN_TO_FORMS": (
            "Characters that the normal forms take for letters without decomposition, because they are newer.",
            unknown_to_forms(),
        ),
    }
    parts = [
        "// Generated by test/parity/make-character-tables.py from tokenizers 0.23.3; do not edit. All numbers are in base 36.\n",
        "/** Names of the letters A to Z, !, # and $ in GENERAL_CATEGORIES. */\nexport const CATEGORY_NAMES: readonly string[] =\n  \"%s\".split(\" \");\n"
        % " ".join(CATEGORIES),
        constant("GENERAL_CATEGORIES", "Of every code point: a letter and a length in turn.", run_lengths(names, dict(zip(CATEGORIES, LETTERS)))),
        constant(
            "SCRIPTS",
            "Of every code point: two digits of the script's number and a length, in turn, with a space between; 00: any script.",
            " ".join(
                run
                for run in run_lengths(script_numbers, {n: ";%s" % base36(n).rjust(2, "0") for n in range(36 * 36)}).split(";")[1:]
            ),
        ),
        "/** First, length, difference. */\nexport const NEW_LOWER_CASE: readonly (readonly [number, number, number])[] = [\n%s];\n"
        % "".join("  [%d, %d, %d],\n" % tuple(row) for row in lower_case(unassigned)),
    ]
    for name, (comment, members) in sets.items():
        parts.append(constant(name, comment + " Gap to the range before and length, in turn.", ranges(members)))
    path = pathlib.Path(__file__).parents[2] / "src/tokenizers/hugging-face/character-tables.ts"
    path.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
