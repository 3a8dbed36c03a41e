// The scripts beside the cards of datasets/: what they make of files in the layouts the corpora come in, and of damage.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const dir = mkdtempSync(join(tmpdir(), "millrace-datasets-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const script = (path: string) => import(new URL(`../../../datasets/${path}`, import.meta.url).href);

async function all<T>(records: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const record of records) found.push(record);
  return found;
}

describe("openwebtext/pack.mjs", () => {
  const files: Readonly<Record<string, string | Buffer>> = {
    "0000001-a.txt": "A page.\n\nIts second paragraph: \u201cyes\u201d.\n",
    "0000002-b.txt": "",
    "0000003-c.txt": "x".repeat(1537),
    "0000004-d.txt": Buffer.from([0x41, 0xff]),
  };
  mkdirSync(join(dir, "part"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, "part", name), content);
  const tar = execFileSync("tar", ["--sort=name", "-cf", "-", "-C", dir, "part"]);

  /** The archive twice, in chunks of `size` bytes. */
  function* chunks(size: number, archive: Uint8Array = Buffer.concat([tar, tar])): Iterable<Uint8Array> {
    for (let begin = 0; begin < archive.length; begin += size) yield archive.subarray(begin, begin + size);
  }

  test("gives a record for each page of archives one behind another, wherever the stream is cut", async () => {
    const { pagesOf } = await script("openwebtext/pack.mjs");
    for (const size of [1, 511, 512, 4096, 2 ** 20]) {
      const refused: string[] = [];
      const pages = await all<{ id: string; text: string }>(
        pagesOf(chunks(size), (name: string) => refused.push(name)),
      );
      const once = Object.entries(files).slice(0, 3);
      const expected = once.map(([name, text]) => ({ id: name.replace(".txt", ""), text }));
      expect(pages).toEqual([...expected, ...expected]);
      expect(refused).toEqual(["part/0000004-d.txt", "part/0000004-d.txt"]);
    }
  });

  test("refuses what ends in the middle and what is no archive", async () => {
    const { pagesOf } = await script("openwebtext/pack.mjs");
    const read = (bytes: Uint8Array) => all(pagesOf(chunks(4096, bytes), () => {}));
    await expect(read(tar.subarray(0, 512 + 512 + 7))).rejects.toThrow("more bytes of the archive");
    await expect(read(tar.subarray(0, 1024))).rejects.toThrow("the end of the archive");
    await expect(read(Buffer.from("text, not an archive".repeat(100)))).rejects.toThrow("the header of a file");
  });
});

test("bookcorpus/cut.mjs makes documents of so many sentences, in order, losing none but blank lines", async () => {
  const { documentsOf } = await script("bookcorpus/cut.mjs");
  const lines = Array.from({ length: 12 }, (_, i) => (i === 3 ? " " : `sentence ${i} .`));
  const documents = await all<{ id: string; text: string }>(documentsOf(lines, "p1", 5));
  expect(documents.map(({ id }) => id)).toEqual(["p1:1", "p1:7", "p1:12"]);
  expect(documents.map(({ text }) => text).join("\n")).toBe(lines.filter((line) => line !== " ").join("\n"));
  expect(await all(documentsOf([], "p1"))).toEqual([]);
});

test("wikitext103/titles.mjs takes articles alone", async () => {
  const { titlesOf } = await script("wikitext103/titles.mjs");
  const text = " \n = A @-@ B = \n \n x = 1 = \n = not alone = \n y \n \n = = Section = = \n \n = C = \n \n";
  expect(titlesOf(text)).toEqual(["A @-@ B", "C"]);
});
