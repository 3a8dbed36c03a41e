// Lines of files of any size, in pieces of a few MiB that one buffer holds: no line is copied but those that two pieces share.
import { closeSync, openSync, readSync } from "node:fs";
import { type CompressedFormat, decompress } from "./decompress.js";
import { isRemote, streamStored } from "./storage/index.js";

export interface Line {
  /** Without its LF; a view, valid until the next line is asked for. Undefined: longer than the limit, read past. */
  readonly bytes: Buffer | undefined;
  /** Of the line's first byte, in the decompressed stream. */
  readonly offset: number;
  /** Bytes without the LF. */
  readonly length: number;
  /** From 1. */
  readonly number: number;
}

const PIECE_BYTES = 2 ** 21;
const LINE_FEED = 0x0a;

/** Cuts pieces of a stream at LF; what follows the last LF is a line too, unless it is empty. */
class LineCutter {
  readonly #maxBytes: number;
  #piece: Buffer = Buffer.alloc(0);
  #at = 0;
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #offset = 0;
  #number = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The piece before must be used up: `next` has said undefined. */
  feed(piece: Buffer): void {
    this.#piece = piece;
    this.#at = 0;
  }

  next(): Line | undefined {
    const end = this.#piece.indexOf(LINE_FEED, this.#at);
    const part = this.#piece.subarray(this.#at, end < 0 ? this.#piece.length : end);
    if (end < 0) {
      this.#at = this.#piece.length;
      this.#begunBytes += part.length;
      if (this.#begunBytes > this.#maxBytes) this.#begun = [];
      // The caller reads the next piece into the same memory.
      else if (part.length > 0) this.#begun.push(Buffer.from(part));
      return undefined;
    }
    this.#at = end + 1;
    return this.#line(part);
  }

  /** The last line, when no LF ends it. */
  end(): Line | undefined {
    return this.#begunBytes > 0 ? this.#line(Buffer.alloc(0)) : undefined;
  }

  #line(part: Buffer): Line {
    const length = this.#begunBytes + part.length;
    let bytes: Buffer | undefined = part;
    if (length > this.#maxBytes) bytes = undefined;
    else if (this.#begunBytes > 0) bytes = Buffer.concat([...this.#begun, part]);
    this.#number += 1;
    const line = { bytes, offset: this.#offset, length, number: this.#number };
    this.#offset += length + 1;
    this.#begun = [];
    this.#begunBytes = 0;
    return line;
  }
}

/** Lines one at a time, for who walks several files side by side. Blocks while it reads. */
export class LineFile {
  readonly #cutter: LineCutter;
  readonly #file: number;
  readonly #piece: Buffer;
  #ended = false;

  constructor(path: string, maxLineBytes = Number.POSITIVE_INFINITY, pieceBytes = PIECE_BYTES) {
    this.#cutter = new LineCutter(maxLineBytes);
    this.#file = openSync(path, "r");
    this.#piece = Buffer.allocUnsafe(pieceBytes);
  }

  next(): Line | undefined {
    for (;;) {
      const line = this.#ended ? undefined : this.#cutter.next();
      if (line !== undefined || this.#ended) return line;
      const bytesRead = readSync(this.#file, this.#piece, 0, this.#piece.length, null);
      if (bytesRead === 0) {
        this.#ended = true;
        return this.#cutter.end();
      }
      this.#cutter.feed(this.#piece.subarray(0, bytesRead));
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

export interface LineOptions {
  readonly compression?: CompressedFormat | undefined;
  readonly maxLineBytes?: number | undefined;
  /** Of a remote file. */
  readonly version?: string | undefined;
}

/** Calls `visit` with every line, in order. A compressed stream that ends or breaks gives the lines before, then its error. */
export async function forEachLine(path: string, visit: (line: Line) => void, options: LineOptions = {}): Promise<void> {
  const { compression, maxLineBytes = Number.POSITIVE_INFINITY, version } = options;
  if (compression === undefined && !isRemote(path)) {
    const file = new LineFile(path, maxLineBytes);
    try {
      for (let line = file.next(); line !== undefined; line = file.next()) visit(line);
    } finally {
      file.close();
    }
    return;
  }
  const cutter = new LineCutter(maxLineBytes);
  const stored = (): AsyncIterable<Uint8Array> => streamStored(path, version);
  for await (const piece of compression === undefined ? stored() : decompress(stored, compression)) {
    cutter.feed(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
    for (let line = cutter.next(); line !== undefined; line = cutter.next()) visit(line);
  }
  const last = cutter.end();
  if (last !== undefined) visit(last);
}
