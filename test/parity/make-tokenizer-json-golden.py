"""Writes golden-tokenizer-json.json: small tokenizers of every component and option and of the shapes of well-known models,
with SHA-256 of the ids that Hugging Face tokenizers gives.

    python test/parity/make-tokenizer-json-golden.py
    python test/parity/make-tokenizer-json-golden.py --add               only those that it has not yet
    python test/parity/make-tokenizer-json-golden.py --ids NAME          all ids of one tokenizer, for looking at

Vocabularies are learned here from generated text. Texts are made by hugging_face_texts.py; tokenizer-json.test.ts makes the same.
"""

import base64
import hashlib
import json
import pathlib
import struct
import sys

from hugging_face_texts import fixed_texts, random_texts
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

NUM_RANDOM = 3000
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + CONTRACTIONS + "?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + CONTRACTIONS + "?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)  # fmt: skip
TEKKEN = O200K.replace(CONTRACTIONS + "?", "").replace("{1,3}", "")
LETTERS = "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0400-\u0481\u1e00-\u1fff"
MARKS = "!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002"
DEEPSEEK = ["[\r\n]", r"\s?[%s]+" % LETTERS, r"\s?[%s]+" % MARKS, r"\s+$", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"]
BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
ADDED = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)


def step(type, **fields):
    return {"type": type, **fields}


def sequence(field, *steps):
    return {"type": "Sequence", field: list(steps)}


def byte_level(prefix=False, regex=True):
    return step("ByteLevel", add_prefix_space=prefix, trim_offsets=True, use_regex=regex)


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return step("Split", pattern={kind: pattern}, behavior=behavior, invert=invert)


def metaspace(scheme="always", split=True):
    return step("Metaspace", replacement="\u2581", prepend_scheme=scheme, split=split)


def replace(pattern, content, kind="String"):
    return step("Replace", pattern={kind: pattern}, content=content)


def bert(lowercase=True, strip_accents=None, chinese=True, clean=True):
    return step("BertNormalizer", clean_text=clean, handle_chinese_chars=chinese, strip_accents=strip_accents, lowercase=lowercase)


def learned(model, trainer, normalizer=None, pre_tokenizer=None):
    tokenizer = Tokenizer(model)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(random_texts(1, 4000) + ["the theater of the other there " * 3] * 50, trainer)
    return json.loads(tokenizer.to_str())["model"]


