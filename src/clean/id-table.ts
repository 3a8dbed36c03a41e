// The ids that one block keeps, as a file between phases: segments of some ten thousand rows, so that neither writing nor
// reading holds a block's ids. In a segment rows are sorted into buckets by their hash, so that whoever looks for duplicates
// reads only its share of each column, and reads the ids themselves only where hashes are equal. Little-endian.
//
//   0      magic "MRIDS\0\0\0"
//   8      rows N (u32), bytes of the ids M (u32)
//   16     bucketEnd   256 x u32     rows in buckets 0..b
//   1040   hash        N x f64       53-bit integers; bucket by bucket, in a bucket by row, as all below
//   +8N    offset      N x f64       where the record stands in its file
//   +8N    line        N x f64       from 1, counted from the block's begin
//   +8N    row         N x u32       of the block's part, from 0
//   +4N    idOffset    (N+1) x u32
//   ...    M id bytes, zeros up to a multiple of 8
import { closeSync, openSync, readSync } from "node:fs";
import { AtomicWriter } from "../base/atomic.js";
import { invariant } from "../base/errors.js";
import type { FileRef } from "../records/stage.js";

export const NUM_BUCKETS = 256;

const MAGIC = "MRIDS\0\0\0";
const HEADER_BYTES = 16 + NUM_BUCKETS * 4;
const SEGMENT_ROWS = 2 ** 16;
/** A segment ends with the row that reaches it. */
const SEGMENT_ID_BYTES = 2 ** 22;
/** Room of a table before it grows: of ten thousand small files each has one. */
const FIRST_ROWS = 2 ** 8;
const FIRST_ID_BYTES = 2 ** 13;
/** Hashes are integers below 2^53, exact as numbers; the bucket is their top byte. */
const BUCKET_DIVISOR = 2 ** 45;

/** Two 32-bit lanes of multiply and rotate over the bytes, mixed; equal ids always give equal hashes. */
function hashId(bytes: Uint8Array, begin: number, end: number): number {
  let a = 0x9e3779b9 ^ (end - begin);
  let b = 0x85ebca6b;
  for (let i = begin; i < end; i += 1) {
    const byte = bytes[i]!;
    a = Math.imul((a << 5) | (a >>> 27), 0x27d4eb2f) ^ byte;
    b = Math.imul(b ^ byte, 0x9e3779b1);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x27d4eb2d) ^ Math.imul(a ^ (a >>> 15), 0x165667b1);
  a ^= a >>> 16;
  b ^= b >>> 14;
  return (a >>> 11) * 2 ** 32 + (b >>> 0);
}

function bucketOf(hash: number): number {
  return Math.floor(hash / BUCKET_DIVISOR);
}

function segmentBytes(numRows: number, idBytes: number): number {
  return Math.ceil((HEADER_BYTES + numRows * 32 + 4 + idBytes) / 8) * 8;
}

/** Writes a table row by row. The usual end is `commit`; `abort` after an error leaves nothing. */
export class IdTableWriter {
  readonly #writer: AtomicWriter;
  readonly #hashOf: typeof hashId;
  readonly #segmentRows: number;
  #hash: Float64Array;
  #offset: Float64Array;
  #line: Float64Array;
  #idEnd: Uint32Array;
  #ids = new Uint8Array(FIRST_ID_BYTES);
  #idBytes = 0;
  #numRows = 0;
  #rowsBefore = 0;

  private constructor(writer: AtomicWriter, hashOf: typeof hashId, segmentRows: number) {
    this.#writer = writer;
    this.#hashOf = hashOf;
    this.#segmentRows = segmentRows;
    const rows = Math.min(segmentRows, FIRST_ROWS);
    this.#hash = new Float64Array(rows);
    this.#offset = new Float64Array(rows);
    this.#line = new Float64Array(rows);
    this.#idEnd = new Uint32Array(rows);
  }

