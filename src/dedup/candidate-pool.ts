// Which pairs of the sample are compared, where there may be millions: those of the highest levels (matchSketches in
// src/native/sketch-join.ts), as many as may be.
//
// A pair's level, in sixteenths, is what its sketches say of its similarity: a pair at 0.7 has a level of 8 or more with a
// probability of 0.974. Choosing by levels cannot favour pairs that the bands find: given the similarity, the level
// says nothing about the permutations that the bands are made from.
import { SKETCH_SIZE } from "../native/dedup.js";
import { LeastKeys } from "./least-keys.js";

/** How many of the pairs at the threshold the join may overlook, where it cannot compare all: it is not biased by them. */
const MAX_OVERLOOKED = 0.03;

/** Chance that a pair of this similarity has a level below `level`: of 16 shingles, fewer than that are in both. */
export function chanceBelow(level: number, similarity: number): number {
  let chance = 0;
  let ways = 1;
  for (let common = 0; common < level; common += 1) {
    chance += ways * similarity ** common * (1 - similarity) ** (SKETCH_SIZE - common);
    ways = (ways * (SKETCH_SIZE - common)) / (common + 1);
  }
  return chance;
}

/** The highest level below which hardly any pair above the threshold is. */
export function levelLimit(threshold: number): number {
  let limit = 1;
  while (limit < SKETCH_SIZE && chanceBelow(limit + 1, threshold) <= MAX_OVERLOOKED) limit += 1;
  return limit;
}

/** A pair of a sampled document (its place in the sample) and any other. */
export interface CandidatePairs {
  readonly places: Uint32Array;
  readonly others: Uint32Array;
  /** Every candidate at this level or above was taken, unless they are too many even at the limit. */
  readonly level: number;
  /** Candidates at `level` or above. */
  readonly candidates: number;
  /** Of these, how many were taken. The other pairs are one level below. */
  readonly taken: number;
}

/** Keeps about `capacity` of the pairs it is offered. */
export class CandidatePool {
  readonly #capacity: number;
  readonly #limit: number;
  readonly #levels: readonly LeastKeys[];
  readonly #counts = new Array<number>(SKETCH_SIZE + 1).fill(0);
  #level = 1;
  #candidates = 0;
  #floor = 1;

  /** `limit`: see levelLimit. */
  constructor(capacity: number, limit: number) {
    this.#capacity = capacity;
    this.#limit = limit;
    this.#levels = Array.from({ length: SKETCH_SIZE + 1 }, () => new LeastKeys(capacity));
  }

  /** Pairs below this level are of no use any more. */
  get floor(): number {
    return this.#floor;
  }

  /** `hash`: uniform, and the same whichever of the two was sampled. */
  add(level: number, hash: number, place: number, other: number): void {
    if (level < this.#floor) return;
    this.#levels[level]!.add(hash, place, other);
    this.#counts[level]! += 1;
    if (level < this.#level) return;
    this.#candidates += 1;
    while (this.#candidates > this.#capacity && this.#level < this.#limit) {
      this.#candidates -= this.#counts[this.#level]!;
      this.#level += 1;
    }
    // One level below is kept to fill up with.
    this.#floor = this.#candidates > this.#capacity ? this.#level : Math.max(1, this.#level - 1);
  }

  /**
   * All pairs at the level reached and, as far as there is room, those of the next lower one with the least hashes. At the
   * limit and still too many: those of all levels with the least hashes, so that every similarity has the same chance.
   */
  pairs(): CandidatePairs {
    const top = this.#least(this.#level, SKETCH_SIZE, this.#capacity);
    const taken = top.first.length;
    const room = this.#capacity - taken;
    const rest = this.#least(this.#level - 1, room > 0 ? this.#level - 1 : -1, Math.max(1, room));
    return {
      places: concatenate(top.first, rest.first),
      others: concatenate(top.second, rest.second),
      level: this.#level,
      candidates: this.#candidates,
      taken,
    };
  }

  #least(from: number, to: number, capacity: number): { readonly first: Uint32Array; readonly second: Uint32Array } {
    const least = new LeastKeys(capacity);
    for (let level = Math.max(1, from); level <= to; level += 1) {
      const { keys, first, second } = this.#levels[level]!.rows();
      for (const [i, key] of keys.entries()) least.add(key, first[i]!, second[i]!);
    }
    return least.rows();
  }
}

function concatenate(a: Uint32Array, b: Uint32Array): Uint32Array {
  const whole = new Uint32Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
