// A block of JSON lines as pieces of whole lines: about a MiB each, in a buffer that is used again, the next one being read
// while the last is worked on. A record that is longer makes its piece as long.
import { type FileHandle, open } from "node:fs/promises";
import type { LinePiece } from "../records/block-reader.js";
import { giveBuffer, growBuffer, PIECE_BYTES, takeBuffer } from "./buffers.js";

const LINE_FEED = 0x0a;

/** Bytes [start, end) of a file; fewer when the file ends before: the caller counts them. */
export async function* filePieces(
  path: string,
  start: number,
  end: number,
  pieceBytes: number = PIECE_BYTES,
): AsyncIterable<LinePiece> {
  const file = await open(path, "r");
  let current = takeBuffer(pieceBytes);
  let next = takeBuffer(pieceBytes);
  let reading: Promise<number> | undefined;
  try {
    // current[0, filled) are the file's bytes from `offset` on.
    let offset = start;
    let filled = await fill(file, current, 0, offset, end);
    while (filled > 0) {
      const isLast = filled < current.length || offset + filled === end;
      const lines = isLast ? filled : current.lastIndexOf(LINE_FEED, filled - 1) + 1;
      if (lines === 0) {
        current = growBuffer(current, filled, 0);
        filled += await fill(file, current, filled, offset + filled, end);
        continue;
      }
      const rest = filled - lines;
      if (!isLast) {
        if (rest >= next.length) next = growBuffer(next, 0, current.length);
        next.set(current.subarray(lines, filled));
        reading = fill(file, next, rest, offset + filled, end);
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

/** Reads until the buffer is full or `end` is reached; the number of bytes, less where the file ends. */
async function fill(
  file: FileHandle,
  buffer: Uint8Array,
  filled: number,
  position: number,
  end: number,
): Promise<number> {
  const wanted = Math.min(buffer.length - filled, end - position);
  let got = 0;
  while (got < wanted) {
    const { bytesRead } = await file.read(buffer, filled + got, wanted - got, position + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return got;
}

/** Whole lines that are in memory, cut in the same way; views of them. */
export function* bytesPieces(bytes: Uint8Array, start: number, pieceBytes: number = PIECE_BYTES): Iterable<LinePiece> {
  for (let begin = 0; begin < bytes.length; ) {
    const goal = begin + pieceBytes;
    let end = goal < bytes.length ? bytes.lastIndexOf(LINE_FEED, goal - 1) + 1 : bytes.length;
    if (end <= begin) end = bytes.indexOf(LINE_FEED, goal) + 1 || bytes.length;
    yield { bytes: bytes.subarray(begin, end), offset: start + begin };
    begin = end;
  }
}
