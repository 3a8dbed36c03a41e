"""Texts for SentencePiece, by rules that sentence-piece.test.ts has too."""

from xorshift32 import xorshift32

# First and last code point of letters of forty scripts.
SCRIPTS = [
    (0x41, 0x7A), (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x531, 0x556), (0x5D0, 0x5EA), (0x620, 0x64A),
    (0x710, 0x72F), (0x780, 0x7A5), (0x7CA, 0x7EA), (0x904, 0x939), (0x985, 0x9B9), (0xA05, 0xA39), (0xA85, 0xAB9),
    (0xB05, 0xB39), (0xB85, 0xBB9), (0xC05, 0xC39), (0xC85, 0xCB9), (0xD05, 0xD39), (0xD85, 0xDC6), (0xE01, 0xE30),
    (0xE81, 0xEAE), (0xF40, 0xF6C), (0x1000, 0x102A), (0x10D0, 0x10FA), (0x1200, 0x1248), (0x13A0, 0x13F4),
    (0x1401, 0x1550), (0x16A0, 0x16EA), (0x1780, 0x17B3), (0x1820, 0x1878), (0x1E00, 0x1EFF), (0x2C00, 0x2C5E),
    (0x3041, 0x3096), (0x30A1, 0x30FA), (0x4E00, 0x9FBF), (0xA000, 0xA48C), (0xAC00, 0xD7A3), (0xFF01, 0xFFDC),
    (0x10330, 0x1034A),
]  # fmt: skip
SEED = 2463534242
LIMITS = [0x80, 0x3100, 0x110000, 0x7B]
SPECIAL = [0x20, 0x20, 0x2581, 0x3000, 0xA0, 0x301, 0x3099, 0x300, 0x200B, 0xFFFD, 0x0A, 0x0D]


def code_points():
    chars = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    return ["a%s %s" % ("".join(chars[i : i + 32]), " ".join(chars[i : i + 32])) for i in range(0, len(chars), 32)]


def scripts():
    draw, rows = xorshift32(SEED), []
    for low, high in SCRIPTS:
        for _ in range(50):
            words = ("".join(chr(low + draw(high - low + 1)) for _ in range(1 + draw(9))) for _ in range(1 + draw(12)))
            rows.append(" ".join(words))
    return rows


def random_texts(count):
    draw, rows = xorshift32(SEED), []
    for _ in range(count):
        text = ""
        for _ in range(draw(40)):
            limit = LIMITS[draw(4)]
            code = SPECIAL[draw(12)] if draw(4) == 0 else draw(limit)
            text += chr(code - 0x800 if 0xD800 <= code < 0xE000 else code)
        rows.append(text)
    return rows


def odd():
    return [
        "", " ", "  ", "\u2581", " \u2581 ", "a", " a ", "a  b", "\t\n", "\x00", "a\x00b", "<s>", "</s> <unk><pad>", "<0x41>",
        "<sep>New York<sep>", "eeaeea", "the of the end", "\u3042\u3044\u3046", "caf\u00e9 cafe\u0301", "\uff21\uff22\uff23",
        "\u30ab\u3099", "\ufeffx", "\ufffd", "x" * 500, "ab" * 300, " " * 300, "a b" * 300, "\U0001f600" * 50, "\u2581" * 99,
    ]  # fmt: skip


def id_rows(vocab_size):
    """Ids that no text gives: bytes that are no characters, control symbols in between, spaces at the beginning."""
    draw = xorshift32(SEED)
    return [[draw(vocab_size if draw(3) > 0 else min(300, vocab_size)) for _ in range(draw(12))] for _ in range(3000)]
