import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { native } from "#src/native.js";
import { compareTexts, foldCase, overlapOf, shinglesOf } from "#src/text/similarity.js";

const words5 = { unit: "word", size: 5 } as const;
const characters5 = { unit: "char", size: 5 } as const;

describe("words", () => {
  test("a word is a run of letters, marks and numbers, compared without case", () => {
    expect([...shinglesOf("One, two-THREE; 4_five", { unit: "word", size: 1 })]).toEqual([
      "one",
      "two",
      "three",
      "4",
      "five",
    ]);
  });

  test("composed and decomposed letters are the same word", () => {
    expect(shinglesOf("caf\u00e9", words5)).toEqual(shinglesOf("cafe\u0301", words5));
  });

  test("folding is full: one letter may become two, and dotless i stays", () => {
    expect(foldCase("Stra\u00dfe STRASSE")).toBe("strasse strasse");
    expect(foldCase("\u1e9e \ufb01 \u03a3\u03c2 \u0130 \u0131 \u13a0\uab70")).toBe(
      "ss fi \u03c3\u03c3 i\u0307 \u0131 \u13a0\u13a0",
    );
  });

  test("characters of unspaced scripts are words by themselves, also next to letters", () => {
    expect([...shinglesOf("iPhone\u624b\u6a5f15 \u0e01\u0e32", { unit: "word", size: 1 })]).toEqual([
      "iphone",
      "\u624b",
      "\u6a5f",
      "15",
      "\u0e01",
      "\u0e32",
    ]);
  });

  test("fewer than five words are one shingle, and no word is the text itself", () => {
    expect(shinglesOf("a b c", words5).size).toBe(1);
    expect(shinglesOf("a b c", words5)).not.toEqual(shinglesOf("a b d", words5));
    expect(shinglesOf("!!!", words5)).not.toEqual(shinglesOf("???", words5));
    expect(shinglesOf("", words5).size).toBe(1);
  });
});

describe("compareTexts", () => {
  test("shared spans cover what both texts say, in their own words", () => {
    const a = "Intro here. The quick brown fox jumps over the lazy dog. End of a.";
    const b = "Another start: the QUICK brown fox jumps over the lazy dog! Then more words";
    const { sharedA, sharedB, textA, textB } = compareTexts(a, b, words5);
    expect(sharedA.map(({ begin, end }) => textA.slice(begin, end))).toEqual([
      "The quick brown fox jumps over the lazy dog",
    ]);
    expect(sharedB.map(({ begin, end }) => textB.slice(begin, end))).toEqual([
      "the QUICK brown fox jumps over the lazy dog",
    ]);
  });

  test("texts without a common shingle share nothing, equal ones everything", () => {
    expect(compareTexts("a b c d e f", "g h i j k l", words5)).toMatchObject({
      intersection: 0,
      sharedA: [],
      sharedB: [],
    });
    expect(compareTexts("...", "...", words5)).toMatchObject({
      intersection: 1,
      union: 1,
      sharedA: [{ begin: 0, end: 3 }],
    });
  });
});

// Letters of many scripts, marks, digits, punctuation, case pairs with long foldings, unspaced scripts.
const character = fc.constantFrom(
  ..."aAbBzZ09 .,-_'\n",
  ..."\u00e9\u00c9\u0301\u0308\u00df\u1e9e\ufb01\u0130\u0131\u03a3\u03c3\u03c2\u0390\u1f88\u1fb3\u0345\u13a0\uab70\u212a\u2126",
  ..."\u624b\u6a5f\u3042\u30ab\u30fc\u3099\u0e01\u0e32\u0e49\u0e81\u1780\u17b6\u1000\u103b",
  ..."\uac00\u1100\u1161\u11a8\u0643\u0627\u0915\u094d\u0937\u05d0\u2160\u00bd\u24b6\ud835\udc00\ud83d\ude00\u226e\u003c\u0338",
);
const text = fc.array(character, { maxLength: 60 }).map((characters) => characters.join(""));

function nativeSets(texts: readonly string[], shingling: typeof words5 | typeof characters5): BigUint64Array[] {
  const buffers = texts.map((one) => Buffer.from(one));
  const offsets = new Uint32Array(texts.length + 1);
  for (const [i, bytes] of buffers.entries()) offsets[i + 1] = offsets[i]! + bytes.length;
  const rows = Uint32Array.from(texts.keys());
  const sets = native().shingleSets(new Uint8Array(Buffer.concat(buffers)), offsets, rows, shingling);
  return texts.map((_, i) => sets.hashes.slice(sets.offsets[i]!, sets.offsets[i + 1]!));
}

describe("the native kernel and the strings", () => {
  for (const shingling of [words5, characters5]) {
    test(`agree on sizes and overlaps of ${shingling.unit} shingles in any scripts`, () => {
      fc.assert(
        fc.property(text, text, text, (head, middle, tail) => {
          const [a, b] = [`${head} ${middle}`, `${middle} ${tail}`];
          const [setA, setB] = nativeSets([a, b], shingling);
          const [stringsA, stringsB] = [shinglesOf(a, shingling), shinglesOf(b, shingling)];
          expect([setA!.length, setB!.length]).toEqual([stringsA.size, stringsB.size]);
          const inB = new Set(setB!);
          expect(setA!.filter((hash) => inB.has(hash)).length).toBe(overlapOf(stringsA, stringsB).intersection);
        }),
        { numRuns: 2000 },
      );
    });
  }

  test("disagree when one of the two does not fold case", () => {
    const [a, b] = ["one two three four five", "ONE two three four five"];
    const [setA, setB] = nativeSets([a, b], words5);
    expect(setA).toEqual(setB);
    const unfolded = (text: string): Set<string> => new Set([text.match(/[\p{L}\p{M}\p{N}]+/gu)!.join(" ")]);
    expect(overlapOf(unfolded(a), unfolded(b)).intersection).toBe(0);
  });
});
