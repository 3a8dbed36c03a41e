"""The other side of soak.mjs: ids by the official libraries, asked for through a pipe.

Frames of stdin and stdout: | bytes: u32 | ... |. A request is JSON. {"texts": N} is followed by N frames, the parts, of
| bytes: u32 | text | ..., which are kept in place of those before; it has no answer. {"encode": {"kind": ..., "file": ...},
"part": n} is answered by | tokens of each text: i32 | ids: i32 |.
"""

import array
import json
import os
import struct
import sys

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


def tokenizer_json(file, **_):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(file)
    tokenizer.encode_special_tokens = True
    return lambda texts: [one.ids for one in tokenizer.encode_batch(texts, add_special_tokens=False)]


def vocab_txt(file, lowercase):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    with open(file, encoding="utf-8", newline="\n") as lines:
        vocab = {line.rstrip("\r\n"): i for i, line in enumerate(lines)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return lambda texts: [one.ids for one in tokenizer.encode_batch(texts, add_special_tokens=False)]


def gpt2(**_):
    from gpt2_encoding import gpt2_encoding

    encoding = gpt2_encoding()
    return lambda texts: encoding.encode_ordinary_batch(texts, num_threads=1)


def sentence_piece(file, **_):
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=file)
    return lambda texts: processor.encode(texts, num_threads=1)


KINDS = {"tokenizer.json": tokenizer_json, "vocab.txt": vocab_txt, "gpt2": gpt2, "sentencepiece": sentence_piece}


def frame():
    head = sys.stdin.buffer.read(4)
    return sys.stdin.buffer.read(struct.unpack("<I", head)[0]) if len(head) == 4 else None


def rows(payload):
    at, found = 0, []
    while at < len(payload):
        end = at + 4 + struct.unpack_from("<I", payload, at)[0]
        found.append(payload[at + 4 : end].decode())
        at = end
    return found


def main():
    parts, loaded, name = [], None, None
    while (request := frame()) is not None:
        request = json.loads(request)
        if "texts" in request:
            parts = [rows(frame()) for _ in range(request["texts"])]
            continue
        if name != request["encode"]:
            name = request["encode"]
            loaded = KINDS[name["kind"]](**{key: value for key, value in name.items() if key != "kind"})
        ids = loaded(parts[request["part"]])
        values = array.array("i", [len(row) for row in ids])
        for row in ids:
            values.extend(row)
        answer = values.tobytes()
        sys.stdout.buffer.write(struct.pack("<I", len(answer)) + answer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
