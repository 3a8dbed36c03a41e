// The one reader of removed.jsonl: what is written is read back, and anything else is damage with its place.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { formatRemoved, parseRemoved, readRemoved } from "#src/formats/removed.js";

const folder = mkdtempSync(join(tmpdir(), "millrace-removed-"));
const path = join(folder, "removed.jsonl");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const id = fc.string({ unit: "binary", maxLength: 12 }).filter((text) => text.isWellFormed());
const jaccard = fc.tuple(fc.nat({ max: 9999 }), fc.nat({ max: 9999 })).map(([a, b]) => (a + 1) / (a + 1 + b));

test("lines are read as they were written, whatever the ids hold", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ id, kept: id, jaccard }), { maxLength: 20 }), (documents) => {
      writeFileSync(path, documents.map(formatRemoved).join(""));
      expect([...readRemoved(path)]).toEqual(documents);
    }),
  );
});

test("another form of a line is damage, with its place", () => {
  const good = formatRemoved({ id: "a", kept: "b", jaccard: 0.75 });
  const others = [
    "",
    "{",
    "[]",
    '{"id":"a","kept":"b","jaccard":1.5}',
    '{"id":"a","kept":"b","jaccard":0}',
    '{"id":"a","kept":"b","jaccard":"0.75"}',
    '{"id":1,"kept":"b","jaccard":0.75}',
    '{"id":"a","kept":"b"}',
    '{"kept":"b","id":"a","jaccard":0.75}',
    '{"id":"a","kept":"b","jaccard":0.75,"more":1}',
    '{"id":"a","kept":"b","jaccard":0.750}',
    `${good.trim()} `,
  ];
  for (const other of others) {
    expect(parseRemoved(other), other).toBeUndefined();
    writeFileSync(path, `${good}${other}\n`);
    const where = { line: 2, offset: good.length, file: path };
    expect(() => [...readRemoved(path)], other).toThrowError(
      expect.objectContaining({ code: "removed-damaged", where }),
    );
  }
});
