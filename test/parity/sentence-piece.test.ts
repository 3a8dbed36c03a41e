// SentencePiece models give the ids and texts of the official library, 0.2.3: golden-sentence-piece.json, made by
// make-sentence-piece-golden.py by the same rules as the texts here (sentence_piece_texts.py).
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { prepareSentencePiece, SentencePiece } from "#src/tokenizers/sentence-piece.js";
import { xorshift32 } from "./xorshift32.js";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const golden = JSON.parse(readFileSync(path("golden-sentence-piece.json"), "utf8")) as Record<
  string,
  Record<string, string>
>;
const modelsIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".model"))
        .map((name) => join(folder, name))
    : [];
const models = modelsIn(path("sentence-piece"));
const shared = modelsIn(path("../../../shared/data/tokenizers"));

// biome-ignore format: one line a few scripts
const SCRIPTS = [
  [0x41, 0x7a], [0xc0, 0x24f], [0x370, 0x3ff], [0x400, 0x4ff], [0x531, 0x556], [0x5d0, 0x5ea], [0x620, 0x64a],
  [0x710, 0x72f], [0x780, 0x7a5], [0x7ca, 0x7ea], [0x904, 0x939], [0x985, 0x9b9], [0xa05, 0xa39], [0xa85, 0xab9],
  [0xb05, 0xb39], [0xb85, 0xbb9], [0xc05, 0xc39], [0xc85, 0xcb9], [0xd05, 0xd39], [0xd85, 0xdc6], [0xe01, 0xe30],
  [0xe81, 0xeae], [0xf40, 0xf6c], [0x1000, 0x102a], [0x10d0, 0x10fa], [0x1200, 0x1248], [0x13a0, 0x13f4],
  [0x1401, 0x1550], [0x16a0, 0x16ea], [0x1780, 0x17b3], [0x1820, 0x1878], [0x1e00, 0x1eff], [0x2c00, 0x2c5e],
  [0x3041, 0x3096], [0x30a1, 0x30fa], [0x4e00, 0x9fbf], [0xa000, 0xa48c], [0xac00, 0xd7a3], [0xff01, 0xffdc],
  [0x10330, 0x1034a],
] as const;
const LIMITS = [0x80, 0x3100, 0x110000, 0x7b] as const;
const SPECIAL = [0x20, 0x20, 0x2581, 0x3000, 0xa0, 0x301, 0x3099, 0x300, 0x200b, 0xfffd, 0x0a, 0x0d] as const;

const newDraw = (): ReturnType<typeof xorshift32> => xorshift32(2463534242);

/** How often `make` is called decides how many; each call draws in order. */
const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

function codePoints(): string[] {
  const chars = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).filter((char) =>
    char.isWellFormed(),
  );
  return Array.from({ length: Math.ceil(chars.length / 32) }, (_, i) => {
    const group = chars.slice(32 * i, 32 * i + 32);
    return `a${group.join("")} ${group.join(" ")}`;
  });
}

function scripts(): string[] {
  const draw = newDraw();
  return SCRIPTS.flatMap(([low, high]) => {
    const letter = () => String.fromCodePoint(low + draw(high - low + 1));
    return times(50, () => times(1 + draw(12), () => times(1 + draw(9), letter).join("")).join(" "));
  });
}

function randomTexts(count: number): string[] {
  const draw = newDraw();
  const letter = (): string => {
    const limit = LIMITS[draw(4)]!;
    const code = draw(4) === 0 ? SPECIAL[draw(12)]! : draw(limit);
    return String.fromCodePoint(code >= 0xd800 && code < 0xe000 ? code - 0x800 : code);
  };
  return times(count, () => times(draw(40), letter).join(""));
}

// biome-ignore format: one line a few texts
const odd = [
  "", " ", "  ", "\u2581", " \u2581 ", "a", " a ", "a  b", "\t\n", "\x00", "a\x00b", "<s>", "</s> <unk><pad>", "<0x41>",
  "<sep>New York<sep>", "eeaeea", "the of the end", "\u3042\u3044\u3046", "caf\u00e9 cafe\u0301", "\uff21\uff22\uff23",
  "\u30ab\u3099", "\ufeffx", "\ufffd", "x".repeat(500), "ab".repeat(300), " ".repeat(300), "a b".repeat(300),
  "\u{1f600}".repeat(50), "\u2581".repeat(99),
];

