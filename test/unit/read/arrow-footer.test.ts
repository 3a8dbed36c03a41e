// Arrow files of the file form whose schema stands in the footer alone, as apache-arrow for JavaScript writes them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Int32, Table, tableFromIPC, tableToIPC, vectorFromArray } from "apache-arrow";
import { afterAll, expect, test } from "vitest";
import { tableColumns } from "#src/read/index.js";

const dir = mkdtempSync(join(tmpdir(), "millrace-arrow-footer-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function columnsOf(bytes: Uint8Array): Promise<readonly string[]> {
  const file = join(dir, "table.arrow");
  writeFileSync(file, bytes);
  return tableColumns({ file, compression: "none" }, "arrow");
}

/** With 0 to 7 bytes of padding, as the length of names makes it. */
const tables = Array.from({ length: 8 }, (_, i) => {
  const names = ["id", `text${"x".repeat(i)}`, "\u00fcn\u00efcode"];
  return { names, table: new Table(Object.fromEntries(names.map((name) => [name, vectorFromArray([name, null])]))) };
});

test("the columns are those of the library's own reader", async () => {
  for (const { names, table } of tables) {
    const bytes = tableToIPC(table, "file");
    expect(tableFromIPC(bytes).schema.fields.map(({ name }) => name)).toEqual(names);
    expect(await columnsOf(bytes)).toEqual(names);
    // The first message of the stream form is the schema.
    expect(await columnsOf(tableToIPC(table, "stream"))).toEqual(names);
  }
});

test("a table without rows has its columns too", async () => {
  const table = new Table({ n: vectorFromArray([], new Int32()) });
  expect(await columnsOf(tableToIPC(table, "file"))).toEqual(["n"]);
});

test("a damaged footer is an error that says so, wherever it is damaged", async () => {
  const whole = Buffer.from(tableToIPC(tables[3]!.table, "file"));
  const footerBytes = whole.readInt32LE(whole.length - 10);
  let refused = 0;
  for (let at = whole.length - 10 - footerBytes; at < whole.length; at += 1) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 0x55;
    await columnsOf(damaged).catch((error: { code: string }) => {
      expect(error.code, `byte ${at}`).toBe("table-damaged");
      refused += 1;
    });
  }
  // Not every byte is looked at, and a name may be another name.
  expect(refused).toBeGreaterThan(footerBytes / 10);
});
