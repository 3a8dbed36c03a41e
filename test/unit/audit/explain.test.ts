// What `explain` tells of documents with every fate, in a dedup and in a run of clean, dedup and shards.
import { cpSync, mkdirSync, renameSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { defaultFolder, explain } from "#src/audit/explain.js";
import type { DedupStory } from "#src/audit/explain-dedup.js";
import { explainShards } from "#src/audit/explain-shards.js";
import { sideBySide } from "#src/audit/side-by-side.js";
import { overlapOf, shinglesOf } from "#src/text/similarity.js";
import { Random, randomWords, WORDS5 } from "../dedup/corpora.js";
import { makeShards } from "../shard/make-shards.js";
import { finishedDedup, linesOf, makeFolder } from "./finished.js";

const random = new Random(17);
const base = randomWords(random, 100);
const longer = base.concat(randomWords(random, 5)).join(" ");
const shorter = base.join(" ");

async function storyOf(id: string, dir: string): Promise<DedupStory> {
  const { stages } = await explain(id, dir);
  return stages.find(({ stage }) => stage === "dedup") as DedupStory;
}

describe("a document of a dedup", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await finishedDedup(
      {
        "a.jsonl": [
          { id: "short", text: shorter, source: "web" },
          { id: 'copy/of "short" \u00e9', text: shorter.toUpperCase(), source: "web" },
          { id: "long", text: longer, source: "books" },
          { id: "alone", text: randomWords(random, 50).join(" ") },
          { id: "short", text: "the second of this id" },
          '{"id":7.50,"text":"a number as it was written"}',
          '{"text":"no id of its own"}',
          "{torn",
        ],
      },
      { maxRejectedFraction: 0.5 },
    );
  });

  test("that was removed: witness, similarity recomputed, and why the witness comes first", async () => {
    const { removed, texts, rejected } = await storyOf("short", dir);
    const { intersection, union } = overlapOf(shinglesOf(shorter, WORDS5), shinglesOf(longer, WORDS5));
    expect(removed).toMatchObject({ line: 1, witness: "long", exactCopy: false, common: intersection, union });
    expect(removed!.jaccard).toBe(intersection / union);
    expect(removed!.why).toMatch(/^it has more normalised text, \d+ bytes against \d+ bytes$/);
    expect(removed!.own).toMatchObject({
      offset: 0,
      source: "web",
      normalizedBytes: Buffer.byteLength(shorter.toLowerCase()),
    });
    expect(texts![0].shared).toEqual([{ begin: 0, end: shorter.length }]);
    // The second record of the id was rejected, and is told too.
    expect(rejected).toMatchObject([{ reason: "duplicate-id", line: 5 }]);
  });

  test("that was kept: which documents went for its sake", async () => {
    const { kept, removed } = await storyOf("long", dir);
    expect(removed).toBeUndefined();
    expect(kept).toMatchObject({ file: join(dir, "kept.jsonl"), offset: 0, removed: 2 });
    expect(kept!.first.map(({ id }) => id)).toEqual(["short", 'copy/of "short" \u00e9']);
    expect((await storyOf("alone", dir)).kept).toMatchObject({ removed: 0, first: [] });
  });

  test("with an id of any letters, a number as it was written, or no id", async () => {
    expect((await storyOf('copy/of "short" \u00e9', dir)).removed).toMatchObject({ witness: "long" });
    expect((await storyOf("7.50", dir)).kept).toBeDefined();
    const offset = linesOf(join(dir, ".."), "a.jsonl")
      .slice(0, 6)
      .reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    expect((await storyOf(`a#${offset}`, dir)).kept).toMatchObject({ offset });
    await expect(explain("7.5", dir)).rejects.toMatchObject({ code: "config-input" });
    await expect(explain("a#0", dir)).rejects.toMatchObject({ code: "config-input" });
  });

  test("that nobody knows: ids that begin alike are named", async () => {
    await expect(explain("lonx", dir)).rejects.toMatchObject({ code: "config-input", hint: "did you mean long?" });
  });

  test("whose id the writer of the JSON has escaped is found all the same", async () => {
    const escaped = await finishedDedup({ "x.jsonl": ['{"id":"caf\\u00e9\\/1","text":"some words for the id"}'] });
    expect((await storyOf("caf\u00e9/1", escaped)).kept).toMatchObject({ offset: 0 });
  });

  test("that is an exact copy says so, and other policies give their own reasons", async () => {
    const documents = [
      { id: "1", text: `${shorter} !`, source: "web", score: 1 },
      { id: "2", text: shorter, source: "books", score: 2 },
    ];
    const reasons: Record<string, RegExp> = {
      longest: /the same, so the hash of the text as it is decides/,
      first: /^it comes first in the input$/,
      "source:books": /^its source books ranks before web/,
      "highest:score": /^its score is 2, against 1$/,
      "lowest:score": /^its score is 1, against 2$/,
    };
    for (const [keep, why] of Object.entries(reasons)) {
      const out = await finishedDedup({ "x.jsonl": documents }, { keep });
      const { id } = JSON.parse(linesOf(out, "removed.jsonl")[0]!) as { id: string };
      const { removed } = await storyOf(id, out);
      expect(removed).toMatchObject({ exactCopy: true, jaccard: 1 });
      expect(removed!.why).toMatch(why);
    }
  });

  test("a folder named, this one, or the newest run below it is looked at", () => {
    expect(defaultFolder(dir)).toBe(dir);
    const project = makeFolder();
    expect(() => defaultFolder(project)).toThrowError(expect.objectContaining({ code: "config-option" }));
    for (const [run, seconds] of [
      ["old", 1000],
      ["new", 2000],
      ["older", 500],
    ] as const) {
      mkdirSync(join(project, "runs", run), { recursive: true });
      cpSync(dir, join(project, "runs", run, "dedup"), { recursive: true });
      utimesSync(join(project, "runs", run), seconds, seconds);
    }
    expect(defaultFolder(project)).toBe(join(project, "runs", "new"));
  });
});

