#!/usr/bin/env python3
"""Reads a folder of shards with pyarrow and compares every row with what the official sentencepiece gives for the documents.

    python test/parity/read-sentence-piece-shards.py SHARDS MODEL DOCUMENTS.jsonl

Documents have distinct ids in the field "id". Prints how many rows were compared; ends with 1 where one differs.
"""

import json
import pathlib
import sys

import pyarrow as pa
import sentencepiece


def main() -> None:
    folder, model, documents = map(pathlib.Path, sys.argv[1:])
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    with documents.open() as file:
        texts = {row["id"]: row["text"] for row in map(json.loads, file)}
    different = 0
    compared = 0
    for entry in json.loads((folder / "manifest.json").read_text())["shards"]:
        reader = pa.ipc.open_file(pa.memory_map(str(folder / entry["file"])))
        for index in range(reader.num_record_batches):
            for row in reader.get_batch(index).to_pylist():
                compared += 1
                if row["tokens"] != [*processor.encode(texts[row["doc_id"]]), processor.eos_id()]:
                    different += 1
                    print("differs:", row["doc_id"], file=sys.stderr)
    print(json.dumps({"documents": len(texts), "compared": compared, "different": different}))
    sys.exit(1 if different > 0 or compared != len(texts) else 0)


if __name__ == "__main__":
    main()