def small_models():
    """The fewest vocabularies that can tell all configurations apart."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe = lambda **fields: trainers.BpeTrainer(show_progress=False, **fields)
    byte = learned(
        models.BPE(), bpe(vocab_size=560, initial_alphabet=alphabet, special_tokens=["<|endoftext|>"]), None, pre_tokenizers.ByteLevel(False)
    )
    fallback = ["<unk>", "<s>", "</s>", *("<0x%02X>" % byte for byte in range(256))]
    spaced = normalizers.Replace(" ", "\u2581")
    llama = learned(
        models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True),
        bpe(vocab_size=700, special_tokens=fallback, limit_alphabet=120, initial_alphabet=["\u2581"]),
        spaced,
        pre_tokenizers.Split("\u2581", "merged_with_next"),
    )
    words = pre_tokenizers.Whitespace()
    clip = learned(
        models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"),
        bpe(vocab_size=420, end_of_word_suffix="</w>", special_tokens=["<unk>", "</s>"], limit_alphabet=90),
        normalizers.Lowercase(),
        words,
    )
    prefixed = learned(
        models.BPE(unk_token="<unk>", continuing_subword_prefix="##"),
        bpe(vocab_size=420, continuing_subword_prefix="##", special_tokens=["<unk>", "</s>"], limit_alphabet=90),
        None,
        words,
    )
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    piece = learned(
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=700, special_tokens=specials, limit_alphabet=200, show_progress=False),
        None,
        pre_tokenizers.BertPreTokenizer(),
    )
    return {"byte": byte, "llama": llama, "clip": clip, "prefixed": prefixed, "piece": piece}


def double_array(entries):
    """A character map: the double array of SentencePiece for these keys, place by place, and the replacements."""
    blob, children, values = b"", {}, {}
    for key, value in entries.items():
        values[key.encode()] = len(blob)
        blob += value.encode() + b"\0"
    prefixes = {key[:i] for key in values for i in range(len(key) + 1)}
    for prefix in prefixes:
        children[prefix] = sorted({key[len(prefix)] for key in prefixes if len(key) > len(prefix) and key[: len(prefix)] == prefix})
    units, used = [0] * 65536, {0}

    def place(prefix, node):
        labels = ([0] if prefix in values else []) + children[prefix]
        base = next(b for b in range(1, 60000) if all((b ^ label) not in used for label in labels) and (node ^ b) < 1 << 21)
        used.update(base ^ label for label in labels)
        units[node] |= (node ^ base) << 10 | (256 if prefix in values else 0)
        if prefix in values:
            units[base] = values[prefix] | 1 << 31
        for label in children[prefix]:
            units[base ^ label] |= label
            place(prefix + bytes([label]), base ^ label)

    place(b"", 0)
    length = (max(used) | 255) + 1
    trie = struct.pack("<%dI" % length, *units[:length])
    return base64.b64encode(struct.pack("<I", len(trie)) + trie + blob).decode()


def added(*tokens, first=5000):
    return [{"id": first + i, "content": content, **ADDED, **fields} for i, (content, fields) in enumerate(tokens)]


def configurations():
    """Name, model and what differs from {} in the file."""
    nfc, lower = step("NFC"), step("Lowercase")
    yield "gpt2", "byte", dict(pre_tokenizer=byte_level(), decoder=byte_level())
    yield "roberta", "byte", dict(pre_tokenizer=byte_level(prefix=True), decoder=byte_level())
    yield "llama3", "byte+ignore", dict(pre_tokenizer=sequence("pretokenizers", split(LLAMA3), byte_level(regex=False)), decoder=byte_level())
    yield "qwen2", "byte", dict(
        normalizer=nfc,
        pre_tokenizer=sequence("pretokenizers", split(QWEN2), byte_level(regex=False)),
        added=added(("<|im_end|>", dict(special=True)), ("<tool>", {})),
        decoder=byte_level(),
    )
    yield "qwen2 without tools", "byte", dict(normalizer=nfc, pre_tokenizer=sequence("pretokenizers", split(QWEN2), byte_level(regex=False)))
    yield "o200k", "byte+ignore", dict(pre_tokenizer=sequence("pretokenizers", split(O200K, "Removed", True), byte_level(regex=False)))
    yield "tekken", "byte+ignore", dict(pre_tokenizer=sequence("pretokenizers", split(TEKKEN), byte_level(regex=False)), decoder=byte_level())
    yield "starcoder", "byte", dict(pre_tokenizer=sequence("pretokenizers", step("Digits", individual_digits=True), byte_level()))
    yield "gpt-neox", "byte", dict(
        normalizer=nfc, pre_tokenizer=byte_level(), added=added(*((" " * n, dict(normalized=True)) for n in range(2, 12)))
    )
    yield "falcon", "byte", dict(
        pre_tokenizer=sequence(
            "pretokenizers", step("Punctuation", behavior="Contiguous"), byte_level(), step("Digits", individual_digits=False), split("[0-9][0-9][0-9]")
        )
    )
    yield "deepseek", "byte", dict(
        normalizer=sequence("normalizers"),
        pre_tokenizer=sequence(
            "pretokenizers", *(split(pattern) for pattern in DEEPSEEK), step("Digits", individual_digits=True), byte_level(regex=False)
        ),
    )
    yield "llama2", "llama", dict(
        normalizer=sequence("normalizers", step("Prepend", prepend="\u2581"), replace(" ", "\u2581")),
        decoder=sequence("decoders", replace("\u2581", " "), step("ByteFallback"), step("Fuse"), step("Strip", content=" ", start=1, stop=0)),
    )
    yield "mistral", "llama", dict(
        pre_tokenizer=metaspace("first", False),
        added=added(("[INST]", dict(special=True)), ("<tool>", {})),
        decoder=sequence("decoders", replace("\u2581", " "), step("ByteFallback"), step("Fuse")),
    )
    yield "gemma", "llama", dict(
        normalizer=replace(" ", "\u2581"),
        pre_tokenizer=split(" ", "MergedWithPrevious", kind="String"),
        added=added(("\n\n", {}), ("\n\n\n", {}), ("\u2581\u2581", {}), ("<tool>", {})),
    )
    yield "clip", "clip", dict(
        normalizer=sequence("normalizers", nfc, replace(r"\s+", " ", "Regex"), lower),
        pre_tokenizer=split(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", "Removed", True),
        decoder=step("BPEDecoder", suffix="</w>"),
    )
    yield "openai-gpt", "clip", dict(normalizer=bert(), pre_tokenizer=step("BertPreTokenizer"), decoder=step("BPEDecoder", suffix="</w>"))
    yield "prefixed", "prefixed", dict(pre_tokenizer=step("Whitespace"))
    yield "prefixed, fused", "prefixed+fuse", dict(pre_tokenizer=step("WhitespaceSplit"))
    yield "no unknown token", "clip+nounk", dict(pre_tokenizer=step("WhitespaceSplit"))
    yield "holes in byte fallback", "llama+holes", dict(normalizer=replace(" ", "\u2581"))
    yield "holes in byte fallback, unfused", "llama+holes+unfused", dict(normalizer=replace(" ", "\u2581"))
    yield "merges as text", "byte+legacy", dict(pre_tokenizer=byte_level())
    yield "byte level, normalizer", "byte", dict(normalizer=step("ByteLevel"), pre_tokenizer=split("\u0120", "MergedWithNext", kind="String"))
    yield "byte level, no pre-tokenizer", "byte", dict(pre_tokenizer=byte_level(prefix=True, regex=False))
    yield "byte level in the middle", "byte", dict(pre_tokenizer=sequence("pretokenizers", step("WhitespaceSplit"), byte_level(prefix=True), step("FixedLength", length=3)))
    wordpiece = step("WordPiece", prefix="##", cleanup=True)
    for name, options in {
        "uncased": {},
        "cased": dict(lowercase=False),
        "multilingual": dict(lowercase=False, strip_accents=False),
        "accents kept": dict(strip_accents=False),
        "accents stripped": dict(lowercase=False, strip_accents=True),
        "ideographs together": dict(chinese=False),
        "not cleaned": dict(clean=False),
    }.items():
        yield "bert %s" % name, "piece", dict(normalizer=bert(**options), pre_tokenizer=step("BertPreTokenizer"), decoder=wordpiece)
    yield "bert, tools", "piece", dict(
        normalizer=bert(), pre_tokenizer=step("BertPreTokenizer"), added=added(("<tool>", dict(normalized=True)), ("<TOOL>", {}))
    )
    yield "bert, raw tools", "piece", dict(normalizer=bert(), pre_tokenizer=step("BertPreTokenizer"), added=added(("<tool>", {})))
    yield "bert without normalizer", "piece", dict(pre_tokenizer=step("BertPreTokenizer"))
    yield "bert, other model", "piece+short", dict(normalizer=bert(), pre_tokenizer=step("BertPreTokenizer"))
    yield "word piece, other words", "piece", dict(
        normalizer=sequence("normalizers", step("NFKC"), lower), pre_tokenizer=step("Whitespace"), decoder=step("WordPiece", prefix="##", cleanup=False)
    )
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt"):
        yield name, "llama", dict(normalizer=sequence("normalizers", step(name), replace(" ", "\u2581")))
    yield "NFD, accents stripped", "llama", dict(normalizer=sequence("normalizers", step("NFD"), step("StripAccents"), lower))
    for left in (True, False):
        for right in (True, False):
            yield "strip %s %s" % (left, right), "llama", dict(
                normalizer=step("Strip", strip_left=left, strip_right=right), pre_tokenizer=metaspace("first")
            )
    yield "replace", "llama", dict(
        normalizer=sequence("normalizers", replace(r"\s*", "\u2581", "Regex"), replace("", "", "String"), replace("$", "x"), replace("(?i)the", "The", "Regex"))
    )
    charsmap = {"\ufb01": "fi", "\u00bd": "1/2", "a": "A", "ab": "never", "e\u0301": "\u00e9", "\u3000": " ", "\r\n": "\n", "\u4f60": "", "\U0001f1e9": "D"}
    yield "precompiled", "llama", dict(normalizer=sequence("normalizers", step("Precompiled", precompiled_charsmap=double_array(charsmap)), replace(" ", "\u2581")))
    for scheme in ("always", "first", "never"):
        for splits in (True, False):
            yield "metaspace %s %s" % (scheme, splits), "llama", dict(
                pre_tokenizer=metaspace(scheme, splits), decoder=metaspace(scheme, splits), added=added(("<tool>", {}))
            )
    yield "metaspace, old", "llama", dict(
        pre_tokenizer=sequence(
            "pretokenizers", step("WhitespaceSplit"), step("Metaspace", replacement="\u2581", str_rep="\u2581", add_prefix_space=True)
        )
    )
    yield "metaspace first of many", "llama", dict(
        normalizer=sequence("normalizers", step("NFKD"), replace("t", ""), step("Strip", strip_left=True, strip_right=False), step("Prepend", prepend="x ")),
        pre_tokenizer=sequence("pretokenizers", step("Whitespace"), step("Digits", individual_digits=True), metaspace("first")),
        added=added(("<tool>", dict(lstrip=True)), ("the", dict(single_word=True, normalized=True))),
    )
    for behavior in BEHAVIORS:
        for invert in (False, True):
            yield "split %s %s" % (behavior, invert), "llama", dict(pre_tokenizer=split(r"\s+|\p{P}|t*", behavior, invert))
        yield "punctuation %s" % behavior, "piece", dict(pre_tokenizer=step("Punctuation", behavior=behavior))
        yield "split on text %s" % behavior, "piece", dict(pre_tokenizer=split("t", behavior, kind="String"))
    yield "split on nothing", "piece", dict(pre_tokenizer=split("", "Isolated", kind="String"))
    yield "digits", "llama", dict(pre_tokenizer=step("Digits", individual_digits=False))
    yield "digits apart", "llama", dict(pre_tokenizer=step("Digits", individual_digits=True))
    yield "delimiter", "piece", dict(pre_tokenizer=step("CharDelimiterSplit", delimiter="e"))
    yield "scripts", "llama", dict(pre_tokenizer=step("UnicodeScripts"))
    yield "fixed length", "llama", dict(pre_tokenizer=step("FixedLength", length=4))
    yield "scripts and digits", "llama", dict(
        pre_tokenizer=sequence("pretokenizers", step("UnicodeScripts"), sequence("pretokenizers", step("Digits", individual_digits=True)), metaspace())
    )
    yield "added tokens", "piece", dict(
        normalizer=bert(),
        pre_tokenizer=step("BertPreTokenizer"),
        added=added(
            ("<tool>", dict(lstrip=True)),
            ("<tool><tool>", dict(rstrip=True)),
            ("tool", dict(single_word=True)),
            ("Caf\u00e9", dict(normalized=True)),
            ("the", dict(lstrip=True, rstrip=True, normalized=True, single_word=True)),
            ("<|endoftext|>", dict(special=True)),
            ("text|> ", {}),
            ("\U0001f600", dict(rstrip=True)),
        ),
    )
    expressions = [
        r"(?i)[a-z]+|\d+", r"\w+\b|\W", r"^\s+|\s+$", r"(?<=t)h|(?<!e)r", r"[[:alpha:]]+|[[:punct:]]", r"\h+|\H{2}", r"a++|(?>b+)c|o{2,}?",
        r"[^\x00-\x7f]+", r"\p{Han}+|\p{Hiragana}+|\p{Katakana}|\p{Hangul}+|\p{Cyrillic}+|\p{Greek}+", r"[\p{Lu}&&[^A-M]]|\p{^L}", r"\A.|.\z",
        r"(?<a>l|o)\k<a>", r"(?m:.{3})", r"(?x) a b # comment", r"\P{M}\p{M}*", r"[\s\S]{1,7}", r"\p{Alphabetic}+|\p{Emoji}", r"\R|\p{Sc}|\p{Zs}+",
    ]  # fmt: skip
    for i, expression in enumerate(expressions):
        yield "expression %d" % i, "llama", dict(pre_tokenizer=split(expression))


def variant(all_models, name):
    base, *changes = name.split("+")
    model = json.loads(json.dumps(all_models[base]))
    for change in changes:
        if change == "ignore":
            model["ignore_merges"] = True
        elif change == "fuse":
            model["fuse_unk"] = True
        elif change == "unfused":
            model["fuse_unk"] = False
        elif change == "nounk":
            model["unk_token"] = None
        elif change == "legacy":
            model["merges"] = [" ".join(merge) for merge in model["merges"]]
        elif change == "short":
            model["max_input_chars_per_word"] = 5
        elif change == "holes":
            for byte in range(0x80, 0x100, 3):
                del model["vocab"]["<0x%02X>" % byte]
    return model


def file_of(all_models, model, parts):
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": parts.get("added", []),
        "normalizer": parts.get("normalizer"),
        "pre_tokenizer": parts.get("pre_tokenizer"),
        "post_processor": None,
        "decoder": parts.get("decoder"),
        "model": variant(all_models, model),
    }


def loaded(file):
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.encode_special_tokens = True
    return tokenizer


def ids_of(tokenizer, texts):
    return [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def digest(rows):
    value = hashlib.sha256()
    for ids in rows:
        value.update((",".join(map(str, ids)) + "\n").encode())
    return value.hexdigest()[:16]


def decoded_digest(tokenizer, rows):
    value = hashlib.sha256()
    for ids in rows:
        if ids:
            value.update((tokenizer.decode(ids, skip_special_tokens=False) + "\n").encode("utf-8", "surrogatepass"))
    return value.hexdigest()[:16]


def main():
    path = pathlib.Path(__file__).parent / "golden-tokenizer-json.json"
    all_models = json.loads(path.read_text())["models"] if len(sys.argv) > 1 else small_models()
    if sys.argv[1:2] == ["--ids"]:
        for name, model, parts in configurations():
            if name == sys.argv[2]:
                texts = fixed_texts() + random_texts(5, NUM_RANDOM)
                print(json.dumps({"texts": texts, "ids": ids_of(loaded(file_of(all_models, model, parts)), texts)}))
        return
    fixed, random = fixed_texts(), random_texts(5, NUM_RANDOM)
    had = {row["name"]: row for row in json.loads(path.read_text())["tokenizers"]} if sys.argv[1:2] == ["--add"] else {}
    tokenizers = []
    for name, model, parts in configurations():
        if name in had:
            tokenizers.append(had[name])
            continue
        tokenizer = loaded(file_of(all_models, model, parts))
        try:
            fixed_ids, random_ids = ids_of(tokenizer, fixed), ids_of(tokenizer, random)
        except BaseException as error:
            raise SystemExit("%s: %r" % (name, error)) from error
        row = {"name": name, "model": model, **parts, "fixed": digest(fixed_ids), "random": digest(random_ids)}
        row["decoded"] = decoded_digest(tokenizer, random_ids)
        tokenizers.append(row)
    golden = {"numRandom": NUM_RANDOM, "models": all_models, "tokenizers": tokenizers}
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
