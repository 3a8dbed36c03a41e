import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ScanOptions, ScanResult } from "#src/native/read.js";
import { native } from "#src/native.js";
import { type DocumentBlock, documentOf } from "#src/records/document-block.js";
import { READ } from "../text/js/lines.js";

const encoder = new TextEncoder();

function scan(input: string | Uint8Array, options: Partial<ScanOptions> = {}): ScanResult {
  return native().scanJsonl(typeof input === "string" ? encoder.encode(input) : input, { ...READ, ...options });
}

/** Everything a scan says of its rows and rejects, as plain data. */
function flat(result: ScanResult) {
  const block: DocumentBlock = result;
  const documents = Array.from({ length: result.numDocuments }, (_, row) => ({
    ...documentOf(block, row),
    offset: result.recordOffset[row],
    length: result.recordLength[row],
    line: result.recordLine[row],
  }));
  return { documents, rejected: result.rejected };
}

const reasons = (input: string | Uint8Array, options: Partial<ScanOptions> = {}): string[] =>
  scan(input, options).rejected.map(({ reason }) => reason);

describe("scanJsonl agrees with JSON.parse", () => {
  const text = fc.string({ unit: "binary", maxLength: 60 }).filter((value) => value.isWellFormed());
  const record = fc.record(
    { text, id: fc.oneof(text, fc.nat()), source: text, other: fc.jsonValue(), "\u00e9\n": fc.jsonValue() },
    { requiredKeys: ["text"] },
  );
  const spaced = (value: unknown, indent: number): string =>
    JSON.stringify(value, null, indent === 0 ? undefined : "\t".repeat(indent)).replaceAll("\n", " ");

  test("on the fields of any record and on those it only carries", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(record, fc.nat({ max: 2 })), { maxLength: 8 }), (records) => {
        const result = scan(records.map(([value, indent]) => `${spaced(value, indent)}\n`).join(""));
        expect(result.rejected).toEqual([]);
        const { documents } = flat(result);
        expect(documents).toHaveLength(records.length);
        for (const [row, [value]] of records.entries()) {
          const { text, id, source, ...meta } = JSON.parse(JSON.stringify(value));
          const found = documents[row]!;
          expect(found.text).toBe(text);
          expect(found.id).toBe(id === undefined ? `file#${found.offset}` : String(id));
          expect(found.source).toBe(source ?? "file");
          expect(found.meta).toEqual(meta);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("on whether a damaged line is JSON", () => {
    const damage = fc.tuple(
      record,
      fc.nat(),
      fc.constantFrom("", '"', "\\", "{", "]", ",", ":", "0", "-", ".", "e", "\u0001", "u"),
    );
    fc.assert(
      fc.property(damage, ([value, at, piece]) => {
        const json = JSON.stringify(value);
        const cut = at % (json.length + 1);
        const line = (json.slice(0, cut) + piece + json.slice(cut + 1)).toWellFormed();
        let parsed = true;
        try {
          JSON.parse(line);
        } catch {
          parsed = false;
        }
        expect(reasons(line).includes("invalid-json")).toBe(!parsed);
      }),
      { numRuns: 1000 },
    );
  });

  test("on every file of JSONTestSuite, carried as a field", () => {
    const suite = join(
      fileURLToPath(new URL("../../..", import.meta.url)),
      "../shared/data/json-test-suite/test_parsing",
    );
    if (!existsSync(suite)) {
      console.warn(`JSONTestSuite is absent: expected it at ${suite}`);
      return;
    }
    const wrong: string[] = [];
    for (const name of readdirSync(suite)) {
      const file = readFileSync(join(suite, name));
      // White space by another name; inside a string it would be refused either way.
      const value = name.startsWith("y_") ? Buffer.from(file.map((byte) => (byte === 0x0a ? 0x20 : byte))) : file;
      const result = scan(Buffer.concat([Buffer.from('{"text":"x","v":'), value, Buffer.from("}")]));
      const accepted = result.numDocuments === 1 && result.rejected.length === 0;
      if ((name.startsWith("y_") && !accepted) || (name.startsWith("n_") && accepted)) wrong.push(name);
    }
    expect(wrong).toEqual([]);
  });
});

describe("scanJsonl counts positions in bytes", () => {
  const lines = [
    '{"text":"\u00e9"}',
    "",
    '{"text":1}',
    '{"id":"\u{1f600}","text":"x"}',
    "  \t",
    "nonsense",
    '{"text":"y","id":3}',
  ];
  const input = encoder.encode(`${lines.join("\n")}\n`);

  test("a scan cut at any line end gives the same rows and rejects", () => {
    const whole = flat(scan(input));
    for (let cut = 0; cut <= input.length; cut += 1) {
      if (cut > 0 && input[cut - 1] !== 0x0a) continue;
      const before = scan(input.subarray(0, cut));
      const after = scan(input.subarray(cut), { baseOffset: cut, baseLine: before.numLines });
      const [first, second] = [flat(before), flat(after)];
      expect([...first.documents, ...second.documents]).toEqual(whole.documents);
      expect([...first.rejected, ...second.rejected]).toEqual(whole.rejected);
    }
  });

  test("a scan cut elsewhere does not give the same", () => {
    const cut = 5;
    const first = flat(scan(input.subarray(0, cut)));
    const second = flat(scan(input.subarray(cut), { baseOffset: cut, baseLine: 1 }));
    expect([...first.rejected, ...second.rejected]).not.toEqual(flat(scan(input)).rejected);
  });

  test("input that ends anywhere keeps all whole records and rejects the torn one", () => {
    const whole = flat(scan(input));
    for (let end = 0; end <= input.length; end += 1) {
      const { documents, rejected } = flat(scan(input.subarray(0, end)));
      const complete = whole.documents.filter(({ offset, length }) => offset! + length! <= end);
      expect(documents).toEqual(complete);
      const tornAt = input.lastIndexOf(0x0a, end - 1) + 1;
      const torn = new TextDecoder().decode(input.subarray(tornAt, end)).trim();
      const isWhole =
        complete.some(({ offset }) => offset === tornAt) || whole.rejected.some((r) => r.offset + r.length === end);
      if (torn !== "" && !isWhole && end > 0) expect(rejected.at(-1)).toMatchObject({ offset: tornAt });
    }
  });

  test("CRLF and LF give the same documents, with the offsets of their own bytes", () => {
    const crlf = scan(encoder.encode(`${lines.join("\r\n")}\r\n`));
    const plain = scan(input);
    const contents = (result: ScanResult) =>
      flat(result).documents.map(({ text, meta, line, length }) => ({ text, meta, line, length }));
    expect(contents(crlf)).toEqual(contents(plain));
    expect(Array.from(crlf.recordOffset)).toEqual(
      Array.from(plain.recordOffset, (offset, i) => offset + plain.recordLine[i]! - 1),
    );
  });

  test("blank lines are counted and are no records", () => {
    expect(scan("\n \n\r\n\t\n")).toMatchObject({ numDocuments: 0, rejected: [], numLines: 4 });
    expect(scan("")).toMatchObject({ numDocuments: 0, rejected: [], numLines: 0 });
  });

  test("a byte order mark is passed over at the begin of a file and nowhere else", () => {
    const marked = encoder.encode('\ufeff{"text":"a"}\n\ufeff{"text":"b"}\n');
    const { documents, rejected } = flat(scan(marked));
    expect(documents).toMatchObject([{ text: "a", offset: 3, line: 1 }]);
    expect(rejected).toMatchObject([{ reason: "invalid-json", offset: 16, line: 2 }]);
    expect(reasons(marked.subarray(0, 16), { baseOffset: 8 })).toEqual(["invalid-json"]);
  });
});

describe("scanJsonl rejects with the reason", () => {
  test.each([
    ["invalid-json", '{"text":"a"'],
    ["invalid-json", '{"text":"a"} {"text":"b"}'],
    ["invalid-json", '{"text":1,}'],
    ["not-an-object", '["text"]'],
    ["not-an-object", '"text"'],
    ["missing-text", '{"id":"a"}'],
    ["missing-text", "{}"],
    ["text-not-a-string", '{"text":null}'],
    ["text-not-a-string", '{"text":{"text":"a"}}'],
    ["id-not-a-string-or-number", '{"text":"a","id":null}'],
    ["id-not-a-string-or-number", '{"text":"a","id":[1]}'],
    ["too-long", '{"text":"aaaaaaaaaaa"}'],
    ["duplicate-key", '{"text":"a","text":"b"}'],
    ["duplicate-key", '{"text":"a","x":1,"y":2,"\\u0078":3}'],
    ["lone-surrogate", '{"text":"\\ud800"}'],
    ["lone-surrogate", '{"text":"a","id":"\\udc00"}'],
    ["lone-surrogate", '{"text":"a","\\ud800":1}'],
  ])("%s: %s", (reason, line) => {
    expect(reasons(line, { maxDocumentBytes: 10 })).toEqual([reason]);
  });

  test("bad syntax outranks every other reason", () => {
    expect(reasons('{"text":1,"text":"\\ud800"')).toEqual(["invalid-json"]);
  });

  test("a length equal to the limit is kept", () => {
    expect(scan('{"text":"aaaaaaaaaa"}', { maxDocumentBytes: 10 }).numDocuments).toBe(1);
  });

  test("a lone surrogate in a field that is only carried stays as it is written", () => {
    const { meta, numDocuments } = scan('{"text":"a","x":"\\ud800"}');
    expect(numDocuments).toBe(1);
    expect(new TextDecoder().decode(meta)).toBe('{"x":"\\ud800"}');
  });

  test("NUL in a text is kept", () => {
    expect(flat(scan('{"text":"a\\u0000b"}')).documents[0]!.text).toBe("a\0b");
  });

  test("bytes that are not UTF-8 reject their line alone and say where they are", () => {
    const good = encoder.encode('{"text":"\u20ac"}\n');
    for (const bad of [[0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0xff]]) {
      const line = Uint8Array.from([...encoder.encode('{"text":"ab'), ...bad, ...encoder.encode('"}\n')]);
      const input = Buffer.concat([good, line, line, good]);
      const { numDocuments, rejected } = scan(input);
      expect(numDocuments).toBe(2);
      expect(rejected).toMatchObject([
        { reason: "invalid-utf8", offset: good.length, line: 2, detail: "the record's byte 11 is not UTF-8" },
        { reason: "invalid-utf8", offset: good.length + line.length, line: 3 },
      ]);
    }
  });

  test("the UTF-8 torture file loses exactly its malformed lines", () => {
    const path = join(fileURLToPath(new URL("../../..", import.meta.url)), "../shared/data/utf8/UTF-8-test.txt");
    if (!existsSync(path)) {
      console.warn(`the UTF-8 test file is absent: expected it at ${path}`);
      return;
    }
    const strict = new TextDecoder("utf-8", { fatal: true });
    const lines = readFileSync(path);
    const expected: string[] = [];
    const input: Buffer[] = [];
    for (let begin = 0; begin < lines.length; ) {
      const end = lines.indexOf(0x0a, begin);
      const line = lines.subarray(begin, end).filter((byte) => byte !== 0x22 && byte !== 0x5c && byte >= 0x20);
      input.push(Buffer.from('{"text":"'), Buffer.from(line), Buffer.from('"}\n'));
      try {
        strict.decode(line);
        expected.push("kept");
      } catch {
        expected.push("invalid-utf8");
      }
      begin = end + 1;
    }
    const { documents, rejected } = flat(scan(Buffer.concat(input)));
    const found: string[] = [];
    for (const { line } of documents) found[line! - 1] = "kept";
    for (const { line, reason } of rejected) found[line - 1] = reason;
    expect(found).toEqual(expected);
    expect(rejected.length).toBeGreaterThan(50);
  });
});

describe("fields by dotted paths", () => {
  const nested = { textField: "a.b", idField: "a.k.id", sourceField: "origin" };

  test("leave the other members of the objects they pass through", () => {
    const input = '{"a":{"x":[1],"b":"T","k":{"id":"I","y":2}},"origin":"S","z":{}}';
    const { documents } = flat(scan(input, nested));
    expect(documents).toMatchObject([{ id: "I", text: "T", source: "S", meta: { a: { x: [1], k: { y: 2 } }, z: {} } }]);
  });

  test("do not see names that contain dots", () => {
    expect(reasons('{"a.b":"T"}', nested)).toEqual(["missing-text"]);
    expect(reasons('{"a":"T"}', nested)).toEqual(["missing-text"]);
  });

  test("refuse a repeated name on their way", () => {
    expect(reasons('{"a":{"b":"T","x":1,"x":2}}', nested)).toEqual(["duplicate-key"]);
    expect(reasons('{"a":{"b":"T"},"free":{"x":1,"x":2}}', nested)).toEqual([]);
  });

  test.each([
    [{ textField: "" }],
    [{ textField: "a..b" }],
    [{ textField: "id" }],
    [{ textField: "id.text" }],
  ])("that contradict each other are refused: %o", (options) => {
    expect(() => scan("", options)).toThrow(expect.objectContaining({ code: "native-invalid-argument" }));
  });
});
