// Where a plain file of lines can be cut: blocks end behind a line end. A record that is too long to be read becomes a
// block of its own, found without holding it in memory.
import type { StoredFile } from "../base/storage/index.js";

export interface ByteRange {
  readonly start: number;
  readonly end: number;
  readonly oversized?: true;
}

const LINE_FEED = 0x0a;
const STEP_BYTES = 1 << 16;

/** First position behind a line end at or after `from`; the file's size when there is none. */
async function nextLine(file: StoredFile, from: number, size: number, buffer: Uint8Array): Promise<number> {
  for (let position = from; position < size; ) {
    const bytesRead = await file.read(buffer, position);
    if (bytesRead === 0) return size;
    const found = buffer.subarray(0, bytesRead).indexOf(LINE_FEED);
    if (found >= 0) return position + found + 1;
    position += bytesRead;
  }
  return size;
}

/** Last position behind a line end in (start, before]; `start` when there is none. */
async function lineBegin(file: StoredFile, start: number, before: number, buffer: Uint8Array): Promise<number> {
  for (let end = before; end > start; ) {
    const begin = Math.max(start, end - buffer.length);
    const bytesRead = await file.read(buffer.subarray(0, end - begin), begin);
    const found = buffer.subarray(0, bytesRead).lastIndexOf(LINE_FEED);
    if (found >= 0) return begin + found + 1;
    end = begin;
  }
  return start;
}

/** Ranges that cover [0, size): each at least `blockBytes` but for the last and for those around an oversized record. */
export async function* cutAtLines(
  file: StoredFile,
  size: number,
  blockBytes: number,
  maxRecordBytes: number,
): AsyncIterable<ByteRange> {
  const buffer = new Uint8Array(STEP_BYTES);
  for (let start = 0; start < size; ) {
    const goal = start + blockBytes;
    // From goal - 1: a line end just before the goal is the best cut there is.
    const end = goal >= size ? size : await nextLine(file, goal - 1, size, buffer);
    const begin = end - start > maxRecordBytes ? await lineBegin(file, start, Math.min(goal, end) - 1, buffer) : end;
    if (end - begin > maxRecordBytes) {
      if (begin > start) yield { start, end: begin };
      yield { start: begin, end, oversized: true };
    } else {
      yield { start, end };
    }
    start = end;
  }
}
