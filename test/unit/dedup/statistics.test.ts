// statistics.json beside recall: what became of whom, what many documents repeat, what could not be read, and the reader of
// the file.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sourceWarnings } from "#src/cli/dedup-findings.js";
import { readDedupStatistics } from "#src/formats/dedup-statistics.js";
import { formatDedupStatistics } from "#src/formats/dedup-statistics-file.js";
import { Random, randomWords } from "./corpora.js";
import { makeFolder, type TestDocument, writeCorpus } from "./harness.js";
import { PhaseRun } from "./phase-run.js";

const random = new Random(77);
const article = (): string => randomWords(random, 60).join(" ");

/** `wire` copies two of three of its documents from `press`, one in other case; `press` has its own. */
function twoSources(): TestDocument[] {
  const texts = Array.from({ length: 8 }, article);
  const press = texts.map((text, i) => ({ id: `p${i}`, source: "press", text: `${text} with a closing line` }));
  const near = texts.slice(0, 5).map((text, i) => ({ id: `n${i}`, source: "wire", text }));
  const copy = { id: "c0", source: "wire", text: press[5]!.text.toUpperCase() };
  const own = [0, 1, 2].map((i) => ({ id: `o${i}`, source: "wire", text: article() }));
  return [...press, ...near, copy, ...own];
}

async function statisticsOf(
  files: Parameters<typeof writeCorpus>[0],
  config: ConstructorParameters<typeof PhaseRun>[1] = {},
) {
  const run = new PhaseRun(writeCorpus(files), config);
  await run.through("statistics");
  return run.statistics();
}

test("removal is told by source, with an alarm for one that lost more than half, and where the witnesses are", async () => {
  const { sources, clusters, funnel } = await statisticsOf({ "a.jsonl": twoSources() });
  expect(sources.list).toEqual([
    { source: "wire", read: 9, rejected: 0, exact_copies: expect.any(Number), near_duplicates: 5, kept: 3 },
    {
      source: "press",
      read: 8,
      rejected: 0,
      exact_copies: expect.any(Number),
      near_duplicates: 0,
      kept: expect.any(Number),
    },
  ]);
  // Of the two copies the one with the lesser hash stays: it may be either.
  expect(sources.list.reduce((sum, one) => sum + one.exact_copies, 0)).toBe(1);
  expect(sources.alarms).toEqual([{ source: "wire", documents: 9, removed: 9 - sources.list[0]!.kept }]);
  expect(sources.num_alarms).toBe(1);
  expect(sources.witnesses[0]).toEqual({ removed: "wire", witness: "press", documents: expect.any(Number) });
  expect(sources.witnesses.reduce((sum, { documents }) => sum + documents, 0)).toBe(funnel.removed);
  expect(clusters).toMatchObject({ clusters: 6, sizes: [{ from: 2, to: 3, clusters: 6, documents: 12 }] });
  expect(clusters.largest[0]!.documents).toBe(2);
});

test("a source that loses just half of its documents raises no alarm", async () => {
  const documents = twoSources().filter(({ id }) => !["n3", "n4", "c0"].includes(id ?? ""));
  const { sources } = await statisticsOf({ "a.jsonl": documents });
  expect(sources.list.find(({ source }) => source === "wire")).toMatchObject({ read: 6, kept: 3, near_duplicates: 3 });
  expect(sources.alarms).toEqual([]);
});

test("the warnings name the sources that lost most, and count the rest", () => {
  const alarms = Array.from({ length: 7 }, (_, i) => ({ source: `s${i}`, documents: 3000, removed: 2999 - i }));
  const sources = { sources: 9, list: [], alarms, num_alarms: 7, witnesses: [] };
  const warnings = sourceWarnings({ sources });
  expect(warnings).toHaveLength(6);
  expect(warnings[0]).toBe('WARNING: dedup removed 2,999 of the 3,000 documents of source "s0" (99.9 %)');
  expect(warnings[5]).toBe("WARNING: 2 more sources lost more than half of their documents");
  expect(sourceWarnings({ sources: { ...sources, alarms: [], num_alarms: 0 } })).toEqual([]);
});

