// A keyed permutation of 0 .. n-1, computed a position at a time: a balanced Feistel network over the smallest 2^(2b) >= n,
// walked until the value falls below n. No array, any position directly, at most four walks on average.
import { invariant } from "../base/errors.js";

const ROUNDS = 8;
const GOLDEN = 0x9e3779b97f4a7c15n;
const MASK64 = (1n << 64n) - 1n;
/** Above, a half would not fit 26 bits, nor an index a double. */
export const MAX_PERMUTED = 2 ** 52;

/** The finaliser of SplitMix64. */
function mix64(value: bigint): bigint {
  let x = value & MASK64;
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK64;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & MASK64;
  return x ^ (x >> 31n);
}

/** The finaliser of MurmurHash3, 32 bits. */
function mix32(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

export class Permutation {
  readonly size: number;
  readonly #half: number;
  readonly #mask: number;
  readonly #keys: Int32Array;

  /** `key`: 64-bit words, all of which count. */
  constructor(size: number, key: readonly bigint[]) {
    invariant(
      Number.isInteger(size) && size >= 1 && size <= MAX_PERMUTED,
      `expected 1 to 2^52 for a permutation's size, got ${size}`,
    );
    this.size = size;
    let bits = 1;
    while (2 ** (2 * bits) < size) bits += 1;
    this.#half = 2 ** bits;
    this.#mask = this.#half - 1;
    const state = key.reduce((hash, word) => mix64((hash + GOLDEN) ^ word), 0n);
    this.#keys = Int32Array.from({ length: ROUNDS }, (_, round) =>
      Number(BigInt.asIntN(32, mix64(state + BigInt(round + 1) * GOLDEN))),
    );
  }

  at(index: number): number {
    let value = index;
    do value = this.#once(value);
    while (value >= this.size);
    return value;
  }

  #once(value: number): number {
    let right = value % this.#half;
    let left = (value - right) / this.#half;
    for (let round = 0; round < ROUNDS; round++) {
      const next = left ^ (mix32(right ^ this.#keys[round]!) & this.#mask);
      left = right;
      right = next;
    }
    return left * this.#half + right;
  }
}
