# Which pairs each peer takes for candidates (or duplicates, where it checks an estimate), for `npm run bench -- recall`. Every
# peer gets the same shingles. INPUT has a line a pair: the words of A, a tab, the words of B; words are ASCII codes without
# spaces, so that peers that split texts themselves find the same words. Prints {"peers":{NAME:"0110..."}}, a digit a pair.
# Usage: banding.py INPUT PROCESSES
import json
import sys
import tempfile
from functools import lru_cache
from itertools import islice
from multiprocessing import Pool

from installed import HERE, function_of
from shingling import shingles_of

THRESHOLD = 0.7
PAIRS_A_TASK = 200


def share_a_band(a, b, bands, rows):
    return any(all(a[i] == b[i] for i in range(band * rows, (band + 1) * rows)) for band in range(bands))


# --- datatrove ----------------------------------------------------------------------------------------------------------


@lru_cache(None)
def datatrove_step(buckets, hashes):
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    return MinhashDedupSignature(tempfile.gettempdir(), config=MinhashConfig(num_buckets=buckets, hashes_per_bucket=hashes))


def datatrove(a, b, buckets=14, hashes=8):
    import numpy as np

    step = datatrove_step(buckets, hashes)
    first, second = (
        step.get_signature(np.fromiter(map(step._hash_func, shingles), dtype=np.uint64).reshape((-1, 1)))
        for shingles in (a, b)
    )
    return any(x == y for x, y in zip(first, second))


def datatrove_tuned(a, b):
    return datatrove(a, b, 30, 5)


# --- datasketch ---------------------------------------------------------------------------------------------------------


def datasketch_signature(shingles, num_perm):
    from datasketch import MinHash

    signature = MinHash(num_perm=num_perm)
    signature.update_batch([shingle.encode() for shingle in shingles])
    return signature


@lru_cache(None)
def datasketch_bands():
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    return index.b, index.r


def datasketch(a, b):
    return share_a_band(
        datasketch_signature(a, 128).hashvalues, datasketch_signature(b, 128).hashvalues, *datasketch_bands()
    )


def datasketch_tuned(a, b):
    first, second = datasketch_signature(a, 150), datasketch_signature(b, 150)
    return share_a_band(first.hashvalues, second.hashvalues, 30, 5) and first.jaccard(second) > THRESHOLD


# --- rensa --------------------------------------------------------------------------------------------------------------


def rensa(a, b):
    from rensa import RMinHashDeduplicator

    return not RMinHashDeduplicator(threshold=THRESHOLD, num_perm=128, use_lsh=True).add_pairs([("a", a), ("b", b)])[1]


def rensa_c(a, b):
    from rensa import CMinHashDeduplicator

    return not CMinHashDeduplicator(threshold=THRESHOLD, num_perm=128).add_pairs([("a", a), ("b", b)])[1]


def rensa_rho(a, b):
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(THRESHOLD, 128, 8)
    index.insert_matrix(RMinHash.digest_matrix_from_token_sets_rho([a], 128, 42), 0)
    return index.query_duplicate_flags_matrix_one_shot(RMinHash.digest_matrix_from_token_sets_rho([b], 128, 42))[0]


# --- gaoya, FastSketchLSH, text-dedup -----------------------------------------------------------------------------------


def gaoya(a, b):
    from gaoya.minhash import MinHashStringIndex

    index = MinHashStringIndex(jaccard_threshold=THRESHOLD, analyzer=lambda shingles: shingles)
    index.insert_document(0, a)
    return len(index.query(b)) > 0


def fastsketch(a, b):
    from FastSketchLSH import LSH, FastSimilaritySketch

    sketches = FastSimilaritySketch(size=128, seed=42).batch([a, b], num_threads=1)
    index = LSH(num_perm=128, num_bands=16, num_threads=1)
    index.insert(sketches[:1])
    return len(index.query(sketches[1])) > 0


@lru_cache(None)
def text_dedup_options():
    """As its command sets them up by default for a threshold of 0.7: 250 permutations, 64-bit mode, sha1."""
    import numpy as np
    from text_dedup.minhash import RNG, sha1_hash
    from text_dedup.utils import optimal_param

    prime = np.uint64((1 << 61) - 1)
    bands, rows = optimal_param(THRESHOLD, 250, false_positive_weight=0.5, false_negative_weight=0.5)
    return {
        "num_perm": 250,
        "ngram_size": 5,
        "min_length": 5,
        "hashranges": [(i * rows, (i + 1) * rows) for i in range(bands)],
        "permutations": tuple(RNG.randint(low, prime, size=(250,), dtype=np.uint64) for low in (1, 0)),
        "hash_func": lambda data: sha1_hash(data, d=32),
        "dtype": np.uint64,
        "max_hash": np.uint32((1 << 32) - 1),
        "modulo_prime": prime,
    }


def text_dedup(a, b):
    from text_dedup.minhash import SIGNATURE_COLUMN, embed_func

    first, second = (embed_func(text, 0, **text_dedup_options())[SIGNATURE_COLUMN] for text in (a, b))
    return any(x == y for x, y in zip(first, second))


def judge(lines):
    """A string of digits for each peer."""
    texts = [line.rstrip("\n").split("\t") for line in lines]
    shingles = [(shingles_of(a.split(" ")), shingles_of(b.split(" "))) for a, b in texts]
    return [
        "".join("1" if function_of(name, globals())(a, b) else "0" for a, b in (texts if name == "text-dedup" else shingles))
        for name in HERE
    ]


def tasks(path):
    with open(path, encoding="ascii") as source:
        while lines := list(islice(source, PAIRS_A_TASK)):
            yield lines


if __name__ == "__main__":
    with Pool(int(sys.argv[2])) as pool:
        parts = list(pool.imap(judge, tasks(sys.argv[1])))
    print(json.dumps({"peers": {name: "".join(part[i] for part in parts) for i, name in enumerate(HERE)}}))
