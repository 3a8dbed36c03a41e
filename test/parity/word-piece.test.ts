// WordPiece gives the ids of Hugging Face tokenizers: golden-word-piece.json, made by make-word-piece-golden.py by the
// same rules as the texts here.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { loadTokenizer, tokenizerFiles, vocabularyFiles } from "#src/tokenizers/index.js";
import { WordPiece } from "#src/tokenizers/word-piece.js";

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
  let state = 2463534242;
  const draw = (below: number): number => {
    state = (state ^ (state << 13)) >>> 0;
    state = (state ^ (state >>> 17)) >>> 0;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  };
  return Array.from({ length: 20_000 }, () =>
    Array.from({ length: draw(40) }, () => {
      const limit = [0x80, 0x3000, 0x110000, 0x11][draw(4)]!;
      const drawn = limit === 0x11 ? 0x1d165 + draw(14) : draw(limit);
      return String.fromCodePoint(drawn < 0xd800 || drawn >= 0xe000 ? drawn : drawn - 0x800);
    }).join(""),
  );
}

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

function digest(tokenizer: WordPiece, rows: readonly string[]): string {
  const offsets = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) offsets[i + 1] = offsets[i]! + Buffer.byteLength(row);
  const { ids, offsets: ends } = tokenizer.encodeBlock(Buffer.from(rows.join("")), offsets);
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
