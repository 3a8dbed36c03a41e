// One JSON file read through planning and reading, for the tests of what becomes of it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { digestFile } from "#src/base/digest.js";
import { DEFAULT_READ_OPTIONS } from "#src/formats/corpus.js";
import { createBlockReader } from "#src/read/index.js";
import { documentOf } from "#src/records/document-block.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "read-json-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

export const WIDE = { blockBytes: 2 ** 20, maxRecordBytes: 2 ** 20, pieceBytes: 2 ** 20 };

export interface Found {
  readonly documents: { readonly id: string; readonly text: string; readonly offset: number; readonly line: number }[];
  readonly rejected: {
    readonly offset: number;
    readonly line: number;
    readonly reason: string;
    readonly detail: string | undefined;
  }[];
  /** Of the blocks together. */
  readonly sizeBytes: number;
  readonly numBlocks: number;
  readonly error?: unknown;
}

/** `again`: every block is read without the bytes that planning carried along. */
export async function readJson(
  content: string | Uint8Array,
  { recordsField = "", limits = WIDE, again = false, name = "in.json" } = {},
): Promise<Found> {
  const path = join(dir, name);
  await writeFile(path, content);
  const reader = createBlockReader(limits);
  const options = { ...DEFAULT_READ_OPTIONS, recordsField };
  const found: Pick<Found, "documents" | "rejected"> = { documents: [], rejected: [] };
  let [lines, numBlocks, sizeBytes] = [0, 0, 0];
  try {
    for await (const { ref, payload } of reader.plan([{ path, ...(await digestFile(path)) }], options, () => again)) {
      const { block, rejected, numLines } = await reader.read(ref, options, payload);
      for (let row = 0; row < block.numDocuments; row += 1) {
        const { id, text } = documentOf(block, row);
        found.documents.push({ id, text, offset: block.recordOffset[row]!, line: block.recordLine[row]! + lines });
      }
      for (const { offset, line, reason, detail } of rejected) {
        found.rejected.push({ offset, line: line + lines, reason, detail });
      }
      lines += numLines;
      numBlocks += 1;
      sizeBytes += ref.end - ref.start;
    }
  } catch (error) {
    return { ...found, numBlocks, sizeBytes, error };
  }
  return { ...found, numBlocks, sizeBytes };
}

export const texts = ({ documents }: Found): string[] => documents.map(({ text }) => text);
export const reasons = ({ rejected }: Found): (string | number)[][] =>
  rejected.map(({ offset, reason }) => [offset, reason]);
