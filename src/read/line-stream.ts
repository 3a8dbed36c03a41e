// Cuts a stream of chunks into blocks of whole lines, by the same rule as line-cuts.ts does for files: the same bytes give
// the same blocks. Holds one block, or one record where a record is longer; the lines of a block in buffers of about a
// chunk each, so that no block is ever copied as a whole.
import { PIECE_BYTES } from "./buffers.js";

const LINE_FEED = 0x0a;

export interface StreamBlock {
  readonly start: number;
  readonly end: number;
  /** Whole lines each, and each the caller's. Absent for an oversized record, which was dropped as it came. */
  readonly bytes?: ArrayBuffer[];
}

export class LineStream {
  readonly #blockBytes: number;
  readonly #maxRecordBytes: number;
  readonly #hasLines: boolean;
  /** Where the block in the making begins. */
  #start = 0;
  /** Whole lines from #start on, then the begin of a line; neither while skipping an oversized record. */
  #packed: ArrayBuffer[] = [];
  /** The last of the lines, not packed yet: views of chunks. */
  #lines: Uint8Array[] = [];
  #looseBytes = 0;
  #linesBytes = 0;
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
  #skipping = false;

  /** `maxRecordBytes` is at least `blockBytes`. Without line ends the stream is one record. */
  constructor(blockBytes: number, maxRecordBytes: number, hasLines: boolean) {
    this.#blockBytes = blockBytes;
    this.#maxRecordBytes = maxRecordBytes;
    this.#hasLines = hasLines;
  }

  /** Blocks that `chunk` completes. */
  *push(chunk: Uint8Array): Iterable<StreamBlock> {
    let rest = chunk;
    while (rest.length > 0) {
      const position = this.#start + this.#linesBytes + this.#tailBytes;
      const goal = this.#skipping ? 0 : this.#start + this.#blockBytes - 1;
      const from = Math.max(0, goal - position);
      const found = this.#hasLines && from < rest.length ? rest.indexOf(LINE_FEED, from) : -1;
      const before = found >= 0 ? rest.subarray(0, found) : rest;
      const lastLine = this.#hasLines ? before.lastIndexOf(LINE_FEED) : -1;
      if (lastLine >= 0) this.#takeLines(rest.subarray(0, lastLine + 1));
      const record = rest.subarray(lastLine + 1, found >= 0 ? found + 1 : rest.length);
      this.#tailBytes += record.length;
      if (this.#tailBytes > this.#maxRecordBytes) {
        if (this.#linesBytes > 0) yield this.#cutLines();
        this.#skipping = true;
        this.#tail = [];
      } else {
        this.#tail.push(record);
      }
      if (found >= 0) {
        yield this.#skipping ? this.#cutSkipped() : this.#cutAll();
      }
      rest = rest.subarray(lastLine + 1 + record.length);
    }
  }

  /**
   * Tells that the line that has begun is whole up to `position`, and ends the block there when it is due: values of JSON
   * may follow one another with no line end between them.
   */
  *cutWithin(position: number): Iterable<StreamBlock> {
    if (this.#skipping) return;
    const isDue = this.#linesBytes + this.#tailBytes >= this.#blockBytes;
    const rest = this.#dropFrom(position);
    this.#takeLines(new Uint8Array(0));
    if (isDue && this.#linesBytes > 0) yield this.#cutLines();
    this.#tail = rest;
    this.#tailBytes = rest.reduce((sum, part) => sum + part.length, 0);
  }

  /** Forgets what follows `position` of the line that has begun. */
  truncate(position: number): void {
    if (this.#skipping) {
      this.#skipping = false;
      this.#tailBytes = 0;
    } else {
      this.#dropFrom(position);
    }
  }

  /** Takes what follows `position` off the line that has begun. */
  #dropFrom(position: number): Uint8Array[] {
    const dropped: Uint8Array[] = [];
    for (let surplus = this.#start + this.#linesBytes + this.#tailBytes - position; surplus > 0; ) {
      const last = this.#tail.pop()!;
      const kept = Math.max(0, last.length - surplus);
      if (kept > 0) this.#tail.push(last.subarray(0, kept));
      dropped.unshift(last.subarray(kept));
      surplus -= last.length - kept;
      this.#tailBytes -= last.length - kept;
    }
    return dropped;
  }

  /** What is left when the stream ends. `cutOff`: what follows the last line end is not a whole record. */
  *end(cutOff: boolean): Iterable<StreamBlock> {
    if (cutOff) {
      if (this.#linesBytes > 0) yield this.#cutLines();
    } else if (this.#skipping) {
      yield this.#cutSkipped();
    } else if (this.#linesBytes + this.#tailBytes > 0) {
      yield this.#cutAll();
    }
  }

  /** What has begun ends behind `bytes`. */
  #takeLines(bytes: Uint8Array): void {
    const sizeBytes = this.#tailBytes + bytes.length;
    if (sizeBytes === 0) return;
    this.#lines.push(...this.#tail, bytes);
    this.#linesBytes += sizeBytes;
    this.#looseBytes += sizeBytes;
    this.#tail = [];
    this.#tailBytes = 0;
    if (this.#looseBytes >= PIECE_BYTES / 2) this.#pack();
  }

  #pack(): void {
    if (this.#looseBytes === 0) return;
    this.#packed.push(joinBytes(this.#lines, this.#looseBytes));
    this.#lines = [];
    this.#looseBytes = 0;
  }

  #cutLines(): StreamBlock {
    this.#pack();
    const block = { start: this.#start, end: this.#start + this.#linesBytes, bytes: this.#packed };
    this.#start = block.end;
    this.#packed = [];
    this.#linesBytes = 0;
    return block;
  }

  #cutAll(): StreamBlock {
    this.#takeLines(new Uint8Array(0));
    return this.#cutLines();
  }

  #cutSkipped(): StreamBlock {
    const block = { start: this.#start, end: this.#start + this.#tailBytes };
    this.#start = block.end;
    this.#tailBytes = 0;
    this.#skipping = false;
    return block;
  }
}

/** One buffer of its own. */
export function joinBytes(
  parts: readonly Uint8Array[],
  sizeBytes: number = parts.reduce((sum, part) => sum + part.length, 0),
): ArrayBuffer {
  const buffer = new ArrayBuffer(sizeBytes);
  const whole = new Uint8Array(buffer);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return buffer;
}
