// Buckets of any size: the join for crowded buckets is exact, and thousands of documents of one template are decided
// without all pairs.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { native } from "#src/native.js";
import { Random, randomWords } from "./corpora.js";
import { runDedup, type TestDocument, writeCorpus } from "./harness.js";

function intersection(a: BigUint64Array, b: BigUint64Array): number {
  const inB = new Set(b);
  return a.filter((hash) => inB.has(hash)).length;
}

/** Pairs (later, earlier) above the threshold that the index finds when sets are inserted in order. */
function joined(sets: readonly BigUint64Array[], indexed: { numerator: number; denominator: number }): string[] {
  const counters = new Uint32Array(256);
  for (const set of sets) native().countShingles(set, counters);
  const index = native().createJoinIndex(counters, indexed.numerator, indexed.denominator);
  const pairs: string[] = [];
  for (const [i, set] of sets.entries()) {
    for (const j of native().probeSets(index, set)) {
      const common = intersection(set, sets[j]!);
      if (10 * common > 7 * (set.length + sets[j]!.length - common)) pairs.push(`${j}-${i}`);
    }
    native().insertSet(index, i, set);
  }
  return pairs.sort();
}

function allPairs(sets: readonly BigUint64Array[]): string[] {
  const pairs: string[] = [];
  for (const [i, set] of sets.entries()) {
    for (let j = 0; j < i; j += 1) {
      const common = intersection(set, sets[j]!);
      if (10 * common > 7 * (set.length + sets[j]!.length - common)) pairs.push(`${j}-${i}`);
    }
  }
  return pairs.sort();
}

function sortedSet(elements: Iterable<number>): BigUint64Array {
  // Spread over 64 bits, as hashes are: counters go by the upper bits.
  const scramble = (x: bigint): bigint => BigInt.asUintN(64, (x ^ (x >> 31n)) * 0x9e3779b97f4a7c15n);
  const hashes = [...new Set(elements)].map((element) => scramble(scramble(scramble(BigInt(element + 1)))));
  return BigUint64Array.from(hashes).sort();
}

/** Sets of many sizes that share a template in part, with close relatives among them. */
function templateSets(seed: number): BigUint64Array[] {
  const random = new Random(seed);
  const template = Array.from({ length: 5 + random.below(60) }, (_, i) => i);
  return Array.from({ length: 60 }, (_, i) => {
    const size = 1 + random.below(1 + template.length);
    const own = Array.from({ length: random.below(25) }, (_, j) => 1000 + (random.below(3) === 0 ? j : 100 * i + j));
    return sortedSet([...template.slice(0, size), ...own, 5000 + i]);
  });
}

describe("the join", () => {
  const exact = { numerator: 7, denominator: 10 };

  test("finds every pair above the threshold that all-pairs comparison finds", () => {
    let total = 0;
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const sets = templateSets(seed);
        const expected = allPairs(sets);
        total += expected.length;
        expect(joined(sets, exact)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
    expect(total).toBeGreaterThan(100);
  });

  test("with prefixes one threshold too short it misses pairs, and the comparison sees it", () => {
    const missed = Array.from({ length: 20 }, (_, seed) => templateSets(seed)).filter(
      (sets) => joined(sets, { numerator: 9, denominator: 10 }).length < allPairs(sets).length,
    );
    expect(missed.length).toBeGreaterThan(0);
  });

  test("what only a template has in common yields no candidates", () => {
    const sets = Array.from({ length: 500 }, (_, i) =>
      sortedSet([...Array(300).keys(), ...Array.from({ length: 90 }, (_, j) => 1000 * (i + 1) + j)]),
    );
    const counters = new Uint32Array(2 ** 16);
    for (const set of sets) native().countShingles(set, counters);
    const index = native().createJoinIndex(counters, 7, 10);
    let candidates = 0;
    for (const [i, set] of sets.entries()) {
      candidates += native().probeSets(index, set).length;
      native().insertSet(index, i, set);
    }
    expect(candidates).toBe(0);
  });
});

const TEMPLATE_DOCUMENTS = 20_000;

test("20,000 documents of one template lose exactly the planted duplicates, in seconds", async () => {
  const random = new Random(21);
  const template = randomWords(random, 100);
  const documents: TestDocument[] = Array.from({ length: TEMPLATE_DOCUMENTS }, (_, i) => ({
    id: `t${i}`,
    text: [...template, ...Array.from({ length: 30 }, (_, j) => `w${i}x${j}`)].join(" "),
  }));
  const planted = Array.from({ length: 100 }, (_, i) => ({
    id: `p${i}`,
    text: `${documents[i * 199]!.text} tail`.replace(/ \S+ tail$/, " tail"),
  }));
  const start = performance.now();
  const { removed, counts } = await runDedup(writeCorpus({ "x.jsonl": [...documents, ...planted] }), {
    concurrency: 2,
  });
  const seconds = (performance.now() - start) / 1000;
  const family = (id: string): number => (id[0] === "p" ? Number(id.slice(1)) * 199 : Number(id.slice(1)));
  expect(removed.length).toBe(planted.length);
  for (const { id, kept } of removed) expect(family(id)).toBe(family(kept));
  // All pairs would be 2 * 10^8.
  expect(counts.verified_pairs).toBeLessThan(5000);
  expect(seconds).toBeLessThan(60);
});

test("a crowd of near-identical documents leaves one, and compares each with few", async () => {
  const random = new Random(22);
  const base = randomWords(random, 120).join(" ");
  const documents = Array.from({ length: 3000 }, (_, i) => ({
    id: `${i}`,
    text: `${base} number${i} ${randomWords(random, 2).join(" ")}`,
  }));
  const { kept, removed, counts } = await runDedup(writeCorpus({ "x.jsonl": documents }));
  expect(kept.length).toBe(1);
  expect(removed.every(({ kept: witness }) => witness === kept[0]!.id)).toBe(true);
  expect(counts.verified_pairs).toBeLessThan(2 * documents.length);
});
