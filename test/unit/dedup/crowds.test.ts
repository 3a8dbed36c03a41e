// Buckets of any size: the join for crowded buckets is exact, and thousands of documents of one template are decided
// without all pairs.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { native } from "#src/native.js";
import { type EngineName, engineOf } from "#src/text/engine.js";
import { Random, randomWords } from "./corpora.js";
import { runDedup, type TestDocument, writeCorpus } from "./harness.js";

function intersection(a: BigUint64Array, b: BigUint64Array): number {
  const inB = new Set(b);
  return a.filter((hash) => inB.has(hash)).length;
}

type Threshold = { readonly numerator: number; readonly denominator: number };

const LARGE = 2 ** 24;
const NOBODY = new Uint8Array(0);

interface JoinTrial {
  readonly engine?: EngineName;
  readonly threshold?: Threshold;
  readonly seenBits?: number;
  readonly counterBits?: number;
}

const exact: Threshold = { numerator: 7, denominator: 10 };

/** Sets one after another, as the engine takes them. */
function packed(sets: readonly BigUint64Array[]): { hashes: BigUint64Array; offsets: Uint32Array } {
  const offsets = new Uint32Array(sets.length + 1);
  for (const [i, set] of sets.entries()) offsets[i + 1] = offsets[i]! + set.length;
  const hashes = new BigUint64Array(offsets[sets.length]!);
  for (const [i, set] of sets.entries()) hashes.set(set, offsets[i]!);
  return { hashes, offsets };
}

/** Pairs (earlier, later) that the join finds when every set is put into it, as "earlier-later:intersection/union". */
function joined(sets: readonly BigUint64Array[], trial: JoinTrial = {}): string[] {
  const { threshold = exact, seenBits = 14, counterBits = 8 } = trial;
  const engine = engineOf(trial.engine ?? "native");
  const join = engine.createJoin({ ...threshold, seenBits, counterBits, capacityBytes: LARGE });
  const { hashes, offsets } = packed(sets);
  if (seenBits > 0) {
    engine.countSets(join, hashes);
    const selected = engine.selectSets(join, hashes, offsets);
    sets = sets.map((set, i) => (selected[i] === 1 ? set : new BigUint64Array(0)));
  }
  const numbers = Uint32Array.from(sets.keys()).filter((i) => sets[i]!.length > 0);
  const rest = packed(Array.from(numbers, (i) => sets[i]!));
  const { numTaken, matches } = engine.joinSets(join, numbers, rest.hashes, rest.offsets, "all", NOBODY);
  expect(numTaken).toBe(numbers.length);
  return Array.from({ length: matches.length / 4 }, (_, i) => {
    const [row, number, common, union] = matches.subarray(4 * i, 4 * i + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    return `${number}-${numbers[row]}:${common}/${union}`;
  }).sort();
}

function allPairs(sets: readonly BigUint64Array[]): string[] {
  const pairs: string[] = [];
  for (const [i, set] of sets.entries()) {
    for (let j = 0; j < i; j += 1) {
      const common = intersection(set, sets[j]!);
      const union = set.length + sets[j]!.length - common;
      if (10 * common > 7 * union) pairs.push(`${j}-${i}:${common}/${union}`);
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
  const trials: Readonly<Record<string, JoinTrial>> = {
    "": {},
    " without counting": { seenBits: 0, counterBits: 0 },
    " where counters collide": { seenBits: 4, counterBits: 2 },
    " of the js engine": { engine: "js" },
  };
  for (const [name, trial] of Object.entries(trials)) {
    test(`finds every pair above the threshold that all-pairs comparison finds${name}`, () => {
      let total = 0;
      fc.assert(
        fc.property(fc.nat(), (seed) => {
          const sets = templateSets(seed);
          const expected = allPairs(sets);
          total += expected.length;
          expect(joined(sets, trial)).toEqual(expected);
        }),
        { numRuns: 30 },
      );
      expect(total).toBeGreaterThan(50);
    });
  }

  test("at a higher threshold it finds fewer pairs, and the comparison sees it", () => {
    const threshold = { numerator: 9, denominator: 10 };
    const missed = Array.from({ length: 20 }, (_, seed) => templateSets(seed)).filter(
      (sets) => joined(sets, { threshold }).length < allPairs(sets).length,
    );
    expect(missed.length).toBeGreaterThan(0);
  });

  test("what only a template has in common makes no set worth joining", () => {
    const template = Array.from({ length: 80 }, (_, i) => i);
    const sets = Array.from({ length: 300 }, (_, i) =>
      sortedSet([...template, ...Array.from({ length: 60 }, (_, j) => 1000 + 60 * i + j)]),
    );
    const { hashes, offsets } = packed(sets);
    const join = native().createJoin({ ...exact, seenBits: 20, counterBits: 10, capacityBytes: LARGE });
    native().countSets(join, hashes);
    expect(
      native()
        .selectSets(join, hashes, offsets)
        .every((selected) => selected === 0),
    ).toBe(true);
  });

  test("it stops at a set that finds no room, takes one at any size, and compares on when nothing is put", () => {
    const sets = Array.from({ length: 40 }, (_, i) => sortedSet(Array.from({ length: 500 }, (_, j) => 1000 * i + j)));
    const { hashes, offsets } = packed(sets);
    const numbers = Uint32Array.from(sets.keys());
    const small = native().createJoin({ ...exact, seenBits: 0, counterBits: 0, capacityBytes: 1 });
    expect(native().joinSets(small, numbers, hashes, offsets, "all", NOBODY).numTaken).toBe(1);
    const { numTaken, matches } = native().joinSets(small, numbers, hashes, offsets, "none", NOBODY);
    expect([numTaken, [...matches]]).toEqual([40, [0, 0, 500, 500]]);
    native().clearJoin(small);
    expect(native().joinSets(small, numbers, hashes, offsets, "none", NOBODY).matches.length).toBe(0);
  });

  test("of sets above the threshold with one another it keeps the first, unless that is barred", () => {
    const set = sortedSet(Array.from({ length: 50 }, (_, i) => i));
    const { hashes, offsets } = packed([set, set, set]);
    const numbers = Uint32Array.of(5, 6, 7);
    const kept = (barred: Uint8Array): number[] => {
      const join = native().createJoin({ ...exact, seenBits: 0, counterBits: 0, capacityBytes: LARGE });
      return [...native().joinSets(join, numbers, hashes, offsets, "kept", barred).matches];
    };
    expect(kept(NOBODY)).toEqual([1, 5, 50, 50, 2, 5, 50, 50]);
    expect(kept(Uint8Array.of(1, 0, 0))).toEqual([2, 6, 50, 50]);
  });
});

const TEMPLATE_DOCUMENTS = 20_000;

test("20,000 documents of one template lose exactly the planted duplicates, and few pairs are compared", async () => {
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
  const { removed, counts } = await runDedup(writeCorpus({ "x.jsonl": [...documents, ...planted] }), {
    concurrency: 2,
  });
  const family = (id: string): number => (id[0] === "p" ? Number(id.slice(1)) * 199 : Number(id.slice(1)));
  expect(removed.length).toBe(planted.length);
  for (const { id, kept } of removed) expect(family(id)).toBe(family(kept));
  // All pairs would be 2 * 10^8.
  expect(counts.candidate_pairs).toBeLessThan(5000);
  expect(counts.verified_pairs).toBeLessThan(5000);
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
