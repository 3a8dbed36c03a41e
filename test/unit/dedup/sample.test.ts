// The sample on which recall is measured, and the pairs it is joined to: uniform, complete, blind to order and to the bands.
import { expect, test } from "vitest";
import { CandidatePool, chanceBelow, levelLimit } from "#src/dedup/candidate-pool.js";
import { mix32 } from "#src/dedup/seeded-hash.js";
import { SKETCH_SIZE } from "#src/native/dedup.js";
import { engineOf } from "#src/text/engine.js";
import { edited, mixedCorpus, Random, randomWords } from "./corpora.js";
import { writeCorpus } from "./harness.js";
import { PhaseRun } from "./phase-run.js";

const END = 0xffffffff;

/** Sketches of random sets drawn from few values, so that many share some; every third set is smaller than a sketch. */
function randomSketches(random: Random, count: number, range: number): Uint32Array {
  const sketches = new Uint32Array(count * SKETCH_SIZE).fill(END);
  for (let i = 0; i < count; i += 1) {
    const size = i % 3 === 0 ? random.below(SKETCH_SIZE) : 2 * SKETCH_SIZE;
    const set = [...new Set(Array.from({ length: size }, () => mix32(random.below(range)) >>> 4))];
    sketches.set(set.sort((a, b) => a - b).slice(0, SKETCH_SIZE), i * SKETCH_SIZE);
  }
  return sketches;
}

/** The level of two sketches by its definition. */
function levelOf(a: Uint32Array, b: Uint32Array): number {
  const [inA, inB] = [new Set(a), new Set(b)];
  const together = [...new Set([...a, ...b])].filter((value) => value !== END).sort((x, y) => x - y);
  const least = together.slice(0, SKETCH_SIZE);
  const common = least.filter((value) => inA.has(value) && inB.has(value)).length;
  return least.length === 0 ? 0 : Math.floor((SKETCH_SIZE * common) / least.length);
}

function sketchOf(sketches: Uint32Array, row: number): Uint32Array {
  return sketches.subarray(row * SKETCH_SIZE, (row + 1) * SKETCH_SIZE);
}

for (const name of ["native", "js"] as const) {
  test(`the ${name} engine joins sketches as comparing all of them does`, () => {
    const random = new Random(5);
    const [sampled, rows] = [randomSketches(random, 40, 30), randomSketches(random, 200, 30)];
    const taken = Uint8Array.from({ length: 200 }, (_, row) => (row % 7 === 0 ? 0 : 1));
    const engine = engineOf(name);
    const index = engine.createSketchIndex(sampled);
    for (const minLevel of [1, 4, 9]) {
      const expected: string[] = [];
      for (let row = 0; row < 200; row += 1) {
        for (let place = 0; place < 40; place += 1) {
          const level = levelOf(sketchOf(sampled, place), sketchOf(rows, row));
          if (taken[row] === 1 && level >= minLevel) expected.push([place, row, level].join());
        }
      }
      const matches = engine.matchSketches(index, rows, taken, minLevel);
      const found = Array.from({ length: matches.length / 3 }, (_, i) => matches.subarray(3 * i, 3 * i + 3).join());
      expect(expected.length).toBeGreaterThan(20);
      expect(found.sort()).toEqual(expected.sort());
      // What a join that overlooks one pair would give is told apart.
      expect(found.slice(1)).not.toEqual(expected);
    }
  });
}

test("a sketch index of nothing and sketches of nothing have no pairs", () => {
  for (const name of ["native", "js"] as const) {
    const engine = engineOf(name);
    const empty = new Uint32Array(SKETCH_SIZE).fill(END);
    const index = engine.createSketchIndex(new Uint32Array(0));
    expect(engine.matchSketches(index, empty, Uint8Array.of(1), 1).length).toBe(0);
    expect(engine.matchSketches(engine.createSketchIndex(empty), empty, Uint8Array.of(1), 1).length).toBe(0);
  }
});

test("a pair at the threshold is below the level limit with a chance of at most 3 %, and above it with more", () => {
  for (const threshold of [0.3, 0.5, 0.7, 0.8, 0.95]) {
    const limit = levelLimit(threshold);
    expect(chanceBelow(limit, threshold)).toBeLessThanOrEqual(0.03);
    expect(limit === SKETCH_SIZE || chanceBelow(limit + 1, threshold) > 0.03).toBe(true);
  }
  expect(chanceBelow(1, 0.7)).toBeCloseTo(0.3 ** 16, 15);
});

interface Offer {
  readonly level: number;
  readonly hash: number;
  readonly place: number;
  readonly other: number;
}

function offers(count: number, seed: number, levels: number): Offer[] {
  return Array.from({ length: count }, (_, other) => ({
    level: 1 + (mix32(other * 31 + 7) % levels),
    hash: mix32(mix32(other) ^ mix32(seed)),
    place: other % 50,
    other,
  }));
}

/** The rule of the pool on all pairs at once. */
function choose(all: readonly Offer[], capacity: number, limit: number): number[] {
  const byHash = (some: readonly Offer[]): Offer[] => some.toSorted((a, b) => a.hash - b.hash);
  let level = 1;
  while (level < limit && all.filter((one) => one.level >= level).length > capacity) level += 1;
  const top = byHash(all.filter((one) => one.level >= level)).slice(0, capacity);
  const rest = byHash(all.filter((one) => one.level === level - 1)).slice(0, capacity - top.length);
  return [...top, ...rest].map(({ other }) => other).sort((a, b) => a - b);
}

