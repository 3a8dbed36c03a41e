# tiktoken's GPT-2 encoding on the same JSONL, for `npm run bench`: ids only, nothing is written. One JSON line.
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "parity"))
from gpt2_encoding import gpt2_encoding

encoding = gpt2_encoding()
path = sys.argv[1]
encoding.encode_ordinary("warm up")
start = time.perf_counter()
tokens = 0
with open(path, encoding="utf-8") as lines:
    for line in lines:
        tokens += len(encoding.encode_ordinary(json.loads(line)["text"]))
seconds = time.perf_counter() - start
print(json.dumps({"megabytes_per_second": os.path.getsize(path) / 1e6 / seconds, "tokens": tokens}))
