// The recall that a run measures of itself: its interval holds the truth, which an oracle over all pairs knows; it says so when
// it cannot tell; it is the same for any order of work and of the input.
import { expect, test } from "vitest";
import { clopperPearson, shareOfPairs } from "#src/dedup/interval.js";
import { theoryAt } from "#src/dedup/recall.js";
import { spillPath } from "#src/dedup/spills.js";
import { withSpill, writeSpill } from "#src/formats/spill.js";
import { mixedCorpus, oraclePairs, Random, randomWords } from "./corpora.js";
import { type TestDocument, writeCorpus } from "./harness.js";
import { PhaseRun } from "./phase-run.js";

/** Weak: at 0.72 it finds four of five pairs. */
const WEAK = { bands: 8, rows: 5 };

/** Families of four documents, any two of which are about 0.72 alike, and strangers. */
function families(count: number): TestDocument[] {
  const random = new Random(17);
  let serial = 0;
  const own = (words: number): string => Array.from({ length: words }, () => `own${serial++}`).join(" ");
  return Array.from({ length: count }, (_, family) => {
    const common = randomWords(random, 100).join(" ");
    const members = Array.from({ length: 4 }, (_, i) => ({ id: `${family}-${i}`, text: `${common} ${own(18)}` }));
    return [...members, { id: `${family}-stranger`, text: own(60) }];
  }).flat();
}

/** Of the pairs above the threshold, by the oracle: which share a band. */
async function truth(
  documents: readonly TestDocument[],
  run: PhaseRun,
): Promise<{ pairs: number; found: Set<string> }> {
  const numberOf = new Map(documents.map(({ id }, number) => [id!, number]));
  const above = oraclePairs(documents).map(({ a, b }) => [numberOf.get(a)!, numberOf.get(b)!] as const);
  const [block] = (run.data("signatures") as { id: string }).id.match(/.*/)!;
  const keys = withSpill(spillPath(run.workDir, "signatures", block), "signatures", (spill) =>
    Array.from({ length: WEAK.bands }, (_, band) => spill.column(`band-${band}`, "u64")),
  );
  const found = above.filter(([a, b]) => keys.some((band) => band[a] === band[b]));
  return { pairs: above.length, found: new Set(found.map(([a, b]) => `${Math.min(a, b)},${Math.max(a, b)}`)) };
}

test("the interval holds the true recall of a weak banding in about 95 of 100 samples, and does not when only pairs that were found are sampled", async () => {
  const documents = families(80);
  const run = new PhaseRun(writeCorpus({ "corpus.jsonl": documents }), WEAK);
  await run.through("write");
  const { pairs, found } = await truth(documents, run);
  const recall = found.size / pairs;
  expect(pairs).toBe(80 * 6);
  expect(recall).toBeGreaterThan(0.7);
  expect(recall).toBeLessThan(0.9);

  const path = spillPath(run.workDir, "sample", "all");
  const holds = async (): Promise<boolean> => {
    for (const phase of ["shingles", "statistics"]) await run.phase(phase);
    const measured = run.statistics().recall;
    expect(measured.pairs).toBeGreaterThan(50);
    return measured.recall!.low <= recall && recall <= measured.recall!.high;
  };
  const trials = 100;
  let held = 0;
  let heldByTwin = 0;
  for (let seed = 1; seed <= trials; seed += 1) {
    await run.phase("sample", { seed, numSampled: 60 });
    if (await holds()) held += 1;
    if (seed > 10) continue;
    // A sample of what the bands propose: it has never missed anything.
    const {
      members,
      documents: sampled,
      read,
    } = withSpill(path, "sample", (spill) => ({
      members: spill.column("members", "u8"),
      documents: spill.column("documents", "u32"),
      read: spill.column("read", "u32"),
    }));
    const proposed = run.samplePairs().filter(([a, b]) => found.has(`${Math.min(a, b)},${Math.max(a, b)}`));
    const kept = BigUint64Array.from(proposed, ([a, b]) => (BigInt(a) << 32n) | BigInt(b));
    await writeSpill(path, "sample", { members, documents: sampled, read, pairs: kept });
    if (await holds()) heldByTwin += 1;
  }
  // 95 with a standard deviation of 2.2; the interval is a little wide on purpose.
  expect(held).toBeGreaterThanOrEqual(90);
  expect(heldByTwin).toBe(0);
});

test("an exact interval is that of the binomial distribution", () => {
  // scipy.stats.beta.ppf
  expect(clopperPearson(3, 10).low).toBeCloseTo(0.0667395111, 8);
  expect(clopperPearson(3, 10).high).toBeCloseTo(0.6524528501, 8);
  expect(clopperPearson(200, 200)).toEqual({ low: expect.closeTo(0.025 ** (1 / 200), 10), high: 1 });
  expect(clopperPearson(0, 10)).toEqual({ low: 0, high: expect.closeTo(1 - 0.025 ** (1 / 10), 10) });
});

