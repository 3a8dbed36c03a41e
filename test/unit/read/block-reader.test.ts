import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestFile } from "#src/base/digest.js";
import { DEFAULT_READ_OPTIONS } from "#src/formats/corpus.js";
import { createBlockReader } from "#src/read/index.js";
import type { BlockRef, ReadBlock } from "#src/records/block-reader.js";
import { documentOf } from "#src/records/document-block.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "read-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const LIMITS = { blockBytes: 64, maxRecordBytes: 160 };

interface Read {
  readonly refs: readonly BlockRef[];
  readonly blocks: readonly ReadBlock[];
  readonly error: unknown;
}

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, content);
  return path;
}

async function readAll(
  paths: readonly string[],
  limits = LIMITS,
  isDone: (id: string) => boolean = () => false,
): Promise<Read> {
  const reader = createBlockReader(limits);
  const inputs = await Promise.all(paths.map(async (path) => ({ path, ...(await digestFile(path)) })));
  const refs: BlockRef[] = [];
  const blocks: ReadBlock[] = [];
  try {
    for await (const { ref, payload } of reader.plan(inputs, DEFAULT_READ_OPTIONS, isDone)) {
      refs.push(ref);
      blocks.push(await reader.read(ref, DEFAULT_READ_OPTIONS, payload));
    }
  } catch (error) {
    return { refs, blocks, error };
  }
  return { refs, blocks, error: undefined };
}

/** Documents and rejects with lines counted from the file's begin. */
function contents({ refs, blocks }: Read) {
  const documents: object[] = [];
  const rejected: object[] = [];
  let file = "";
  let lines = 0;
  for (const [i, { block, rejected: records, numLines }] of blocks.entries()) {
    if (refs[i]!.file !== file) lines = 0;
    file = refs[i]!.file;
    for (let row = 0; row < block.numDocuments; row += 1) {
      documents.push({
        ...documentOf(block, row),
        offset: block.recordOffset[row]!,
        line: block.recordLine[row]! + lines,
      });
    }
    for (const { offset, line, reason } of records) rejected.push({ offset, line: line + lines, reason });
    lines += numLines;
  }
  return { documents, rejected };
}

const record = (text: string): string => JSON.stringify({ text });

/** Lines from empty to longer than a record may be, with any line end, the last perhaps without one. */
const corpus = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom("", "broken", record("\u20ac")),
        fc.nat({ max: 200 }).map((n) => record("x".repeat(n))),
      ),
      fc.constantFrom("\n", "\r\n"),
    ),
    { maxLength: 30 },
  )
  .chain((lines) =>
    fc.boolean().map((whole) =>
      lines
        .map((parts) => parts.join(""))
        .join("")
        .replace(/\r?\n$/, whole ? "\n" : ""),
    ),
  );

describe("blocks of a file of lines", () => {
  test("cover it without gap or overlap, end at line ends, and hold the same records as one block", async () => {
    await fc.assert(
      fc.asyncProperty(corpus, async (text) => {
        const path = await write("a.jsonl", text);
        const size = Buffer.byteLength(text);
        const cut = await readAll([path]);
        let end = 0;
        for (const ref of cut.refs) {
          expect(ref.start).toBe(end);
          end = ref.end;
          if (end < size) expect(Buffer.from(text)[end - 1]).toBe(0x0a);
        }
        expect(end).toBe(size);
        const { documents, rejected } = contents(
          await readAll([path], { blockBytes: 1 << 20, maxRecordBytes: 1 << 20 }),
        );
        const tooLong = (offset: number): boolean => {
          const bytes = Buffer.from(text).subarray(offset);
          const lineEnd = bytes.indexOf(0x0a);
          return (lineEnd < 0 ? bytes.length : lineEnd + 1) > LIMITS.maxRecordBytes;
        };
        const found = contents(cut);
        expect(found.documents).toEqual(documents.filter((each) => !tooLong((each as { offset: number }).offset)));
        expect(found.rejected.length + found.documents.length).toBe(documents.length + rejected.length);
      }),
      { numRuns: 150 },
    );
  });

  test("are the same from a compressed file, for any way it arrives", async () => {
    await fc.assert(
      fc.asyncProperty(corpus, async (text) => {
        const [path, zipped] = [await write("a.jsonl", text), await write("a.jsonl.gz", gzipSync(text))];
        const [plain, stream] = [await readAll([path]), await readAll([zipped])];
        const ranges = ({ refs }: Read) => refs.map(({ id, start, end, oversized }) => ({ id, start, end, oversized }));
        expect(ranges(stream)).toEqual(ranges(plain));
        expect(contents(stream)).toEqual(contents(plain));
        // Blocks that are done carry nothing; whoever still wants one finds it by itself.
        expect(contents(await readAll([zipped], LIMITS, () => true))).toEqual(contents(plain));
      }),
      { numRuns: 60 },
    );
  });

  test("carry the bytes of every record", async () => {
    const path = await write("a.jsonl", `\ufeff${record("one")}\r\n\n${record("two")}\n${record("x".repeat(100))}`);
    const { refs, blocks } = await readAll([path]);
    const records = blocks.flatMap(({ block, raw }, i) =>
      Array.from({ length: block.numDocuments }, (_, row) => {
        const begin = block.recordOffset[row]! - refs[i]!.start;
        return Buffer.from(raw.subarray(begin, begin + block.recordLength[row]!)).toString();
      }),
    );
    expect(records).toEqual([record("one"), record("two"), record("x".repeat(100))]);
  });

  test("depend on the total size of the input alone", async () => {
    const lines = `${record("x".repeat(1000))}\n`.repeat(3000);
    const path = await write("a.jsonl", lines);
    const inputs = [{ path, sizeBytes: lines.length, digest: "" }];
    const sizes: number[] = [];
    for await (const { ref } of createBlockReader().plan(inputs, DEFAULT_READ_OPTIONS, () => false))
      sizes.push(ref.end - ref.start);
    expect(sizes).toHaveLength(3);
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThanOrEqual(2 ** 20);
  });
});

