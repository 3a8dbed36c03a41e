// Rejected records between phases: merged they are the lines that formatting each of them gives.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { formatLine, mergeLines } from "#src/clean/rejected-lines.js";
import { formatRejected, joinRejected } from "#src/formats/rejected.js";
import type { RejectedRecord } from "#src/records/document-block.js";

const dir = mkdtempSync(join(tmpdir(), "rejected-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = '/corpus/na"me \t\u20ac.jsonl';
const word = fc.string({ unit: "grapheme", maxLength: 12 });
const records = fc
  .uniqueArray(
    fc.record(
      {
        offset: fc.nat(2 ** 50),
        line: fc.nat(1000),
        reason: word,
        detail: word,
        id: fc.oneof(word, fc.constantFrom("a\tb", "\n", "\u2028", "\ud83d\ude00")),
      },
      { requiredKeys: ["offset", "line", "reason"] },
    ),
    { selector: ({ offset }) => offset, maxLength: 20 },
  )
  .map((list) => list.map((record): RejectedRecord => ({ file, ...record })));

function merged(lists: readonly (readonly RejectedRecord[])[]): string {
  const paths = lists.map((list, i) => {
    const path = join(dir, `lines-${i}`);
    writeFileSync(
      path,
      [...list]
        .sort((a, b) => a.offset - b.offset)
        .map((record, row) => formatLine(record, row))
        .join(""),
    );
    return path;
  });
  const quotedFile = Buffer.from(JSON.stringify(file)).toString("latin1");
  const lines = [...mergeLines(paths)].map(({ offset, line, tail }) => joinRejected(quotedFile, offset, line, tail));
  return Buffer.from(lines.join(""), "latin1").toString();
}

test("lines of several files are merged in the order of their offsets, byte for byte", () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 1, max: 5 }), (list, numFiles) => {
      const lists = Array.from({ length: numFiles }, (_, i) => list.filter((_, at) => at % numFiles === i));
      const expected = [...list].sort((a, b) => a.offset - b.offset).map(formatRejected);
      expect(merged(lists)).toBe(expected.join(""));
    }),
    { numRuns: 100 },
  );
});

test("a line that is lost is seen", () => {
  const list: RejectedRecord[] = [1, 2, 3].map((offset) => ({ file, offset, line: offset, reason: "too-short" }));
  expect(merged([list.slice(0, 2)])).not.toBe(list.map(formatRejected).join(""));
});
