// CSV and TSV by RFC 4180: records, their places and what is wrong with them, however the file is cut into chunks and blocks;
// csv-parse and JSON.parse say the same of everything that is sound.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CsvStream } from "#src/read/tables/csv-stream.js";
import { type FoundRows, type ReadChoices, readTable } from "./read-tables.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "csv-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function readCsv(content: string | Uint8Array, choices: ReadChoices = {}, name = "in.csv"): Promise<FoundRows> {
  const path = join(dir, name);
  await writeFile(path, content);
  return readTable(path, choices);
}

const texts = ({ documents }: FoundRows): string[] => documents.map(({ text }) => text);
const TINY: ReadChoices = { limits: { blockBytes: 1, maxRecordBytes: 2 ** 20, pieceBytes: 1 } };

describe("a record", () => {
  test("has its fields by the names in the header, as strings", async () => {
    const found = await readCsv("id,text,source,n\n1,a,web,007\n");
    expect(found.documents).toEqual([{ id: "1", text: "a", source: "web", meta: '{"n":"007"}', offset: 17, line: 2 }]);
  });

  test("may hold quotes, delimiters and line ends in quoted fields, which are part of the text", async () => {
    const found = await readCsv('text,n\n"a ""b"", c\r\nd\n","""x"\n"",""""\n');
    expect(texts(found)).toEqual(['a "b", c\r\nd\n', ""]);
    expect(found.documents.map(({ meta }) => JSON.parse(meta))).toEqual([{ n: '"x' }, { n: '"' }]);
    expect(found.documents.map(({ offset, line }) => [offset, line])).toEqual([
      [7, 2],
      [30, 5],
    ]);
  });

  test("ends with LF or CRLF, the last one perhaps with neither, and a byte order mark is passed over", async () => {
    for (const end of ["\n", "\r\n"]) {
      for (const last of ["", end]) {
        const found = await readCsv(`\ufeff"text",id${end}a,1${end}"b",2${last}`);
        expect(found.documents.map(({ id, text }) => id + text)).toEqual(["1a", "2b"]);
      }
    }
  });

  test("is none on an empty line, before the header too; lines are counted all the same", async () => {
    const found = await readCsv("\n\r\ntext,n\n\na,1\r\n\r\nb,2\n\n");
    expect(found.documents.map(({ text, line }) => [text, line])).toEqual([
      ["a", 5],
      ["b", 7],
    ]);
    expect(found.rejected).toEqual([]);
  });

  test("leaves out what is empty without quotes, but for the text", async () => {
    const found = await readCsv('text,id,n\n,,\n"","x",""\n');
    expect(found.documents.map(({ id, text, meta }) => [id, text, meta])).toEqual([
      ["in#10", "", "{}"],
      ["x", "", '{"n":""}'],
    ]);
  });

  test("is delimited by tabs in a .tsv file, and by nothing else", async () => {
    const found = await readCsv('text\tn\na,b;c\t"1\t2"\n', {}, "in.tsv");
    expect(found.documents.map(({ text, meta }) => [text, meta])).toEqual([["a,b;c", '{"n":"1\\t2"}']]);
  });

  test("keeps NUL and every other letter of ASCII", async () => {
    const text = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join("");
    expect(texts(await readCsv(`text\n"${text.replaceAll('"', '""')}"\n`))).toEqual([text]);
  });

  test("longer than a record may be is rejected without being held, in one row or in many bytes", async () => {
    const limits = { blockBytes: 8, maxRecordBytes: 40 };
    const found = await readCsv(`text\na\n"${"x\n".repeat(50)}"\nb\n`, { limits });
    expect(texts(found)).toEqual(["a", "b"]);
    expect(found.rejected).toMatchObject([{ offset: 7, reason: "too-long" }]);
  });
});

describe("what is wrong", () => {
  test.each([
    ["too few fields", "x", "expected 2 fields, got 1"],
    ["too many fields", "x,1,2", "expected 2 fields, got 3"],
    ["a quote within a field", 'x"y",1', "expected quotes around all of field 1, got one within"],
    [
      "letters behind a closing quote",
      '"x"y,1',
      "expected a delimiter or a line end behind the closing quote of field 1",
    ],
    ["a CR within a field", "x\ry,1", "expected CR in quotes or before LF, got one in field 1"],
  ])("rejects its record alone: %s", async (_, record, detail) => {
    for (const choices of [{}, TINY]) {
      const found = await readCsv(`text,n\na,1\n${record}\nb,2\n`, choices);
      expect(texts(found)).toEqual(["a", "b"]);
      expect(found.rejected).toEqual([{ offset: 11, line: 3, reason: "invalid-csv", detail }]);
    }
  });

  test("rejects its record alone when bytes are not UTF-8, in any field", async () => {
    const content = Buffer.concat([Buffer.from("text,n\na,1\nx,"), Buffer.from([0xc3]), Buffer.from("\nb,2\n")]);
    const found = await readCsv(content);
    expect(texts(found)).toEqual(["a", "b"]);
    expect(found.rejected).toMatchObject([{ offset: 11, line: 3, reason: "invalid-utf8" }]);
  });

  test("rejects the rest of the file as one record when a quote is not closed", async () => {
    for (const choices of [{}, TINY]) {
      const found = await readCsv('text,n\na,1\n"b,2\nc,3\nd,4\n', choices);
      expect(texts(found)).toEqual(["a"]);
      expect(found.rejected).toMatchObject([{ offset: 11, line: 3, reason: "invalid-csv" }]);
    }
  });
});

