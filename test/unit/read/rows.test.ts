// What rows of tables are made of: lines of JSON around texts that stay bytes, the JSON forms of values, LZ4 frames.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { native } from "#src/native.js";
import {
  bigEndianInt,
  dateJson,
  decimalJson,
  halfFloat,
  timeJson,
  timestampJson,
} from "#src/read/tables/json-values.js";
import { decodeLz4Frame } from "#src/read/tables/lz4-frame.js";
import { RowLines } from "#src/read/tables/row-lines.js";

const encoder = new TextEncoder();

describe("rows as lines", () => {
  const value = fc.string({ unit: "binary", maxLength: 80 }).filter((text) => text.isWellFormed());

  test("are what JSON.stringify writes of the same strings, short or long", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { maxLength: 6 }), (pairs) => {
        const rows = new RowLines();
        for (const [i, [a, b]] of pairs.entries()) {
          rows.beginRow();
          for (const [key, text] of [["a", a] as const, ["\u00e9", b] as const]) {
            rows.member(`${JSON.stringify(key)}:`);
            rows.text(encoder.encode(text));
          }
          rows.endRow(i, i + 1);
        }
        const lines = pairs.map(([a, b]) => `${JSON.stringify({ a, "\u00e9": b })}\n`).join("");
        expect(Buffer.from(rows.join()).toString()).toBe(lines);
      }),
    );
  });

  test("keep bytes that are not UTF-8, for the scanner to see", () => {
    for (const length of [1, 100]) {
      const rows = new RowLines();
      rows.beginRow();
      rows.member('"text":');
      rows.text(new Uint8Array(length).fill(0xff));
      rows.endRow(0, 1);
      expect([...rows.join()].filter((byte) => byte === 0xff)).toHaveLength(length);
    }
  });

  test("that are too long are faults, and leave nothing behind", () => {
    const rows = new RowLines(64);
    for (const [i, length] of [10, 100, 10].entries()) {
      rows.beginRow();
      rows.member('"text":');
      rows.text(new Uint8Array(length).fill(0x61));
      rows.endRow(i, i + 1);
    }
    expect(Buffer.from(rows.join()).toString()).toBe(`{"text":"${"a".repeat(10)}"}\n`.repeat(2));
    expect(rows.offsets).toEqual([0, 2]);
    expect(rows.faults).toMatchObject([{ offset: 1, line: 2, reason: "too-long" }]);
  });

  test("stand where their rows do, also in ids that are made up and in what is rejected", () => {
    const bytes = encoder.encode('{"text":"a"}\n{"text":1}\n{"text":"b"}\n');
    const options = { textField: "text", idField: "id", sourceField: "source", scoreField: "", source: "t" };
    const more = { baseOffset: 0, baseLine: 0, maxDocumentBytes: 0 };
    const scan = (recordOffsets: Float64Array) => native().scanJsonl(bytes, { ...options, ...more, recordOffsets });
    const found = scan(Float64Array.of(7, 2 ** 40, 2 ** 41));
    expect(Buffer.from(found.id).toString()).toBe(`t#7t#${2 ** 41}`);
    expect([...found.recordOffset]).toEqual([7, 2 ** 41]);
    expect(found.rejected).toMatchObject([{ offset: 2 ** 40, reason: "text-not-a-string" }]);
    expect(() => scan(Float64Array.of(7, 8))).toThrow("expected an offset for every line");
  });

  test("are refused when a run lies outside of its source", () => {
    const join = (...run: number[]) =>
      native().joinRows(encoder.encode("ab"), Uint32Array.from(run), [encoder.encode("xyz")]);
    expect(Buffer.from(join(1, 0, 1, 3)).toString()).toBe('a"yz"b');
    for (const run of [
      [3, 0, 0, 1],
      [1, 1, 0, 1],
      [1, 0, 0, 4],
      [1, 0, 2, 1],
    ])
      expect(() => join(...run)).toThrow("run 0");
  });
});

describe("values", () => {
  test("dates are those of the calendar, in any year", () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
        expect(dateJson(days)).toBe(JSON.stringify(new Date(days * 86_400_000).toISOString().split("T")[0]));
      }),
    );
  });

  test("timestamps are those of the calendar, to the last digit", () => {
    const milliseconds = fc.bigInt({ min: -8_640_000_000_000_000n, max: 8_640_000_000_000_000n });
    fc.assert(
      fc.property(milliseconds, fc.bigInt({ min: 0n, max: 999n }), (value, more) => {
        const iso = new Date(Number(value)).toISOString();
        expect(timestampJson(value, 3, true)).toBe(JSON.stringify(iso));
        const rest = String(more).padStart(3, "0");
        expect(timestampJson(value * 1000n + more, 6, false)).toBe(JSON.stringify(iso.replace("Z", rest)));
      }),
    );
    expect(timestampJson(-(2n ** 63n), 0, true)).toMatch(/^"-292277022657-01-27T08:29:52Z"$/);
    expect(timeJson(86_399_000_000_001n, 9)).toBe('"23:59:59.000000001"');
  });

  test("decimals keep their digits and zeros", () => {
    expect(decimalJson(-1n, 2)).toBe("-0.01");
    expect(decimalJson(0n, 2)).toBe("0.00");
    expect(decimalJson(12345n, 0)).toBe("12345");
    expect(decimalJson(12n, -3)).toBe("12000");
    expect(bigEndianInt(Uint8Array.of(0xff, 0x00))).toBe(-256n);
  });

  test("half floats are the nearest doubles", () => {
    expect([0x3c00, 0xc000, 0x0001, 0x7bff].map(halfFloat)).toEqual([1, -2, 2 ** -24, 65504]);
    expect([0x7c00, 0xfc00, 0x7e00].map(halfFloat)).toEqual([Infinity, -Infinity, Number.NaN]);
  });
});

describe("an LZ4 frame", () => {
  /** Blocks of a frame without checksums. */
  const frame = (...blocks: number[][]): Uint8Array => {
    const bytes = [0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0];
    for (const block of blocks) bytes.push(block.length, 0, 0, 0, ...block);
    return Uint8Array.from([...bytes, 0, 0, 0, 0]);
  };

  test("goes on from block to block, and matches may overlap what they make", () => {
    const content = decodeLz4Frame(frame([0x35, 97, 98, 99, 3, 0, 0x10, 100], [0x01, 2, 0, 0x10, 101]));
    expect(Buffer.from(content).toString()).toBe("abcabcabcabcdcdcdce");
  });

  test.each([
    ["nothing", Uint8Array.of(1, 2, 3)],
    ["a match before its begin", frame([0x10, 97, 9, 0])],
    ["letters that are missing", frame([0xf0, 200, 97])],
    ["a block that is missing", frame([0x10, 97]).subarray(0, 12)],
  ])("of %s is an error", (_, bytes) => {
    expect(() => decodeLz4Frame(bytes)).toThrow();
  });
});
