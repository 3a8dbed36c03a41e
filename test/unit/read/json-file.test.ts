// JSON files: arrays, nested paths and values one behind another become records at their places in the file, whatever the
// size of the chunks that they come in.
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { parser } from "stream-json";
import { streamArray } from "stream-json/streamers/stream-array.js";
import { describe, expect, test } from "vitest";
import { readJson, reasons, texts, WIDE } from "./read-json.js";

describe("the records of a JSON file", () => {
  const two = [{ text: 'a "[,{' }, { text: "b\n" }];

  test("are an array's elements, on one line or many, or values one behind another", async () => {
    for (const content of [
      JSON.stringify(two),
      JSON.stringify(two, null, 2).replaceAll("\n", "\r\n"),
      `\ufeff${JSON.stringify(two)}`,
      two.map((record) => JSON.stringify(record)).join(""),
      two.map((record) => JSON.stringify(record, null, 1)).join("\n\n"),
      `[${JSON.stringify(two[0])}]${JSON.stringify(two[1])}[]`,
    ]) {
      const found = await readJson(content);
      expect(texts(found)).toEqual(['a "[,{', "b\n"]);
      expect(found.rejected).toEqual([]);
      const bytes = Buffer.from(content);
      for (const { id, offset } of found.documents) {
        expect(String.fromCharCode(bytes[offset]!)).toBe("{");
        expect(id).toBe(`in#${offset}`);
      }
      expect(found.documents.map(({ line }) => line)).toEqual([1, 2]);
    }
  });

  test("lie where the path leads, and nowhere else", async () => {
    const content = JSON.stringify({ items: [{ text: "no" }], da: 1, data: { other: {}, it\u0065ms: two }, z: [two] });
    expect(texts(await readJson(content, { recordsField: "data.items" }))).toEqual(['a "[,{', "b\n"]);
    expect(texts(await readJson(content, { recordsField: "items" }))).toEqual(["no"]);
    const escaped = '{"d\\u0061ta":{"text":"one record, not an array"}}';
    expect(texts(await readJson(escaped, { recordsField: "data" }))).toEqual(["one record, not an array"]);
  });

  test("are missing where the path leads nowhere", async () => {
    const found = await readJson('{"a":[{"text":"x"}]}{"b":[]} [{"a":1}]', { recordsField: "a" });
    expect(texts(found)).toEqual(["x"]);
    expect(reasons(found)).toEqual([
      [20, "missing-records"],
      [29, "missing-records"],
    ]);
  });

  test("are missing once a value, in the order of the file, in blocks of the usual size", async () => {
    const values = Array.from({ length: 5000 }, (_, i) =>
      i % 100 === 7 ? { data: { items: [{ text: `${i}` }, { text: "second" }] } } : { data: [i], other: {} },
    );
    const content = values.map((value) => JSON.stringify(value)).join("\n");
    const limits = { blockBytes: 2 ** 14, maxRecordBytes: 2 ** 20, pieceBytes: 2 ** 10 };
    const found = await readJson(content, { recordsField: "data.items", limits });
    expect(texts(found)).toHaveLength(100);
    const barren = values.filter((_, i) => i % 100 !== 7);
    expect(found.rejected).toHaveLength(barren.length);
    expect(found.rejected.every(({ detail }) => detail === 'no "data.items" in the value')).toBe(true);
    for (const { offset } of found.rejected) expect(content.slice(offset)).toMatch(/^\{"data":\[/);
    const offsets = found.rejected.map(({ offset }) => offset);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    // A record is counted where it stands among those that are none.
    const lines = [...found.documents, ...found.rejected].sort((a, b) => a.offset - b.offset).map(({ line }) => line);
    expect(lines).toEqual(lines.map((_, i) => i + 1));
    expect(found.numBlocks).toBeLessThanOrEqual(Math.ceil(content.length / limits.blockBytes));
    expect(found.sizeBytes).toBe(content.length);
  });

  test("are missing alike however the file is cut and read", async () => {
    const kinds = ["7", "-1.5e3", '"a"', "true", "[1,[2]]", "{}", '{"b":{"a":1}}', '{"a":[{"text":"x"}]}', '{"a":{}}'];
    const values = fc.array(fc.tuple(fc.constantFrom(...kinds), fc.constantFrom(" ", "\n", "\r\n  ")), {
      minLength: 1,
    });
    const sizes = fc.record({
      blockBytes: fc.integer({ min: 1, max: 30 }),
      pieceBytes: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(values, sizes, fc.boolean(), async (parts, { blockBytes, pieceBytes }, again) => {
        const content = parts.flat().join("");
        const limits = { blockBytes, maxRecordBytes: 2 ** 20, pieceBytes };
        const found = await readJson(content, { recordsField: "a", limits, again });
        const whole = await readJson(content, { recordsField: "a" });
        expect({ ...found, numBlocks: 0 }).toEqual({ ...whole, numBlocks: 0 });
        const numMissing = found.rejected.filter(({ reason }) => reason === "missing-records").length;
        expect(numMissing).toBe(parts.filter(([value]) => !value.startsWith('{"a"')).length);
      }),
      { numRuns: 100 },
    );
  });

  test("are not said to be missing in a number that is cut off", async () => {
    expect(reasons(await readJson("7 8.", { recordsField: "a" }))).toEqual([
      [0, "missing-records"],
      [2, "invalid-json"],
    ]);
  });

  test("are each rejected alone when only they are bad", async () => {
    const parts = [Buffer.from('[{"text":"\xff"}', "latin1"), Buffer.from(',1,{"text":2},{"text":"good"}]')];
    const found = await readJson(Buffer.concat(parts));
    expect(texts(found)).toEqual(["good"]);
    expect(reasons(found)).toEqual([
      [1, "invalid-utf8"],
      [14, "not-an-object"],
      [16, "text-not-a-string"],
    ]);
  });
});

describe("a syntax error", () => {
  test.each([
    ['[{"text":"a"},{"text":"b"},{"text":tru},{"text":"c"}]', 27, "expected a value, at byte 38 of the file"],
    ['[{"text":"a"},{"text":"b"}', 26, "expected the rest of a value, got the end of the file, at byte 26 of the file"],
    [
      '{"text":"a"}{"text":"b"}{"te',
      24,
      "expected the rest of a value, got the end of the file, at byte 28 of the file",
    ],
    ['[{"text":"a"},{"text":"b"}]]', 27, "expected a value, at byte 27 of the file"],
    ['[{"text":"a"},{"text":"b"},]', 27, "expected a value, at byte 27 of the file"],
  ])("rejects the rest of %s as one record, and all before it is delivered", async (content, offset, detail) => {
    for (const limits of [WIDE, { blockBytes: 8, maxRecordBytes: 64, pieceBytes: 5 }]) {
      const found = await readJson(content, { limits });
      expect(texts(found)).toEqual(["a", "b"]);
      expect(found.rejected).toEqual([{ offset, line: 3, reason: "invalid-json", detail }]);
    }
  });

  test("is that a file holds no value", async () => {
    for (const content of ["", " \n", "\ufeff"]) {
      expect(reasons(await readJson(content)).map(([, reason]) => reason)).toEqual(["invalid-json"]);
    }
    expect((await readJson("[]")).rejected).toEqual([]);
  });
});

test("records longer than a record may be are rejected unread, between others", async () => {
  const limits = { blockBytes: 16, maxRecordBytes: 64, pieceBytes: 7 };
  const found = await readJson(JSON.stringify([{ text: "a" }, { text: "x".repeat(90) }, { text: "b" }]), { limits });
  expect(texts(found)).toEqual(["a", "b"]);
  expect(reasons(found)).toEqual([[14, "too-long"]]);
});

test("a damaged stream gives the records before the damage, then its error", async () => {
  const values = Array.from({ length: 500 }, (_, i) => ({ text: `${Math.sin(i)}` }));
  const bytes = gzipSync(JSON.stringify(values));
  const whole = await readJson(bytes, { name: "in.json.gz" });
  expect(texts(whole)).toEqual(values.map(({ text }) => text));
  const cut = await readJson(bytes.subarray(0, bytes.length / 2), { name: "in.json.gz" });
  expect(cut.error).toMatchObject({ code: "gzip-truncated" });
  expect(texts(cut).length).toBeGreaterThan(100);
  expect(texts(cut)).toEqual(texts(whole).slice(0, cut.documents.length));
});

test("chunks, blocks and the way of writing never show in the records", async () => {
  const values = fc.array(fc.record({ text: fc.string({ unit: "binary" }), n: fc.jsonValue() }), { maxLength: 8 });
  const layout = fc.constantFrom("array", "pretty", "adjacent", "lines", "nested");
  const sizes = fc.record({ blockBytes: fc.integer({ min: 1, max: 60 }), pieceBytes: fc.integer({ min: 1, max: 40 }) });
  await fc.assert(
    fc.asyncProperty(values, layout, sizes, fc.boolean(), async (records, kind, { blockBytes, pieceBytes }, again) => {
      const content = {
        array: () => JSON.stringify(records),
        pretty: () => JSON.stringify(records, null, 2),
        adjacent: () => records.map((record) => JSON.stringify(record)).join("") || "[]",
        lines: () => records.map((record) => JSON.stringify(record)).join("\n") || "[]",
        nested: () => JSON.stringify({ x: [{ text: "no" }], data: { items: records, y: 1 } }),
      }[kind]();
      const limits = { blockBytes, maxRecordBytes: 2 ** 20, pieceBytes };
      const found = await readJson(content, { recordsField: kind === "nested" ? "data.items" : "", limits, again });
      expect(found.rejected).toEqual([]);
      // JSON.stringify writes half a surrogate pair as an escape, which has no UTF-8 form.
      expect(texts(found)).toEqual(records.map(({ text }) => text));
    }),
    { numRuns: 150 },
  );
});

test("stream-json finds the same records", async () => {
  const records = Array.from({ length: 300 }, (_, i) => ({ text: `"${i}" \\ {[\u20ac\n`, n: [i, { a: null }, 1e-3] }));
  const content = JSON.stringify(records, null, 1);
  const peer: unknown[] = [];
  for await (const { value } of Readable.from([content]).pipe(parser.asStream()).pipe(streamArray.asStream())) {
    peer.push((value as { text: string }).text);
  }
  expect(texts(await readJson(content))).toEqual(peer);
  expect(peer).toHaveLength(300);
});
