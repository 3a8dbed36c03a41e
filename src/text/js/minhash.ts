// MinHash signatures by the npm package minhash (docs/decisions/0024-js-engine.md): its permutations and its minima, as they
// are. Banding is done here, because the package's keys omit the band's number.
import { createRequire } from "node:module";
import type { Minhash } from "minhash";
import { digestJson } from "../../base/digest.js";
import { invalid } from "../../base/errors.js";
import type { SignatureOptions } from "../../native/dedup.js";
import { C, mix } from "./hashes.js";
import { Word64 } from "./word64.js";

/** The package draws permutations from Math.sin, whose last bits are the JavaScript engine's own: these are of V8's fdlibm. */
const PINNED_SEED = 1;
const PINNED_PERMUTATIONS = 128;
const PINNED_DIGEST = "sha256:a714c17f79e708ff540d3bbfbea220b45a6a46788da6d76b04590bb6b68c8fb2";

/** Loaded when the first signature is made: with the other engine nobody waits for it. */
const require = createRequire(import.meta.url);

function createMinhash(config: { readonly numPerm: number; readonly seed: number }): Minhash {
  const { Minhash } = require("minhash") as typeof import("minhash");
  return new Minhash(config);
}

export function digestOfPermutations(seed: number): string {
  const { permA, permB } = createMinhash({ numPerm: PINNED_PERMUTATIONS, seed });
  return digestJson([permA, permB]);
}

/** Signatures made on machines that differ here must not meet in one band. */
export function checkPermutations(found = digestOfPermutations(PINNED_SEED)): void {
  if (found === PINNED_DIGEST) return;
  throw invalid(
    "minhash-permutations",
    `expected ${PINNED_DIGEST} for the digest of the package minhash's permutations, got ${found}`,
    {
      hint: "this JavaScript engine computes Math.sin in another way than Node.js 20 to 24; use one of these, or the native engine",
    },
  );
}

let isChecked = false;

// The package hashes a string c[0] .. c[n-1] of UTF-16 units to the sum of c[i] * 31^(n-1-i) modulo 2^32.
const POWER_4 = 31 ** 4;
const POWER_3 = 31 ** 3;

/** The string that the package's own 32-bit hash takes to x: no more collides there than the x do, and five units are fast. */
export function stringOfHash(x: number): string {
  const rest = x % POWER_4;
  return String.fromCharCode(Math.floor(x / POWER_4), Math.floor(rest / POWER_3), 0, 0, rest % POWER_3);
}

/**
 * The generator is sin(seed), sin(seed + 1), ...: seeds stand far enough apart that no two of ours below 2^28 draw the same,
 * and low enough that adding one to them is exact.
 */
export function packageSeed(seed: bigint, numPermutations: number): number {
  return PINNED_SEED + Number(BigInt.asUintN(40, seed * 2n * BigInt(numPermutations)));
}

/** One document at a time. */
export class MinHasher {
  readonly #bands: number;
  readonly #rows: number;
  readonly #minhash: Minhash;
  readonly #key = new Word64(0n);
  readonly #step = new Word64(0n);

  constructor({ bands, rows, seed }: Pick<SignatureOptions, "bands" | "rows" | "seed">) {
    if (!isChecked) checkPermutations();
    isChecked = true;
    this.#bands = bands;
    this.#rows = rows;
    this.#minhash = createMinhash({ numPerm: bands * rows, seed: packageSeed(seed, bands * rows) });
  }

  /** Least value of each permutation over the upper halves of a set's hashes. Valid until the next call. */
  signature(set: BigUint64Array): readonly number[] {
    const halves = new Uint32Array(set.buffer, set.byteOffset, 2 * set.length);
    const { hashvalues, maxHash } = this.#minhash;
    hashvalues.fill(maxHash);
    for (let i = 1; i < halves.length; i += 2) this.#minhash.update(stringOfHash(halves[i]!));
    return hashvalues;
  }

  /** Writes the set's key of band b to keys[b * stride + row]. Keys of different bands differ even for equal rows. */
  bandKeys(set: BigUint64Array, keys: BigUint64Array, row: number, stride: number): void {
    const signature = this.signature(set);
    const halves = new Int32Array(keys.buffer, keys.byteOffset, 2 * keys.length);
    for (let band = 0; band < this.#bands; band += 1) {
      const key = mix(this.#key.set(0, band + 1));
      for (let i = band * this.#rows; i < (band + 1) * this.#rows; i += 1) {
        mix(key.add(this.#step.set(0, signature[i]!)).add(C));
      }
      halves[2 * (band * stride + row)] = key.low;
      halves[2 * (band * stride + row) + 1] = key.high;
    }
  }
}
