// Lines that hold certain bytes, found in files of any size without parsing or even cutting the others.
import { closeSync, openSync, readSync } from "node:fs";

export interface FoundLine {
  /** Without its line end. */
  readonly bytes: Buffer;
  /** Of the line in the file. */
  readonly offset: number;
}

const PIECE_BYTES = 2 ** 20;
const LINE_FEED = 0x0a;

export interface ScanOptions {
  /** Whether a hit is worth looking at, by the bytes around it: `at` is its place in `bytes`, which may end near it. */
  readonly accept?: ((bytes: Buffer, at: number) => boolean) | undefined;
  readonly onPiece?: ((bytes: number) => void) | undefined;
}

/** Each line that holds `needle` (which holds no line end), in order, once. */
export function* linesWith(
  path: string,
  needle: Buffer,
  options: ScanOptions = {},
): Generator<FoundLine, void, undefined> {
  const { accept = () => true, onPiece } = options;
  const file = openSync(path, "r");
  try {
    // The end of one piece stands before the next: hits lie in one buffer, with a byte before and behind them.
    const overlap = needle.length + 1;
    const buffer = Buffer.allocUnsafe(PIECE_BYTES + overlap);
    let filled = 0;
    let base = 0;
    let lineEnd = -1;
    for (;;) {
      const bytesRead = readSync(file, buffer, filled, buffer.length - filled, base + filled);
      onPiece?.(bytesRead);
      const isLast = bytesRead === 0;
      filled += bytesRead;
      const bytes = buffer.subarray(0, filled);
      // A hit at the very end waits for the byte behind it.
      const limit = isLast ? filled - needle.length : filled - needle.length - 1;
      for (let at = bytes.indexOf(needle); at >= 0 && at <= limit; at = bytes.indexOf(needle, at + 1)) {
        if (base + at <= lineEnd || !accept(bytes, at)) continue;
        const line = lineAround(file, base + at);
        lineEnd = line.offset + line.bytes.length;
        yield line;
      }
      if (isLast) return;
      const keep = Math.min(overlap, filled);
      buffer.copyWithin(0, filled - keep, filled);
      base += filled - keep;
      filled = keep;
    }
  } finally {
    closeSync(file);
  }
}

const STEP_BYTES = 2 ** 16;

/** The line that the byte at `position` belongs to. */
function lineAround(file: number, position: number): FoundLine {
  const before: Buffer[] = [];
  let offset = position;
  while (offset > 0) {
    const start = Math.max(0, offset - STEP_BYTES);
    const step = readAt(file, start, offset - start);
    const found = step.lastIndexOf(LINE_FEED);
    before.unshift(step.subarray(found + 1));
    offset = start + found + 1;
    if (found >= 0) break;
  }
  const behind: Buffer[] = [];
  for (let at = position; ; ) {
    const step = readAt(file, at, STEP_BYTES);
    const found = step.indexOf(LINE_FEED);
    behind.push(found < 0 ? step : step.subarray(0, found));
    at += step.length;
    if (found >= 0 || step.length < STEP_BYTES) break;
  }
  return { bytes: Buffer.concat([...before, ...behind]), offset };
}

/** The line that begins at `offset`. */
export function lineAt(path: string, offset: number): Buffer {
  const file = openSync(path, "r");
  try {
    return lineAround(file, offset).bytes;
  } finally {
    closeSync(file);
  }
}

/** Fewer bytes where the file ends before. */
export function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const bytesRead = readSync(file, bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** Number of the line that begins at `offset`, from 1. */
export function lineNumberAt(path: string, offset: number): number {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    let lines = 0;
    for (let base = 0; base < offset; ) {
      const bytesRead = readSync(file, buffer, 0, Math.min(PIECE_BYTES, offset - base), base);
      if (bytesRead === 0) break;
      const bytes = buffer.subarray(0, bytesRead);
      for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines += 1;
      base += bytesRead;
    }
    return lines + 1;
  } finally {
    closeSync(file);
  }
}
