/// <reference path="../../../../src/text/js/minhash-package.d.ts" />
// Signatures of the npm package minhash: its permutations pinned, its weaknesses kept away from recall, the S-curve measured
// beside theory.
import fc from "fast-check";
import { Minhash } from "minhash";
import { describe, expect, test } from "vitest";
import { checkPermutations, digestOfPermutations, MinHasher, packageSeed, stringOfHash } from "#src/text/js/minhash.js";
import { Random } from "../../dedup/corpora.js";

const BANDS = { bands: 30, rows: 5 };

describe("the package's permutations", () => {
  test("are those of the pinned version, drawn from V8's sine", () => {
    const { permA, permB } = new Minhash({ numPerm: 4, seed: 1 });
    expect(permA).toEqual([1895614463, 2765780991, 1233798655, 3771228159]);
    expect(permB).toEqual([4038227967, 2231158783, 3223320575, 1228226559]);
    expect(() => checkPermutations()).not.toThrow();
  });

  test("of another sine are refused with what to do", () => {
    const other = digestOfPermutations(2);
    expect(() => checkPermutations(other)).toThrow(expect.objectContaining({ code: "minhash-permutations" }));
    expect(() => checkPermutations(other)).toThrow(/expected sha256:.*got sha256:/);
  });

  test("of two seeds have none in common", () => {
    const permutationsOf = (seed: bigint): number[] => {
      const { permA, permB } = new Minhash({ numPerm: 150, seed: packageSeed(seed, 150) });
      return [...permA, ...permB];
    };
    const seen = new Set(permutationsOf(0n));
    expect(seen.size).toBe(300);
    for (const seed of [1n, 2n, 2n ** 28n - 1n, 2n ** 53n - 1n, 2n ** 64n - 1n]) {
      const shared = permutationsOf(seed).filter((one) => seen.has(one));
      // By chance: numbers of about 21 random bits.
      expect(shared.length).toBeLessThan(3);
    }
  });
});

test("the string given for a hash is the one that the package hashes to it", () => {
  const minhash = new Minhash({ numPerm: 1, seed: 1 });
  const same = (x: number): void => {
    expect(minhash.hash(stringOfHash(x))).toBe((x | 0) + minhash.maxHash);
    expect(stringOfHash(x)).toHaveLength(5);
  };
  for (const x of [0, 1, 31, 923520, 923521, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) same(x);
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), same));
});

describe("band keys", () => {
  const keysOf = (set: BigUint64Array, options: { bands: number; rows: number }): BigUint64Array => {
    const keys = new BigUint64Array(options.bands);
    new MinHasher({ ...options, seed: 0n }).bandKeys(set, keys, 0, 1);
    return keys;
  };

  test("of different bands differ, of equal sets are equal, in every order of the set", () => {
    const random = new Random(3);
    const set = BigUint64Array.from({ length: 50 }, () => BigInt(random.below(2 ** 32)) << 32n);
    const keys = keysOf(set, BANDS);
    expect(new Set(keys).size).toBe(30);
    expect(keysOf(BigUint64Array.from(random.shuffled([...set])), BANDS)).toEqual(keys);
  });

  test("name their band: equal rows in two bands give two keys", () => {
    // One permutation draws a = 0 or equal minima seldom: a set without elements leaves every minimum where it began.
    const keys = keysOf(new BigUint64Array(0), { bands: 64, rows: 1 });
    expect(new Set(keys).size).toBe(64);
  });

  test("are the least values over the set: a hasher used before gives the same", () => {
    const hasher = new MinHasher({ ...BANDS, seed: 5n });
    const [a, b] = [BigUint64Array.of(1n << 40n, 7n << 50n), BigUint64Array.of(9n << 33n)];
    const first = [...hasher.signature(a)];
    hasher.signature(b);
    expect([...hasher.signature(a)]).toEqual(first);
    expect([...hasher.signature(b)]).not.toEqual(first);
  });
});

/** Four standard deviations of a binomial count: one false alarm in 16,000 runs, were the seed not fixed. */
const SIGMAS = 4;

/** How many pairs of sets with so many elements in common, and so many of its own each, meet in a band. */
function countFound(
  numPairs: number,
  shared: number,
  own: number,
  element: (pair: number, i: number) => number,
): number {
  const hasher = new MinHasher({ ...BANDS, seed: 0n });
  const keys = new BigUint64Array(2 * BANDS.bands);
  const bands = Array.from({ length: BANDS.bands }, (_, band) => 2 * band);
  let found = 0;
  for (let pair = 0; pair < numPairs; pair += 1) {
    const all = Array.from({ length: shared + 2 * own }, (_, i) => BigInt(element(pair, i)) << 32n);
    hasher.bandKeys(BigUint64Array.from(all.slice(0, shared + own)), keys, 0, 2);
    hasher.bandKeys(BigUint64Array.from(all.slice(own)), keys, 1, 2);
    if (bands.some((at) => keys[at] === keys[at + 1])) found += 1;
  }
  return found;
}

/** In standard deviations. */
function distanceFromTheory(found: number, numPairs: number, shared: number, own: number): number {
  const chance = 1 - (1 - (shared / (shared + 2 * own)) ** BANDS.rows) ** BANDS.bands;
  return Math.abs(found - numPairs * chance) / Math.max(1, Math.sqrt(numPairs * chance * (1 - chance)));
}

describe("the share of pairs that meet in a band", () => {
  for (const [shared, own, numPairs] of [
    [94, 20, 1500],
    [100, 50, 300],
    [60, 60, 300],
  ] as const) {
    test(`is what theory says at similarity ${(shared / (shared + 2 * own)).toFixed(4)}`, () => {
      const random = new Random(shared);
      const found = countFound(numPairs, shared, own, () => random.below(2 ** 32));
      expect(distanceFromTheory(found, numPairs, shared, own)).toBeLessThan(SIGMAS);
    });
  }

  test("is below it for hashes that are not mixed: the package's permutations are linear", () => {
    const found = countFound(200, 165, 35, (pair, i) => 100_003 * pair + i);
    expect(distanceFromTheory(found, 200, 165, 35)).toBeGreaterThan(SIGMAS);
    expect(found / 200).toBeLessThan(0.98);
  });
});
