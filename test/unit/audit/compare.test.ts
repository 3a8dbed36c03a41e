// `dedup compare`: every document that two dedups decided differently is traced to a pair that one of them missed, and what no
// missed pair explains is said to be so.
import { beforeAll, describe, expect, test } from "vitest";
import { compareDedups } from "#src/audit/compare.js";
import type { Difference } from "#src/audit/trace.js";
import { overlapOf, shinglesOf } from "#src/text/similarity.js";
import { edited, mixedCorpus, Random, randomWords, WORDS5 } from "../dedup/corpora.js";
import { changeStageFile, damaged, finishedDedup, linesOf } from "./finished.js";

/** Families of documents that differ a little, so that witnesses are many and chains long. */
function corpus() {
  const random = new Random(12);
  const families = Array.from({ length: 25 }, (_, family) => {
    const base = randomWords(random, 60 + random.below(60));
    return Array.from({ length: 8 }, (_, i) => ({
      id: `${family}-${i}`,
      text: edited(random, base, 12 + 3 * i).join(" "),
    }));
  });
  return [...families.flat(), ...mixedCorpus(5, 10)];
}

const documents = corpus();
const files = {
  "a.jsonl": [...documents.slice(0, 120), '{"id":"torn'],
  "b.jsonl.gz": documents.slice(120, -1).map(({ text }) => ({ text })),
  "c.txt": documents.at(-1)!.text,
};
const WEAK = { bands: 2, rows: 4, maxRejectedFraction: 0.5 };

/** What the other would have decided, worked out from the texts alone. */
function expectMissed({ missed }: Difference): void {
  const { intersection, union, jaccard } = missed!;
  expect(10 * intersection).toBeGreaterThan(7 * union);
  expect(intersection / union).toBe(jaccard);
}

