"""What make-character-tables.py and make-property-tables.py share: sets of code points as Hugging Face tokenizers' regular
expressions know them, and as the tables of src/tokenizers/hugging-face write them."""

from tokenizers import Regex, normalizers

BLOCK = 2048
LINE = 112
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def matching(pattern, code_points):
    """Those of the code points that a regular expression of one character matches."""
    without = normalizers.Replace(Regex(pattern), "")
    found = set()
    for begin in range(0, len(code_points), BLOCK):
        block = code_points[begin : begin + BLOCK]
        kept = set(without.normalize_str("".join(map(chr, block))))
        found.update(cp for cp in block if chr(cp) not in kept)
    return found


def base36(value):
    text = DIGITS[value % 36]
    while value := value // 36:
        text = DIGITS[value % 36] + text
    return text


def ranges(members):
    """Gap to the range before and length, in turn."""
    runs = []
    for cp in sorted(members):
        if runs and cp == runs[-1][1] + 1:
            runs[-1][1] = cp
        else:
            runs.append([cp, cp])
    numbers, end = [], 0
    for first, last in runs:
        numbers += [base36(first - end), base36(last - first + 1)]
        end = last + 1
    return " ".join(numbers)


def lines_of(text):
    """A text as strings of one line each."""
    return ['"%s"' % text[begin : begin + LINE] for begin in range(0, len(text), LINE)]