describe("a record too long to be read", () => {
  test("is rejected alone, from a plain file and from a compressed one", async () => {
    const before = `${record("a")}\n`.repeat(8);
    const giant = `${record("g".repeat(500))}\n`;
    const text = `${before}${giant}${record("b")}\n`;
    for (const path of [await write("a.jsonl", text), await write("a.jsonl.gz", gzipSync(text))]) {
      const { documents, rejected } = contents(await readAll([path]));
      expect(documents).toHaveLength(9);
      expect(rejected).toEqual([{ offset: before.length, line: 9, reason: "too-long" }]);
    }
  });
});

describe("a damaged gzip file", () => {
  test("gives all whole lines before its cut, then an error that names file and offset", async () => {
    const text = Array.from(
      { length: 5000 },
      (_, i) => `${JSON.stringify({ id: i, text: String(Math.sin(i)) })}\n`,
    ).join("");
    const zipped = gzipSync(text);
    for (const length of [zipped.length - 1, zipped.length >> 1, 40, 3, 0]) {
      const path = await write("cut.jsonl.gz", zipped.subarray(0, length));
      const left =
        length < 12 ? "" : gunzipSync(zipped.subarray(0, length), { finishFlush: constants.Z_SYNC_FLUSH }).toString();
      const read = await readAll([path], { blockBytes: 4096, maxRecordBytes: 4096 });
      expect(contents(read).documents).toHaveLength(left.split("\n").length - 1);
      expect(contents(read).rejected).toEqual([]);
      expect(read.error).toMatchObject({ code: "gzip-truncated", where: { file: path, offset: left.length } });
    }
  });

  test("several members are one stream, and what is no gzip says so", async () => {
    const members = Buffer.concat([gzipSync(`${record("a")}\n`), gzipSync(`${record("b")}\n`)]);
    expect(contents(await readAll([await write("m.jsonl.gz", members)])).documents).toHaveLength(2);
    const { error } = await readAll([await write("plain.jsonl.gz", `${record("a")}\n`)]);
    expect(error).toMatchObject({ code: "gzip-damaged" });
  });
});

describe("a text file", () => {
  test("is one document without lines, plain and compressed, whatever its length", async () => {
    const text = "\ufeffLine one\nline two\r\n\u20ac".repeat(3);
    for (const path of [await write("book.txt", text), await write("book.txt.gz", gzipSync(text))]) {
      const { documents, rejected } = contents(await readAll([path]));
      expect(rejected).toEqual([]);
      expect(documents).toEqual([{ id: "book#0", text: text.slice(1), source: "book", meta: {}, offset: 0, line: 0 }]);
    }
  });

  test("that is not UTF-8 or too long is rejected", async () => {
    const bad = await readAll([await write("bad.txt", Uint8Array.of(0x61, 0xff))]);
    expect(contents(bad)).toEqual({ documents: [], rejected: [{ offset: 0, line: 0, reason: "invalid-utf8" }] });
    for (const path of [
      await write("long.txt", "x".repeat(200)),
      await write("long.txt.gz", gzipSync("x".repeat(200))),
    ]) {
      expect(contents(await readAll([path])).rejected).toEqual([{ offset: 0, line: 0, reason: "too-long" }]);
    }
  });
});

test("a file that shrank since it was planned is named", async () => {
  const path = await write("a.jsonl", `${record("a")}\n`);
  const ref = { id: "0", file: path, source: "a", format: "jsonl", compression: "none", start: 0, end: 1000 } as const;
  await expect(createBlockReader().read(ref, DEFAULT_READ_OPTIONS)).rejects.toMatchObject({
    code: "input-changed",
    where: { file: path },
  });
});

test("a file that is no corpus file is refused before any is read", async () => {
  const good = await write("a.jsonl", `${record("a")}\n`);
  const { blocks, error } = await readAll([good, await write("a.xml", "")]);
  expect(blocks).toEqual([]);
  expect(error).toMatchObject({ code: "config-input-format" });
});
