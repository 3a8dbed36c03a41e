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
