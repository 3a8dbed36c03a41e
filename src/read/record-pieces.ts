// Chosen records of a block of JSON lines: neighbours are read together, what lies between distant ones is not read.
import { closeSync } from "node:fs";
import { openLocalSync, readLocalSync } from "../base/storage/index.js";
import type { Payload, RecordPiece } from "../records/block-reader.js";
import { giveBuffer, growBuffer, PIECE_BYTES, takeBuffer } from "./buffers.js";

/** Reading so much in vain costs about as much as another call. */
const MAX_GAP_BYTES = 1 << 14;

/** Where the records of one piece lie in its buffer, and the ranges of the file that fill it. */
export interface Layout {
  readonly begins: Uint32Array;
  readonly sizeBytes: number;
  readonly ranges: readonly { readonly position: number; readonly into: number; readonly length: number }[];
}

/** Records [first, end) with as many as fit into `capacity`, at least one. Gaps of at most `maxGapBytes` are read too. */
export function layOut(
  offsets: Float64Array,
  lengths: Uint32Array,
  first: number,
  capacity: number,
  maxGapBytes: number = MAX_GAP_BYTES,
): Layout {
  const ranges: { position: number; into: number; length: number }[] = [];
  const begins: number[] = [];
  let size = 0;
  let range: { position: number; into: number; length: number } | undefined;
  for (let i = first; i < offsets.length; i += 1) {
    const gap = range === undefined ? 0 : offsets[i]! - (range.position + range.length);
    const joins = range !== undefined && gap <= maxGapBytes;
    const more = (joins ? gap : 0) + lengths[i]!;
    if (i > first && size + more > capacity) break;
    if (range === undefined || !joins) {
      range = { position: offsets[i]!, into: size, length: 0 };
      ranges.push(range);
    }
    range.length += more;
    size += more;
    begins.push(size - lengths[i]!);
  }
  return { begins: Uint32Array.from(begins), sizeBytes: size, ranges };
}

/** Of a file, with synchronous reads: a worker has nothing else to do. `cutShort` makes the error of a file that ended. */
export function* fileRecords(
  path: string,
  offsets: Float64Array,
  lengths: Uint32Array,
  cutShort: (position: number) => Error,
  pieceBytes: number = PIECE_BYTES,
): Iterable<RecordPiece> {
  if (offsets.length === 0) return;
  const file = openLocalSync(path);
  let buffer = takeBuffer(pieceBytes);
  try {
    for (let first = 0; first < offsets.length; ) {
      const { begins, sizeBytes, ranges } = layOut(offsets, lengths, first, buffer.length);
      if (sizeBytes > buffer.length) buffer = growBuffer(buffer, 0, sizeBytes);
      for (const { position, into, length } of ranges) {
        for (let got = 0; got < length; ) {
          const read = readLocalSync(path, file, buffer.subarray(into + got, into + length), position + got);
          if (read === 0) throw cutShort(position + got);
          got += read;
        }
      }
      const end = first + begins.length;
      yield { bytes: buffer.subarray(0, sizeBytes), begins, lengths: lengths.subarray(first, end) };
      first = end;
    }
  } finally {
    giveBuffer(buffer);
    closeSync(file);
  }
}

/** Of bytes in memory, which begin at `start` of the stream. */
function* bytesRecords(
  bytes: Uint8Array,
  start: number,
  offsets: Float64Array,
  lengths: Uint32Array,
  pieceBytes: number = PIECE_BYTES,
): Iterable<RecordPiece> {
  for (let first = 0; first < offsets.length; ) {
    let end = first;
    for (let size = 0; end < offsets.length && (end === first || size + lengths[end]! <= pieceBytes); end += 1) {
      size += lengths[end]!;
    }
    const begins = Uint32Array.from(offsets.subarray(first, end), (offset) => offset - start);
    yield { bytes, begins, lengths: lengths.subarray(first, end) };
    first = end;
  }
}

/** Of the buffers of a payload: no record reaches from one into the next. */
export function* payloadRecords(
  payload: Payload,
  start: number,
  offsets: Float64Array,
  lengths: Uint32Array,
  pieceBytes?: number,
): Iterable<RecordPiece> {
  let [partStart, first] = [start, 0];
  for (const part of payload) {
    const partEnd = partStart + part.byteLength;
    let end = first;
    while (end < offsets.length && offsets[end]! < partEnd) end += 1;
    const bytes = new Uint8Array(part);
    yield* bytesRecords(bytes, partStart, offsets.subarray(first, end), lengths.subarray(first, end), pieceBytes);
    [partStart, first] = [partEnd, end];
  }
}
