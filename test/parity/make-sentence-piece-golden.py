"""Trains the models in test/parity/sentence-piece and writes golden-sentence-piece.json: SHA-256 of the ids that the
official sentencepiece (0.2.3) gives and of what it decodes them to.

    python test/parity/make-sentence-piece-golden.py [folder with further .model files]

Of models in a further folder only the digests are kept.
"""

import hashlib
import json
import pathlib
import sys
import tempfile

import sentencepiece
import sentence_piece_models
import sentence_piece_texts as texts

HERE = pathlib.Path(__file__).parent
NUM_RANDOM = 20_000
LETTERS = 10_000_000


def digest(rows):
    value = hashlib.sha256()
    for row in rows:
        value.update((row + "\n").encode())
    return value.hexdigest()


def golden_of(model, kinds):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    found = {}
    for kind, rows in kinds.items():
        ids = [processor.encode(row) for row in rows]
        found[kind] = digest(",".join(map(str, row)) for row in ids)
        found[f"{kind}, decoded"] = digest(processor.decode(row) if row else "" for row in ids)
    rows = texts.id_rows(processor.get_piece_size())
    found["ids, decoded"] = digest(processor.decode(row) if row else "" for row in rows)
    found["ten million letters"] = digest([",".join(map(str, processor.encode("a" * LETTERS)))])
    return found


def main():
    folder = HERE / "sentence-piece"
    with tempfile.TemporaryDirectory() as scratch:
        for name, model in sentence_piece_models.committed(scratch).items():
            (folder / f"{name}.model").write_bytes(model)
    kinds = {
        "code points": texts.code_points(),
        "scripts": texts.scripts(),
        "random": texts.random_texts(NUM_RANDOM),
        "odd": texts.odd(),
    }
    files = sorted(folder.glob("*.model"))
    for further in sys.argv[1:]:
        files += sorted(pathlib.Path(further).glob("*.model"))
    golden = {file.stem: golden_of(file.read_bytes(), kinds) for file in files}
    (HERE / "golden-sentence-piece.json").write_text(json.dumps(golden, indent=2) + "\n")


if __name__ == "__main__":
    main()
