# One peer's dedup from JSONL to JSONL, for `npm run bench -- dedup`: reads INPUT, writes OUT/kept.jsonl (the lines as they
# were, where the peer leaves that to its caller) and OUT/kept-ids.txt. The first of several alike stays, unless the peer
# itself decides. Threshold 0.7. Usage: removal.py PEER INPUT OUT [PROCESSES]; `removal.py --list` prints the peers that are here.
import json
import os
import sys
from itertools import islice
from multiprocessing import Pool

import datatrove_pipeline
import text_dedup_run
from installed import HERE, function_of
from shingling import shingles_of, words_of

THRESHOLD = 0.7
LINES_A_BATCH = 256


def batches(path):
    with open(path, encoding="utf-8") as file:
        while lines := list(islice(file, LINES_A_BATCH)):
            yield lines


def tokens_of(lines):
    return [shingles_of(words_of(json.loads(line)["text"])) for line in lines]


def streamed(path, out, processes, sign, is_new):
    """`sign(lines)` in a pool gives one signature a line; `is_new(number, signature)` is asked in the order of the input."""
    number = 0
    os.makedirs(out)
    with Pool(processes) as pool, open(f"{out}/kept.jsonl", "w", encoding="utf-8") as kept:
        source, again = batches(path), batches(path)
        for signatures, lines in zip(pool.imap(sign, source), again):
            for signature, line in zip(signatures, lines):
                if is_new(number, signature):
                    kept.write(line)
                number += 1
    write_ids(out, f"{out}/kept.jsonl")


def write_ids(out, kept_path):
    with open(kept_path, encoding="utf-8") as kept, open(f"{out}/kept-ids.txt", "w", encoding="utf-8") as ids:
        ids.writelines(json.loads(line)["id"] + "\n" for line in kept)


# --- datasketch ---------------------------------------------------------------------------------------------------------


def datasketch_sign(lines, num_perm=128):
    from datasketch import LeanMinHash, MinHash

    signatures = []
    for tokens in tokens_of(lines):
        signature = MinHash(num_perm=num_perm)
        signature.update_batch([token.encode() for token in tokens])
        signatures.append(LeanMinHash(signature))
    return signatures


def datasketch_sign_150(lines):
    return datasketch_sign(lines, 150)


def datasketch(path, out, processes):
    """As its documentation shows: MinHashLSH(threshold=0.7, num_perm=128) chooses 14 bands of 9; no check of candidates."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)

    def is_new(number, signature):
        if index.query(signature):
            return False
        index.insert(number, signature)
        return True

    streamed(path, out, processes, datasketch_sign, is_new)


def datasketch_tuned(path, out, processes):
    """30 bands of 5 as Millrace, and candidates confirmed by the estimated similarity, as its author advises."""
    from datasketch import MinHashLSH

    index = MinHashLSH(num_perm=150, params=(30, 5))
    kept = {}

    def is_new(number, signature):
        if any(signature.jaccard(kept[candidate]) > THRESHOLD for candidate in index.query(signature)):
            return False
        index.insert(number, signature)
        kept[number] = signature
        return True

    streamed(path, out, processes, datasketch_sign_150, is_new)


# --- rensa --------------------------------------------------------------------------------------------------------------


def rensa(path, out, processes):
    """Its README's way to keep unique documents: RMinHashDeduplicator with LSH, 128 permutations, its own bands."""
    from rensa import RMinHashDeduplicator

    index = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=128, use_lsh=True)
    streamed(path, out, processes, tokens_of, lambda number, tokens: index.add_pairs([(str(number), tokens)])[0])


def rensa_c(path, out, processes):
    from rensa import CMinHashDeduplicator

    index = CMinHashDeduplicator(threshold=THRESHOLD, num_perm=128)
    streamed(path, out, processes, tokens_of, lambda number, tokens: index.add_pairs([(str(number), tokens)])[0])


def rensa_rho(path, out, processes):
    """The pipeline of its published speed: sampled tokens, 128 slots in 8 bands."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(THRESHOLD, 128, 8)

    def is_new(number, tokens):
        row = RMinHash.digest_matrix_from_token_sets_rho([tokens], 128, 42)
        if index.query_duplicate_flags_matrix_one_shot(row)[0]:
            return False
        index.insert_matrix(row, number)
        return True

    streamed(path, out, processes, tokens_of, is_new)


# --- gaoya, FastSketchLSH -----------------------------------------------------------------------------------------------


def first_of_each(path, out, similar):
    """`similar(number)`: numbers of documents like it. Those with a kept one before them go."""
    os.makedirs(out)
    kept = set()
    with open(path, encoding="utf-8") as source, open(f"{out}/kept.jsonl", "w", encoding="utf-8") as target:
        for number, line in enumerate(source):
            if not any(other < number and other in kept for other in similar(number)):
                kept.add(number)
                target.write(line)
    write_ids(out, f"{out}/kept.jsonl")


def gaoya(path, out, _processes):
    """All in its own threads: its own words (split at spaces, lower-cased), 5-grams, 20 bands of 5 and its estimate > 0.7."""
    from gaoya.minhash import MinHashStringIndex

    with open(path, encoding="utf-8") as source:
        texts = [json.loads(line)["text"] for line in source]
    index = MinHashStringIndex(jaccard_threshold=THRESHOLD, analyzer="word", lowercase=True, ngram_range=(5, 5))
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    found = index.par_bulk_query(texts)
    first_of_each(path, out, lambda number: found[number])


def fastsketch(path, out, processes):
    """As its README shows: sketches of 128 in 16 bands, no check of candidates."""
    import numpy as np
    from FastSketchLSH import LSH, FastSimilaritySketch

    sketcher = FastSimilaritySketch(size=128, seed=42)
    with Pool(processes) as pool:
        sketches = np.concatenate([sketcher.batch(tokens) for tokens in pool.imap(tokens_of, batches(path))])
    index = LSH(num_perm=128, num_bands=16)
    index.insert(sketches)
    flat, starts = index.query(sketches, format="csr")
    first_of_each(path, out, lambda number: flat[starts[number] : starts[number + 1]].tolist())


# --- pipelines ----------------------------------------------------------------------------------------------------------


def datatrove(path, out, processes):
    datatrove_pipeline.dedup(path, out, processes, tuned=False)
    write_ids(out, f"{out}/kept.jsonl")


def datatrove_tuned(path, out, processes):
    datatrove_pipeline.dedup(path, out, processes, tuned=True)
    write_ids(out, f"{out}/kept.jsonl")


def text_dedup(path, out, processes):
    text_dedup_run.dedup(path, out, processes, THRESHOLD)
    write_ids(out, f"{out}/kept.jsonl")


if __name__ == "__main__":
    if sys.argv[1] == "--list":
        print(json.dumps(HERE))
    else:
        peer, source, target = sys.argv[1:4]
        function_of(peer, globals())(source, target, int(sys.argv[4]) if len(sys.argv) > 4 else 1)
