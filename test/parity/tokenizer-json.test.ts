// Any tokenizer.json gives the ids of Hugging Face tokenizers: golden-tokenizer-json.json, made by
// make-tokenizer-json-golden.py.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadTokenizer, type Tokenizer } from "#src/tokenizers/index.js";
import { golden, loadParts } from "./golden-tokenizers.js";
import { fixedTexts, randomTexts } from "./tokenizer-json-texts.js";

const shared = fileURLToPath(new URL("../../../shared/data", import.meta.url));

function encodeAll(tokenizer: Tokenizer, texts: readonly string[]): Int32Array[] {
  const bytes = texts.map((text) => Buffer.from(text));
  const offsets = new Uint32Array(texts.length + 1);
  for (const [i, row] of bytes.entries()) offsets[i + 1] = offsets[i]! + row.length;
  const block = tokenizer.encodeBlock(Buffer.concat(bytes), offsets);
  return texts.map((_, i) => block.ids.subarray(block.offsets[i], block.offsets[i + 1]));
}

function digest(lines: readonly string[]): string {
  return createHash("sha256")
    .update(lines.map((line) => `${line}\n`).join(""))
    .digest("hex")
    .slice(0, 16);
}

const digestOf = (rows: readonly Int32Array[]): string => digest(rows.map((ids) => ids.join(",")));

const END = {
  content: "<end of document>",
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
};
const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const fixed = fixedTexts();
const random = randomTexts(5, golden.numRandom);

describe("ids of tokenizer.json equal the official library's", () => {
  test.each(golden.tokenizers)("$name", (expected) => {
    const tokenizer = loadParts(expected);
    expect(digestOf(encodeAll(tokenizer, fixed))).toBe(expected.fixed);
    const ids = encodeAll(tokenizer, random);
    expect(digestOf(ids)).toBe(expected.random);
    expect(digest(ids.filter(({ length }) => length > 0).map((row) => tokenizer.decode(row)))).toBe(expected.decoded);
  });

  const gpt2File = join(shared, "tokenizers/gpt2-tokenizer.json");
  test.skipIf(!existsSync(gpt2File))(
    "GPT-2's own file, on all text of ../shared/data (skipped where it is absent)",
    () => {
      const tokenizer = loadTokenizer(gpt2File);
      const gpt2 = loadTokenizer("gpt2");
      expect(tokenizer.fingerprint).toBe(gpt2.fingerprint);
      expect([tokenizer.vocabSize, tokenizer.endOfDocumentId]).toEqual([gpt2.vocabSize, gpt2.endOfDocumentId]);
      const file = new URL("golden-gpt2-tokenizer.json", import.meta.url);
      const names = Object.keys((JSON.parse(readFileSync(file, "utf8")) as { shared: object }).shared);
      expect(names.length).toBeGreaterThan(100);
      for (const name of names.filter((name) => name !== "naughty strings")) {
        const text = readFileSync(join(shared, name));
        const offsets = Uint32Array.of(0, text.length);
        expect([name, tokenizer.encodeBlock(text, offsets).ids]).toEqual([name, gpt2.encodeBlock(text, offsets).ids]);
      }
      expect(tokenizer.decode(tokenizer.encode("Na\u00efve \u{1f600}\n"))).toBe("Na\u00efve \u{1f600}\n");
    },
  );
});

const naughty = join(shared, "utf8/blns.json");
test.skipIf(!existsSync(naughty))(
  "byte-level tokenizers give every naughty string back (skipped where ../shared/data is absent)",
  () => {
    const texts = JSON.parse(readFileSync(naughty, "utf8")) as string[];
    expect(texts.length).toBeGreaterThan(500);
    for (const name of ["gpt2", "llama3", "o200k", "tekken", "starcoder", "falcon", "deepseek"]) {
      const tokenizer = loadParts({ ...golden.tokenizers.find((one) => one.name === name)!, decoder: BYTE_LEVEL });
      for (const text of texts) expect([name, tokenizer.decode(tokenizer.encode(text))]).toEqual([name, text]);
    }
  },
);

/** By hand, of tokenizers 0.23.3: what a soak of random texts has found (soak.mjs). */
describe("ids equal the official library's on", () => {
  const named = (name: string) => loadParts(golden.tokenizers.find((tokenizer) => tokenizer.name === name)!);

  test("a letter that has lost its case since Unicode 16", () => {
    expect(Array.from(named("o200k").encode("\u0295The"))).toEqual([135, 244, 390]);
  });

  test("a mark that a normal form moves before one of the first character", () => {
    const ids = Array.from(named("metaspace first of many").encode("\u00b4\u302b"));
    expect(ids).toEqual([314, 230, 131, 174, 324]);
    expect(Array.from(named("metaspace first of many").encode("\u00b4"))).toEqual([354, 314, 354, 324]);
  });
});

/** Each changes one thing of a tokenizer above, and its ids. */
describe("a digest sees", () => {
  const named = (name: string) => golden.tokenizers.find((tokenizer) => tokenizer.name === name)!;
  const changes: [string, string, object][] = [
    ["another normalizer", "qwen2", { normalizer: { type: "NFKC" } }],
    [
      "another pre-tokenizer",
      "gpt2",
      { pre_tokenizer: { ...(named("gpt2").pre_tokenizer as object), add_prefix_space: true } },
    ],
    ["no added token", "mistral", { added_tokens: [{ ...END, id: 0 }] }],
    [
      "another scheme",
      "metaspace first True",
      { pre_tokenizer: { ...(named("metaspace first True").pre_tokenizer as object), prepend_scheme: "never" } },
    ],
    [
      "accents",
      "bert uncased",
      { normalizer: { ...(named("bert uncased").normalizer as object), strip_accents: false } },
    ],
  ];
  test.each(changes)("%s", (_what, name, changed) => {
    const expected = named(name);
    const tokenizer = loadParts(expected, changed);
    expect(digestOf(encodeAll(tokenizer, random))).not.toBe(expected.random);
    expect(tokenizer.fingerprint).not.toBe(loadParts(expected).fingerprint);
  });
});
