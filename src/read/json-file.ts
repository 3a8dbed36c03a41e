// A JSON file of any size as a stream of lines: its records, an array's elements or values one behind another, found by
// native code while the bytes pass. Every byte keeps its place, so that offsets are those of the file. Values in which the path
// to records leads nowhere leave marks in their places, which the scan of the lines turns into rejected records.
import { native } from "../native.js";
import type { BlockRef } from "../records/block-reader.js";
import { type CorpusBytes, evenChunks, storedBytes } from "./stored-bytes.js";

const CHUNK_BYTES = 2 ** 20;

/** See splitJson in src/native/read.ts. */
const VALUE_BEGINS = 0x02;

/** The rest of a file behind a syntax error. */
export interface RefusedBytes extends NonNullable<BlockRef["refused"]> {
  readonly start: number;
  readonly end: number;
}

export interface JsonChunk {
  readonly bytes: Uint8Array;
  /** All records before this offset are complete. */
  readonly completeUntil: number;
  readonly refused?: RefusedBytes;
}

/** Where the last value begins that begins in a block of these lines; undefined: none does. */
export function lastValueBegin(start: number, bytes: readonly ArrayBuffer[]): number | undefined {
  let partEnd = start + bytes.reduce((sum, part) => sum + part.byteLength, 0);
  for (const part of bytes.toReversed()) {
    partEnd -= part.byteLength;
    const at = Buffer.from(part).lastIndexOf(VALUE_BEGINS);
    if (at >= 0) return partEnd + at;
  }
  return undefined;
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
    const { good, completeUntil, fault } = splitJson(splitter, bytes, isLast);
    if (fault !== undefined) {
      rest = { start: completeUntil, reason: "invalid-json", detail: `${fault}, at byte ${size + good} of the file` };
    }
    return { bytes: bytes.subarray(0, good), completeUntil };
  };
  for await (const bytes of evenChunks(storedBytes(file), chunkBytes)) {
    if (rest === undefined) yield split(bytes, false);
    size += bytes.length;
  }
  if (rest === undefined) yield split(new Uint8Array(0), true);
  if (rest !== undefined) {
    const { start, reason, detail } = rest;
    yield { bytes: new Uint8Array(0), completeUntil: start, refused: { start, end: size, reason, detail } };
  }
}