test("without a miss the interval still reaches below one, by how many documents were seen, not by how many pairs", () => {
  const ones = new Uint32Array(100).fill(1);
  const tens = new Uint32Array(100).fill(10);
  const few = shareOfPairs({ pairs: ones, hits: ones, numPairs: 100 }, 0)!;
  expect(few).toEqual({ estimate: 1, low: expect.closeTo(0.025 ** (1 / 100), 10), high: 1 });
  expect(shareOfPairs({ pairs: tens, hits: tens, numPairs: 1000 }, 0)).toEqual(few);
  // Both documents of each pair were sampled: half as many pairs.
  expect(shareOfPairs({ pairs: ones, hits: ones, numPairs: 50 }, 0)!.low).toBeCloseTo(0.025 ** (1 / 50), 10);
  const none = new Uint32Array(100);
  expect(shareOfPairs({ pairs: none, hits: none, numPairs: 0 }, 0)).toBeUndefined();
});

test("pairs of one document that are missed together widen the interval", () => {
  const pairs = new Uint32Array(200).fill(10);
  const apart = pairs.map(() => 9);
  const together = pairs.map((_, i) => (i % 10 === 0 ? 0 : 10));
  const width = (hits: Uint32Array): number => {
    const { estimate, low, high } = shareOfPairs({ pairs, hits, numPairs: 2000 }, 1)!;
    expect(estimate).toBeCloseTo(0.9, 10);
    return high - low;
  };
  expect(width(together)).toBeGreaterThan(0.07);
  expect(width(apart)).toBeLessThanOrEqual(width(together));
});

test("a corpus without near-duplicates is told to be one in which recall cannot be measured", async () => {
  const random = new Random(1);
  const documents = Array.from({ length: 80 }, (_, i) => ({ id: `${i}`, text: randomWords(random, 50).join(" ") }));
  const run = new PhaseRun(writeCorpus({ "corpus.jsonl": documents }));
  await run.through("statistics");
  const { recall, curve } = run.statistics();
  expect(recall.recall).toBeNull();
  expect(recall.sentence).toBe("recall above 0.7: the sample holds no pair above the threshold (80 sampled documents)");
  expect(curve).toEqual([]);
});

test("the statistics of a sample that is the corpus are those of all its pairs", async () => {
  const documents = mixedCorpus(9, 80);
  const run = new PhaseRun(writeCorpus({ "corpus.jsonl": documents }));
  await run.through("statistics");
  const { recall, funnel, curve, clusters } = run.statistics();
  // Representatives alone: equal normalised texts are one document.
  const distinct = [
    ...new Map(
      documents.map((one) => [
        one.text
          .toLowerCase()
          .replace(/[\s.!]+/g, " ")
          .trim(),
        one,
      ]),
    ).values(),
  ];
  const above = oraclePairs(distinct).filter(({ jaccard }) => jaccard < 1);
  expect([recall.sampled, recall.join.share_of_documents, recall.join.level]).toEqual([recall.representatives, 1, 1]);
  expect(recall.pairs).toBe(above.length);
  expect(recall.both_kept).toBe(0);
  expect(recall.sentence).toMatch(/^recall above 0\.7: [01]\.\d{4} \(95% interval 0\.\d{4} to 1\.0000; \d+ pairs of /);
  expect(funnel.documents).toBe(funnel.kept + funnel.removed);
  expect(funnel.removed).toBe(funnel.exact_copies + funnel.near_duplicates);
  expect(clusters.sizes.reduce((sum, one) => sum + one.documents - one.clusters, 0)).toBe(funnel.removed);
  for (const one of curve) {
    expect(one.found).toBeLessThanOrEqual(one.pairs);
    expect(one.theory).toBeGreaterThanOrEqual(theoryAt(one.from, 30, 5) - 1e-6);
    expect(one.theory).toBeLessThanOrEqual(theoryAt(one.to, 30, 5) + 1e-6);
  }
});

test("with an exact join recall is one by construction, and what the bands would have found is still measured", async () => {
  const run = new PhaseRun(writeCorpus({ "corpus.jsonl": families(30) }), { ...WEAK, exact: true });
  await run.through("statistics");
  const { recall } = run.statistics();
  expect(recall.recall).toEqual({ estimate: 1, low: 1, high: 1 });
  expect(recall.pairs).toBe(180);
  expect(recall.found).toBeLessThan(180);
  expect(recall.both_kept).toBe(0);
  expect(recall.sentence).toContain("1 by construction");
});

test("statistics are the same for any cut of the work, and recall for any order of the input", async () => {
  const documents = mixedCorpus(21, 60);
  const measure = async (
    corpus: readonly TestDocument[],
    limits: ConstructorParameters<typeof PhaseRun>[2] = {},
  ): Promise<ReturnType<PhaseRun["statistics"]>> => {
    const half = Math.floor(corpus.length / 2);
    const files = { "a.jsonl": corpus.slice(0, half), "b.jsonl": corpus.slice(half) };
    const run = new PhaseRun(writeCorpus(files), WEAK, { minSampled: 60, ...limits });
    await run.through("statistics");
    return run.statistics();
  };
  const base = await measure(documents);
  const small = { documentsAPart: 40, keysAPart: 50, pairsARange: 30, shinglesABatch: 200, recordsARun: 16 };
  expect(await measure(documents, small)).toEqual(base);
  const shuffled = await measure(new Random(4).shuffled(documents));
  const { recall, curve, funnel, clusters } = base;
  expect(shuffled).toMatchObject({
    recall,
    curve,
    funnel: { removed: funnel.removed },
    clusters: { sizes: clusters.sizes },
  });
  expect(await measure(mixedCorpus(22, 60))).not.toMatchObject({ recall });
});
