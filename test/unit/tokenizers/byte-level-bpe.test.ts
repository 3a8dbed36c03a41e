import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { MillraceError } from "#src/base/errors.js";
import { ByteLevelBpe } from "#src/tokenizers/byte-level-bpe.js";
import { loadTokenizer } from "#src/tokenizers/index.js";
import { encodeNaively, filesOf, makeVocabulary, type Vocabulary } from "./naive-bpe.js";

const gpt2 = loadTokenizer("gpt2");
const dir = mkdtempSync(join(tmpdir(), "millrace-tokenizers-"));
afterAll(() => rmSync(dir, { recursive: true }));

function tokenizerOf(vocabulary: Vocabulary): ByteLevelBpe {
  const names = { name: "test", vocabFile: "vocab.json", mergesFile: "merges.txt", endOfDocument: "<|endoftext|>" };
  return new ByteLevelBpe({ ...names, ...filesOf(vocabulary) });
}

function encodeBytes(bytes: Uint8Array): Int32Array {
  return gpt2.encodeBlock(bytes, Uint32Array.of(0, bytes.length)).ids;
}

const anyText = fc.string({ unit: "binary", maxLength: 200 });
const mergeList = fc.array(fc.tuple(fc.nat(200), fc.nat(200)), { maxLength: 60 });

describe("GPT-2", () => {
  test("has 50,257 ids, the last of which ends a document", () => {
    expect([gpt2.vocabSize, gpt2.endOfDocumentId]).toEqual([50257, 50256]);
  });

  test("decoding what was encoded gives the text again", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(gpt2.decode(gpt2.encode(text))).toBe(text);
      }),
    );
  });

  test("decoding gives back any bytes, also those that are not UTF-8", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(gpt2.decodeBytes(encodeBytes(bytes))).toEqual(bytes);
      }),
    );
  });

  test("no text encodes to the end of a document", () => {
    expect(gpt2.encode("a<|endoftext|>b")).not.toContain(gpt2.endOfDocumentId);
    expect(gpt2.decode([gpt2.endOfDocumentId])).toBe("<|endoftext|>");
  });

  test("rows of a block are encoded each by itself", () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 20 }), (texts) => {
        const parts = texts.map((text) => Buffer.from(text));
        const offsets = Uint32Array.from([0, ...parts.map((_, i) => Buffer.concat(parts.slice(0, i + 1)).length)]);
        const block = gpt2.encodeBlock(new Uint8Array(Buffer.concat(parts)), offsets);
        const rows = texts.map((_, i) => Array.from(block.ids.subarray(block.offsets[i], block.offsets[i + 1])));
        expect(rows).toEqual(texts.map((text) => Array.from(gpt2.encode(text))));
      }),
    );
  });

  test("ids do not depend on what was encoded before", () => {
    const fresh = loadTokenizer("gpt2");
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 5 }), anyText, (before, text) => {
        for (const other of before) gpt2.encode(other);
        expect(gpt2.encode(text)).toEqual(fresh.encode(text));
      }),
    );
  });

  // Half a second; were it quadratic, an hour.
  test.each([
    "a",
    " ",
    "=",
    "\n",
    "世",
    "ab",
    "a ",
  ])("ten megabytes of %j come back before the test's time is over", (unit) => {
    const text = Buffer.from(unit.repeat(Math.ceil(10_000_000 / Buffer.byteLength(unit))));
    expect(Buffer.compare(gpt2.decodeBytes(encodeBytes(text)), text)).toBe(0);
  });

  test("an id outside the vocabulary is refused", () => {
    expect(() => gpt2.decode([1, 50257])).toThrow("expected ids from 0 to 50256 for decoding, got 50257 at position 1");
    expect(() => gpt2.decode([-1])).toThrow("got -1 at position 0");
  });

  test("offsets outside the text are refused", () => {
    expect(() => gpt2.encodeBlock(new Uint8Array(3), Uint32Array.of(0, 4))).toThrow(
      "expected text offsets up to 3, got 4",
    );
    expect(() => gpt2.encodeBlock(new Uint8Array(3), Uint32Array.of(0, 2, 1))).toThrow(
      "expected ascending text offsets",
    );
  });
});

