// Cuts a stream of CSV into blocks of whole records, by the rule that line-stream.ts has for lines: a block ends behind the
// first record end at or after its size. Whether an LF ends a record depends on all quotes before it, so that the file is
// read from its begin, once; the state between chunks is one word.
import { joinBytes, type StreamBlock } from "../line-stream.js";

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** At the begin of a field, and behind a quote in a quoted one: the next byte means the same in both. */
const OPEN = 0;
const PLAIN = 1;
const QUOTED = 2;

/** Records are packed into buffers of at least this size. */
const PACK_BYTES = 2 ** 19;

export class CsvStream {
  readonly #delimiter: number;
  readonly #blockBytes: number;
  readonly #maxRecordBytes: number;
  readonly #keepsBytes: boolean;
  #state = OPEN;
  /** Bytes of a byte order mark that are still to come, when the stream begins with one. */
  #markLeft: number;
  /** Where the block in the making begins. */
  #start: number;
  /** Whole records from #start on, packed or as views of chunks, then the begin of a record. */
  #packed: ArrayBuffer[] = [];
  #loose: Uint8Array[] = [];
  #looseBytes = 0;
  #wholeBytes = 0;
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
  #skipping = false;

  /**
   * `start`: of the stream's first byte in the file, at the begin of a record. Without `keepsBytes` blocks are places alone:
   * their `bytes` are empty.
   */
  constructor(
    delimiter: number,
    blockBytes: number,
    maxRecordBytes: number,
    { start = 0, keepsBytes = true }: { readonly start?: number; readonly keepsBytes?: boolean } = {},
  ) {
    this.#delimiter = delimiter;
    this.#blockBytes = blockBytes;
    this.#maxRecordBytes = maxRecordBytes;
    this.#keepsBytes = keepsBytes;
    this.#start = start;
    this.#markLeft = start === 0 ? BYTE_ORDER_MARK.length : 0;
  }

  /** Blocks that `chunk` completes. */
  *push(bytes: Uint8Array): Iterable<StreamBlock> {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    // [taken, recordBegin) are whole records of this chunk, and what follows has begun in it.
    let [taken, recordBegin] = [0, 0];
    for (let end = this.#recordEnd(chunk, 0); end >= 0; end = this.#recordEnd(chunk, end)) {
      const recordBytes = end - recordBegin + (recordBegin === 0 ? this.#tailBytes : 0);
      if (recordBytes > this.#maxRecordBytes) {
        if (recordBegin > taken) this.#takeRecords(chunk.subarray(taken, recordBegin));
        if (this.#wholeBytes > 0) yield this.#cut();
        yield this.#cutSkipped(end - recordBegin);
        taken = end;
      } else if (this.#wholeBytes + this.#tailBytes + end - taken >= this.#blockBytes) {
        this.#takeRecords(chunk.subarray(taken, end));
        yield this.#cut();
        taken = end;
      }
      recordBegin = end;
    }
    if (recordBegin > taken) this.#takeRecords(chunk.subarray(taken, recordBegin));
    if (recordBegin === chunk.length) return;
    this.#tailBytes += chunk.length - recordBegin;
    if (this.#keepsBytes && !this.#skipping) this.#tail.push(chunk.subarray(recordBegin));
    if (this.#tailBytes <= this.#maxRecordBytes) return;
    if (this.#wholeBytes > 0) yield this.#cut();
    this.#skipping = true;
    this.#tail = [];
  }

  /** What is left when the stream ends. `cutOff`: what follows the last record end is not a whole record. */
  *end(cutOff: boolean): Iterable<StreamBlock> {
    if (!cutOff && this.#skipping) yield this.#cutSkipped(0);
    if (!cutOff && this.#tailBytes > 0) this.#takeRecords(new Uint8Array(0));
    if (this.#wholeBytes > 0) yield this.#cut();
  }

  /** Behind the LF of the first record that ends in chunk[from ..); -1: none does. */
  #recordEnd(chunk: Buffer, from: number): number {
    const delimiter = this.#delimiter;
    let state = this.#state;
    for (let at = this.#passMark(chunk, from); at < chunk.length; ) {
      if (state === QUOTED) {
        const quote = chunk.indexOf(QUOTE, at);
        if (quote < 0) break;
        at = quote + 1;
        state = OPEN;
        continue;
      }
      const byte = chunk[at++]!;
      if (byte === LINE_FEED) {
        this.#state = OPEN;
        return at;
      }
      if (byte === delimiter) state = OPEN;
      else if (state === OPEN) state = byte === QUOTE ? QUOTED : PLAIN;
    }
    this.#state = state;
    return -1;
  }

  /** A byte order mark is no part of the first field. */
  #passMark(chunk: Buffer, from: number): number {
    let at = from;
    while (this.#markLeft > 0 && at < chunk.length) {
      if (chunk[at] !== BYTE_ORDER_MARK[BYTE_ORDER_MARK.length - this.#markLeft]) this.#markLeft = 0;
      else {
        this.#markLeft -= 1;
        at += 1;
      }
    }
    return at;
  }

  /** What has begun ends behind `bytes`. */
  #takeRecords(bytes: Uint8Array): void {
    const sizeBytes = this.#tailBytes + bytes.length;
    if (sizeBytes === 0 || this.#skipping) return;
    this.#wholeBytes += sizeBytes;
    this.#tailBytes = 0;
    if (!this.#keepsBytes) return;
    this.#loose.push(...this.#tail, bytes);
    this.#looseBytes += sizeBytes;
    this.#tail = [];
    if (this.#looseBytes >= PACK_BYTES) this.#pack();
  }

  #pack(): void {
    if (this.#looseBytes > 0) this.#packed.push(joinBytes(this.#loose, this.#looseBytes));
    this.#loose = [];
    this.#looseBytes = 0;
  }

  #cut(): StreamBlock {
    this.#pack();
    const block = { start: this.#start, end: this.#start + this.#wholeBytes, bytes: this.#packed };
    this.#start = block.end;
    this.#packed = [];
    this.#wholeBytes = 0;
    return block;
  }

  #cutSkipped(more: number): StreamBlock {
    const block = { start: this.#start, end: this.#start + this.#tailBytes + more };
    this.#start = block.end;
    this.#tail = [];
    this.#tailBytes = 0;
    this.#skipping = false;
    return block;
  }
}