describe("of two engines with too few bands", () => {
  let native: string;
  let js: string;
  beforeAll(async () => {
    native = await finishedDedup(files, WEAK);
    js = await finishedDedup(files, { ...WEAK, engine: "js" });
  });

  test("every difference is traced to a pair above the threshold that one missed", async () => {
    const result = await compareDedups({ dirA: native, dirB: js });
    expect(result.a).toMatchObject({ engine: "native", violations: [] });
    expect(result.b).toMatchObject({ engine: "js", violations: [] });
    expect(result.differences.length).toBeGreaterThan(20);
    expect(result.numUntraceable).toBe(0);
    expect(result.numTraced).toBe(result.differences.length);
    for (const one of result.differences) expectMissed(one);
    // Both miss pairs; some differences follow from others; some are of the witness alone.
    expect(result.missedPairs.a).toBeGreaterThan(2);
    expect(result.missedPairs.b).toBeGreaterThan(2);
    expect(result.differences.some(({ via }) => via.length > 0)).toBe(true);
    expect(result.differences.some(({ a, b }) => a.fate === "removed" && b.fate === "removed")).toBe(true);
  });

  test("the witness of a missed pair is kept by both, and the document has no better one where it was found", async () => {
    const { differences } = await compareDedups({ dirA: native, dirB: js });
    const keptIn = [native, js].map((dir) => new Set(linesOf(dir, "kept.jsonl")));
    const texts = new Map(documents.slice(0, 120).map(({ id, text }) => [id!, text]));
    let checked = 0;
    for (const { missed } of differences) {
      const [a, b] = [missed!.id, missed!.kept].map((id) => texts.get(id));
      if (a === undefined || b === undefined) continue;
      const overlap = overlapOf(shinglesOf(a, WORDS5), shinglesOf(b, WORDS5));
      expect(overlap).toEqual({ intersection: missed!.intersection, union: missed!.union });
      for (const kept of keptIn)
        expect([...kept].some((line) => line.includes(JSON.stringify(missed!.kept)))).toBe(true);
      checked += 1;
    }
    expect(checked).toBeGreaterThan(5);
  });

  test("against the exact join all pairs are missed by the bands", async () => {
    const exact = await finishedDedup(files, { ...WEAK, exact: true });
    for (const dir of [native, js]) {
      const result = await compareDedups({ dirA: exact, dirB: dir });
      expect(result.numUntraceable).toBe(0);
      expect(result.missedPairs.a).toBe(0);
      expect(result.missedPairs.b).toBeGreaterThan(5);
    }
    const same = await compareDedups({
      dirA: exact,
      dirB: await finishedDedup(files, { ...WEAK, exact: true, engine: "js" }),
    });
    expect(same.differences).toEqual([]);
  });

  describe("an altered removed.jsonl is not explained away:", () => {
    const removedOf = (line: string) => JSON.parse(line) as { id: string; kept: string; jaccard: number };

    test("a line taken out leaves a document that is neither kept nor removed", async () => {
      const altered = damaged(native, "removed.jsonl", (lines) => lines.slice(1));
      const { numUntraceable, differences, b } = await compareDedups({ dirA: native, dirB: altered });
      expect(numUntraceable).toBe(1);
      expect(differences[0]).toMatchObject({ b: { fate: "lost" }, untraceable: "B neither kept nor removed it" });
      expect(b.violations.join()).toMatch(/neither kept nor removed nor rejected/);
    });

    test("another witness, which is kept but less alike than the line says", async () => {
      const altered = damaged(native, "removed.jsonl", (lines) => {
        const [first, second] = [
          removedOf(lines[0]!),
          lines.map(removedOf).find(({ kept }) => kept !== removedOf(lines[0]!).kept)!,
        ];
        return [JSON.stringify({ ...first, kept: second.kept }), ...lines.slice(1)];
      });
      const { numUntraceable, differences } = await compareDedups({ dirA: native, dirB: altered });
      expect(numUntraceable).toBe(1);
      expect(differences[0]!.untraceable).toMatch(
        /^B says it is [\d.]+ alike with ".*", but \d+ of \d+ shingles are common$/,
      );
    });

    test("another similarity", async () => {
      const altered = damaged(native, "removed.jsonl", (lines) => [
        JSON.stringify({ ...removedOf(lines[0]!), jaccard: 0.99 }),
        ...lines.slice(1),
      ]);
      const { numUntraceable } = await compareDedups({ dirA: altered, dirB: native });
      expect(numUntraceable).toBe(1);
    });

    test("an output that calls itself exact and differs", async () => {
      const boastful = damaged(js, "removed.jsonl", () => undefined);
      changeStageFile(boastful, (stage) => ({ ...stage, config: { ...(stage.config as object), exact: true } }));
      const { numUntraceable, differences } = await compareDedups({ dirA: native, dirB: boastful });
      expect(numUntraceable).toBeGreaterThan(2);
      expect(differences.map(({ untraceable }) => untraceable).join()).toMatch(
        /B was run with --exact and cannot have missed/,
      );
    });
  });

  test.each([
    ["threshold", { threshold: 0.8 }],
    ["shingle", { shingle: "word:4" }],
    ["keep", { keep: "first" }],
    ["maxDocumentBytes", { maxDocumentBytes: 100 }],
  ])("another %s is refused", async (name, config) => {
    const other = await finishedDedup(files, { ...WEAK, ...config, maxRejectedFraction: 1 });
    await expect(compareDedups({ dirA: native, dirB: other })).rejects.toMatchObject({
      code: "config-input",
      message: expect.stringMatching(`expected two dedups with the same ${name}, got `),
    });
  });

  test("an output of another version of the stage is refused", async () => {
    const old = damaged(native, "removed.jsonl", () => undefined);
    changeStageFile(old, (stage) => ({ ...stage, version: 1 }));
    await expect(compareDedups({ dirA: native, dirB: old })).rejects.toMatchObject({
      message: expect.stringMatching(/expected the output of dedup's version \d+, got version 1/),
    });
  });

  test("other inputs are refused", async () => {
    const other = await finishedDedup({ ...files, "c.txt": "another text" }, WEAK);
    await expect(compareDedups({ dirA: native, dirB: other })).rejects.toMatchObject({
      message: expect.stringMatching(/same input 3/),
    });
    const fewer = await finishedDedup({ "a.jsonl": files["a.jsonl"] }, WEAK);
    await expect(compareDedups({ dirA: native, dirB: fewer })).rejects.toMatchObject({
      message: expect.stringMatching(/same inputs, got 3 files and 1/),
    });
  });
});
