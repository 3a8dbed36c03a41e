// native/addon/candidates.cc: hashes to candidate pairs, the order of documents, exact intersections, the join.

/** An opaque join; garbage collection frees it. */
export type NativeJoin = object & { readonly __join: never };

export interface JoinOptions {
  /** Pairs of sets with a Jaccard similarity above numerator / denominator (below 1) are found. */
  readonly numerator: number;
  readonly denominator: number;
  /**
   * Base-2 logarithms, 0 to 32 and 0 to 28: how many 2-bit counters tell shingles of one set from shared ones, and how many
   * 32-bit counters order these, rare before common. They decide how fast a join is, never what it finds. 0: none.
   */
  readonly seenBits: number;
  readonly counterBits: number;
  /** How much the sets kept in it may take, with their index: joinSets stops before it takes more. One set always fits. */
  readonly capacityBytes: number;
}

export interface JoinedSets {
  /** Rows taken: all, or those before the first that found no room. */
  readonly numTaken: number;
  /** Four a match: row, number of the kept set, size of the intersection, size of the union. Rows ascend, then numbers. */
  readonly matches: Uint32Array;
}

/** See native/include/millrace/candidates.h; sets of shingles are ascending 64-bit hashes, each once. */
export interface NativeCandidates {
  /**
   * Takes rows of `words` 64-bit words whose last word's upper half x falls in the part, floor(x * parts / 2^32) = part, and
   * whose document (firstDocument + row) is not in the bitmap `excluded` (document d: byte d >> 3, bit d & 7; empty:
   * nobody is). They go to outHashes and outDocuments from row `at` on, which must have room for all rows. Returns the row
   * after the last.
   */
  selectPart(
    hashes: BigUint64Array,
    words: 1 | 2,
    part: number,
    parts: number,
    firstDocument: number,
    excluded: Uint8Array,
    outHashes: BigUint64Array,
    outDocuments: Uint32Array,
    at: number,
  ): number;
  /** Groups of two or more rows with equal 128-bit hashes, in the order of their first rows. */
  equalGroups(hashes: BigUint64Array): { members: Uint32Array; offsets: Uint32Array };
  /**
   * Brings the rows whose key another row has too to the front, equal keys together, documents ascending inside a key;
   * returns how many rows these are. What is behind them, and the scratch arrays (as long as the others), is undefined.
   */
  groupKeys(
    keys: BigUint64Array,
    documents: Uint32Array,
    keyScratch: BigUint64Array,
    documentScratch: Uint32Array,
  ): number;
  /**
   * Pairs out the groups of `keys` from row `begin` on into `pairs` (lower document << 32n | higher, in no order) until the
   * next group finds no room; members of groups above maxBucket are in `crowded` instead.
   */
  pairGroups(
    keys: BigUint64Array,
    documents: Uint32Array,
    begin: number,
    maxBucket: number,
    pairs: BigUint64Array,
  ): { next: number; numPairs: number; crowded: Uint32Array };
  /** Sorts in place, one of each value to the front; returns how many. */
  sortUnique(values: BigUint64Array): number;
  /** Rows by orderKey, then by 128-bit content hash (low word first), then by row. */
  orderDocuments(orderKeys: BigUint64Array, contentHashes: BigUint64Array): Uint32Array;
  /** |A and B| of the sets pairs[2 * i] and pairs[2 * i + 1]. */
  intersectSets(hashes: BigUint64Array, offsets: Uint32Array, pairs: Uint32Array): Uint32Array;
  /** The same for pairs above numerator / denominator; 0 for the others, which it leaves as soon as that is certain. */
  intersectAbove(
    hashes: BigUint64Array,
    offsets: Uint32Array,
    pairs: Uint32Array,
    numerator: number,
    denominator: number,
  ): Uint32Array;
  /**
   * The exact join: finds all pairs above a threshold without comparing all pairs. Either counted: countSets with every set
   * that will be joined, each once, in any pieces; then selectSets with every set, each once; then joinSets, without the
   * sets that selectSets refuses. Or uncounted (seenBits 0): joinSets alone.
   */
  createJoin(options: JoinOptions): NativeJoin;
  countSets(join: NativeJoin, hashes: BigUint64Array): void;
  /** 1 for each set that may have a partner above the threshold: the others have too many shingles of their own. */
  selectSets(join: NativeJoin, hashes: BigUint64Array, offsets: Uint32Array): Uint8Array;
  /**
   * Set after set: compares it with the sets in the join and then puts it there under its number (`all`), puts it there when
   * it matched none and barred[row] is 0 (`kept`; an empty array bars nobody), or does not (`none`). Numbers ascend
   * over the life of a join between two calls of clearJoin.
   */
  joinSets(
    join: NativeJoin,
    numbers: Uint32Array,
    hashes: BigUint64Array,
    offsets: Uint32Array,
    put: "all" | "kept" | "none",
    barred: Uint8Array,
  ): JoinedSets;
  /** Takes all sets out; what was counted stays. */
  clearJoin(join: NativeJoin): void;
}
