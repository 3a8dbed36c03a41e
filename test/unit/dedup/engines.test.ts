// The js engine end to end: equal outputs with --exact, the same contract and the same recall without, and no addon anywhere.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { DedupConfig } from "#src/dedup/index.js";
import { overlapOf, shinglesOf } from "#src/text/similarity.js";
import { edited, mixedCorpus, oraclePairs, Random, randomWords, WORDS5 } from "./corpora.js";
import { type DedupOutcome, makeFolder, runDedup, type TestDocument, writeCorpus } from "./harness.js";

/** Near-duplicates, bad records, repeated ids, a compressed file, a text, and texts of other scripts. */
function corpus(seed: number) {
  const documents = mixedCorpus(seed, 30).map((document, i) => ({
    ...document,
    source: i % 3 === 0 ? "web" : "news",
    score: (i * 37) % 11,
  }));
  const text = documents.find((one) => one.text.length > 500)!.text;
  const line = (document: TestDocument): string => JSON.stringify(document);
  const odd = [
    '{"text":"cut off',
    '{"id":7,"text":"a number for an id, as written"}\r',
    '{"id":7.50,"text":"\\u0041nother \\ud83d\\ude00 \u624b\u6a5f15 \u0e01\u0e32 Stra\u00dfe","score":1e3}',
    "",
    '{"id":"x","id":"y","text":"twice"}',
    '{"text":"\\ud800"}',
    line({ id: documents[3]!.id!, text: "an id that stood before" }),
    line({ text: `${text} and a few more words at its end` }),
  ];
  return writeCorpus({
    "a.jsonl": `${[...documents.slice(0, 60).map(line), ...odd].join("\n")}\n`,
    "b.jsonl.gz": `\ufeff${documents.slice(60).map(line).join("\n")}`,
    "c.txt": `${text}!`,
  });
}

const outputs = ({ keptBytes, removedText, rejectedText }: DedupOutcome): readonly string[] => [
  keptBytes.toString(),
  removedText,
  rejectedText,
];

const CONFIG: Partial<DedupConfig> = { maxRejectedFraction: 0.5 };

describe("with exact the outputs of both engines are equal, byte for byte", () => {
  for (const config of [
    {},
    { shingle: "char:5", threshold: 0.5 },
    { shingle: "word:2", keep: "first" },
    { keep: "source:news,web", threshold: 0.4 },
    { keep: "highest:score" },
  ] as const) {
    test(JSON.stringify(config), async () => {
      const inputs = corpus(4);
      const run = (engine: "native" | "js", blockBytes?: number): Promise<DedupOutcome> =>
        runDedup(inputs, {
          config: { ...CONFIG, ...config, exact: true, engine, bands: 2, rows: 2 },
          ...(blockBytes === undefined ? {} : { blockBytes }),
        });
      const native = await run("native");
      expect(native.removed.length).toBeGreaterThan(20);
      expect(native.rejectedText.split("\n").length).toBeGreaterThan(4);
      expect(outputs(await run("js", 20_000))).toEqual(outputs(native));
    });
  }

  test("and differ where one has another threshold", async () => {
    const inputs = corpus(4);
    const config = { ...CONFIG, exact: true, bands: 2, rows: 2 };
    const native = await runDedup(inputs, { config });
    const js = await runDedup(inputs, { config: { ...config, engine: "js", threshold: 0.95 } });
    expect(outputs(js)).not.toEqual(outputs(native));
  });
});

describe("by bands the js engine", () => {
  test("removes for a kept document above the threshold, and keeps no pair above it", async () => {
    const documents = mixedCorpus(9, 40);
    const { kept, removed } = await runDedup(writeCorpus({ "a.jsonl": documents }), { config: { engine: "js" } });
    const texts = new Map(documents.map(({ id, text }) => [id!, text]));
    const isKept = new Set(kept.map(({ id }) => id));
    expect(removed.length).toBeGreaterThan(30);
    for (const { id, kept: witness, jaccard } of removed) {
      const [a, b] = [id, witness].map((one) => shinglesOf(texts.get(one)!, WORDS5));
      const { intersection, union } = overlapOf(a!, b!);
      expect([jaccard, isKept.has(witness), 10 * intersection > 7 * union]).toEqual([intersection / union, true, true]);
    }
    expect(oraclePairs(documents).filter(({ a, b }) => isKept.has(a) && isKept.has(b))).toEqual([]);
  });

  test("finds pairs just above the threshold as often as the bound says", async () => {
    const random = new Random(77);
    const documents: TestDocument[] = [];
    let numPairs = 0;
    while (numPairs < 250) {
      const words = randomWords(random, 120);
      const [a, b] = [words, edited(random, words, 34)].map((list) => list.join(" "));
      const { intersection, union } = overlapOf(shinglesOf(a!, WORDS5), shinglesOf(b!, WORDS5));
      if (intersection / union <= 0.7 || intersection / union > 0.74) continue;
      documents.push({ id: `${numPairs}a`, text: a! }, { id: `${numPairs}b`, text: b! });
      numPairs += 1;
    }
    const { removed } = await runDedup(writeCorpus({ "a.jsonl": documents }), {
      config: { engine: "js" },
      concurrency: 2,
    });
    // 0.995 of them or more; five missed of 250 would be improbable (0.01) at exactly that.
    expect(removed.length).toBeGreaterThan(numPairs - 5);
  });
});

describe("without an addon", () => {
  const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
  const dedup = (inputs: readonly string[], out: string, ...options: string[]): string =>
    execFileSync(process.execPath, [main, "dedup", ...inputs, "--out", out, ...options], {
      env: { ...process.env, MILLRACE_ADDON: "/nowhere/millrace.node" },
      stdio: ["ignore", "pipe", "pipe"],
      encoding: "utf8",
    });

  test("the command dedups JSON lines, gzip and text files, in worker threads", () => {
    const dir = makeFolder();
    const texts = [
      "one two three four five six seven",
      "One, two, three: four five SIX seven!",
      "something else altogether",
    ];
    const lines = texts.map((text, i) => JSON.stringify({ id: `d${i}`, text }));
    const paths = ["a.jsonl", "b.jsonl.gz", "c.txt"].map((name) => join(dir, name));
    writeFileSync(paths[0]!, `${lines.slice(0, 2).join("\n")}\n`);
    writeFileSync(paths[1]!, gzipSync(lines[2]!));
    writeFileSync(paths[2]!, texts[0]!);
    const out = join(dir, "out");
    dedup(paths, out, "--engine", "js", "--workers", "2");
    const removed = readFileSync(join(out, "removed.jsonl"), "utf8").trimEnd().split("\n");
    expect(removed).toHaveLength(2);
    expect(readFileSync(join(out, "kept.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(2);
    for (const line of removed) expect(JSON.parse(line)).toMatchObject({ jaccard: 1 });
  });

  test("the native engine says what to do", () => {
    const dir = makeFolder();
    writeFileSync(join(dir, "a.jsonl"), '{"text":"a"}\n');
    expect(() => dedup([join(dir, "a.jsonl")], join(dir, "out"))).toThrow(/--engine js/);
  });
});
