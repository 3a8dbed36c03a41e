// What is marked as shared between two texts.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareTexts, type Span } from "#src/text/similarity.js";

const FIVE = { unit: "word", size: 5 } as const;
interface Marked {
  readonly text: string;
  readonly shared: readonly Span[];
}
const markShared = (a: string, b: string, shingling: Parameters<typeof compareTexts>[2]): [Marked, Marked] => {
  const { textA, textB, sharedA, sharedB } = compareTexts(a, b, shingling);
  return [
    { text: textA, shared: sharedA },
    { text: textB, shared: sharedB },
  ];
};
const marked = ({ text, shared }: Marked) => shared.map(({ begin, end }) => text.slice(begin, end));

describe("shared spans", () => {
  test("are the words of common shingles, whatever stands between them and however they are written", () => {
    const [first, second] = markShared("Zero one, TWO three four five - six", "one two three four five seven", FIVE);
    expect(marked(first)).toEqual(["one, TWO three four five"]);
    expect(marked(second)).toEqual(["one two three four five"]);
  });

  test("of a text and itself are the whole of its words; of texts with no shingle in common, nothing", () => {
    const words = fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(words, (list) => {
        const text = list.join(" ");
        expect(marked(markShared(text, text, FIVE)[0])).toEqual([text]);
        expect(marked(markShared(text, list.map((word) => `${word}x`).join(" "), FIVE)[0])).toEqual([]);
      }),
    );
  });

  test("show one changed word as a hole of one word", () => {
    const [first] = markShared("a b c d e f g h i j k", "a b c d e X g h i j k", FIVE);
    expect(marked(first)).toEqual(["a b c d e", "g h i j k"]);
  });

  test("treat short texts as one shingle and scripts without spaces by characters", () => {
    expect(marked(markShared("two words", "two words", FIVE)[0])).toEqual(["two words"]);
    expect(marked(markShared("two words", "two other words", FIVE)[0])).toEqual([]);
    const [first] = markShared("\u4f60\u597d\u5417\u6211\u5f88\u597d", "\u4f60\u597d\u5417\u6211\u5f88\u574f", FIVE);
    expect(marked(first)).toEqual(["\u4f60\u597d\u5417\u6211\u5f88"]);
  });
});
