"""Compares SentencePiece models of 34 kinds, trained anew, with the official library on much more text than the tests:

    python test/parity/check-sentence-piece.py [--random N] [--text FILE ...] [--models FOLDER ...]

Texts: N random Unicode strings (default 1,000,000), words of forty scripts, the odd ones, and each FILE whole and by lines;
.ndjson and .jsonl by lines too. Ids by `node test/parity/encode-sentence-piece.mjs`, so build first. Ends with 1 where any
differ.
"""

import argparse
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy
import sentence_piece_models
import sentence_piece_texts as texts
import sentencepiece

ENCODER = pathlib.Path(__file__).with_name("encode-sentence-piece.mjs")
AT_ONCE = 100_000


def ids_of(model_file, rows, scratch):
    source, target = scratch / "texts", scratch / "ids"
    source.write_bytes(b"".join(struct.pack("<I", len(row)) + row for row in rows))
    subprocess.run(["node", str(ENCODER), str(model_file), str(source), str(target)], check=True)
    values, at, found = numpy.fromfile(target, dtype="<i4"), 0, []
    while at < len(values):
        end = at + 1 + values[at]
        found.append(values[at + 1 : end].tolist())
        at = end
    return found


def compare(name, model_file, groups, scratch):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model_file))
    different = 0
    for label, rows in groups.items():
        wrong = 0
        for begin in range(0, len(rows), AT_ONCE):
            part = rows[begin : begin + AT_ONCE]
            ours = ids_of(model_file, part, scratch)
            wrong += sum(ours[i] != processor.encode(row) for i, row in enumerate(part))
        print(f"{name}, {label}: {wrong} of {len(rows)} differ", flush=True)
        different += wrong
    return different


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--random", type=int, default=1_000_000)
    parser.add_argument("--text", nargs="*", default=[], type=pathlib.Path)
    parser.add_argument("--models", nargs="*", default=[], type=pathlib.Path)
    options = parser.parse_args()
    files = [path.read_bytes() for path in options.text]
    groups = {
        "random": [text.encode() for text in texts.random_texts(options.random)],
        "scripts": [text.encode() for text in texts.scripts()],
        "odd": [text.encode() for text in texts.odd()],
        "files": files,
        "lines": [line for data in files for line in data.splitlines(keepends=True)],
    }
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        models = {}
        for make in (sentence_piece_models.committed, sentence_piece_models.larger):
            for name, model in make(folder).items():
                models[name] = scratch / f"{name}.model"
                models[name].write_bytes(model)
        models |= {path.stem: path for further in options.models for path in sorted(further.glob("*.model"))}
        different = sum(compare(name, path, groups, scratch) for name, path in models.items())
    sys.exit(1 if different > 0 else 0)


if __name__ == "__main__":
    main()
