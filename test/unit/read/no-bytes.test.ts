// Files of no bytes at all: which of them hold no documents, and which are damaged (docs/formats/corpus.md, tables.md).
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTable } from "./read-tables.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "no-bytes-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function read(name: string, content: Uint8Array = new Uint8Array(0)) {
  const path = join(dir, name);
  await writeFile(path, content);
  const { documents, rejected, error } = await readTable(path);
  return { documents: documents.length, reasons: rejected.map(({ reason }) => reason), error };
}

describe("a file of no bytes", () => {
  test.each(["jsonl", "ndjson", "txt", "csv", "tsv"])("is a .%s file without documents", async (ending) => {
    expect(await read(`in.${ending}`)).toEqual({ documents: 0, reasons: [], error: undefined });
  });

  test("is no JSON: its place is rejected", async () => {
    expect(await read("in.json")).toMatchObject({ documents: 0, reasons: ["invalid-json"], error: undefined });
  });

  test.each([
    ["parquet", "does not begin with PAR1"],
    ["arrow", "no bytes, not even a schema"],
    ["arrows", "no bytes, not even a schema"],
    ["feather", "no bytes, not even a schema"],
  ])("is a damaged .%s file", async (ending, message) => {
    const { error } = await read(`in.${ending}`);
    expect(error).toMatchObject({ code: "table-damaged", message: expect.stringContaining(message) });
    expect((error as { where: { file: string } }).where.file).toContain(`in.${ending}`);
  });

  test.each([
    ["jsonl.gz", "gzip-truncated"],
    ["csv.GZ", "gzip-truncated"],
    ["json.zst", "zstd-truncated"],
    ["TXT.ZST", "zstd-truncated"],
  ])("is no stream of .%s", async (ending, code) => {
    expect((await read(`in.${ending}`)).error).toMatchObject({ code });
  });
});

test("a stream of Arrow that ends before its schema is damaged", async () => {
  const end = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
  expect((await read("end.arrows", end)).error).toMatchObject({
    code: "table-damaged",
    message: expect.stringContaining("no messages, not even a schema"),
  });
});
