"""Writes golden-word-piece.json: SHA-256 of the ids that Hugging Face tokenizers gives, cased and uncased, and with every
combination of the normalizer's switches.

    python test/parity/make-word-piece-golden.py [vocab.txt]

Texts and the small vocabulary are made by the rules below, which word-piece.test.ts has too. With BERT's vocab.txt, its
digests are written besides. Scripts and the pools of a million short texts are those of golden-gpt2-tokenizer.json.
"""

import hashlib
import itertools
import json
import pathlib
import struct
import sys

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from xorshift32 import xorshift32

HERE = pathlib.Path(__file__).parent
GPT2 = json.loads((HERE / "golden-gpt2-tokenizer.json").read_text())
NUM_RANDOM = 20_000
NUM_SHORT = 1_000_000
NUM_SWITCHED = 2_000


def small_vocabulary():
    """Every character of the first 0x3000 by itself and as a continuation, some pairs, all ideographs of a stretch."""
    chars = [chr(cp) for cp in [*range(0x21, 0x3000), *range(0x4E00, 0x4F00), *range(0x1D165, 0x1D173)]]
    words = ["the", "##ing", "un", "##able", "##aff", "caf", "##e", "str"]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *chars, *["##" + char for char in chars], *words]


def every_code_point():
    return ["a%sb %s" % (chr(cp), chr(cp)) for cp in range(0x110000) if not 0xD800 <= cp < 0xE000]


def random_texts():
    """A third ASCII, a third below U+3000, the others anything, so that marks meet in every order."""
    draw, texts = xorshift32(2463534242), []
    for _ in range(NUM_RANDOM):
        text = ""
        for _ in range(draw(40)):
            limit = (0x80, 0x3000, 0x110000, 0x11)[draw(4)]
            cp = 0x1D165 + draw(14) if limit == 0x11 else draw(limit)
            text += chr(cp if not 0xD800 <= cp < 0xE000 else cp - 0x800)
        texts.append(text)
    return texts


def odd_texts():
    return ["", " ", "x" * 100, "x" * 101, "\U0001d15e" * 100, "Unaffable caf\u00e9 [SEP] ##ing \uac01\uff01", "a\x00\ufffd\u200db"]


def short_texts():
    """Up to five runs of up to three characters of one of ten pools of scripts."""
    draw, pools = xorshift32(GPT2["short"]["seed"]), GPT2["random"]["pools"]
    for _ in range(NUM_SHORT):
        text = ""
        for _ in range(draw(6)):
            pool = pools[draw(len(pools))]
            first, last = pool[draw(len(pool))]
            for _ in range(1 + draw(3)):
                text += chr(first + draw(last - first + 1))
        yield text


def script_texts():
    """400 words of each script's characters."""
    for _, first, last, _ in GPT2["scripts"]:
        draw, text = xorshift32(GPT2["random"]["seed"]), ""
        for _ in range(400):
            for _ in range(1 + draw(12)):
                text += chr(first + draw(last - first + 1))
            text += (" ", " ", ", ", ". ", "\n", " 12 ", "-", "'")[draw(8)]
        yield text


# Characters that tokenizers have gone wrong on, two at a time between letters.
NAUGHTY = [0, 9, 0xD, 0x1B, 0x20, 0x23, 0x5B, 0x7F, 0x85, 0xA0, 0xAD, 0x130, 0x131, 0x149, 0x1C5, 0x301, 0x307, 0x323, 0x345]
NAUGHTY += [0x3A3, 0x3C2, 0x600, 0x61C, 0xE33, 0xF73, 0x1100, 0x1161, 0x11A8, 0x180E, 0x1E9E, 0x1F80, 0x200B, 0x200D, 0x202E]
NAUGHTY += [0x2028, 0x2126, 0x3000, 0x302B, 0x3099, 0x30AB, 0x4E00, 0xAC01, 0xE000, 0xF900, 0xFB1D, 0xFDFA, 0xFEFF, 0xFF21]
NAUGHTY += [0xFFFD, 0xFFFF, 0x10400, 0x1D15E, 0x1D165, 0x1F468, 0x1F3FB, 0x20000, 0x2F800, 0x31350, 0xE0001, 0x10FFFF]


def naughty_texts():
    return ["ab%s%sA b" % (chr(x), chr(y)) for x, y in itertools.product(NAUGHTY, NAUGHTY)]


def digest_of_ids(tokenizer, texts):
    """Over int32 little-endian ids, every text followed by -1."""
    value = hashlib.sha256()
    texts = iter(texts)
    while group := list(itertools.islice(texts, 50_000)):
        for encoding in tokenizer.encode_batch_fast(group, add_special_tokens=False):
            value.update(struct.pack("<%di" % (len(encoding.ids) + 1), *encoding.ids, -1))
    return value.hexdigest()


def digest(tokenizer, texts):
    value = hashlib.sha256()
    for encoding in tokenizer.encode_batch(texts, add_special_tokens=False):
        value.update((",".join(map(str, encoding.ids)) + "\n").encode())
    return value.hexdigest()


def tokenizer_of(tokens, **switches):
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(**switches)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def main():
    vocabularies = {"small": small_vocabulary()}
    if len(sys.argv) > 1:
        vocabularies["bert"] = pathlib.Path(sys.argv[1]).read_text().rstrip("\n").split("\n")
    texts = {"code points": every_code_point(), "random": random_texts(), "odd": odd_texts()}
    golden = {}
    for name, tokens in vocabularies.items():
        for uncased in (True, False):
            tokenizer = tokenizer_of(tokens, lowercase=uncased)
            case = "uncased" if uncased else "cased"
            for kind, rows in texts.items():
                golden["%s %s %s" % (name, case, kind)] = digest(tokenizer, rows)
            golden["%s %s scripts" % (name, case)] = digest_of_ids(tokenizer, script_texts())
            golden["%s %s naughty" % (name, case)] = digest_of_ids(tokenizer, naughty_texts())
            golden["%s %s short" % (name, case)] = digest_of_ids(tokenizer, short_texts())
    names = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    switched = [*texts["random"][:NUM_SWITCHED], *naughty_texts()]
    for values in itertools.product((False, True), repeat=len(names)):
        tokenizer = tokenizer_of(vocabularies["small"], **dict(zip(names, values)))
        golden["switches " + "".join("01"[value] for value in values)] = digest_of_ids(tokenizer, switched)
    (HERE / "golden-word-piece.json").write_text(json.dumps(golden, indent=2) + "\n")


if __name__ == "__main__":
    main()
