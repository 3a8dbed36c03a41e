import fc from "fast-check";
import { expect, test } from "vitest";
import { countWhitespaceWords } from "#src/text/whitespace-words.js";

const encoder = new TextEncoder();
const count = (text: string, limit = Number.POSITIVE_INFINITY): number => {
  const bytes = encoder.encode(text);
  return countWhitespaceWords(bytes, 0, bytes.length, limit);
};

/** JavaScript's \s has U+FEFF and lacks U+0085. */
const isWhitespace = (char: string): boolean => /^\p{White_Space}$/u.test(char);

test("exactly the characters with the property White_Space part words", () => {
  const parting = Array.from({ length: 0x110000 }, (_, c) => c)
    .filter((c) => c < 0xd800 || c > 0xdfff)
    .map((c) => String.fromCodePoint(c))
    .filter((char) => (count(`a${char}b`) === 2) !== isWhitespace(char));
  expect(parting).toEqual([]);
});

test("words are counted as by splitting, and counting stops at the limit", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "\u00e9", "\u20ac", " ", "\n", "\u00a0", "\u2003", "\u3000", "\u{1f600}"),
  });
  fc.assert(
    fc.property(text, fc.nat({ max: 9 }), (value, limit) => {
      const words = value.split(/\p{White_Space}+/u).filter((word) => word !== "").length;
      expect(count(value)).toBe(words);
      expect(count(value, limit)).toBe(Math.min(words, limit));
    }),
  );
});