  /** `hashOf` and `segmentRows` are for tests, which need ids that collide and tables of several segments. */
  static async open(path: string, hashOf = hashId, segmentRows = SEGMENT_ROWS): Promise<IdTableWriter> {
    return new IdTableWriter(await AtomicWriter.open(path, { durable: false }), hashOf, segmentRows);
  }

  /** The next row: its id is bytes [begin, end). */
  async add(bytes: Uint8Array, begin: number, end: number, offset: number, line: number): Promise<void> {
    const row = this.#numRows;
    if (row === this.#hash.length) this.#growColumns();
    this.#hash[row] = this.#hashOf(bytes, begin, end);
    this.#offset[row] = offset;
    this.#line[row] = line;
    const idEnd = this.#idBytes + end - begin;
    if (idEnd > this.#ids.length) {
      const larger = new Uint8Array(Math.max(this.#ids.length * 2, idEnd));
      larger.set(this.#ids.subarray(0, this.#idBytes));
      this.#ids = larger;
    }
    this.#ids.set(bytes.subarray(begin, end), this.#idBytes);
    this.#idBytes = idEnd;
    this.#idEnd[row] = idEnd;
    this.#numRows = row + 1;
    if (this.#numRows === this.#segmentRows || idEnd >= SEGMENT_ID_BYTES) await this.#flush();
  }

  #growColumns(): void {
    const rows = Math.min(this.#segmentRows, this.#hash.length * 2);
    const grown = <A extends Float64Array | Uint32Array>(column: A, larger: A): A => {
      larger.set(column);
      return larger;
    };
    this.#hash = grown(this.#hash, new Float64Array(rows));
    this.#offset = grown(this.#offset, new Float64Array(rows));
    this.#line = grown(this.#line, new Float64Array(rows));
    this.#idEnd = grown(this.#idEnd, new Uint32Array(rows));
  }

  async commit(): Promise<FileRef> {
    await this.#flush();
    return this.#writer.commit();
  }

  async abort(): Promise<void> {
    await this.#writer.abort();
  }

  async #flush(): Promise<void> {
    const n = this.#numRows;
    if (n === 0) return;
    const file = new ArrayBuffer(segmentBytes(n, this.#idBytes));
    new Uint8Array(file).set(new TextEncoder().encode(MAGIC));
    new Uint32Array(file, 8, 2).set([n, this.#idBytes]);
    const bucketEnd = new Uint32Array(file, 16, NUM_BUCKETS);
    const columns = columnsOf(file, n, this.#idBytes);
    const hashes = this.#hash.subarray(0, n);
    for (const hash of hashes) bucketEnd[bucketOf(hash)]! += 1;
    const next = new Uint32Array(NUM_BUCKETS);
    for (let bucket = 1; bucket < NUM_BUCKETS; bucket += 1) {
      next[bucket] = bucketEnd[bucket - 1]!;
      bucketEnd[bucket]! += bucketEnd[bucket - 1]!;
    }
    const rowAt = new Uint32Array(n);
    for (let row = 0; row < n; row += 1) rowAt[next[bucketOf(hashes[row]!)]!++] = row;
    for (let place = 0, idEnd = 0; place < n; place += 1) {
      const row = rowAt[place]!;
      columns.hash[place] = hashes[row]!;
      columns.offset[place] = this.#offset[row]!;
      columns.line[place] = this.#line[row]!;
      columns.row[place] = this.#rowsBefore + row;
      const id = this.#ids.subarray(row === 0 ? 0 : this.#idEnd[row - 1]!, this.#idEnd[row]!);
      columns.id.set(id, idEnd);
      idEnd += id.length;
      columns.idOffset[place + 1] = idEnd;
    }
    await this.#writer.write(new Uint8Array(file));
    this.#rowsBefore += n;
    this.#numRows = 0;
    this.#idBytes = 0;
  }
}

function columnsOf(file: ArrayBuffer, n: number, idBytes: number) {
  return {
    hash: new Float64Array(file, HEADER_BYTES, n),
    offset: new Float64Array(file, HEADER_BYTES + n * 8, n),
    line: new Float64Array(file, HEADER_BYTES + n * 16, n),
    row: new Uint32Array(file, HEADER_BYTES + n * 24, n),
    idOffset: new Uint32Array(file, HEADER_BYTES + n * 28, n + 1),
    id: new Uint8Array(file, HEADER_BYTES + n * 32 + 4, idBytes),
  };
}

export interface IdRow {
  readonly id: string;
  readonly offset: number;
  readonly line: number;
  readonly row: number;
}

/** Rows of buckets [from, to) of one segment. */
export interface IdRange {
  readonly hash: Float64Array;
  /** The rows of which `wants(index)` says so, in the order of their hashes; their columns are read at once. */
  rows(wants: (index: number) => boolean): Iterable<IdRow>;
}

/** The segments of a table in order, each as its rows of buckets [from, to). Blocks while it reads. */
export function* readIdTable(path: string, from: number, to: number): Iterable<IdRange> {
  const file = openSync(path, "r");
  const read = (position: number, sizeBytes: number): ArrayBuffer => {
    const bytes = new Uint8Array(sizeBytes);
    for (let filled = 0; filled < sizeBytes; ) {
      const bytesRead = readSync(file, bytes, filled, sizeBytes - filled, position + filled);
      invariant(bytesRead > 0, `expected ${sizeBytes} bytes at ${position} of ${path}`);
      filled += bytesRead;
    }
    return bytes.buffer;
  };
  const header = new Uint8Array(HEADER_BYTES);
  try {
    for (let at = 0; readSync(file, header, 0, HEADER_BYTES, at) === HEADER_BYTES; ) {
      invariant(Buffer.from(header.buffer).toString("latin1", 0, 8) === MAGIC, `expected a table of ids in ${path}`);
      const sizes = new Uint32Array(header.buffer, 8, 2);
      const [n, idBytes] = [sizes[0]!, sizes[1]!];
      const bucketEnd = new Uint32Array(header.buffer, 16, NUM_BUCKETS);
      yield rangeAt(read, at + HEADER_BYTES, n, from === 0 ? 0 : bucketEnd[from - 1]!, bucketEnd[to - 1]!);
      at += segmentBytes(n, idBytes);
    }
  } finally {
    closeSync(file);
  }
}

function rangeAt(
  read: (position: number, sizeBytes: number) => ArrayBuffer,
  at: number,
  n: number,
  begin: number,
  end: number,
): IdRange {
  const count = end - begin;
  return {
    hash: new Float64Array(read(at + begin * 8, count * 8)),
    *rows(wants) {
      let columns:
        | { offset: Float64Array; line: Float64Array; row: Uint32Array; idOffset: Uint32Array; id: Buffer }
        | undefined;
      for (let i = 0; i < count; i += 1) {
        if (!wants(i)) continue;
        if (columns === undefined) {
          const idOffset = new Uint32Array(read(at + n * 28 + begin * 4, (count + 1) * 4));
          const idAt = at + n * 32 + 4;
          columns = {
            offset: new Float64Array(read(at + n * 8 + begin * 8, count * 8)),
            line: new Float64Array(read(at + n * 16 + begin * 8, count * 8)),
            row: new Uint32Array(read(at + n * 24 + begin * 4, count * 4)),
            idOffset,
            id: Buffer.from(read(idAt + idOffset[0]!, idOffset[count]! - idOffset[0]!)),
          };
        }
        const { offset, line, row, idOffset, id } = columns;
        const bytes = id.toString("utf8", idOffset[i]! - idOffset[0]!, idOffset[i + 1]! - idOffset[0]!);
        yield { id: bytes, offset: offset[i]!, line: line[i]!, row: row[i]! };
      }
    },
  };
}
