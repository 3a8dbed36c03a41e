import fc from "fast-check";
import { expect, test } from "vitest";
import type { NormalizeOptions } from "#src/native/read.js";
import { native } from "#src/native.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function normalize(texts: readonly string[], options: NormalizeOptions): string[] {
  const parts = texts.map((text) => encoder.encode(text));
  const offsets = new Uint32Array(parts.length + 1);
  for (const [i, part] of parts.entries()) offsets[i + 1] = offsets[i]! + part.length;
  const result = native().normalizeTexts(Buffer.concat(parts), offsets, options);
  expect(result.offsets).toHaveLength(offsets.length);
  return parts.map((_, i) => decoder.decode(result.text.subarray(result.offsets[i], result.offsets[i + 1])));
}

const NFC = { nfc: true, newlines: false };

/** This Node's Unicode may be older: characters it does not know are left out of comparisons. */
const isAssigned = (char: string): boolean => !/\p{Cn}/u.test(char);
const characters = Array.from({ length: 0x110000 }, (_, c) => c)
  .filter((c) => c < 0xd800 || c > 0xdfff)
  .map((c) => String.fromCodePoint(c))
  .filter(isAssigned);

test("NFC equals String.prototype.normalize on every character, alone and decomposed", () => {
  expect(characters.length).toBeGreaterThan(290_000);
  expect(normalize(characters, NFC)).toEqual(characters.map((char) => char.normalize("NFC")));
  const decomposed = characters.map((char) => char.normalize("NFD")).join("");
  expect(normalize([decomposed], NFC)).toEqual([decomposed.normalize("NFC")]);
});

test("NFC equals String.prototype.normalize on any sequence of characters that interact", () => {
  const marks = characters.filter((char) => /\p{M}/u.test(char));
  const changing = characters.filter((char) => char.normalize("NFD") !== char || char.normalize("NFC") !== char);
  const jamo = characters.filter((char) => char >= "\u1100" && char <= "\u11ff");
  const pick = (from: readonly string[]) => fc.nat({ max: from.length - 1 }).map((i) => from[i]!);
  const text = fc.array(fc.oneof(pick(marks), pick(changing), pick(jamo), fc.constantFrom("a", "e", "\n", "\u00e9")), {
    maxLength: 24,
  });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), (parts) => {
      const texts = parts.map((part) => part.join(""));
      expect(normalize(texts, NFC)).toEqual(texts.map((each) => each.normalize("NFC")));
    }),
    { numRuns: 2000 },
  );
});

test("a row never joins the row before it", () => {
  expect(normalize(["e", "\u0301"], NFC)).toEqual(["e", "\u0301"]);
  expect(normalize(["e\u0301"], NFC)).not.toEqual(["e\u0301"]);
});

test("CRLF and CR become LF, in every order", () => {
  const text = fc.array(fc.constantFrom("\r", "\n", "a", "\u20ac"), { maxLength: 12 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), (texts) => {
      const expected = texts.map((each) => each.replace(/\r\n?/g, "\n"));
      expect(normalize(texts, { nfc: false, newlines: true })).toEqual(expected);
      expect(normalize(texts, { nfc: true, newlines: true })).toEqual(expected);
      expect(normalize(texts, { nfc: false, newlines: false })).toEqual(texts);
    }),
  );
});

test("offsets outside the text are refused", () => {
  const refusal = expect.objectContaining({ code: "native-invalid-argument" });
  for (const offsets of [[], [0, 4], [2, 1], [0, 3, 2]]) {
    expect(() => native().normalizeTexts(new Uint8Array(3), Uint32Array.from(offsets), NFC)).toThrow(refusal);
  }
});