const texts: Record<string, string[]> = {
  "code points": codePoints(),
  scripts: scripts(),
  random: randomTexts(20_000),
  odd,
};

function digest(rows: Iterable<string>): string {
  const hash = createHash("sha256");
  for (const row of rows) hash.update(`${row}\n`);
  return hash.digest("hex");
}

function encodeAll(tokenizer: SentencePiece, rows: readonly string[]): Int32Array[] {
  const offsets = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) offsets[i + 1] = offsets[i]! + Buffer.byteLength(row);
  const { ids, offsets: ends } = tokenizer.encodeBlock(Buffer.from(rows.join("")), offsets);
  return rows.map((_, i) => ids.subarray(ends[i], ends[i + 1]));
}

function idRows(vocabSize: number): number[][] {
  const draw = newDraw();
  return times(3000, () => times(draw(12), () => draw(draw(3) > 0 ? vocabSize : Math.min(300, vocabSize))));
}

const load = (file: string, engine: "native" | "js" = "native"): SentencePiece =>
  new SentencePiece(file, readFileSync(file), file, { engine });

test("there is a model of every kind", () => expect(models.length).toBeGreaterThanOrEqual(8));
test.skipIf(shared.length === 0)("models of the wild (skipped without ../shared)", () => {
  expect(shared.map((file) => basename(file, ".model"))).toEqual(["test_ja_model", "test_model", "trained_bpe4k"]);
});

describe.each([...models, ...shared].map((file) => [basename(file, ".model"), file]))("%s", (name, file) => {
  const tokenizer = load(file!);
  const expected = golden[name!]!;

  test.each(Object.keys(texts))("ids and decoded texts of %s are the official library's", (kind) => {
    const ids = encodeAll(tokenizer, texts[kind]!);
    expect(digest(ids.map((row) => row.join(",")))).toBe(expected[kind]);
    expect(digest(ids.map((row) => tokenizer.decode(row)))).toBe(expected[`${kind}, decoded`]);
  });

  test("any ids decode to the official library's text", () => {
    expect(digest(idRows(tokenizer.vocabSize).map((row) => tokenizer.decode(row)))).toBe(expected["ids, decoded"]);
  });

  if (["unigram", "unigram-bytes", "bpe", "bpe-unused"].includes(name!)) {
    test("ten million times one letter gives the official library's ids", () => {
      expect(digest([tokenizer.encode("a".repeat(10_000_000)).join(",")])).toBe(expected["ten million letters"]);
    });
  }
});

test("another score of one piece is seen", () => {
  const file = models.find((model) => basename(model) === "unigram.model")!;
  const bytes = Buffer.from(readFileSync(file));
  // The first piece of one letter and its score: | 0x0a length | 0x0a 1 letter | 0x15 score |
  const at = bytes.indexOf(Buffer.from([0x0a, 1, "e".charCodeAt(0), 0x15])) + 4;
  expect(at).toBeGreaterThan(4);
  bytes.writeFloatLE(bytes.readFloatLE(at) + 20, at);
  const changed = new SentencePiece("changed", bytes, file);
  expect(digest(encodeAll(changed, texts.scripts!).map((row) => row.join(",")))).not.toBe(golden.unigram!.scripts);
});

describe("the engine js", () => {
  beforeAll(() => prepareSentencePiece("js"));
  // 0.1.97 takes another piece where two cuts have one score, and what is made of pieces out of use.
  const equal = ["bpe", "bpe-bytes", "bpe-across"];

  test.each(equal)("gives the ids of the native engine for the BPE model %s", (name) => {
    const tokenizer = load(models.find((file) => basename(file) === `${name}.model`)!, "js");
    const rows = [...odd, ...texts.scripts!.slice(0, 500), ...texts.random!.slice(0, 1000)];
    const native = load(tokenizer.name);
    const ids = encodeAll(tokenizer, rows);
    expect(digest(ids.map((row) => row.join(",")))).toBe(digest(encodeAll(native, rows).map((row) => row.join(","))));
  });

  test("gives nearly the ids of the native engine for a unigram model", () => {
    const file = models.find((model) => basename(model) === "unigram.model")!;
    const [native, js] = [load(file), load(file, "js")];
    const rows = texts.scripts!;
    const [a, b] = [encodeAll(native, rows), encodeAll(js, rows)];
    const numEqual = a.filter((row, i) => row.join() === b[i]!.join()).length;
    expect(numEqual / rows.length).toBeGreaterThan(0.98);
  });
});
