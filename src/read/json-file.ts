// A JSON file of any size as a stream of lines: its records, an array's elements or values one behind another, found by
// native code while the bytes pass. Every byte keeps its place, so that offsets are those of the file.
import { native } from "../native.js";
import type { BlockRef } from "../records/block-reader.js";
import { refuseForeignEncoding } from "./encoding.js";
import { type CorpusBytes, evenChunks, storedBytes } from "./stored-bytes.js";

const CHUNK_BYTES = 2 ** 20;

/** Bytes of the file that hold no records, and why. */
export interface RefusedBytes extends NonNullable<BlockRef["refused"]> {
  readonly start: number;
  readonly end: number;
}

export interface JsonChunk {
  readonly bytes: Uint8Array;
  /** All records before this offset are complete. */
  readonly completeUntil: number;
  readonly refused: readonly RefusedBytes[];
}

/**
 * `path`: where the records lie in each value of the file, dotted. Syntax errors refuse the rest of the file, from the
 * record that they stand in; everything before is delivered. So is what lies before damage of the compression.
 */
export async function* jsonChunks(
  file: CorpusBytes,
  path: string,
  chunkBytes: number = CHUNK_BYTES,
): AsyncIterable<JsonChunk> {
  const { createJsonSplitter, splitJson } = native();
  const splitter = createJsonSplitter(path);
  let size = 0;
  let rest: Omit<RefusedBytes, "end"> | undefined;
  const split = (bytes: Uint8Array, isLast: boolean): JsonChunk => {
    if (size === 0) refuseForeignEncoding(file.file, bytes);
    const { good, completeUntil, fault, barren } = splitJson(splitter, bytes, isLast);
    if (fault !== undefined) {
      rest = { start: completeUntil, reason: "invalid-json", detail: `${fault}, at byte ${size + good} of the file` };
    }
    const refused = barren.map((range) => ({
      ...range,
      reason: "missing-records",
      detail: `no "${path}" in the value`,
    }));
    return { bytes: bytes.subarray(0, good), completeUntil, refused };
  };
  for await (const bytes of evenChunks(storedBytes(file), chunkBytes)) {
    if (rest === undefined) yield split(bytes, false);
    size += bytes.length;
  }
  if (rest === undefined) yield split(new Uint8Array(0), true);
  if (rest !== undefined) {
    const { start, reason, detail } = rest;
    yield { bytes: new Uint8Array(0), completeUntil: start, refused: [{ start, end: size, reason, detail }] };
  }
}
