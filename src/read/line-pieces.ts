// A block of JSON lines as pieces of whole lines: about a MiB each, in a buffer that is used again, the next one being read
// while the last is worked on. A record that is longer makes its piece as long.
import { openStored } from "../base/storage/index.js";
import type { LinePiece, Payload } from "../records/block-reader.js";
import { giveBuffer, growBuffer, PIECE_BYTES, takeBuffer } from "./buffers.js";

const LINE_FEED = 0x0a;

/** Bytes [start, end) of a file; fewer when the file ends before: the caller counts them. `version`: of a remote file. */
export async function* filePieces(
  path: string,
  version: string | undefined,
  start: number,
  end: number,
  pieceBytes: number = PIECE_BYTES,
): AsyncIterable<LinePiece> {
  const file = await openStored(path, version);
  const range = file.range(start, end);
  let current = takeBuffer(pieceBytes);
  let next = takeBuffer(pieceBytes);
  let reading: Promise<number> | undefined;
  try {
    // current[0, filled) are the file's bytes from `offset` on.
    let offset = start;
    let filled = await range.read(current);
    while (filled > 0) {
      const isLast = filled < current.length || offset + filled === end;
      const lines = isLast ? filled : current.lastIndexOf(LINE_FEED, filled - 1) + 1;
      if (lines === 0) {
        current = growBuffer(current, filled, 0);
        filled += await range.read(current.subarray(filled));
        continue;
      }
      const rest = filled - lines;
      if (!isLast) {
        if (rest >= next.length) next = growBuffer(next, 0, current.length);
        next.set(current.subarray(lines, filled));
        reading = range.read(next.subarray(rest));
        // It is awaited below, but may fail before.
        reading.catch(() => undefined);
      }
      yield { bytes: current.subarray(0, lines), offset };
      if (reading === undefined) break;
      filled = rest + (await reading);
      reading = undefined;
      offset += lines;
      [current, next] = [next, current];
    }
  } finally {
    await reading?.catch(() => undefined);
    giveBuffer(current);
    giveBuffer(next);
    await file.close();
  }
}

/** Whole lines that a reader has carried along: a buffer is a piece, unless it is much too long. */
export function* payloadPieces(payload: Payload, start: number, pieceBytes: number = PIECE_BYTES): Iterable<LinePiece> {
  let offset = start;
  for (const part of payload) {
    const bytes = new Uint8Array(part);
    if (bytes.length <= 2 * pieceBytes) yield { bytes, offset };
    else yield* bytesPieces(bytes, offset, pieceBytes);
    offset += bytes.length;
  }
}

/** Whole lines that are in memory, cut in the same way; views of them. */
export function* bytesPieces(bytes: Uint8Array, start: number, pieceBytes: number = PIECE_BYTES): Iterable<LinePiece> {
  for (let begin = 0; begin < bytes.length; ) {
    const end = endOfPiece(bytes, begin, pieceBytes);
    yield { bytes: bytes.subarray(begin, end), offset: start + begin };
    begin = end;
  }
}

/** Where as many whole lines end as fit into `pieceBytes` from `begin` on; the end of the first line when none does. */
export function endOfPiece(bytes: Uint8Array, begin: number, pieceBytes: number): number {
  const goal = begin + pieceBytes;
  if (goal >= bytes.length) return bytes.length;
  const end = bytes.lastIndexOf(LINE_FEED, goal - 1) + 1;
  return end > begin ? end : bytes.indexOf(LINE_FEED, goal) + 1 || bytes.length;
}
