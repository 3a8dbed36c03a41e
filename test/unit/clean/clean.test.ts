import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestBytes } from "#src/base/digest.js";
import { cleanStage } from "#src/clean/index.js";
import { cleanTasks } from "#src/clean/tasks.js";
import { createBlockReader } from "#src/read/index.js";
import { type Conducted, conduct, refsOf } from "./conduct.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "clean-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Blocks of a few records, so that everything crosses borders. */
const SMALL = createBlockReader({ blockBytes: 200, maxRecordBytes: 4000 });
const WORDS = { minTokens: 0, tokenizer: "whitespace-words" };

async function clean(files: Record<string, string | Uint8Array>, config: object, out = "out"): Promise<Conducted> {
  const paths = [];
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(dir, name), content);
    paths.push(join(dir, name));
  }
  const inputs = await refsOf(paths);
  return conduct(cleanStage, cleanTasks, { inputs, config, dir: join(dir, out), reader: SMALL });
}

async function kept({ parts }: Conducted): Promise<Record<string, unknown>[]> {
  const texts = await Promise.all(parts.map(({ path }) => readFile(path, "utf8")));
  return texts
    .join("")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

async function rejected(out = "out"): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(dir, out, "rejected/rejected.jsonl"), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

const lines = (records: readonly unknown[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join("");

describe("clean", () => {
  test("keeps unknown fields and writes id, text and source under fixed names", async () => {
    const input = lines([
      { url: "a", content: "x", text: { html: 1 }, n: 1.5e3, deep: [{ y: null }] },
      { url: "b", content: "z", id: 7, source: "web" },
    ]);
    const run = await clean({ "in.jsonl": input }, { ...WORDS, textField: "content", idField: "url" });
    expect(await kept(run)).toEqual([
      { id: "a", text: "x", source: "in", original_text: { html: 1 }, n: 1500, deep: [{ y: null }] },
      { id: "b", text: "z", source: "web", original_id: 7 },
    ]);
  });

  test("texts become NFC with LF line ends", async () => {
    const input = lines([{ id: "a", text: "e\u0301\r\nb\rc" }]);
    expect((await kept(await clean({ "in.jsonl": input }, WORDS)))[0]!.text).toBe("\u00e9\nb\nc");
    const off = await clean({ "in.jsonl": input }, { ...WORDS, nfc: false, newlines: false }, "off");
    expect((await kept(off))[0]!.text).toBe("e\u0301\r\nb\rc");
  });

  test("documents under minTokens words are rejected as too-short, exactly at the border", async () => {
    const words = (n: number): string => Array.from({ length: n }, () => "w").join(" \u3000 ");
    const input = lines([127, 128, 129].map((n) => ({ id: `d${n}`, text: words(n) })));
    const run = await clean({ "in.jsonl": input }, { tokenizer: "whitespace-words" });
    expect((await kept(run)).map(({ id }) => id)).toEqual(["d128", "d129"]);
    expect(run.counts).toMatchObject({ documents_read: 3, documents_kept: 2, "rejected_too-short": 1 });
    const detail = "fewer than 128 words";
    const file = join(dir, "in.jsonl");
    expect(await rejected()).toEqual([{ file, offset: 0, line: 1, reason: "too-short", detail, id: "d127" }]);
  });

  test("the GPT-2 rule counts tokens where no bound decides", async () => {
    const input = lines([
      { id: "bytes", text: "a".repeat(127) },
      { id: "tokens-short", text: "internationalization ".repeat(40) },
      { id: "tokens-long", text: "qzxv".repeat(60) },
      { id: "words", text: "a ".repeat(128) },
    ]);
    const run = await clean({ "in.jsonl": input }, {});
    expect((await kept(run)).map(({ id }) => id)).toEqual(["tokens-long", "words"]);
  });

  test("a repeated id is rejected wherever it comes again, and only the parts concerned are rewritten", async () => {
    const a = lines(Array.from({ length: 30 }, (_, i) => ({ id: `a${i}`, text: `text ${i}` })));
    const b = lines([
      { id: "a3", text: "again" },
      { id: "b", text: "new" },
      { id: "b", text: "twice" },
    ]);
    const run = await clean({ "a.jsonl": a, "b.jsonl": b }, { ...WORDS, maxRejectedFraction: 1 });
    const documents = await kept(run);
    expect(documents.map(({ id }) => id)).toEqual([...Array.from({ length: 30 }, (_, i) => `a${i}`), "b"]);
    expect(documents.at(-1)!.text).toBe("new");
    expect(run.counts).toMatchObject({ documents_kept: 31, "rejected_duplicate-id": 2 });
    const file = join(dir, "b.jsonl");
    const offset = lines([
      { id: "a3", text: "again" },
      { id: "b", text: "new" },
    ]).length;
    expect(await rejected()).toEqual([
      { file, offset: 0, line: 1, reason: "duplicate-id", id: "a3" },
      { file, offset, line: 3, reason: "duplicate-id", id: "b" },
    ]);
    const links = await Promise.all(run.parts.map(async ({ path }) => (await stat(path)).nlink));
    expect(links.filter((count) => count === 1)).toHaveLength(1);
    expect(links.length).toBeGreaterThan(5);
  });

  test("records without ids get different ones, also in files of the same name", async () => {
    const input = lines([{ text: "one" }, { text: "two" }]);
    const run = await clean({ "x.jsonl": input, "x.ndjson": input }, WORDS);
    expect((await kept(run)).map(({ id }) => id)).toEqual(["x#0", "x#15", "x~2#0", "x~2#15"]);
  });

  test("rejected records carry absolute offsets and lines across blocks", async () => {
    const good = lines(Array.from({ length: 40 }, (_, i) => ({ id: i, text: `text ${i}` })));
    const input = `${good}\n{"text":1}\n${good.replaceAll('"id":', '"id":1')}{"text":"torn`;
    const run = await clean({ "in.jsonl": input }, { ...WORDS, maxRejectedFraction: 0.8 });
    const records = (await rejected()).filter(({ reason }) => reason !== "duplicate-id");
    expect(records.map(({ line, reason, offset }) => ({ line, reason, offset }))).toEqual([
      { line: 42, reason: "text-not-a-string", offset: good.length + 1 },
      { line: 83, reason: "invalid-json", offset: input.lastIndexOf("\n") + 1 },
    ]);
    expect(run.counts.documents_read).toBe(82);
  });

  test("a file that is named twice counts its lines twice from 1", async () => {
    const path = join(dir, "in.jsonl");
    await writeFile(path, `${lines([{ id: 1, text: "a" }])}broken\n`);
    const inputs = await refsOf([path, path]);
    const config = { ...WORDS, maxRejectedFraction: 1 };
    await conduct(cleanStage, cleanTasks, { inputs, config, dir: join(dir, "out"), reader: SMALL });
    expect((await rejected()).map(({ line, reason }) => [line, reason])).toEqual([
      [2, "invalid-json"],
      [1, "duplicate-id"],
      [2, "invalid-json"],
    ]);
  });

  test("more malformed records than allowed end the run with the reasons, the place and the way out", async () => {
    const bad = lines([{ id: 1, text: "a" }, { id: 2 }, { id: 3, text: 5 }, { id: 4 }]);
    const run = clean({ "in.jsonl": bad }, { ...WORDS, maxRejectedFraction: 0.5 });
    await expect(run).rejects.toMatchObject({
      code: "too-many-rejected",
      message:
        "expected at most 50 % malformed records for maxRejectedFraction, got 75 %: 3 of 4 (2 missing-text, 1 text-not-a-string)",
    });
    expect(await rejected()).toHaveLength(3);
    const short = lines([{ id: 1, text: "a" }]);
    await expect(clean({ "in.jsonl": short }, { maxRejectedFraction: 0 }, "rules")).resolves.toBeDefined();
  });

  test("a compressed file gives the same documents as the plain one", async () => {
    const input = lines(Array.from({ length: 50 }, (_, i) => ({ id: `d${i}`, text: `text ${i}`, k: i })));
    const plain = await clean({ "in.jsonl": input }, WORDS, "plain");
    const zipped = await clean({ "in.jsonl.gz": gzipSync(input) }, WORDS, "zipped");
    expect(await kept(zipped)).toEqual(await kept(plain));
    expect(zipped.parts.map(({ digest }) => digest)).toEqual(plain.parts.map(({ digest }) => digest));
  });

  test("the bytes of the outputs are those of this version of the stage", async () => {
    const input = lines(
      Array.from({ length: 20 }, (_, i) => ({
        id: `d${i % 19}`,
        text: `Te\u0301xt ${i} "q"\r\n\t\u0001`,
        k: [i, { a: "\u00e9" }],
      })),
    );
    const run = await clean({ "in.jsonl": input, "t.txt": "A whole text.\n" }, { ...WORDS, maxRejectedFraction: 0.5 });
    const bytes = Buffer.concat(await Promise.all(run.parts.map(({ path }) => readFile(path))));
    // Another digest here means another version in src/clean/stage.ts.
    expect({ version: cleanStage.version, digest: digestBytes(bytes) }).toEqual({
      version: 3,
      digest: "xxh64:ebcdc0478af753e7",
    });
  });
});
