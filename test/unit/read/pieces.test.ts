// Blocks read in pieces: nothing lost, nothing cut, and the records that are asked for.
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { DEFAULT_READ_OPTIONS } from "#src/formats/corpus.js";
import { createBlockReader } from "#src/read/index.js";
import type { BlockReader, BlockRef, Payload, ReadPiece } from "#src/records/block-reader.js";
import { documentOf } from "#src/records/document-block.js";

const dir = mkdtempSync(join(tmpdir(), "pieces-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Lines of any length around that of a piece, with any line end, the last perhaps without one. */
const corpora = fc
  .record({
    lines: fc.array(fc.tuple(fc.nat(90), fc.constantFrom("\n", "\r\n", "\n\n")), { minLength: 1, maxLength: 30 }),
    isCutOff: fc.boolean(),
    pieceBytes: fc.integer({ min: 1, max: 100 }),
  })
  .map(({ lines, isCutOff, pieceBytes }) => {
    const text = lines.map(([length, end], i) => String.fromCharCode(97 + (i % 26)).repeat(length) + end).join("");
    return { text: isCutOff ? `${text}last` : text, pieceBytes };
  });

async function plan(reader: BlockReader, name: string, text: string): Promise<[BlockRef, Payload | undefined][]> {
  const path = join(dir, name);
  const bytes = name.endsWith(".gz") ? gzipSync(text) : Buffer.from(text);
  writeFileSync(path, bytes);
  const blocks: [BlockRef, Payload | undefined][] = [];
  const inputs = [{ path, sizeBytes: bytes.length, digest: "" }];
  for await (const { ref, payload } of reader.plan(inputs, DEFAULT_READ_OPTIONS, () => false)) {
    blocks.push([ref, payload]);
  }
  return blocks;
}

for (const name of ["plain.jsonl", "packed.jsonl.gz"]) {
  describe(`the pieces of the blocks of ${name}`, () => {
    test("are whole lines that together are the file, each as long as it must be", async () => {
      await fc.assert(
        fc.asyncProperty(corpora, fc.integer({ min: 50, max: 400 }), async ({ text, pieceBytes }, blockBytes) => {
          const reader = createBlockReader({ blockBytes, maxRecordBytes: 2 ** 20, pieceBytes });
          const longest = Math.max(...text.split("\n").map((line) => line.length + 1));
          let seen = "";
          for (const [ref, payload] of await plan(reader, name, text)) {
            for await (const { bytes, offset } of reader.pieces(ref, payload)) {
              const piece = Buffer.from(bytes).toString();
              expect(offset).toBe(seen.length);
              seen += piece;
              expect(piece.endsWith("\n") || seen === text).toBe(true);
              expect(piece.length).toBeLessThanOrEqual(Math.max(2 * pieceBytes, 2 * longest));
              // The bytes are the caller's: the next piece must not be made of them.
              bytes.fill(0);
            }
          }
          expect(seen).toBe(text);
        }),
        { numRuns: 150 },
      );
    });

    test("hold the records that are asked for, and no others need be read", async () => {
      await fc.assert(
        fc.asyncProperty(corpora, fc.infiniteStream(fc.boolean()), async ({ text, pieceBytes }, choices) => {
          const reader = createBlockReader({ blockBytes: 2 ** 20, maxRecordBytes: 2 ** 20, pieceBytes });
          const chosen: { offset: number; line: string }[] = [];
          let offset = 0;
          for (const line of text.split("\n")) {
            if (line !== "" && choices.next().value === true) chosen.push({ offset, line });
            offset += line.length + 1;
          }
          const [[ref, payload]] = (await plan(reader, name, text)) as [[BlockRef, Payload | undefined]];
          const offsets = Float64Array.from(chosen, (record) => record.offset);
          const lengths = Uint32Array.from(chosen, ({ line }) => line.length);
          const found: string[] = [];
          for await (const piece of reader.records(ref, offsets, lengths, payload)) {
            for (const [i, begin] of piece.begins.entries()) {
              found.push(Buffer.from(piece.bytes.subarray(begin, begin + piece.lengths[i]!)).toString());
            }
          }
          expect(found).toEqual(chosen.map(({ line }) => line));
        }),
        { numRuns: 150 },
      );
    });
  });
}

test("distant records are read without what lies between them", async () => {
  const far = 1 << 20;
  const text = `first\n${"x".repeat(far)}\nlast\n`;
  const reader = createBlockReader();
  const [[ref]] = (await plan(reader, "far.jsonl", text)) as [[BlockRef, undefined]];
  const sizes: number[] = [];
  for await (const { bytes } of reader.records(ref, Float64Array.of(0, far + 7), Uint32Array.of(5, 4))) {
    sizes.push(bytes.length);
  }
  expect(sizes).toEqual([9]);
});

test("a file that has become shorter is refused, in pieces and in records", async () => {
  const reader = createBlockReader({ blockBytes: 1000, maxRecordBytes: 2000, pieceBytes: 10 });
  const [[ref]] = (await plan(reader, "cut.jsonl", "one\ntwo\nthree\n")) as [[BlockRef, undefined]];
  truncateSync(ref.file, 9);
  const drain = async (pieces: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of pieces);
  };
  await expect(drain(reader.pieces(ref))).rejects.toMatchObject({ code: "input-changed" });
  await expect(drain(reader.records(ref, Float64Array.of(8), Uint32Array.of(5)))).rejects.toMatchObject({
    code: "input-changed",
  });
});

test("whoever stops in the middle leaves nothing behind that fails later", async () => {
  const reader = createBlockReader({ blockBytes: 1000, maxRecordBytes: 2000, pieceBytes: 4 });
  const [[ref]] = (await plan(reader, "stop.jsonl", "one\ntwo\nthree\n")) as [[BlockRef, undefined]];
  for await (const _ of reader.pieces(ref)) break;
  const failing = async (): Promise<void> => {
    for await (const _ of reader.pieces(ref)) throw new Error("the consumer's own");
  };
  await expect(failing()).rejects.toThrow("the consumer's own");
});

/** Documents and records that cannot be read, of lines, JSON files and compressed ones, some of them too small to see. */
const values = fc.array(
  fc.oneof(
    fc.record({ text: fc.string({ unit: "grapheme", maxLength: 30 }), n: fc.nat() }),
    fc.constantFrom<unknown>(1, null, {}, { text: 1 }, "x"),
  ),
  { minLength: 1, maxLength: 40 },
);

test.each([
  "a.jsonl",
  "a.jsonl.gz",
  "a.json",
  "a.json.gz",
])("documents of %s in pieces are those of its blocks", async (name) => {
  await fc.assert(
    fc.asyncProperty(values, fc.nat(100), fc.constantFrom("\n", "\r\n", "\n\n"), async (list, pieceBytes, end) => {
      const lines = list.map((value) => JSON.stringify(value));
      const text = name.startsWith("a.jsonl") ? lines.join(end) : `[${lines.join(`,${end}`)}]`;
      const reader = createBlockReader({ blockBytes: 300, maxRecordBytes: 2 ** 20, pieceBytes: pieceBytes + 1 });
      for (const [ref, payload] of await plan(reader, name, text)) {
        const whole = await reader.read(ref, DEFAULT_READ_OPTIONS, payload);
        const seen: unknown[] = [];
        let numLines = 0;
        for await (const piece of reader.documents(ref, DEFAULT_READ_OPTIONS, payload)) {
          seen.push(...rowsOf(piece));
          numLines += piece.numLines;
        }
        expect(seen).toEqual(rowsOf(whole));
        expect(numLines).toBe(whole.numLines);
      }
    }),
    { numRuns: 60 },
  );
});

/** Rows and rejected records in the order of their places. */
function rowsOf({ block, rejected }: ReadPiece): unknown[] {
  const rows = Array.from({ length: block.numDocuments }, (_, row) => ({
    offset: block.recordOffset[row]!,
    line: block.recordLine[row]!,
    length: block.recordLength[row]!,
    ...documentOf(block, row),
  }));
  return [...rows, ...rejected].sort((a, b) => a.offset - b.offset);
}
