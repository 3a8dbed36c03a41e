// SentencePiece models as tokenizers by name: what is refused and why, fingerprints, the engine js and what it is kept from.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadTokenizer, prepareTokenizers, tokenizerFiles, vocabularyFiles } from "#src/tokenizers/index.js";
import { MAX_TEXT_BYTES } from "#src/tokenizers/sentence-piece-js.js";

const model = (name: string): string =>
  fileURLToPath(new URL(`../../parity/sentence-piece/${name}.model`, import.meta.url));
const unigram = model("unigram");
const dir = mkdtempSync(join(tmpdir(), "millrace-sentence-piece-"));
afterAll(() => rmSync(dir, { recursive: true }));

function written(name: string, bytes: Uint8Array | string): string {
  const file = join(dir, name);
  writeFileSync(file, bytes);
  return file;
}

/** A field of a protocol buffer whose value is bytes or a number below 128. */
function field(number: number, value: string | Uint8Array | number): Buffer {
  if (typeof value === "number") return Buffer.from([number << 3, value]);
  const bytes = Buffer.from(value);
  const size = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  const key = number << 3;
  return Buffer.concat([
    Buffer.from(key < 126 ? [key | 2] : [(key & 127) | 128 | 2, key >> 7]),
    Buffer.from(size),
    bytes,
  ]);
}

const piece = (text: string, type: number): Buffer =>
  field(1, Buffer.concat([field(1, text), Buffer.from([0x15, 0, 0, 0x80, 0xbf]), field(3, type)]));
const small = Buffer.concat([piece("<unk>", 2), piece("a", 1), piece("b", 1)]);

let listeners: number;
beforeAll(async () => {
  listeners = process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection");
  await prepareTokenizers("js");
});

describe.each(["native", "js"] as const)("the engine %s", (engine) => {
  test("loads a model by its path", () => {
    const tokenizer = loadTokenizer(unigram, engine);
    expect([tokenizer.name, tokenizer.vocabSize, tokenizer.endOfDocumentId]).toEqual([unigram, 700, 2]);
    const text = "It is a truth universally acknowledged";
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.encode("</s>").includes(2)).toBe(false);
    expect(tokenizerFiles(unigram)).toEqual([unigram]);
    expect(() => vocabularyFiles(unigram)).toThrow("got the SentencePiece model");
  });

  test.each([
    ["garbage", "hello, this is no model", "is damaged: "],
    ["empty", "", "is damaged: "],
    ["truncated", readFileSync(unigram).subarray(0, 9000), "is damaged: "],
    ["of words", Buffer.concat([small, field(2, field(3, 3))]), "got one of kind word: "],
    ["of characters", Buffer.concat([small, field(2, field(3, 4))]), "got one of kind char: "],
    ["without an end", small, "expected the control symbol </s> to end documents with, got none in "],
    ["with a text as its end", Buffer.concat([small, piece("</s>", 1)]), "got none in "],
  ])("refuses a model %s and names the file", (name, bytes, message) => {
    const file = written(`${name}.model`, bytes);
    expect(() => loadTokenizer(file, engine)).toThrow(message + file);
  });

  test("takes the end of a document by the model's own name for it", () => {
    const named = Buffer.concat([small, piece("<end>", 3), field(2, field(47, "<end>"))]);
    expect(loadTokenizer(written("named.model", named), engine).endOfDocumentId).toBe(3);
  });

  test("takes another control symbol for the end where the name asks for it", () => {
    const file = written("control.model", Buffer.concat([small, piece("<end>", 3), piece("</s>", 3)]));
    const [own, named] = [loadTokenizer(file, engine), loadTokenizer(`${file}#<end>`, engine)];
    expect([own.endOfDocumentId, named.endOfDocumentId]).toEqual([4, 3]);
    expect(named.fingerprint).not.toBe(own.fingerprint);
    expect(() => loadTokenizer(`${file}#a`, engine)).toThrow("expected the control symbol a to end documents with");
  });

  test("refuses ids outside the vocabulary", () => {
    for (const id of [-1, 700, 1.5]) {
      expect(() => loadTokenizer(unigram, engine).decode([3, id])).toThrow(`got ${id} at position 1`);
    }
  });
});

test("fingerprints follow the file's bytes and the engine, not its place", () => {
  const copy = join(dir, "copy.model");
  copyFileSync(unigram, copy);
  const { fingerprint } = loadTokenizer(unigram);
  expect(loadTokenizer(copy).fingerprint).toBe(fingerprint);
  expect(loadTokenizer(copy, "js").fingerprint).not.toBe(fingerprint);
  expect(loadTokenizer(model("unigram-ties")).fingerprint).not.toBe(fingerprint);
});

test("an engine for SentencePiece alone is refused for other tokenizers", () => {
  expect(() => loadTokenizer("gpt2", "js")).toThrow('expected a SentencePiece .model for the engine js, got "gpt2"');
});

describe("sentencepiece-js", () => {
  test("leaves no listeners on the process", () => {
    expect(process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection")).toBe(listeners);
  });

  test("gets no text that would end it, and goes on after the refusal", () => {
    const tokenizer = loadTokenizer(unigram, "js");
    const long = new Uint8Array(MAX_TEXT_BYTES + 1).fill(0x61);
    expect(() => tokenizer.encodeBlock(long, Uint32Array.of(0, long.length))).toThrow("expected texts of at most");
    expect(tokenizer.encode("a").length).toBeGreaterThan(0);
  });

  test("takes a NUL in a text as the native engine does", () => {
    const [js, native] = [loadTokenizer(unigram, "js"), loadTokenizer(unigram)];
    expect(js.encode("a\0b c")).toEqual(native.encode("a\0b c"));
    expect(js.encode("a\0b c")).not.toEqual(native.encode("a"));
  });
});
