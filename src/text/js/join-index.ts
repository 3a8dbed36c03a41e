// An index of shingle sets that finds, for a set, every indexed one that may be above a Jaccard threshold (AllPairs, Bayardo
// et al. 2007; positions as in PPJoin, Xiao et al. 2008).
//
// All sets order their shingles alike, rare before common. Two sets whose overlap is at least o share a shingle among the
// first |A| - o + 1 of A and the first |B| - o + 1 of B, so only these prefixes are indexed and looked up. Postings are kept
// by (shingle, class of set size): a probe looks up a shorter prefix where the indexed sets are larger.
import { leastOverlap, leastOverlapWithAny, type Ratio } from "./jaccard.js";
import type { ShingleCounts } from "./join-counts.js";

const NONE = 0xffffffff;

/** 32 classes of set sizes an octave, exact below 64. */
const CLASS_BITS = 5;

function classOf(size: number): number {
  const shift = Math.max(0, 32 - Math.clz32(size) - (CLASS_BITS + 1));
  return (shift << CLASS_BITS) + (size >>> shift);
}

/** The least size of a class. */
function classFloor(sizeClass: number): number {
  const steps = 1 << CLASS_BITS;
  if (sizeClass < 2 * steps) return sizeClass;
  const shift = Math.floor(sizeClass / steps) - 1;
  return (sizeClass - shift * steps) * 2 ** shift;
}

/** Two keys may fall together: that only finds more. */
function keyOf(low: number, high: number, sizeClass: number): number {
  let x = Math.imul(low ^ Math.imul(sizeClass + 1, 0x9e3779b1), 0x85ebca6b) ^ high;
  x = Math.imul(x ^ (x >>> 16), 0xc2b2ae35);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Counts above this are alike: a count and a position make one exact double. */
const MAX_COUNT = 2 ** 22 - 1;
const POSITIONS = 2 ** 31;

const INITIAL_ROWS = 1024;

/** Three columns of uint32 that grow together. */
class Rows {
  columns: Uint32Array[] = [0, 1, 2].map(() => new Uint32Array(INITIAL_ROWS));
  length = 0;

  add(first: number, second: number, third: number): number {
    if (this.length === this.columns[0]!.length) this.columns = this.columns.map(doubled);
    const [a, b, c] = this.columns;
    a![this.length] = first;
    b![this.length] = second;
    c![this.length] = third;
    this.length += 1;
    return this.length - 1;
  }
}

function doubled(column: Uint32Array): Uint32Array {
  const larger = new Uint32Array(2 * column.length);
  larger.set(column);
  return larger;
}

/** Sets are entries numbered from 0 in the order of insertion. */
export class JoinIndex {
  readonly #counts: ShingleCounts;
  readonly #threshold: Ratio;
  /** Open addressing over a power of two of slots: the key and the last posting, NONE while free. */
  #keys = new Uint32Array(INITIAL_ROWS);
  #heads = new Uint32Array(INITIAL_ROWS).fill(NONE);
  #usedSlots = 0;
  /** Entry, position of the shingle in the entry's order, next posting. */
  readonly #postings = new Rows();
  /** Size, the probe that met it last, its set's number. */
  readonly #entries = new Rows();
  #probe = 0;
  /** Classes met, ascending. */
  readonly #classes: number[] = [];

  constructor(counts: ShingleCounts, threshold: Ratio) {
    this.#counts = counts;
    this.#threshold = threshold;
  }

  get sizeBytes(): number {
    return 4 * (2 * this.#keys.length + 3 * this.#postings.length + 3 * this.#entries.length);
  }

  insert(halves: Uint32Array, number: number): void {
    const size = halves.length / 2;
    const sizeClass = classOf(size);
    if (!this.#classes.includes(sizeClass)) {
      this.#classes.push(sizeClass);
      this.#classes.sort((a, b) => a - b);
    }
    const entry = this.#entries.add(size, 0, number);
    for (const [position, at] of this.#prefix(halves).entries()) {
      const [low, high] = [halves[2 * at]!, halves[2 * at + 1]!];
      if (!this.#counts.isShared(high)) continue;
      if ((this.#usedSlots + 1) * 2 > this.#keys.length) this.#grow();
      const key = keyOf(low, high, sizeClass);
      const slot = this.#slotOf(key);
      if (this.#heads[slot] === NONE) this.#usedSlots += 1;
      this.#keys[slot] = key;
      this.#heads[slot] = this.#postings.add(entry, position, this.#heads[slot]!);
    }
  }

  numberOf(entry: number): number {
    return this.#entries.columns[2]![entry]!;
  }

  /** Entries, ascending: all above the threshold, and possibly others. */
  probe(halves: Uint32Array): Uint32Array {
    const prefix = this.#prefix(halves);
    const found: number[] = [];
    this.#probe += 1;
    for (const sizeClass of this.#classes) this.#probeClass(sizeClass, halves, prefix, found);
    return Uint32Array.from(found).sort();
  }

  #probeClass(sizeClass: number, halves: Uint32Array, prefix: Uint32Array, found: number[]): void {
    const threshold = this.#threshold;
    const size = halves.length / 2;
    const smallest = Math.max(classFloor(sizeClass), leastOverlapWithAny(size, threshold));
    const largest = classFloor(sizeClass + 1) - 1;
    if (largest < smallest || size < leastOverlapWithAny(smallest, threshold)) return;
    const length = Math.min(size - leastOverlap(size, smallest, threshold) + 1, prefix.length);
    const [entries, positions, nexts] = this.#postings.columns;
    const [sizes, lastProbes] = this.#entries.columns;
    for (let position = 0; position < length; position += 1) {
      const at = prefix[position]!;
      let posting = this.#heads[this.#slotOf(keyOf(halves[2 * at]!, halves[2 * at + 1]!, sizeClass))]!;
      for (; posting !== NONE; posting = nexts![posting]!) {
        const entry = entries![posting]!;
        if (lastProbes![entry] === this.#probe) continue;
        // If this is the first shingle that both share, they share no more than what follows it.
        const other = sizes![entry]!;
        const atMost = Math.min(size - position, other - positions![posting]!);
        if (atMost < leastOverlap(size, other, threshold)) continue;
        lastProbes![entry] = this.#probe;
        found.push(entry);
      }
    }
  }

  /** Places in the set of the shingles that are indexed or looked up, rare before common; equal counts by hash. */
  #prefix(halves: Uint32Array): Uint32Array {
    const size = halves.length / 2;
    const order = new Float64Array(size);
    for (let i = 0; i < size; i += 1) {
      order[i] = Math.min(this.#counts.rarity(halves[2 * i + 1]!), MAX_COUNT) * POSITIONS + i;
    }
    order.sort();
    const length = size - Math.min(size, leastOverlapWithAny(size, this.#threshold)) + 1;
    return Uint32Array.from(order.subarray(0, length), (place) => place % POSITIONS);
  }

  #slotOf(key: number): number {
    const mask = this.#keys.length - 1;
    let at = key & mask;
    while (this.#heads[at] !== NONE && this.#keys[at] !== key) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const [keys, heads] = [this.#keys, this.#heads];
    this.#keys = new Uint32Array(2 * keys.length);
    this.#heads = new Uint32Array(2 * heads.length).fill(NONE);
    for (let i = 0; i < heads.length; i += 1) {
      if (heads[i] === NONE) continue;
      const slot = this.#slotOf(keys[i]!);
      this.#keys[slot] = keys[i]!;
      this.#heads[slot] = heads[i]!;
    }
  }
}
