// What is said of a JSON file that nobody knows: where its records lie, which fields they have, and how much was seen.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JsonLayout, longestField, readJsonLayout } from "#src/read/index.js";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "millrace-layout-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function layoutOf(content: string | Buffer, format: "json" | "jsonl" = "json", maxBytes?: number): Promise<JsonLayout> {
  const file = join(dir, `file.${format}`);
  writeFileSync(file, content);
  return readJsonLayout({ file, compression: "none" }, format, maxBytes);
}

const NESTED = JSON.stringify({
  version: 3,
  tags: ["a", "b"],
  data: {
    articles: [
      { id: 1, body: "a text of some length", author: { name: "A B", age: 3 } },
      { id: "2", body: null, refs: [{ body: "within an array, so no field".repeat(9) }] },
    ],
  },
});

test("records in an array within the file's value are found, with the place that --records-field takes", async () => {
  const { records, isWhole, bytesRead, fault } = await layoutOf(NESTED);
  expect([isWhole, bytesRead, fault]).toEqual([true, NESTED.length, undefined]);
  expect(records.map(({ recordsField, count }) => [recordsField, count])).toEqual([
    ["data.articles", 2],
    ["", 1],
    ["tags", 2],
  ]);
  expect(longestField(records[0]!)?.name).toBe("body");
});

test("fields are named with dots through objects, counted by record, and told by type", async () => {
  const { records } = await layoutOf(NESTED);
  const fields = records[0]!.fields.map(({ name, records, types }) => [name, records, types]);
  expect(fields).toEqual([
    ["id", 2, { number: 1, string: 1 }],
    ["body", 2, { string: 1, null: 1 }],
    ["author", 1, { object: 1 }],
    ["author.name", 1, { string: 1 }],
    ["author.age", 1, { number: 1 }],
    ["refs", 1, { array: 1 }],
  ]);
});

test("a key that stands twice in a record counts it once", async () => {
  const { records } = await layoutOf('[{"text":"a","text":"bc"},{"text":"d"}]');
  expect(records[0]!.fields).toEqual([{ name: "text", records: 2, types: { string: 3 }, characters: 4, example: "a" }]);
});

test.each([
  ["an array", '[{"text":"a"},{"text":"b"}]', "json"],
  ["values one behind another", '{"text":"a"}{"text":"b"}', "json"],
  ["lines", '\ufeff{"text":"a"}\r\n\r\n{"text":"b"}\n', "jsonl"],
] as const)("the elements of %s need no place", async (_, content, format) => {
  const { records, fault } = await layoutOf(content, format);
  expect(fault).toBeUndefined();
  expect(records.map(({ recordsField, count, types }) => ({ recordsField, count, types }))).toEqual([
    { recordsField: "", count: 2, types: { object: 2 } },
  ]);
});

test("a large file is looked at from its begin, and says how far", async () => {
  const content = JSON.stringify(Array.from({ length: 5000 }, (_, i) => ({ text: `number ${i}` })));
  const { records, isWhole, bytesRead, fault } = await layoutOf(content, "json", 10_000);
  expect([isWhole, bytesRead, fault]).toEqual([false, 10_000, undefined]);
  expect(records[0]!.count).toBeGreaterThan(300);
  expect(records[0]!.count).toBeLessThan(600);
  expect((await layoutOf(content)).records[0]!.count).toBe(5000);
  const lines = content.slice(1, -1).replaceAll("},", "}\n");
  const cut = await layoutOf(lines, "jsonl", 10_000);
  expect([cut.isWhole, cut.fault]).toEqual([false, undefined]);
});

test("what is no JSON is told, and what stands before it is shown", async () => {
  const good = JSON.stringify(Array.from({ length: 1000 }, (_, i) => ({ text: `number ${i}` }))).slice(0, -1);
  const { fault, records } = await layoutOf(`${good}, oops]`);
  expect(fault).toContain("what is behind it is not shown");
  expect(records[0]!.count).toBeGreaterThan(700);
  const lines = await layoutOf('{"text":"a"}\n{bad\n{"text":"b"}\n', "jsonl");
  expect(lines.fault).toBe("lines that are no JSON: 1");
  expect(lines.records[0]!.count).toBe(2);
});

test("an object that maps ids to texts does not become a field an entry", async () => {
  const content = JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`id${i}`, ["text"]])));
  const { records } = await layoutOf(content);
  expect(records.length).toBeLessThanOrEqual(21);
  const [values] = records.filter(({ recordsField }) => recordsField === "");
  expect([values!.fields.length, values!.hasMore]).toEqual([100, true]);
});

test("damage of the compression is an error, as it is for every reader", async () => {
  const file = join(dir, "cut.json.gz");
  writeFileSync(file, gzipSync(NESTED).subarray(0, 60));
  await expect(readJsonLayout({ file, compression: "gzip" }, "json")).rejects.toThrow("gzip");
});