describe("in shards", () => {
  test("the rows of a document are found by the whole id, with their tokens", async () => {
    const dir = makeFolder();
    const documents = ["a", "aa", "b", "ab"].map((id) => ({ id, text: `text of ${id}`, source: "s" }));
    await makeShards(dir, [{ documents }]);
    const { rows } = await explainShards("aa", dir);
    expect(rows).toMatchObject([{ source: "s" }]);
    expect(rows[0]!.tokens).toBeGreaterThan(2);
    expect((await explainShards("c", dir)).rows).toEqual([]);
    // The folder of a stage by itself will do, and that of its run.
    const run = makeFolder();
    renameSync(dir, join(run, "shards"));
    expect((await explain("ab", run)).stages).toMatchObject([{ stage: "shard", rows: [{ split: rows[0]!.split }] }]);
  });
});

describe("side by side", () => {
  const side = (title: string, text: string, shared: { begin: number; end: number }[]) => ({ title, text, shared });

  test("what only one text has stands in brackets, in columns of the terminal", () => {
    const lines = sideBySide(
      side("removed: a", "one two three four five six", [{ begin: 0, end: 18 }]),
      side("kept: b", "one two three four 5 6", [{ begin: 0, end: 18 }]),
      60,
    );
    expect(lines).toEqual([
      "removed: a                   | kept: b",
      "---------------------------- | ----------------------------",
      "one two three four [[five    | one two three four [[5 6]]",
      "six]]                        |",
    ]);
  });

  test("no line is wider than asked for, wide characters counted as two", () => {
    const text = "\u624b\u6a5f\u3067\u8aad\u3080 ".repeat(40) + "word ".repeat(300);
    for (const width of [60, 81, 120]) {
      const lines = sideBySide(side("a", text, []), side("b", text.slice(7), []), width);
      const columns = (line: string) => [...line].reduce((sum, one) => sum + (/[\u3000-\u9fff]/.test(one) ? 2 : 1), 0);
      expect(Math.max(...lines.map(columns))).toBeLessThanOrEqual(width);
    }
  });

  test("of long texts the first difference is shown, and how much is left out", () => {
    const same = "word ".repeat(400);
    const [a, b] = [`${same}left ${same}`, `${same}right ${same}`];
    const shared = (text: string, own: number) => [
      { begin: 0, end: same.length - 1 },
      { begin: same.length + own + 1, end: text.length - 1 },
    ];
    const shown = sideBySide(side("a", a, shared(a, 4)), side("b", b, shared(b, 5)), 120).join("\n");
    expect(shown).toContain("[[left]]");
    expect(shown).toContain("[[right]]");
    expect(shown).toMatch(/\([\d,]+ characters\) \.\.\. word/);
    expect(shown.length).toBeLessThan(4000);
  });
});
