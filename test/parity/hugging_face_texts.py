"""Texts for make-tokenizer-json-golden.py, by rules that test/parity/tokenizer-json-texts.ts has too."""

from xorshift32 import xorshift32

ALPHABETS = [
    (0x20, 0x7E), (0x20, 0x7E), (0x61, 0x7A), (0x20, 0x20), (0x09, 0x0D), (0x30, 0x39), (0xA0, 0x17F), (0x300, 0x36F),
    (0x370, 0x3FF), (0x400, 0x45F), (0x5D0, 0x5EA), (0x620, 0x64A), (0x660, 0x669), (0x904, 0x939), (0xE01, 0xE3A),
    (0x10A0, 0x10FF), (0x1100, 0x1112), (0x1161, 0x1175), (0x13A0, 0x13EF), (0x1E00, 0x1EFF), (0x2000, 0x206F),
    (0x2460, 0x24FF), (0x2581, 0x2581), (0x3000, 0x303F), (0x3041, 0x30FE), (0x4E00, 0x4FFF), (0xAC00, 0xACFF),
    (0xF900, 0xFAFF), (0xFB00, 0xFB06), (0xFE00, 0xFE0F), (0xFF01, 0xFF9F), (0xFFF0, 0xFFFF), (0x10D40, 0x10DFF),
    (0x1D400, 0x1D7FF), (0x1F1E6, 0x1F1FF), (0x1F300, 0x1F6FF), (0x20000, 0x200FF), (0xE0100, 0xE01EF),
]  # fmt: skip

WORDS = (
    "the The THE of and to in I'm don't you'll We'VE it's naive na\u00efve Stra\u00dfe \u0130stanbul \u03a3\u03a3 caf\u00e9 cafe\u0301 x1y2 2024 1,000.50 "
    "<|endoftext|> <s> </s> [SEP] [MASK] <tool> <Tool> <tool><tool> tooltool tool- ##ing un##able \u2581the \u2581 foo_bar getHTTPResponse "
    "// /* */ == != \u4f60\u597d\u4e16\u754c \u65e5\u672c\u8a9e\u3067\u3059 \uc548\ub155\ud558\uc138\uc694 \u041f\u0440\u0438\u0432\u0435\u0442 \u0645\u0631\u062d\u0628\u0627 \u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 "
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \ufb01ne \u2460\u2461 \u00bd \u0661\u0662\u0663 \ufeffbom soft\u00adhyphen nul\x00nul \ufffd"
).split(" ")

SPACES = [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "", "", "\u00a0", "\u3000", " \n ", "."]


def random_text(draw, most_runs):
    text = ""
    for _ in range(draw(most_runs)):
        if draw(2) == 0:
            text += WORDS[draw(len(WORDS))] + SPACES[draw(len(SPACES))]
            continue
        first, last = ALPHABETS[draw(len(ALPHABETS))]
        for _ in range(1 + draw(4)):
            text += chr(first + draw(last - first + 1))
    return text


def random_texts(seed, count, most_runs=16):
    draw = xorshift32(seed)
    return [random_text(draw, most_runs) for _ in range(count)]


def whitespace_storm():
    draw = xorshift32(7)
    return "".join(SPACES[draw(len(SPACES))] + ("a" if draw(9) == 0 else "") for _ in range(3000))


def script_texts():
    """Words of each alphabet by itself."""
    draw = xorshift32(11)
    texts = []
    for first, last in ALPHABETS:
        words = ["".join(chr(first + draw(last - first + 1)) for _ in range(1 + draw(8))) for _ in range(30)]
        texts.append(" ".join(words))
    return texts


def fixed_texts():
    long = ["a" * 5000, "ab" * 2000, " " * 3000, "\n" * 999, "\u4e16" * 2000, "\u2581" * 500, "1" * 2000, "=" * 999]
    return ["", " ", "\u2581", *WORDS, " ".join(WORDS), "".join(WORDS), *long, whitespace_storm(), *script_texts()]
