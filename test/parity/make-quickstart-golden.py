#!/usr/bin/env python3
"""Writes golden-quickstart-ids.json: a digest of the ids that tiktoken gives every document of the quickstart corpus.

Run from the repository's root with a Python that has tiktoken, after `npm run quickstart`. Read are the documents that
dedup kept, not the shards. The digest is SHA-256 over the documents in order of their ids (UTF-8 bytes): id, a zero byte,
the ids of the text and of the end of document as int32 little-endian.
"""

import array
import hashlib
import json
import pathlib

from gpt2_encoding import gpt2_encoding

HERE = pathlib.Path(__file__).parent
encoding = gpt2_encoding()
records = [json.loads(line) for line in open("runs/quickstart/dedup/kept.jsonl", encoding="utf-8")]
digest = hashlib.sha256()
tokens = 0
for record in sorted(records, key=lambda record: record["id"].encode()):
    ids = array.array("i", [*encoding.encode_ordinary(record["text"]), 50256])
    digest.update(record["id"].encode() + b"\0" + ids.tobytes())
    tokens += len(ids)
golden = {"documents": len(records), "tokens": tokens, "sha256": digest.hexdigest()}
(HERE / "golden-quickstart-ids.json").write_text(json.dumps(golden, indent=2) + "\n")
