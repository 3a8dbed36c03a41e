// What goes in and what comes out: lines byte for byte, bad records, repeated ids, other formats, configuration.

import { describe, expect, test } from "vitest";
import { dedupStage } from "#src/dedup/index.js";
import { Random, randomWords } from "./corpora.js";
import { parseLines, runDedup, writeCorpus } from "./harness.js";

const random = new Random(11);
const texts = Array.from({ length: 8 }, () => randomWords(random, 40).join(" "));

test("kept lines are the input's lines, byte for byte, in input order", async () => {
  const lines = [
    `{ "text" :"${texts[0]}", "id":"a",   "unknown": [1, {"x": 1e3}] }`,
    `{"id":"b","text":"\\u0041 ${texts[1]}"}`,
    `{"id":"c","text":"${texts[0]} plus"}`,
    `{"text":"${texts[2]}"}`,
  ];
  const inputs = writeCorpus({ "a.jsonl": `${lines.join("\n")}`, "b.jsonl": `{"id":"d","text":"${texts[3]}"}\n` });
  const { keptBytes, outputs } = await runDedup(inputs);
  expect(keptBytes.toString()).toBe(`${lines.slice(1).join("\n")}\n{"id":"d","text":"${texts[3]}"}\n`);
  expect(outputs).toMatchObject([{ sizeBytes: keptBytes.length }]);
});

test("bad records and repeated ids go to the rejected file with their places", async () => {
  const good = texts.slice(0, 4).map((text, i) => `{"id":"${i}","text":"${text}"}`);
  const a = [good[0], "{oops", good[1], '{"id":"1","text":"another text under the same id"}'].join("\n");
  const b = ['{"id":"x"}', good[2], good[3], '{"id":"0","text":"and again, from another file"}'].join("\n");
  const inputs = writeCorpus({ "a.jsonl": `${a}\n`, "b.jsonl": `${b}\n` });
  const { rejectedText, kept, counts } = await runDedup(inputs, {
    config: { maxRejectedFraction: 0.5 },
    blockBytes: 200,
  });
  const rejected = parseLines<Record<string, unknown>>(rejectedText);
  expect(rejected.map(({ file, line, reason, id }) => [file, line, reason, id])).toEqual([
    [inputs[0]!.path, 2, "invalid-json", undefined],
    [inputs[0]!.path, 4, "duplicate-id", "1"],
    [inputs[1]!.path, 1, "missing-text", undefined],
    [inputs[1]!.path, 4, "duplicate-id", "0"],
  ]);
  for (const { offset, line, file } of rejected) {
    const content = file === inputs[0]!.path ? a : b;
    expect(
      Buffer.from(content)
        .subarray(0, offset as number)
        .toString()
        .split("\n").length,
    ).toBe(line);
  }
  expect(kept.map(({ id }) => id)).toEqual(["0", "1", "2", "3"]);
  expect(counts).toMatchObject({
    documents_read: 8,
    documents_kept: 4,
    "rejected_duplicate-id": 2,
    "rejected_invalid-json": 1,
  });
});

test("too many rejected records stop the run and say what they were", async () => {
  const inputs = writeCorpus({ "a.jsonl": `{"id":"1","text":"x"}\n{oops\n` });
  await expect(runDedup(inputs)).rejects.toThrow(/at most 1 % malformed records .* 1 of 2 \(1 invalid-json\)/);
  const repeated = writeCorpus({ "a.jsonl": `{"id":"1","text":"x"}\n{"id":"1","text":"y"}\n` });
  await expect(runDedup(repeated)).rejects.toThrow(/1 of 2 \(1 duplicate-id\)/);
});

test("text files become JSON lines, and gzip is read like plain files", async () => {
  const inputs = writeCorpus({
    "one.txt": `${texts[0]}\nsecond line "quoted"`,
    "two.txt": `${texts[0]}\nsecond line QUOTED!`,
    "three.jsonl.gz": `{"id":"z","text":"${texts[1]}"}\n`,
  });
  const { kept, removed, keptBytes, counts } = await runDedup(inputs);
  expect(kept.length).toBe(2);
  expect(kept[0]!.text).toContain(texts[0]);
  expect(kept[1]).toEqual({ id: "z", text: texts[1] });
  expect(removed.length).toBe(1);
  expect(counts.bytes_kept).toBe(keptBytes.length);
});

test("no document at all is a corpus too", async () => {
  const { kept, removed, counts } = await runDedup(writeCorpus({ "a.jsonl": "" }));
  expect([kept, removed]).toEqual([[], []]);
  expect(counts.documents_kept).toBe(0);
});

describe("configuration", () => {
  const refused: [string, Record<string, unknown>][] = [
    ["an unknown key", { treshold: 0.7 }],
    ["a threshold of 1", { threshold: 1 }],
    ["a threshold that is no short decimal", { threshold: 1 / 3 }],
    ["an unknown unit of shingles", { shingle: "line:5" }],
    ["more permutations than there are", { bands: 1024, rows: 64 }],
    ["an unknown policy", { keep: "best" }],
  ];
  for (const [name, config] of refused) {
    test(`${name} is refused`, () => {
      expect(dedupStage.schema.safeParse(config).success).toBe(false);
    });
  }
});
