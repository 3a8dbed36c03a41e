"""Writes golden-word-piece.json: SHA-256 of the ids that Hugging Face tokenizers gives, cased and uncased.

    python test/parity/make-word-piece-golden.py [vocab.txt]

Texts and the small vocabulary are made by the rules below, which word-piece.test.ts has too. With BERT's vocab.txt, its
digests are written besides.
"""

import hashlib
import json
import pathlib
import sys

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

NUM_RANDOM = 20_000


def small_vocabulary():
    """Every character of the first 0x3000 by itself and as a continuation, some pairs, all ideographs of a stretch."""
    chars = [chr(cp) for cp in [*range(0x21, 0x3000), *range(0x4E00, 0x4F00), *range(0x1D165, 0x1D173)]]
    words = ["the", "##ing", "un", "##able", "##aff", "caf", "##e", "str"]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *chars, *["##" + char for char in chars], *words]


def every_code_point():
    return ["a%sb %s" % (chr(cp), chr(cp)) for cp in range(0x110000) if not 0xD800 <= cp < 0xE000]


def random_texts():
    """xorshift32; a third ASCII, a third below U+3000, the others anything, so that marks meet in every order."""
    state, texts = 2463534242, []

    def draw(below):
        nonlocal state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        return state % below

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


def digest(tokenizer, texts):
    value = hashlib.sha256()
    for encoding in tokenizer.encode_batch(texts, add_special_tokens=False):
        value.update((",".join(map(str, encoding.ids)) + "\n").encode())
    return value.hexdigest()


def tokenizer_of(tokens, uncased):
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=uncased)
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
            tokenizer = tokenizer_of(tokens, uncased)
            for kind, rows in texts.items():
                golden["%s %s %s" % (name, "uncased" if uncased else "cased", kind)] = digest(tokenizer, rows)
    path = pathlib.Path(__file__).parent / "golden-word-piece.json"
    path.write_text(json.dumps(golden, indent=2) + "\n")


if __name__ == "__main__":
    main()
