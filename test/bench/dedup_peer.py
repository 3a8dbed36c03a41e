# datasketch on the same JSONL, for `npm run bench`: word 5-grams, 128 permutations, MinHash LSH at threshold 0.7, in one
# process, without verification. Prints one JSON line.
import json
import os
import re
import sys
import time

from datasketch import MinHash, MinHashLSH

path = sys.argv[1]
words_of = re.compile(r"[^\W_]+").findall
start = time.perf_counter()
lsh = MinHashLSH(threshold=0.7, num_perm=128)
removed = 0
with open(path, encoding="utf-8") as lines:
    for line in lines:
        record = json.loads(line)
        words = words_of(record["text"].lower())
        signature = MinHash(num_perm=128)
        signature.update_batch([" ".join(words[i : i + 5]).encode() for i in range(max(1, len(words) - 4))])
        if lsh.query(signature):
            removed += 1
        else:
            lsh.insert(record["id"], signature)
seconds = time.perf_counter() - start
print(json.dumps({"megabytes_per_second": os.path.getsize(path) / 1e6 / seconds, "removed": removed}))
