// Text of other encodings becomes UTF-8 on its way in: the decoders by themselves, beside Python's codecs, and files in all
// formats that are made of text.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestFile } from "#src/base/digest.js";
import { DEFAULT_READ_OPTIONS } from "#src/formats/corpus.js";
import { encodingOfLabel } from "#src/formats/encodings.js";
import { createTranscoder, transcodeAll } from "#src/read/encodings/index.js";
import { createBlockReader } from "#src/read/index.js";
import { documentOf } from "#src/records/document-block.js";

const golden = JSON.parse(
  await readFile(fileURLToPath(new URL("../../parity/golden-encodings.json", import.meta.url)), "utf8"),
) as Record<string, { readonly bytes: string; readonly text: string }>;

/** In chunks of at most `chunkBytes`. */
function decoded(bytes: Uint8Array, encoding: string, chunkBytes: number): Buffer {
  const transcoder = createTranscoder(encoding);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    parts.push(transcoder.push(bytes.subarray(at, at + chunkBytes)));
  return Buffer.concat([...parts, transcoder.end()]);
}

const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))));

describe("every encoding", () => {
  test.each(Object.entries(golden))("%s reads what Python's codec wrote, however it is cut", (encoding, {
    bytes: base64,
    text,
  }) => {
    const input = Buffer.from(base64, "base64");
    for (const chunkBytes of [1, 2, 3, 7, input.length]) {
      expect(decoded(input, encoding, chunkBytes).toString(), `chunks of ${chunkBytes}`).toBe(text);
    }
    expect(decoded(input.subarray(0, -1), encoding, 5).toString()).not.toBe(text);
  });

  test("that a label of Node's stands for has a decoder and a golden text", () => {
    const labels =
      `latin1 ascii l2 l9 greek hebrew logical arabic cyrillic mac x-x-big5 koi8-ru 866 sjis x-euc-jp gb2312 chinese
      big5-hkscs korean ks_c_5601-1987 csiso2022jp ucs-2 utf-16le unicodefffe dos-874 x-cp1254 UTF-16LE`.split(/\s+/);
    for (const label of labels) expect(Object.keys(golden), label).toContain(encodingOfLabel(label));
    expect(["utf8", "utf-16", " Latin1 "].map(encodingOfLabel)).toEqual(["utf-8", "utf-16", "windows-1252"]);
    expect(["latin17", "", "utf-7", "utf-32"].map(encodingOfLabel)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("gives the same for any bytes in any chunks, and keeps line ends", () => {
    const odd = fc.uint8Array({ maxLength: 40 });
    const property = fc.property(
      odd,
      fc.constantFrom(...Object.keys(golden)),
      fc.integer({ min: 1, max: 9 }),
      (input, encoding, size) => {
        const whole = Buffer.from(transcodeAll(input, encoding));
        expect(decoded(input, encoding, size)).toEqual(whole);
        if (encoding.startsWith("utf-16")) return;
        const ends = (of: Uint8Array): number => of.filter((byte) => byte === 0x0a).length;
        expect(ends(whole)).toBe(ends(input));
      },
    );
    fc.assert(property, { numRuns: 600 });
  });
});

describe("bytes that are no text", () => {
  test.each([
    ["utf-16le", bytes([0x61, 0, 0x3d, 0xd8, 0x62, 0]), bytes("a", [0xed, 0xa0, 0xbd], "b")],
    ["utf-16le", bytes([0x3d, 0xd8, 0x3d, 0xd8, 0x00, 0xde]), bytes([0xed, 0xa0, 0xbd], "\u{1f600}")],
    ["utf-16be", bytes([0xde, 0x00, 0, 0x61]), bytes([0xed, 0xb8, 0x80], "a")],
    ["utf-16be", bytes([0, 0x61, 0]), bytes("a", [0xff])],
    ["utf-16le", bytes([0xfd, 0xff]), bytes("\ufffd")],
    ["windows-1253", bytes([0xaa, 0x81]), bytes([0xff], "\u0081")],
    ["windows-1252", bytes([0x92, 0xff, 0x81]), bytes("\u2019\u00ff\u0081")],
    ["shift_jis", bytes([0x82, 0x0a, 0x82]), bytes([0xff], "\n", [0xff])],
    ["shift_jis", bytes([0x1a, 0x7f, 0x5c, 0xfd]), bytes("\u001a\u007f\\", [0xff])],
    ["euc-kr", bytes([0x8c, 0x63, 0x81, 0x22]), bytes("\ub620", [0xff], '"')],
    ["big5", bytes([0x88, 0x62, 0xc6, 0xe7]), bytes("\u00ca\u0304\u3041")],
    ["gb18030", bytes([0x84, 0x31, 0xa4, 0x37, 0x84, 0x31, 0xa4, 0x41]), bytes("\ufffd", [0xff], "1\ue5e7")],
    ["gb18030", bytes([0x81, 0x30, 0x81]), bytes([0xff], "0", [0xff])],
    ["iso-2022-jp", bytes([0x1b], "$B", [0x24, 0x0a], "$", [0x22, 0x1b], "(B\n"), bytes([0xff, 0xff], "\n\u3042\n")],
  ] as const)("of %s leave what no UTF-8 has, one for each sequence (%#)", (encoding, input, output) => {
    for (const size of [1, 2, 3, 9]) expect(decoded(input, encoding, size)).toEqual(output);
  });
});

describe("files", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "encodings-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const SMALL = { blockBytes: 64, maxRecordBytes: 1000, pieceBytes: 32 };

  async function read(name: string, content: Uint8Array, encoding?: string, again = false) {
    const path = join(dir, name);
    await writeFile(path, content);
    const reader = createBlockReader(SMALL);
    const fields = encoding === undefined ? {} : { fields: { encoding } };
    const texts: string[] = [];
    const rejected: (string | number)[][] = [];
    const notes: string[] = [];
    const refs = [];
    const inputs = [{ ...(await digestFile(path)), path, ...fields }];
    for await (const { ref, payload } of reader.plan(inputs, DEFAULT_READ_OPTIONS, () => again)) {
      refs.push(ref);
      for await (const piece of reader.documents(ref, DEFAULT_READ_OPTIONS, payload)) {
        for (let row = 0; row < piece.block.numDocuments; row += 1) texts.push(documentOf(piece.block, row).text);
        rejected.push(...piece.rejected.map(({ offset, line, reason }) => [offset, line, reason]));
        if (piece.note !== undefined) notes.push(piece.note);
      }
    }
    return { texts, rejected, notes, refs };
  }

  const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, "utf16le");
  const TEXTS = ["plain", "\u00e9\u6f22", "\u{1f600} and more", "x".repeat(70), "last"];
  const FILES: readonly [string, string][] = [
    ["a.jsonl", TEXTS.map((text) => JSON.stringify({ text })).join("\r\n")],
    ["a.json", JSON.stringify(TEXTS.map((text) => ({ text })))],
    ["a.csv", `id,text\r\n${TEXTS.map((text, i) => `${i},"${text}"`).join("\r\n")}`],
    ["a.tsv", `id\ttext\n${TEXTS.map((text, i) => `${i}\t${text}`).join("\n")}`],
  ];

  test.each(FILES)("%s of UTF-16 with a mark is read unasked, and said so once", async (name, text) => {
    const plain = await read(name, Buffer.from(`\ufeff${text}`));
    expect(plain).toMatchObject({ texts: TEXTS, rejected: [], notes: [] });
    for (const content of [utf16(text), utf16(text).swap16()]) {
      const found = await read(name, content);
      expect(found).toMatchObject({ texts: TEXTS, rejected: [] });
      expect(found.notes).toHaveLength(1);
      // Blocks stand in the decoded stream, as those of the same text in UTF-8 do.
      const places = (refs: typeof found.refs) => refs.map(({ start, end }) => [start, end]);
      expect(places(found.refs)).toEqual(places(plain.refs));
      expect(found.refs.length).toBeGreaterThan(1);
      expect(await read(`${name}.gz`, gzipSync(content))).toMatchObject({ texts: TEXTS, rejected: [] });
      expect(await read(name, content, undefined, true)).toMatchObject({ texts: TEXTS, rejected: [] });
    }
  });

  test.each(FILES)("%s without a mark needs its encoding stated, and nobody is told of it", async (name, text) => {
    const content = Buffer.from(text, "utf16le");
    await expect(read(name, content)).rejects.toMatchObject({ code: "input-encoding" });
    expect(await read(name, content, "utf-16le")).toMatchObject({ texts: TEXTS, rejected: [], notes: [] });
    expect(await read(name, content, "utf-16")).toMatchObject({ texts: TEXTS });
  });

  test("a text is decoded by its mark or as stated", async () => {
    expect(await read("a.txt", utf16("\u00e9\r\n"))).toMatchObject({
      texts: ["\u00e9\r\n"],
      notes: [expect.any(String)],
    });
    expect(await read("a.txt.gz", gzipSync(utf16("\u00e9").swap16()))).toMatchObject({ texts: ["\u00e9"] });
    expect(await read("a.txt", bytes([0xd0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4]), "koi8-r")).toMatchObject({
      texts: ["\u043f\u0440\u0438\u0432\u0435\u0442"],
    });
    expect(await read("a.txt", bytes([0xd0, 0xd2, 0xc9]))).toMatchObject({
      texts: [],
      rejected: [[0, 0, "invalid-utf8"]],
    });
    expect(await read("a.txt", bytes("a", [0x82]), "shift_jis")).toMatchObject({
      rejected: [[0, 0, "invalid-encoding"]],
    });
  });

  test("a record with bytes that are no text is rejected, alone, at its place in the decoded text", async () => {
    const lines = bytes('{"text":"a', [0xe9], '"}\n{"text":"b', [0xaa], '"}\n{"text":"c"}\n');
    expect(await read("b.jsonl", lines, "windows-1253")).toMatchObject({
      texts: ["a\u03b9", "c"],
      // One byte of the first line has become two.
      rejected: [[15, 2, "invalid-encoding"]],
    });
    const array = bytes('[{"text":"a', [0xaa], '"},{"text":"c"}]');
    expect(await read("b.json", array, "windows-1253")).toMatchObject({
      texts: ["c"],
      rejected: [[1, 1, "invalid-encoding"]],
    });
    const table = bytes("text\na", [0xaa], "\nc\n");
    expect(await read("b.csv", table, "windows-1253")).toMatchObject({
      texts: ["c"],
      rejected: [[5, 2, "invalid-encoding"]],
    });
    expect(await read("b.csv", bytes("text\na\nc\n"), "windows-1253")).toMatchObject({
      texts: ["a", "c"],
      rejected: [],
    });
  });

  test("a mark that says otherwise than its input is refused", async () => {
    const expected = { code: "input-encoding" };
    await expect(read("c.jsonl", utf16('{"text":"a"}'), "windows-1252")).rejects.toMatchObject(expected);
    await expect(read("c.jsonl", utf16('{"text":"a"}'), "utf-16be")).rejects.toMatchObject(expected);
    await expect(read("c.jsonl", utf16('{"text":"a"}'), "utf-8")).rejects.toMatchObject(expected);
    await expect(read("c.jsonl", bytes('\ufeff{"text":"a"}'), "gbk")).rejects.toMatchObject(expected);
    await expect(read("c.txt", utf16("a"), "windows-1252")).rejects.toMatchObject(expected);
    await expect(read("c.parquet", bytes("PAR1"), "windows-1252")).rejects.toMatchObject(expected);
    for (const stated of ["utf-16", "utf-16le"])
      expect(await read("c.jsonl", utf16('{"text":"a"}'), stated)).toMatchObject({ texts: ["a"], notes: [] });
    expect(await read("c.jsonl", bytes('\ufeff{"text":"a"}'), "utf-8")).toMatchObject({ texts: ["a"] });
  });
});
