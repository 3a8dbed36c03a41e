// The report of a folder on disk: what is read, and what is drawn as a sample.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestFile } from "#src/base/digest.js";
import { dedupSchema } from "#src/dedup/config.js";
import { writeReport } from "#src/report/index.js";
import { readRemovedPairs } from "#src/report/removed-pairs.js";
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

  test("samples all degrees of similarity, the same ones every time", async () => {
    const [stage] = await readStages(join(root, "run"), registry);
    const { total, histogram, sample } = await readRemovedPairs(stage!, registry);
    expect(total).toBe(400);
    expect(histogram.slice(7)).toEqual([2, 0, 398]);
    expect(sample.filter(({ jaccard }) => jaccard < 1)).toHaveLength(2);
    expect(sample).toHaveLength(12);
    expect((await readRemovedPairs(stage!, registry)).sample).toEqual(sample);
  });
});
