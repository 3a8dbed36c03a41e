// `millrace tokenizer train` as a user runs it. What it learns is compared with the official trainer in
// test/parity/bpe-training.test.ts.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { loadTokenizer } from "#src/tokenizers/index.js";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "millrace-tokenizer-train-"));
afterAll(() => rmSync(dir, { recursive: true }));

const words = ["the mill", "race carries", "a stream", "to the wheel", "\u6c34\u8eca", "caf\u00e9"];
const texts = Array.from({ length: 200 }, (_, i) => `${words[i % 6]} ${words[(i * 5 + 1) % 6]} ${i % 7}`);
const corpus = join(dir, "corpus.jsonl");
writeFileSync(corpus, texts.map((text, i) => `${JSON.stringify({ id: `d${i}`, text })}\n`).join(""));
const FILES = ["merges.txt", "tokenizer.json", "vocab.json"];

function train(out: string, ...options: string[]) {
  // The second run of a pair has one thread for files.
  const threads = out === "two" ? { UV_THREADPOOL_SIZE: "1" } : {};
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [main, "tokenizer", "train", corpus, "--out", join(dir, out), ...options],
    { encoding: "utf8", env: { ...process.env, ...threads, MILLRACE_DEBUG: "", NO_COLOR: "1" } },
  );
  return { status, stdout, stderr };
}

const bytesIn = (out: string): string[] => FILES.map((file) => readFileSync(join(dir, out, file), "utf8"));

describe("tokenizer train", () => {
  test("writes a tokenizer that gives every text back, the same bytes whatever threads there are", () => {
    expect(train("one", "--vocab-size", "300", "--json")).toMatchObject({ status: 0, stderr: "" });
    expect(train("two", "--vocab-size", "300").stdout).toMatch(/^300 tokens from 0\.0 MB of text/);
    expect(readdirSync(join(dir, "one")).sort()).toEqual(FILES);
    expect(bytesIn("two")).toEqual(bytesIn("one"));
    train("three", "--vocab-size", "299");
    expect(bytesIn("three")).not.toEqual(bytesIn("one"));
    const tokenizer = loadTokenizer(join(dir, "one"));
    expect(tokenizer.vocabSize).toBe(300);
    for (const text of [...texts, "<|endoftext|>", "\u0000\ufeff"]) {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
  });

  test("in a folder that has one takes its place", () => {
    train("again", "--vocab-size", "300");
    train("again", "--vocab-size", "290");
    expect(loadTokenizer(join(dir, "again")).vocabSize).toBe(290);
  });

  test.each([
    ["--vocab-size", "256", "expected at least 257 for the vocabulary size, got 256"],
    ["--vocab-size", "99999999999", "expected at most 2097151 for the vocabulary size, got 99999999999"],
    ["--vocab-size", "0", "expected a whole number of at least 1"],
    ["--min-frequency", "1.5", "expected a whole number of at least 1"],
    ["--text-field", "body", "expected text to learn a vocabulary from, got none\n  --text-field names the field"],
  ])("refuses %s %s before it writes anything", (option, value, message) => {
    const { status, stderr } = train("refused", option, value);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test("refuses a file in the place of its folder before it reads anything", () => {
    writeFileSync(join(dir, "taken"), "");
    expect(train("taken")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("expected a folder that can be written to for the tokenizer, got "),
    });
  });
});