for (const [what, shingle, passage] of [
  ["English", "word:5", "All rights reserved; no part of this page may be reproduced."],
  ["Chinese", "word:5", "版权所有，未经许可不得转载本页内容。"],
  ["English by characters", "char:5", "All rights reserved."],
] as const) {
  test(`a passage that many documents repeat is shown as it is written: ${what}`, async () => {
    // No five characters of these occur twice, as good as.
    const noise = (): string => Array.from({ length: 40 }, () => random.below(2 ** 31).toString(36)).join(" ");
    const documents = Array.from({ length: 30 }, (_, i) => ({
      id: `${i}`,
      body: { text: i % 2 === 0 ? `${noise()}\n\n${passage}\n\n${noise()}` : noise() },
    }));
    const lines = documents.map((document) => `${JSON.stringify(document)}\n`).join("");
    const { boilerplate } = await statisticsOf({ "a.jsonl": lines }, { textField: "body.text", shingle });
    expect(boilerplate.documents).toBe(30);
    expect(boilerplate.passages).toHaveLength(1);
    const [first] = boilerplate.passages;
    expect(first).toMatchObject({ documents: 15, least_documents: 15 });
    expect(passage.startsWith(first!.text)).toBe(true);
    expect(first!.text.length).toBeGreaterThanOrEqual(passage.length - 1);
  });
}

test("texts of files that are not JSON lines are found again for their passages", async () => {
  const texts = Array.from({ length: 5 }, () => `${article()} repeated without end in every file ${article()}`);
  const files = Object.fromEntries(texts.map((text, i) => [`${i}.txt`, text]));
  const { boilerplate } = await statisticsOf(files);
  expect(boilerplate.passages.map(({ text }) => text)).toEqual(["repeated without end in every file"]);
});

test("what could not be read is counted by reason and by file, repeated ids with it", async () => {
  const line = (id: string): string => `${JSON.stringify({ id, text: article() })}\n`;
  const files = {
    "good.jsonl": line("a") + line("b"),
    "bad.jsonl": `${line("c")}{"id": 1\n${line("a")}{"id":"x"}\nnonsense\n`,
    "worse.jsonl.gz": `[]\n[]\n[]\n[]\n`,
  };
  const { funnel, unreadable, sources } = await statisticsOf(files, { maxRejectedFraction: 1 });
  const total = (rejected: Readonly<Record<string, number>>): number =>
    Object.values(rejected).reduce((sum, count) => sum + count, 0);
  expect(funnel.records_read).toBe(11);
  expect(total(funnel.rejected)).toBe(8);
  expect(funnel.rejected["duplicate-id"]).toBe(1);
  expect(funnel.documents).toBe(3);
  expect(unreadable.files).toBe(2);
  expect(unreadable.list.map(({ file, rejected }) => [file.split("/").at(-1), total(rejected)])).toEqual([
    ["bad.jsonl", 4],
    ["worse.jsonl.gz", 4],
  ]);
  expect(unreadable.list[0]!.rejected["duplicate-id"]).toBe(1);
  expect(sources.list.find(({ source }) => source === "bad")).toMatchObject({ read: 2, rejected: 1, kept: 1 });
});

test("an input without documents has statistics", async () => {
  const { funnel, recall, clusters, boilerplate } = await statisticsOf({ "empty.jsonl": "" });
  expect(funnel).toMatchObject({ records_read: 0, documents: 0, kept: 0 });
  expect(recall.recall).toBeNull();
  expect([clusters.clusters, boilerplate.passages]).toEqual([0, []]);
});

test("statistics are read as they were written; a damaged or foreign file is refused by the place of the fault", async () => {
  const run = new PhaseRun(writeCorpus({ "a.jsonl": twoSources() }));
  await run.through("statistics");
  const statistics = run.statistics();
  const path = join(makeFolder(), "statistics.json");
  expect(await readDedupStatistics(path)).toBeUndefined();
  writeFileSync(path, formatDedupStatistics(statistics));
  expect(await readDedupStatistics(path)).toEqual(statistics);
  for (const [text, place] of [
    ["{", "the whole"],
    [JSON.stringify({ ...statistics, version: 2 }), "version"],
    [JSON.stringify({ ...statistics, recall: { ...statistics.recall, pairs: -1 } }), "recall.pairs"],
  ] as const) {
    writeFileSync(path, text);
    await expect(readDedupStatistics(path)).rejects.toMatchObject({
      code: "statistics-damaged",
      message: expect.stringContaining(`something else at ${place}`),
    });
  }
});