test("the pool takes the highest levels that fit, whatever the order of the pairs", () => {
  for (const [count, capacity, limit] of [
    [100, 500, 8],
    [3000, 700, 8],
    [3000, 100, 4],
  ] as const) {
    const all = offers(count, 1, 14);
    const expected = choose(all, capacity, limit);
    for (const order of [all, all.toReversed(), new Random(3).shuffled(all)]) {
      const pool = new CandidatePool(capacity, limit);
      for (const { level, hash, place, other } of order) pool.add(level, hash, place, other);
      const { others, places } = pool.pairs();
      expect([...others].sort((a, b) => a - b)).toEqual(expected);
      expect([...others].every((other, i) => places[i] === other % 50)).toBe(true);
    }
  }
});

test("when there are too many pairs at the limit, all levels above it are thinned alike", () => {
  const taken = new Float64Array(15);
  const total = new Float64Array(15);
  for (let seed = 0; seed < 40; seed += 1) {
    const all = offers(3000, seed, 14);
    const pool = new CandidatePool(300, 6);
    for (const { level, hash, place, other } of all) pool.add(level, hash, place, other);
    const { others, level, candidates, taken: count } = pool.pairs();
    expect([level, count]).toEqual([6, 300]);
    expect(candidates).toBe(all.filter((one) => one.level >= 6).length);
    for (const one of all) total[one.level]! += one.level >= 6 ? 1 : 0;
    for (const other of others) taken[all[other]!.level]! += 1;
  }
  const share = 12_000 / total.reduce((sum, count) => sum + count, 0);
  for (let level = 6; level <= 14; level += 1) {
    const expected = total[level]! * share;
    expect(Math.abs(taken[level]! - expected)).toBeLessThan(4 * Math.sqrt(expected));
    // A rule that prefers the higher levels takes all of them.
    expect(taken[level]!).toBeLessThan(total[level]! / 2);
  }
});

test("every document is sampled as often as every other, and near-duplicates apart from one another", async () => {
  const random = new Random(11);
  const documents = Array.from({ length: 100 }, (_, i) => {
    const words = randomWords(random, 60);
    return [
      { id: `a${i}`, text: words.join(" ") },
      { id: `b${i}`, text: [...edited(random, words, 15), "last"].join(" ") },
    ];
  }).flat();
  const run = new PhaseRun(writeCorpus({ "corpus.jsonl": documents }));
  await run.through("pairs");
  const times = new Float64Array(200);
  let together = 0;
  const trials = 200;
  for (let seed = 0; seed < trials; seed += 1) {
    await run.phase("sample", { seed, numSampled: 40 });
    const sampled = run.sampled();
    expect(sampled.length).toBe(40);
    for (const document of sampled) {
      times[document]! += 1;
      if (document % 2 === 0 && sampled.includes(document + 1)) together += 1;
    }
  }
  const mean = trials * 0.2;
  const variance = mean * 0.8;
  const chiSquare = times.reduce((sum, count) => sum + (count - mean) ** 2 / variance, 0);
  // 199 degrees of freedom: mean 199, standard deviation 20.
  expect(chiSquare).toBeGreaterThan(199 - 80);
  expect(chiSquare).toBeLessThan(199 + 80);
  // 100 pairs, both with a chance of 40/200 * 39/199.
  const expected = trials * 100 * 0.2 * (39 / 199);
  expect(Math.abs(together - expected)).toBeLessThan(4 * Math.sqrt(expected));
});

test("the sample and its pairs do not depend on the order of the input", async () => {
  const documents = mixedCorpus(3, 60);
  const textsOf = async (order: typeof documents): Promise<unknown> => {
    const run = new PhaseRun(writeCorpus({ "corpus.jsonl": order }), {}, { minSampled: 50 });
    await run.through("sample");
    const text = (document: number): string => order[document]!.text.toLowerCase().split(/\W+/).join(" ").trim();
    return {
      sampled: Array.from(run.sampled(), text).sort(),
      pairs: run
        .samplePairs()
        .map(([sampled, other]) => `${text(sampled)} | ${text(other)}`)
        .sort(),
    };
  };
  const expected = await textsOf(documents);
  expect(await textsOf(new Random(8).shuffled(documents))).toEqual(expected);
  expect(await textsOf(mixedCorpus(4, 60))).not.toEqual(expected);
});

test("the sample is joined with fewer documents where too many share values, whichever they are", async () => {
  const random = new Random(2);
  const template = randomWords(random, 80).join(" ");
  const documents = Array.from({ length: 600 }, (_, i) => ({
    id: `${i}`,
    text: `${template} ${randomWords(random, 60).join(" ")}`,
  }));
  const run = new PhaseRun(writeCorpus({ "corpus.jsonl": documents }), {}, { minSampled: 100 });
  await run.through("pairs");
  const times = new Float64Array(600);
  for (let seed = 0; seed < 60; seed += 1) {
    await run.phase("sample", { seed, maxMatches: 60_000, numCompared: 100_000 });
    const { shareOfDocuments } = run.data("sample") as { shareOfDocuments: number };
    expect(shareOfDocuments).toBeGreaterThan(0.05);
    expect(shareOfDocuments).toBeLessThan(0.5);
    for (const other of new Set(run.samplePairs().map(([, other]) => other))) times[other]! += 1;
  }
  const mean = times.reduce((sum, count) => sum + count, 0) / 600;
  expect(mean).toBeGreaterThan(3);
  const chiSquare = times.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
  // Not more apart than counts of a Poisson process are.
  expect(chiSquare).toBeLessThan(600 + 4 * Math.sqrt(2 * 600));
});
