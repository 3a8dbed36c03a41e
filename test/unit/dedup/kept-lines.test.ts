// Kept lines are copied by their places, without being parsed: whatever the line ends, however the pieces are cut.
import fc from "fast-check";
import { expect, test } from "vitest";
import { KeptLines, LineCounter } from "#src/dedup/kept-lines.js";

const NEWLINE = 0x0a;

const corpora = fc
  .record({
    lines: fc.array(
      fc.record({
        length: fc.integer({ min: 1, max: 9 }),
        end: fc.constantFrom("\n", "\r\n", "\n\n\n"),
        kept: fc.boolean(),
      }),
      { minLength: 1, maxLength: 12 },
    ),
    isCutOff: fc.boolean(),
    start: fc.constantFrom(0, 7, 2 ** 33),
    cuts: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
  })
  .map(({ lines, isCutOff, start, cuts }) => {
    let text = "";
    const offsets: number[] = [];
    for (const [i, { length, end }] of lines.entries()) {
      offsets.push(start + text.length);
      text += String.fromCharCode(97 + i).repeat(length) + end;
    }
    if (isCutOff) text = text.trimEnd();
    const rows = {
      offsets: Float64Array.from(offsets),
      lengths: Uint32Array.from(lines, ({ length }) => length),
      kept: Uint8Array.from(lines, ({ kept }) => (kept ? 1 : 0)),
    };
    const ends = [...text.matchAll(/\n/g)].map(({ index }) => index + 1).filter((_, i) => cuts[i] === true);
    const borders = [...new Set([0, ...ends, text.length])];
    const pieces = borders
      .slice(1)
      .map((end, i) => ({ text: text.slice(borders[i], end), offset: start + borders[i]! }));
    const expected = lines.map(({ length, kept }, i) =>
      kept ? `${String.fromCharCode(97 + i).repeat(length)}\n` : "",
    );
    return { rows, pieces, expected: expected.join("") };
  });

function copy({
  rows,
  pieces,
}: Pick<typeof corpora extends fc.Arbitrary<infer T> ? T : never, "rows" | "pieces">): string {
  const lines = new KeptLines(rows);
  let copied = "";
  for (const { text, offset } of pieces) {
    const bytes = Buffer.from(text);
    const filled = lines.compact(bytes, offset);
    copied += bytes.subarray(0, filled).toString();
    if (filled > bytes.length) copied += "\n";
  }
  return copied;
}

test("kept lines are the records that are kept, each with one line end", () => {
  fc.assert(
    fc.property(corpora, (corpus) => {
      expect(copy(corpus)).toBe(corpus.expected);
    }),
    { numRuns: 500 },
  );
});

test("a record that is said to be longer than it is takes what is not its own, and the comparison sees it", () => {
  const rows = { offsets: Float64Array.of(0, 3), lengths: Uint32Array.of(4, 2), kept: Uint8Array.of(1, 0) };
  expect(copy({ rows, pieces: [{ text: "aa\nbb\n", offset: 0 }] })).not.toBe("aa\n");
});

test("line ends before a place are counted over pieces", () => {
  const pieces = ["a\n\nb\n", "c\n", "\nd"].map((text) => Buffer.from(text));
  const counter = new LineCounter();
  const counts: number[] = [];
  for (const piece of pieces) {
    for (const [place, byte] of piece.entries()) if (byte !== NEWLINE) counts.push(counter.before(piece, place));
    counter.endPiece(piece);
  }
  expect(counts).toEqual([0, 2, 3, 5]);
});
