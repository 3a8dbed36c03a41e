#!/usr/bin/env python3
"""Reads a folder of shards with pyarrow alone, as docs/formats/shard.md says, and prints one JSON object: the columns'
types, counts, and a SHA-256 over ids, sources and tokens of each split. test/parity/shard.test.ts compares."""

import hashlib
import json
import pathlib
import sys

import pyarrow as pa


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    manifest = json.loads((folder / "manifest.json").read_text())
    splits = {}
    for split in ("train", "heldout"):
        digest, documents, tokens, types = hashlib.sha256(), 0, 0, set()
        for entry in manifest["shards"]:
            if entry["split"] != split:
                continue
            reader = pa.ipc.open_file(pa.memory_map(str(folder / entry["file"])))
            types.add(str(reader.schema.remove_metadata()))
            for index in range(reader.num_record_batches):
                batch = reader.get_batch(index)
                batch.validate(full=True)
                for row in batch.to_pylist():
                    digest.update(json.dumps([row["doc_id"], row["source"], row["tokens"]], separators=(",", ":")).encode())
                    documents += 1
                    tokens += len(row["tokens"])
        splits[split] = {"documents": documents, "tokens": tokens, "digest": digest.hexdigest(), "types": sorted(types)}
    print(json.dumps(splits))


if __name__ == "__main__":
    main()
