// Parquet and Arrow files as pyarrow writes them (make-tables-golden.py): every codec, encoding and kind of page, nested
// columns, nulls, several row groups and batches, give the rows that pyarrow reads from them.
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MillraceError } from "#src/base/errors.js";
import { readTable } from "../unit/read/read-tables.js";

interface Golden {
  readonly files: Readonly<Record<string, string>>;
  readonly sets: Readonly<Record<string, { ids: string[]; texts: string[]; others: string[] }>>;
}

const folder = fileURLToPath(new URL("tables", import.meta.url));
const golden = JSON.parse(readFileSync(join(folder, "../golden-tables.json"), "utf8")) as Golden;
const pathOf = (name: string): string => join(folder, name);

describe.each(Object.entries(golden.files))("%s", (name, kind) => {
  const { ids, texts, others } = golden.sets[kind]!;

  test.each([
    ["as one block", { whole: true }],
    ["in blocks of a row and pieces", { limits: { blockBytes: 1, maxRecordBytes: 2 ** 20, pieceBytes: 1 } }],
    ["in blocks of some rows", { limits: { blockBytes: 3000, maxRecordBytes: 2 ** 20 } }],
  ])("gives the rows that pyarrow reads, %s", async (_, choices) => {
    const found = await readTable(pathOf(name), choices);
    expect(found.error).toBeUndefined();
    expect(found.rejected).toEqual([]);
    expect(found.documents.map(({ id }) => id)).toEqual(ids);
    expect(found.documents.map(({ text }) => text)).toEqual(texts);
    expect(found.documents.map(({ meta }) => meta)).toEqual(others);
    expect(found.documents.map(({ offset }) => offset)).toEqual(ids.map((_, row) => row));
    expect(found.documents.map(({ line }) => line)).toEqual(ids.map((_, row) => row + 1));
  });
});

test("blocks share out the rows of a large row group, and gather small ones", async () => {
  const limits = { blockBytes: 1, maxRecordBytes: 2 ** 20 };
  expect((await readTable(pathOf("plain-v1.parquet"), { limits })).numBlocks).toBe(40);
  expect((await readTable(pathOf("none.parquet"))).numBlocks).toBe(1);
  expect((await readTable(pathOf("file.arrow"), { limits })).numBlocks).toBe(6);
});

describe("fields of documents", () => {
  test("lie in nested columns where a dotted path leads", async () => {
    for (const name of ["rich-v1.parquet", "rich-v2.parquet", "rich.arrow"]) {
      const found = await readTable(pathOf(name), { options: { textField: "meta.url", idField: "i64" } });
      const [source] = name.split(".");
      expect(found.documents.map(({ id, text }) => [id, text])).toEqual([
        ["-9223372036854775808", "https://x"],
        [`${source}#3`, ""],
        ["-9223372036854775808", "https://x"],
        [`${source}#7`, ""],
      ]);
      expect(found.rejected.map(({ offset, line, reason }) => [offset, line, reason])).toEqual(
        [1, 2, 5, 6].map((row) => [row, row + 1, "missing-text"]),
      );
    }
  });

  test("are bytes of no declared kind when they are asked for, base64 else", async () => {
    for (const name of ["rich-v1.parquet", "rich.arrow"]) {
      const found = await readTable(pathOf(name), { options: { textField: "four" } });
      expect(found.documents[0]!.text).toBe("abcd");
      expect(JSON.parse(found.documents[0]!.meta)).toMatchObject({ bytes: "AP8=" });
      const bad = await readTable(pathOf(name), { options: { textField: "bytes" } });
      expect(bad.rejected[0]).toMatchObject({ offset: 0, line: 1, reason: "invalid-utf8" });
    }
  });

  test("that no column bears are refused before any row is read, with the columns that there are", async () => {
    const { error, documents } = await readTable(pathOf("none.parquet"), { options: { textField: "body.text" } });
    expect(documents).toEqual([]);
    expect(error).toMatchObject({ code: "table-columns" });
    expect((error as Error).message).toContain('got "id", "text", "n", "lang"');
  });
});

describe("damage", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "tables-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const readDamaged = async (name: string, change: (bytes: Buffer) => Buffer): Promise<unknown> => {
    const path = join(dir, `damaged-${name}`);
    await writeFile(path, change(readFileSync(pathOf(name))));
    const { error } = await readTable(path);
    if (error !== undefined) {
      expect(error).toBeInstanceOf(MillraceError);
      expect((error as MillraceError).where?.file).toBe(path);
    }
    return error;
  };

  test.each([
    ["none.parquet", "table-damaged", "cut off at"],
    ["file.arrow", "table-damaged", "cut off at"],
    ["stream.arrows", "table-damaged", "ends behind the end of the file"],
  ])("a truncated %s is named with the place", async (name, code, said) => {
    const error = await readDamaged(name, (bytes) => bytes.subarray(0, bytes.length - 100));
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(said);
  });

  test("batches before the end of a truncated stream are delivered", async () => {
    const path = join(dir, "cut.arrows");
    const bytes = readFileSync(pathOf("stream.arrows"));
    await writeFile(path, bytes.subarray(0, bytes.length - 100));
    const found = await readTable(path);
    expect(found.documents.map(({ id }) => id)).toEqual(golden.sets.plain!.ids.slice(0, 35));
  });

  test("a stream may end between two messages without saying so", async () => {
    expect(await readDamaged("stream.arrows", (bytes) => bytes.subarray(0, bytes.length - 8))).toBeUndefined();
  });

  test.each([["none.parquet"], ["file.arrow"]])("a file that is no %s is named", async (name) => {
    const error = await readDamaged(name, () => Buffer.from("certainly no table at all"));
    expect(error).toMatchObject({ code: "table-damaged", where: { offset: 0 } });
  });

  test("a Feather file of version 1 and an encrypted Parquet file are told apart from damage", async () => {
    const change = (magic: string) => (bytes: Buffer) => Buffer.concat([Buffer.from(magic), bytes.subarray(4)]);
    expect(await readDamaged("feather.feather", change("FEA1"))).toMatchObject({ code: "table-unsupported" });
    expect(await readDamaged("none.parquet", change("PARE"))).toMatchObject({ code: "table-unsupported" });
  });

  test.each(
    Object.keys(golden.files),
  )("changed bytes of %s end in an error of ours or in rows, never otherwise", async (name) => {
    for (let i = 0; i < 6; i += 1) {
      const error = await readDamaged(name, (bytes) => {
        const at = 8 + Math.floor(((bytes.length - 16) * i) / 6);
        for (let j = at; j < Math.min(bytes.length - 8, at + 9); j += 1) bytes[j]! ^= 0x5a;
        return bytes;
      });
      if (error !== undefined) expect((error as MillraceError).code).toMatch(/^table-/);
    }
  });
});
