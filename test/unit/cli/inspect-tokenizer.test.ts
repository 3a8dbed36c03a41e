// `millrace inspect` on tokenizers: what one is, whatever kind of file it is in.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { inspectTokenizer } from "#src/cli/inspect-tokenizer.js";
import { loadTokenizer } from "#src/tokenizers/index.js";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const data = fileURLToPath(new URL("../../../../shared/data/tokenizers", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "millrace-inspect-tokenizer-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b"];
writeFileSync(join(dir, "vocab.txt"), `${vocab.join("\n")}\n`);
writeFileSync(join(dir, "notes.txt"), "no vocabulary\n");
writeFileSync(join(dir, "corpus.json"), "[]");

describe("inspect", () => {
  test("says of a tokenizer what it is and what later files must agree with, by folder, file and name", () => {
    const found = {
      kind: "tokenizer",
      tokenizer: "WordPiece, uncased",
      files: [join(dir, "vocab.txt")],
      vocabSize: 7,
      endOfDocument: { token: "[SEP]", id: 3 },
      specialTokens: { "[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4 },
      fingerprint: loadTokenizer(dir).fingerprint,
    };
    for (const path of [dir, join(dir, "vocab.txt"), `${join(dir, "vocab.txt")}#[SEP]`]) {
      expect(inspectTokenizer(path), path).toMatchObject(found);
    }
    expect(inspectTokenizer("gpt2")).toMatchObject({
      tokenizer: "byte-level BPE",
      vocabSize: 50257,
      specialTokens: { "<|endoftext|>": 50256 },
    });
    for (const path of ["notes.txt", "corpus.json", "nowhere", "nowhere#x"]) {
      expect(inspectTokenizer(join(dir, path)), path).toBe(undefined);
    }
    expect(() => inspectTokenizer(`${dir}#[CLS]`)).toThrow("expected [SEP] as end of documents");
  });

  test("prints it as it prints all else", () => {
    const inspect = (...args: string[]) =>
      spawnSync(process.execPath, [main, "inspect", ...args], { encoding: "utf8" });
    const { stdout, status } = inspect(dir, "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual(inspectTokenizer(dir));
    expect(inspect(join(dir, "vocab.txt")).stdout).toContain("tokenizer: WordPiece, uncased\n");
  });
});

test.skipIf(!existsSync(data))(`models of SentencePiece and a tokenizer.json are told of (expected at ${data})`, () => {
  expect(inspectTokenizer(join(data, "test_model.model"))).toMatchObject({
    tokenizer: "SentencePiece, unigram",
    vocabSize: 1000,
    endOfDocument: { token: "</s>", id: 2 },
    specialTokens: { "<s>": 1, "</s>": 2 },
  });
  copyFileSync(join(data, "gpt2-tokenizer.json"), join(dir, "tokenizer.json"));
  expect(inspectTokenizer(join(dir, "tokenizer.json"))).toMatchObject({
    tokenizer: "BPE of a tokenizer.json",
    vocabSize: 50257,
    endOfDocument: { token: "<|endoftext|>", id: 50256 },
  });
});