describe("merging", () => {
  test("equals the definition for any vocabulary, on short pieces and long ones", () => {
    const piece = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(mergeList, piece, (merges, text) => {
        const vocabulary = makeVocabulary(merges);
        expect(Array.from(tokenizerOf(vocabulary).encode(text))).toEqual(encodeNaively(vocabulary, text));
      }),
      { numRuns: 150 },
    );
  });

  test("equals the definition where a merge is listed before the one that makes its part", () => {
    const piece = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 130, maxLength: 300 });
    fc.assert(
      fc.property(mergeList, piece, (merges, text) => {
        const { vocab, merges: pairs } = makeVocabulary(merges);
        const vocabulary = { vocab, merges: [...pairs].reverse() };
        expect(Array.from(tokenizerOf(vocabulary).encode(text))).toEqual(encodeNaively(vocabulary, text));
      }),
      { numRuns: 150 },
    );
  });

  test("the definition tells another vocabulary apart", () => {
    const vocabulary = makeVocabulary([
      [0, 1],
      [1, 2],
    ]);
    const swapped = { vocab: vocabulary.vocab, merges: [...vocabulary.merges].reverse() };
    expect(encodeNaively(vocabulary, "abc")).not.toEqual(encodeNaively(swapped, "abc"));
  });
});

describe("vocabulary files", () => {
  const good = makeVocabulary([[0, 1]]);
  const text = JSON.stringify(good.vocab);
  const load = (vocab: string, merges: string) => (): unknown => {
    writeFileSync(join(dir, "vocab.json"), vocab);
    writeFileSync(join(dir, "merges.txt"), merges);
    return loadTokenizer(dir);
  };

  test("a folder with vocab.json and merges.txt is a tokenizer", () => {
    const tokenizer = load(text, "#version: 0.2\r\na b\r\n")() as ByteLevelBpe;
    expect(Array.from(tokenizer.encode("ab"))).toEqual([good.vocab.ab]);
    expect(tokenizer.endOfDocumentId).toBe(good.vocab["<|endoftext|>"]);
  });

  test("the fingerprint follows tokens and merges, not how the files are written", () => {
    const first = (load(text, "a b\n")() as ByteLevelBpe).fingerprint;
    expect((load(` ${text}\n`, "#version: 0.2\r\na b\r\n")() as ByteLevelBpe).fingerprint).toBe(first);
    expect((load(text, "")() as ByteLevelBpe).fingerprint).not.toBe(first);
  });

  test.each([
    ["a line with one token", text, "a b\nab\n", 'for the merges, line 2, got "ab"'],
    ["a line with three tokens", text, "#version: 0.2\na b c\n", 'for the merges, line 2, got "a b c"'],
    [
      "a merge of an unknown token",
      text,
      "a b\nab q2\n",
      "both tokens and their join in the vocabulary for the merges, line 2",
    ],
    [
      "a merge into an unknown token",
      text,
      "\n\nb a\n",
      "both tokens and their join in the vocabulary for the merges, line 3",
    ],
    ["a merge given twice", text, "a b\na b\n", "each merge once for the merges, line 2"],
    ["a vocabulary that is no object", "[]", "", "expected '{' for the vocabulary, line 1, byte 0, got '['"],
    ["a vocabulary cut off", text.slice(0, -5), "", "for the vocabulary, line 1"],
    [
      "an id that is no number",
      text.replace(":0,", ':"0",'),
      "",
      "expected an id (a whole number from 0) for the vocabulary, line 1",
    ],
    ["an error on a later line", JSON.stringify(good.vocab, null, 1).replace(": 255,", ": x,"), "", "line 257"],
    ["an id given twice", text.replace(":1,", ":0,"), "", "each once, for the vocabulary"],
    ["a hole in the ids", text.replace(":256,", ":999,"), "", "each once, for the vocabulary"],
    ["a byte without a token", text.replace('"a":', '"aa":'), "", "expected a token for byte 97 for the vocabulary"],
    [
      "no token that ends a document",
      text.replace("endoftext", "end"),
      "",
      "expected the token <|endoftext|> for the vocabulary, got none",
    ],
  ])("%s is refused, and the file named", (_, vocab, merges, message) => {
    let error: unknown;
    try {
      load(vocab, merges)();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(MillraceError);
    expect((error as MillraceError).message).toContain(message);
    expect((error as MillraceError).code).toBe("config-tokenizer");
    expect((error as MillraceError).where?.file).toContain(message.includes("merges") ? "merges.txt" : "vocab.json");
  });

  test("an unknown name is refused", () => {
    expect(() => loadTokenizer("gpt5")).toThrow(
      'expected "gpt2", or a tokenizer.json, vocab.txt, .model, or a folder with one or with vocab.json and merges.txt',
    );
  });
});
