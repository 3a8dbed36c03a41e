// Lines of files larger than the piece that is read at a time, plain and compressed.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { forEachLine, type Line } from "#src/base/lines.js";

const folder = mkdtempSync(join(tmpdir(), "millrace-lines-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(
  content: string | Buffer,
  { gzip = false, maxLineBytes }: { gzip?: boolean; maxLineBytes?: number } = {},
) {
  const path = join(folder, "lines");
  writeFileSync(path, gzip ? gzipSync(content) : content);
  const lines: (Omit<Line, "bytes"> & { text: string | undefined })[] = [];
  await forEachLine(
    path,
    ({ bytes, ...rest }) => {
      lines.push({ ...rest, text: bytes?.toString("latin1") });
    },
    { compression: gzip ? "gzip" : undefined, maxLineBytes },
  );
  return lines;
}

test("lines are cut at LF alone, and the last one needs none", async () => {
  for (const gzip of [false, true]) {
    expect(await read("a\r\n\n\u00e9", { gzip })).toEqual([
      { text: "a\r", offset: 0, length: 2, number: 1 },
      { text: "", offset: 3, length: 0, number: 2 },
      { text: "\u00c3\u00a9", offset: 4, length: 2, number: 3 },
    ]);
    expect(await read("", { gzip })).toEqual([]);
    expect((await read("x\n", { gzip })).length).toBe(1);
  }
});

test("lines across the borders of pieces are whole, and have their places", async () => {
  // 5 MiB of lines of every length from 0 on: pieces of 2 MiB end inside lines.
  const lines: string[] = [];
  for (let bytes = 0, i = 0; bytes < 5 * 2 ** 20; i += 1) {
    lines.push(String.fromCharCode(97 + (i % 26)).repeat(i % 4099));
    bytes += lines.at(-1)!.length + 1;
  }
  for (const gzip of [false, true]) {
    const found = await read(lines.join("\n"), { gzip });
    expect(found.map(({ text }) => text)).toEqual(lines);
    let offset = 0;
    for (const [i, line] of found.entries()) {
      expect([line.offset, line.number]).toEqual([offset, i + 1]);
      offset += line.length + 1;
    }
  }
});

test("a line over the limit is passed by without its bytes, the next one is read", async () => {
  const long = "l".repeat(5 * 2 ** 20);
  for (const gzip of [false, true]) {
    const found = await read(`a\n${long}\nb\n${long}`, { gzip, maxLineBytes: 2 ** 20 });
    expect(found.map(({ text, length }) => text ?? length)).toEqual(["a", long.length, "b", long.length]);
    expect(found[2]!.offset).toBe(long.length + 3);
  }
});
