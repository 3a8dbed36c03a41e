// The report of a folder on disk: what is read, and what is drawn as a sample.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestFile } from "#src/base/digest.js";
import { dedupSchema } from "#src/dedup/config.js";
import { binBounds, readRemovedPairs } from "#src/report/dedup/removed-pairs.js";
import { writeReport } from "#src/report/index.js";
import { readRejectedReasons } from "#src/report/rejected-data.js";
import { readStages } from "#src/report/run-data.js";
import { registry } from "#src/run/registry.js";
import { writeStageFile } from "#src/run/stage-file.js";

const NUM_DOCUMENTS = 500;
let root: string;
const dir = () => join(root, "run", "dedup");

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "millrace-report-"));
  mkdirSync(dir(), { recursive: true });
  const input = join(root, "corpus.jsonl");
  const documents = Array.from({ length: NUM_DOCUMENTS }, (_, id) => ({
    id: `d${id}`,
    text: `text of document ${id} <&>`,
  }));
  writeFileSync(input, documents.map((document) => `${JSON.stringify(document)}\n`).join(""));
  // Most are exact copies; three are close to the threshold, far apart in the file.
  const removed = Array.from({ length: 400 }, (_, number) => ({
    id: `d${number + 50}`,
    kept: `d${number % 50}`,
    jaccard: number % 150 === 149 ? 0.71 : 1,
  }));
  writeFileSync(join(dir(), "removed.jsonl"), removed.map((pair) => `${JSON.stringify(pair)}\n`).join(""));
  await writeStageFile(dir(), {
    stage: "dedup",
    version: 1,
    key: "k",
    config: JSON.parse(JSON.stringify(dedupSchema.parse({}))),
    inputs: [{ name: "corpus.jsonl", path: input, ...(await digestFile(input)) }],
    outputs: [],
    counts: { documents_removed: 400 },
    seconds: 2,
    phases: [],
  } as Parameters<typeof writeStageFile>[1]);
});
afterAll(() => rmSync(root, { recursive: true }));

describe("a report", () => {
  test("is written into the run's folder, with the texts of the pairs", async () => {
    const { path } = await writeReport({ dir: join(root, "run") });
    expect(path).toBe(join(root, "run", "report.html"));
    const page = readFileSync(path, "utf8");
    expect(page.includes("400 documents were removed")).toBe(true);
    expect(page.includes("document 199")).toBe(true);
    expect(page.includes("its text was not looked up")).toBe(false);
  });

  test("of a single stage's folder is that stage's", async () => {
    const { path } = await writeReport({ dir: dir(), out: join(root, "dedup.html") });
    expect(readFileSync(path, "utf8").includes("400 documents were removed")).toBe(true);
  });

  test("of a folder that is no run's is refused", async () => {
    await expect(writeReport({ dir: root })).rejects.toMatchObject({ code: "config-report" });
  });

  test("samples all degrees of similarity, whatever the order of the file", () => {
    const path = join(dir(), "removed.jsonl");
    const { total, bins, sample } = readRemovedPairs(path, 0.7);
    expect(total).toBe(400);
    expect(bins.reduce((sum, { removed }) => sum + removed, 0)).toBe(400);
    expect([bins[0]!.removed, bins.at(-1)!.removed]).toEqual([2, 398]);
    expect(sample.filter(({ jaccard }) => jaccard < 1)).toHaveLength(2);
    expect(sample).toHaveLength(12);
    expect(sample[0]!.jaccard).toBe(0.71);
    const turned = join(root, "turned.jsonl");
    writeFileSync(turned, `${readFileSync(path, "utf8").trimEnd().split("\n").reverse().join("\n")}\n`);
    expect(readRemovedPairs(turned, 0.7)).toEqual({ total, bins, sample });
    writeFileSync(turned, '{"id":"a","kept":"b","jaccard":0.9}\n');
    expect(readRemovedPairs(turned, 0.7).sample).not.toEqual(sample);
  });

  test("has bins from the threshold to 1 at any threshold", () => {
    expect(binBounds(0.7)).toEqual([0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1]);
    for (const threshold of [0, 0.25, 0.5, 0.61, 0.8, 0.85, 0.9, 0.95, 0.999]) {
      const bounds = binBounds(threshold);
      expect([bounds[0], bounds.at(-1)]).toEqual([threshold, 1]);
      expect(bounds.length).toBeLessThan(13);
      for (let i = 1; i < bounds.length; i += 1) expect(bounds[i]!).toBeGreaterThan(bounds[i - 1]!);
    }
  });

  test("counts what could not be read by reason and file, with the first records of each", async () => {
    const stages = await readStages(join(root, "run"), registry);
    expect(await readRejectedReasons(stages)).toEqual([]);
    mkdirSync(join(dir(), "rejected"));
    const records = Array.from({ length: 50 }, (_, i) => ({
      file: `f${i % 7}.jsonl`,
      offset: i,
      line: i + 1,
      reason: i % 5 === 0 ? "invalid-utf8" : "invalid-json",
    }));
    writeFileSync(
      join(dir(), "rejected", "rejected.jsonl"),
      records.map((record) => `${JSON.stringify(record)}\n`).join(""),
    );
    const reasons = await readRejectedReasons(stages);
    expect(reasons.map(({ reason, records, numFiles }) => [reason, records, numFiles])).toEqual([
      ["invalid-json", 40, 7],
      ["invalid-utf8", 10, 7],
    ]);
    expect(reasons[1]!.examples.map(({ offset }) => offset)).toEqual([0, 5, 10]);
    expect(reasons[0]!.files).toHaveLength(5);
    writeFileSync(join(dir(), "rejected", "rejected.jsonl"), '{"file":"f0.jsonl","offs');
    await expect(readRejectedReasons(stages)).rejects.toMatchObject({ code: "report-damaged" });
  });
});
