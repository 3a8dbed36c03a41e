"""Other tokenizers for `npm run bench -- tokenize`. One process, one thread, one JSON line:

    python test/bench/tokenize_peer.py tiktoken|tokenizers|gigatoken FILE      GPT-2's vocabulary
    python test/bench/tokenize_peer.py word-piece FILE VOCAB_TXT               BERT's, uncased, in Hugging Face tokenizers

encodes the paragraphs of FILE twice, in blocks of about 4 MB: MB/s of processor time cold (tables are built) and warm, the
number of ids, peak memory in MB.
"""

import json
import os
import resource
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "parity"))
from gpt2_encoding import PACKAGE, gpt2_encoding

BLOCK_CHARACTERS = 4 << 20


def hugging_face():
    from tokenizers import ByteLevelBPETokenizer

    return ByteLevelBPETokenizer(str(PACKAGE / "encoder.json"), str(PACKAGE / "vocab.bpe"))


def encoder(name):
    if name == "tiktoken":
        encoding = gpt2_encoding()
        return lambda texts: [encoding.encode_ordinary(text) for text in texts]
    if name == "tokenizers":
        tokenizer = hugging_face()
        return lambda texts: [tokenizer.encode(text).ids for text in texts]
    if name == "word-piece":
        from tokenizers import BertWordPieceTokenizer

        bert = BertWordPieceTokenizer(sys.argv[3], lowercase=True)
        return lambda texts: [bert.encode(text, add_special_tokens=False).ids for text in texts]
    import gigatoken

    tokenizer = gigatoken.Tokenizer.from_json(hugging_face()._tokenizer.to_str())
    return lambda texts: tokenizer.encode_batch(texts, parallel=False)


def blocks_of(text):
    blocks, size = [[]], 0
    for row in text.split("\n\n"):
        if size >= BLOCK_CHARACTERS:
            blocks.append([])
            size = 0
        blocks[-1].append(row)
        size += len(row)
    return blocks


encode = encoder(sys.argv[1])
with open(sys.argv[2], encoding="utf-8", errors="replace", newline="") as file:
    text = file.read()
size = len(text.encode())
blocks = blocks_of(text)
del text
encode(["0"])
rates, num_ids = [], 0
for _ in range(2):
    seconds, num_ids = 0, 0
    for block in blocks:
        began = time.process_time()
        rows = encode(block)
        seconds += time.process_time() - began
        num_ids += sum(len(ids) for ids in rows)
    rates.append(size / 1e6 / seconds)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
print(json.dumps({"cold": rates[0], "warm": rates[1], "ids": num_ids, "peakMegabytes": peak}))
