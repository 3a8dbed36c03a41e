// The audit's reader of records beside the native one: the same documents, and of a rejected record the reason is among the faults.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ReadRecord, readRecord, readText } from "#src/audit/record.js";
import { DEFAULT_READ_OPTIONS } from "#src/formats/corpus.js";
import { native } from "#src/native.js";
import { blockReader } from "#src/read/index.js";
import { documentOf } from "#src/records/document-block.js";

const FIELDS = {
  text: ["text"],
  id: ["meta", "id"],
  source: ["meta", "source", "name"],
  score: [],
  maxDocumentBytes: 40,
};

interface NativeRecord {
  readonly reason?: string;
  readonly id?: string;
  readonly text?: string;
}

function readNatively(line: Buffer): NativeRecord {
  const scanned = native().scanJsonl(new Uint8Array(line), {
    textField: "text",
    idField: "meta.id",
    sourceField: "meta.source.name",
    scoreField: "",
    source: "file",
    baseOffset: 0,
    baseLine: 0,
    maxDocumentBytes: 40,
  });
  if (scanned.rejected[0] !== undefined) return { reason: scanned.rejected[0].reason };
  return { id: Buffer.from(scanned.id).toString(), text: Buffer.from(scanned.text).toString() };
}

function agree(line: Buffer): void {
  const mine: ReadRecord = readRecord(line, FIELDS);
  const theirs = readNatively(line);
  if (theirs.reason !== undefined) expect(mine.faults, line.toString()).toContain(theirs.reason);
  else expect({ id: mine.document?.id ?? "file#0", text: mine.document?.text }, line.toString()).toEqual(theirs);
}

const string = fc.constantFrom(
  '"a"',
  '"\\u0061"',
  '""',
  '"\\ud800"',
  '"\\ud83d\\ude00"',
  '"q\\"\\\\"',
  '"\\\\"',
  '"text"',
  `"${"x".repeat(50)}"`,
);
const name = fc.constantFrom('"text"', '"meta"', '"id"', '"source"', '"name"', '"\\u0074ext"', '"other"', '"\\udc00"');
const space = fc.constantFrom("", " ", "\t ");
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    string,
    fc.constantFrom("1", "1.0", "-0", "1e3", "01", "tru", "true", "null", "[1,]", "{}"),
    fc.array(tie("value"), { maxLength: 3 }).map((values) => `[${values.join(",")}]`),
    fc
      .array(fc.tuple(name, space, tie("value")), { maxLength: 5 })
      .map((members) => `{${members.map(([key, gap, one]) => `${key}${gap}:${gap}${one}`).join(`,`)}}`),
  ),
}));
const record = fc
  .tuple(fc.array(fc.tuple(name, space, value), { maxLength: 4 }), fc.boolean())
  .map(([members, first]) => [...(first ? [['"text"', "", '"t"'] as const] : []), ...members])
  .map((members) => `{${members.map(([key, gap, one]) => `${gap}${key}:${one}${gap}`).join(",")}}`);

test("generated records, whole and with one byte changed, are read alike", () => {
  fc.assert(
    fc.property(
      record,
      fc.nat(),
      fc.constantFrom(...'"\\{}[],:1 \u0000'),
      fc.boolean(),
      (json, place, byte, change) => {
        const line = Buffer.from(json);
        if (change) line[place % line.length] = byte.charCodeAt(0);
        agree(line);
      },
    ),
    { numRuns: 5000 },
  );
});

test("nesting of 512 levels is read, of 513 it is not", () => {
  const nested = (levels: number): Buffer =>
    Buffer.from(`{"text":"t","x":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`);
  agree(nested(512));
  agree(nested(513));
  expect(readRecord(nested(512), FIELDS).document?.text).toBe("t");
  expect(readRecord(nested(513), FIELDS).faults).toEqual(["invalid-json"]);
});

test("bytes that are not UTF-8 are no record", () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]]) {
    agree(Buffer.concat([Buffer.from('{"text":"'), Buffer.from(bytes), Buffer.from('"}')]));
  }
});

const suite = fileURLToPath(new URL("../../../../shared/data/json-test-suite", import.meta.url));

test("the files of the JSON test suite are read alike", () => {
  if (!existsSync(suite)) {
    console.warn("no ../shared/data/json-test-suite: the two readers were not compared on it");
    return;
  }
  let compared = 0;
  for (const file of readdirSync(suite, { recursive: true }) as string[]) {
    if (!file.endsWith(".json")) continue;
    const bytes = readFileSync(join(suite, file));
    if (bytes.includes(0x0a) || bytes.length === 0 || /^[\s\r]*$/.test(bytes.toString("latin1")) || bytes[0] === 0xef)
      continue;
    // As the value of a member, so that valid ones are records.
    agree(bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes);
    agree(Buffer.concat([Buffer.from('{"text":"t","x":'), bytes, Buffer.from("}")]));
    compared += 1;
  }
  expect(compared).toBeGreaterThan(200);
});

test("texts of any encoding that needs no stating are read alike", async () => {
  const dir = mkdtempSync(join(tmpdir(), "audit-texts-"));
  const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, "utf16le");
  const texts = [
    Buffer.from("\ufeffplain \u00e9"),
    utf16("marked \u{1f600}"),
    utf16("marked \u00e9").swap16(),
    utf16("half \ud83d of it"),
    utf16("half \ude00 of it").swap16(),
    utf16("an odd byte").subarray(0, -1),
    Buffer.from("no mark", "utf16le"),
    Buffer.from("no mark", "utf16le").swap16(),
    Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]),
    Buffer.from([0, 0, 0xfe, 0xff, 0, 0, 0, 0x61]),
    Buffer.from([0xe9, 0x61]),
    Buffer.from("a\0b"),
  ];
  try {
    for (const [i, bytes] of texts.entries()) {
      const path = join(dir, `${i}.txt`);
      writeFileSync(path, bytes);
      const inputs = [{ path, sizeBytes: bytes.length, digest: "" }];
      for await (const { ref } of blockReader.plan(inputs, DEFAULT_READ_OPTIONS, () => false)) {
        const { block, rejected } = await blockReader.read(ref, DEFAULT_READ_OPTIONS);
        const mine = readText(bytes, DEFAULT_READ_OPTIONS.maxDocumentBytes);
        expect(mine.faults ?? [], `${i}`).toEqual(rejected.map(({ reason }) => reason));
        if (mine.document !== undefined) expect(documentOf(block, 0).text).toBe(mine.document.text);
      }
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
