// How many pairs above the threshold the bands find: measured beside theory, and on real near-duplicates.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { native } from "#src/native.js";
import { overlapOf, shinglesOf } from "#src/text/similarity.js";
import { Random, WORDS5 } from "./corpora.js";
import { runDedup, writeCorpus } from "./harness.js";

interface PairSample {
  readonly texts: string[];
  /** Exact similarity of texts 2 * i and 2 * i + 1. */
  readonly similarities: number[];
}

/** Pairs that share a stretch of words, of about the similarity asked for; all other words are unique. */
function pairsAt(similarity: number, count: number, seed: number): PairSample {
  const random = new Random(seed);
  let serial = 0;
  const words = (n: number): string[] =>
    Array.from({ length: n }, () => `w${(serial++).toString(36)}${random.below(1000)}`);
  const texts: string[] = [];
  const similarities: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const common = words(204);
    // 200 shingles in common of 200 / similarity in all.
    const own = Math.floor((200 / similarity - 200) / 2);
    const [a, b] = [
      [...common, ...words(own)],
      [...common, ...words(own)],
    ].map((list) => list.join(" "));
    texts.push(a!, b!);
    similarities.push(200 / (200 + 2 * own));
  }
  return { texts, similarities };
}

function shareABand(texts: readonly string[], bands: number, rows: number): boolean[] {
  const offsets = new Uint32Array(texts.length + 1);
  for (const [i, text] of texts.entries()) offsets[i + 1] = offsets[i]! + Buffer.byteLength(text);
  const options = { unit: "word", size: 5, bands, rows, seed: 0n, simd: "auto" } as const;
  const { bandKeys } = native().signDocuments(new Uint8Array(Buffer.from(texts.join(""))), offsets, options);
  return Array.from({ length: texts.length / 2 }, (_, pair) =>
    Array.from({ length: bands }, (_, band) => band * texts.length + 2 * pair).some(
      (at) => bandKeys[at] === bandKeys[at + 1],
    ),
  );
}

/** Four standard deviations of a binomial count: one false alarm in 16,000 runs, were the seed not fixed. */
const SIGMAS = 4;

for (const [similarity, bands, rows] of [
  [0.701, 30, 5],
  [0.5, 30, 5],
  [0.3, 30, 5],
  [0.5, 20, 8],
] as const) {
  test(`the share of pairs at similarity ${similarity} that meet in one of ${bands} bands of ${rows} rows is what theory says`, () => {
    const { texts, similarities } = pairsAt(similarity, 2000, 31);
    const { intersection, union } = overlapOf(shinglesOf(texts[0]!, WORDS5), shinglesOf(texts[1]!, WORDS5));
    expect(intersection / union).toBe(similarities[0]);
    const found = shareABand(texts, bands, rows).filter(Boolean).length;
    const chances = similarities.map((s) => 1 - (1 - s ** rows) ** bands);
    const expected = chances.reduce((sum, chance) => sum + chance, 0);
    const deviation = Math.sqrt(chances.reduce((sum, chance) => sum + chance * (1 - chance), 0));
    expect(Math.abs(found - expected)).toBeLessThan(SIGMAS * Math.max(deviation, 1));
    if (similarity > 0.7) expect(found / similarities.length).toBeGreaterThan(0.99);
  });
}

interface License {
  readonly licenseText: string;
}

const truthPath = fileURLToPath(
  new URL("../../../../shared/data/near-duplicates/spdx-licenses.jaccard5w.tsv", import.meta.url),
);

test("of the licence texts of spdx-license-list every true near-duplicate goes, and nothing else", async () => {
  const path = createRequire(import.meta.url).resolve("spdx-license-list/spdx-full.json");
  const licences = Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, License>);
  const documents = licences.map(([id, { licenseText }]) => ({ id, text: licenseText }));
  const { kept, removed } = await runDedup(writeCorpus({ "licences.jsonl": documents }), { concurrency: 2 });
  expect(removed.length).toBeGreaterThan(100);
  const textOf = new Map(documents.map(({ id, text }) => [id, text]));
  const keptIds = new Set(kept.map(({ id }) => id!));
  for (const { id, kept: witness, jaccard } of removed) {
    const { intersection, union } = overlapOf(
      shinglesOf(textOf.get(id)!, WORDS5),
      shinglesOf(textOf.get(witness)!, WORDS5),
    );
    expect([id, witness, jaccard]).toEqual([id, witness, intersection / union]);
    expect(10 * intersection > 7 * union && keptIds.has(witness)).toBe(true);
  }
  if (!existsSync(truthPath)) {
    console.warn("no ../shared/data/near-duplicates: recall on licences was not compared with its truth");
    return;
  }
  // The truth knows neither marks nor folding beyond lower case: pairs close to the threshold may differ.
  const truth = readFileSync(truthPath, "utf8").trim().split("\n").slice(1);
  const above = truth
    .map((line) => line.split("\t") as [string, string, string])
    .filter(([, , jaccard]) => Number(jaccard) > 0.705);
  expect(above.length).toBeGreaterThan(300);
  expect(above.filter(([a, b]) => keptIds.has(a) && keptIds.has(b))).toEqual([]);
});