describe("a header", () => {
  test.each([
    ["that names a column twice", "text,a,a\n", 'got "a" twice'],
    ["without the text", "body,a\n", 'got "body", "a"'],
    ["that ends in CR", "id,text\r1,a\r", "got line ends of CR alone"],
    ["that is no record", 'te"xt,a\n', "expected quotes around all of field 1"],
    ["that is not UTF-8", Buffer.from("text,\xff\n", "latin1"), "bytes that are not UTF-8"],
    ["without end", `"${"x".repeat(2 ** 20)}`, "one of over 1048576 bytes"],
  ])("%s ends the run before any record is read", async (_, content, said) => {
    const { error } = await readCsv(content);
    expect(error).toMatchObject({ code: "table-columns" });
    expect((error as Error).message).toContain(said);
  });

  test("split by semicolons is told of the separator", async () => {
    const { error } = await readCsv("id;text\n1;a\n");
    expect(error).toMatchObject({ hint: expect.stringContaining("separated by commas") });
  });

  test("alone, or an empty file, holds no document", async () => {
    for (const content of ["", "\ufeff", "\n\n", "text,a", "text,a\n"]) {
      expect(await readCsv(content)).toMatchObject({ documents: [], rejected: [] });
    }
  });

  test("in UTF-32 is refused with the encoding's name", async () => {
    for (const [encoding, mark] of [
      ["utf-32le", [0xff, 0xfe, 0, 0]],
      ["utf-32be", [0, 0, 0xfe, 0xff]],
    ] as const) {
      const { error } = await readCsv(Uint8Array.from(mark));
      expect(error).toMatchObject({ code: "input-encoding" });
      expect((error as Error).message).toContain(encoding);
    }
  });
});

const letter = fc.constantFrom("a", "b", '"', ",", "\n", "\r", "\r\n", "\u00e9", "\u6f22", "\u0000");
const field = fc.array(letter, { maxLength: 6 }).map((letters) => letters.join(""));
const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
const written = (value: string, always: boolean): string =>
  always || value === "" || /[",\r\n]/.test(value) ? quoted(value) : value;

describe("any table", () => {
  const table = fc.array(fc.tuple(field, field, field, fc.boolean()), { minLength: 1, maxLength: 12 });

  test("written by the rules comes back, in blocks of any size, and csv-parse agrees", async () => {
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom("\n", "\r\n"),
        fc.integer({ min: 1, max: 40 }),
        async (rows, end, size) => {
          const content = `text,b,c${end}${rows.map(([a, b, c, always]) => [a, b, c].map((value) => written(value, always)).join(",") + end).join("")}`;
          const found = await readCsv(content, {
            limits: { blockBytes: size, maxRecordBytes: 2 ** 20, pieceBytes: 1 },
          });
          expect(found.rejected).toEqual([]);
          const read = found.documents.map(({ text, meta }) => ({ text, ...JSON.parse(meta) }));
          expect(read).toEqual(rows.map(([text, b, c]) => ({ text, b, c })));
          expect(read).toEqual(parse(content, { columns: true, record_delimiter: end }));
          const bytes = Buffer.from(content);
          for (const { offset, line } of found.documents) {
            expect(bytes.subarray(0, offset).toString().split("\n")).toHaveLength(line);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("of any bytes is cut into the same blocks wherever chunks end, with the bytes kept or their places alone", () => {
    fc.assert(
      fc.property(
        fc.array(letter, { maxLength: 60 }).map((letters) => Buffer.from(letters.join(""))),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 20 }),
        (bytes, blockBytes, more) => {
          const text = bytes.toString("latin1");
          const cut = (chunkBytes: number, keepsBytes = true): unknown => {
            const stream = new CsvStream(0x2c, blockBytes, blockBytes + more, { keepsBytes });
            const blocks = [];
            for (let at = 0; at < bytes.length; at += chunkBytes) {
              blocks.push(...stream.push(bytes.subarray(at, at + chunkBytes)));
            }
            blocks.push(...stream.end(false));
            return blocks.map(({ start, end, bytes }) => {
              const content = bytes && Buffer.concat(bytes.map((part) => new Uint8Array(part))).toString("latin1");
              if (content !== undefined) expect(content).toBe(keepsBytes ? text.slice(start, end) : "");
              return { start, end, isOversized: bytes === undefined };
            });
          };
          const whole = cut(Math.max(1, bytes.length));
          for (const chunkBytes of [1, 2, 3, 7]) {
            expect(cut(chunkBytes)).toEqual(whole);
            expect(cut(chunkBytes, false)).toEqual(whole);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("a compressed file", () => {
  const content = `text,n\n${Array.from({ length: 300 }, (_, i) => `"text\n${i}",${i}\n`).join("")}`;

  test("gives the same documents at the same places, with the bytes that planning carried and without", async () => {
    const plain = await readCsv(content, TINY);
    expect(plain.documents).toHaveLength(300);
    expect(plain.numBlocks).toBe(301);
    for (const choices of [TINY, { ...TINY, again: true }, { ...TINY, whole: true }]) {
      expect(await readCsv(gzipSync(content), choices, "in.csv.gz")).toMatchObject({ documents: plain.documents });
    }
  });

  test("that is cut off gives all whole records, then says so", async () => {
    const bytes = gzipSync(content, { level: 0 });
    const found = await readCsv(bytes.subarray(0, bytes.length - 200), TINY, "in.csv.gz");
    expect(found.error).toMatchObject({ code: "gzip-truncated" });
    expect(found.documents.length).toBeGreaterThan(270);
    expect(texts(found)).toEqual(texts(await readCsv(content, TINY)).slice(0, found.documents.length));
    expect(found.rejected).toEqual([]);
  });
});
