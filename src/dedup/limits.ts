// How much one task takes on. These bound memory, never change the result; tests make them small, so that a small corpus
// takes every path of a large one. `maxBucket` alone may change which pairs are looked at: a join finds all it could.

export interface Limits {
  /** Documents whose hashes one task sorts, about. */
  readonly documentsAPart: number;
  /** Candidate pairs of one task, about, counted over all bands. */
  readonly pairsARange: number;
  /** Shingles in memory at a time while pairs are verified; one pair of larger sets is still taken. */
  readonly shinglesABatch: number;
  /** Documents of a bucket that are paired out; the members of larger ones are joined. */
  readonly maxBucket: number;
}

/** 2^21 documents sort in some 50 MB, 2^22 shingles are 32 MiB; all pairs of a bucket of 64 are 2,016. */
export const LIMITS: Limits = { documentsAPart: 2 ** 21, pairsARange: 2 ** 21, shinglesABatch: 2 ** 22, maxBucket: 64 };
