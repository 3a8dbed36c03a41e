// WordPiece gives the ids of Hugging Face tokenizers: golden-word-piece.json, made by make-word-piece-golden.py by the
// same rules as the texts here.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { native } from "#src/native.js";
import { type EncodedBlock, loadTokenizer, tokenizerFiles, vocabularyFiles } from "#src/tokenizers/index.js";
import { createNativeWordPiece, WordPiece } from "#src/tokenizers/word-piece.js";
import { golden as gpt2, randomText, scriptText } from "./gpt2-texts.js";
import { xorshift32 } from "./xorshift32.js";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const golden = JSON.parse(readFileSync(path("golden-word-piece.json"), "utf8")) as Record<string, string>;
const bertFile = path("../../../shared/data/tokenizers/bert_base_uncased_vocab.txt");
const dir = mkdtempSync(join(tmpdir(), "millrace-word-piece-"));
afterAll(() => rmSync(dir, { recursive: true }));

function range(begin: number, end: number): string[] {
  return Array.from({ length: end - begin }, (_, i) => String.fromCodePoint(begin + i));
}

const chars = [...range(0x21, 0x3000), ...range(0x4e00, 0x4f00), ...range(0x1d165, 0x1d173)];
const words = ["the", "##ing", "un", "##able", "##aff", "caf", "##e", "str"];
const specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const small = [...specials, ...chars, ...chars.map((char) => `##${char}`), ...words].join("\n");

const everyCodePoint = range(0, 0x110000)
  .filter((char) => char.isWellFormed())
  .map((char) => `a${char}b ${char}`);

function randomTexts(): string[] {
  const draw = xorshift32(2463534242);
  return Array.from({ length: 20_000 }, () =>
    Array.from({ length: draw(40) }, () => {
      const limit = [0x80, 0x3000, 0x110000, 0x11][draw(4)]!;
      const drawn = limit === 0x11 ? 0x1d165 + draw(14) : draw(limit);
      return String.fromCodePoint(drawn < 0xd800 || drawn >= 0xe000 ? drawn : drawn - 0x800);
    }).join(""),
  );
}

function shortTexts(): string[] {
  const draw = xorshift32(gpt2.short.seed);
  return Array.from({ length: 1_000_000 }, () => randomText(draw, 6));
}

function scriptTexts(): string[] {
  return gpt2.scripts.map(([, first, last]) => scriptText(xorshift32(gpt2.random.seed), first, last));
}

const naughty = [
  0, 9, 0xd, 0x1b, 0x20, 0x23, 0x5b, 0x7f, 0x85, 0xa0, 0xad, 0x130, 0x131, 0x149, 0x1c5, 0x301, 0x307, 0x323, 0x345,
  0x3a3, 0x3c2, 0x600, 0x61c, 0xe33, 0xf73, 0x1100, 0x1161, 0x11a8, 0x180e, 0x1e9e, 0x1f80, 0x200b, 0x200d, 0x202e,
  0x2028, 0x2126, 0x3000, 0x302b, 0x3099, 0x30ab, 0x4e00, 0xac01, 0xe000, 0xf900, 0xfb1d, 0xfdfa, 0xfeff, 0xff21,
  0xfffd, 0xffff, 0x10400, 0x1d15e, 0x1d165, 0x1f468, 0x1f3fb, 0x20000, 0x2f800, 0x31350, 0xe0001, 0x10ffff,
].map((codePoint) => String.fromCodePoint(codePoint));
const naughtyTexts = naughty.flatMap((x) => naughty.map((y) => `ab${x}${y}A b`));

/** Their digests are over int32 ids with -1 behind each text. */
const manyTexts: Record<string, () => string[]> = {
  scripts: scriptTexts,
  naughty: () => naughtyTexts,
  short: shortTexts,
};

const texts: Record<string, string[]> = {
  "code points": everyCodePoint,
  random: randomTexts(),
  odd: [
    "",
    " ",
    "x".repeat(100),
    "x".repeat(101),
    "\u{1d15e}".repeat(100),
    "Unaffable caf\u00e9 [SEP] ##ing \uac01\uff01",
    "a\x00\ufffd\u200db",
  ],
};

function wordPiece(vocab: Uint8Array | string, uncased?: boolean): WordPiece {
  return new WordPiece({ name: "test", vocab: Buffer.from(vocab), vocabFile: "vocab.txt", uncased });
}

function blockOf(rows: readonly string[]): [Uint8Array, Uint32Array] {
  const offsets = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) offsets[i + 1] = offsets[i]! + Buffer.byteLength(row);
  return [Buffer.from(rows.join("")), offsets];
}

const END = Int32Array.of(-1);

function digestOfIds({ ids, offsets }: EncodedBlock): string {
  const sha = createHash("sha256");
  for (let i = 0; i + 1 < offsets.length; i += 1) sha.update(ids.subarray(offsets[i], offsets[i + 1])).update(END);
  return sha.digest("hex");
}

function digest(tokenizer: WordPiece, rows: readonly string[]): string {
  const { ids, offsets: ends } = tokenizer.encodeBlock(...blockOf(rows));
  const lines = rows.map((_, i) => `${ids.subarray(ends[i], ends[i + 1]).join(",")}\n`);
  return createHash("sha256").update(lines.join("")).digest("hex");
}

describe.each([true, false])("ids of Hugging Face tokenizers, uncased: %s", (uncased) => {
  const of = (name: string, kind: string): string | undefined =>
    golden[`${name} ${uncased ? "uncased" : "cased"} ${kind}`];

  test.each(Object.keys(texts))("%s, with a vocabulary of characters", (kind) => {
    expect(digest(wordPiece(small, uncased), texts[kind]!)).toBe(of("small", kind));
  });

  test.skipIf(!existsSync(bertFile)).each(Object.keys(texts))("%s, with BERT's (skipped without ../shared)", (kind) => {
    expect(digest(wordPiece(readFileSync(bertFile), uncased), texts[kind]!)).toBe(of("bert", kind));
  });

  test("another rule is seen", () => {
    expect(digest(wordPiece(small, !uncased), texts.odd!)).not.toBe(of("small", "odd"));
  });
});

test.each(Object.keys(manyTexts))("%s give the ids of Hugging Face tokenizers, cased and uncased", (kind) => {
  const block = blockOf(manyTexts[kind]!());
  const vocabularies: [string, Uint8Array | string][] = [["small", small]];
  if (existsSync(bertFile)) vocabularies.push(["bert", readFileSync(bertFile)]);
  for (const [name, vocab] of vocabularies) {
    for (const uncased of [true, false]) {
      const key = `${name} ${uncased ? "uncased" : "cased"} ${kind}`;
      expect([key, digestOfIds(wordPiece(vocab, uncased).encodeBlock(...block))]).toEqual([key, golden[key]]);
    }
  }
});

test("every combination of the normalizer's switches gives the ids of Hugging Face tokenizers, none those of another", () => {
  const block = blockOf([...texts.random!.slice(0, 2000), ...naughtyTexts]);
  const digests = Array.from({ length: 16 }, (_, i) => {
    const tokenizer = createNativeWordPiece(small.split("\n"), {
      ...{ unknown: "[UNK]", prefix: "##", mostCharacters: 100, split: true },
      ...{ clean: (i & 8) !== 0, chinese: (i & 4) !== 0, stripAccents: (i & 2) !== 0, lowercase: (i & 1) !== 0 },
    });
    return digestOfIds(native().encodeBlock(tokenizer, ...block));
  });
  const names = digests.map((_, i) => `switches ${i.toString(2).padStart(4, "0")}`);
  expect(Object.fromEntries(names.map((name, i) => [name, digests[i]]))).toEqual(
    Object.fromEntries(names.map((name) => [name, golden[name]])),
  );
  expect(new Set(digests).size).toBe(16);
});

describe("a vocab.txt", () => {
  const file = join(dir, "vocab.txt");
  const config = join(dir, "tokenizer_config.json");
  const lower = "[UNK]\n[SEP]\nab\n##c\n";

  test("is a tokenizer, by its own path and by its folder's", () => {
    writeFileSync(file, lower);
    for (const name of [file, dir]) {
      const tokenizer = loadTokenizer(name);
      expect([tokenizer.vocabSize, tokenizer.endOfDocumentId]).toEqual([4, 1]);
      expect(Array.from(tokenizer.encode("ABC x"))).toEqual([2, 3, 0]);
      expect(tokenizer.decode([2, 3, 0])).toBe("abc [UNK]");
      expect(tokenizerFiles(name)).toEqual([file]);
    }
    expect(() => loadTokenizer(file).decode([4])).toThrow("expected ids from 0 to 3 for decoding, got 4 at position 0");
    expect(() => vocabularyFiles(dir)).toThrow("expected a byte-level BPE");
  });

  test("is cased where a token has a capital letter or its configuration says so, and the fingerprint follows", () => {
    const { fingerprint } = wordPiece(lower);
    expect(wordPiece(lower, true).fingerprint).toBe(fingerprint);
    expect(wordPiece(lower, false).fingerprint).not.toBe(fingerprint);
    expect(Array.from(wordPiece(`${lower}AB\n`).encode("AB ab"))).toEqual([4, 2]);
    writeFileSync(file, lower);
    writeFileSync(config, '{"do_lower_case": false}');
    expect(loadTokenizer(dir).fingerprint).toBe(wordPiece(lower, false).fingerprint);
    expect(tokenizerFiles(dir)).toEqual([file, config]);
  });

  test.each([
    ["{", "expected JSON"],
    ['{"do_lower_case": 1}', "expected true or false for do_lower_case, got 1"],
    ['{"strip_accents": false}', "expected null for strip_accents, got false"],
    ['{"tokenize_chinese_chars": false}', "expected true for tokenize_chinese_chars, got false"],
  ])("beside the configuration %s is refused", (text, message) => {
    writeFileSync(file, lower);
    writeFileSync(config, text);
    expect(() => loadTokenizer(dir)).toThrow(message);
  });

  test("without [UNK] or [SEP], or in another encoding, is refused", () => {
    expect(() => wordPiece("[SEP]\n")).toThrow("expected the token [UNK] for the vocabulary, got none");
    expect(() => wordPiece("[UNK]\n")).toThrow("expected the token [SEP] for the vocabulary, got none");
    expect(() => new WordPiece({ name: "t", vocab: Uint8Array.of(255), vocabFile: "v", uncased: true })).toThrow(
      "UTF-8",
    );
  });
});
