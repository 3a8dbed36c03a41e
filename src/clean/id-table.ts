// The ids that one block keeps, as a file between phases: hashes sorted into buckets, so that whoever looks for duplicates
// reads only its share, and the ids themselves, so that equal hashes are verified. Little-endian.
//
//   0      magic "MRIDS\0\0\0"
//   8      number of rows N (u64)
//   16     bucketEnd   256 x f64   rows in buckets 0..b
//   2064   hash        N x f64     53-bit integers; bucket by bucket, in a bucket by row
//   +8N    offset      N x f64     where the record stands in its file; by row, as all below
//   +8N    line        N x f64     from 1, counted from the block's begin
//   +8N    row         N x u32     row of each hash
//   +4N    idOffset    (N+1) x u32
//   ...    id bytes
import { type FileHandle, open } from "node:fs/promises";
import { writeFileAtomic } from "../base/atomic.js";
import { invariant } from "../base/errors.js";
import type { FileRef } from "../records/stage.js";

export const NUM_BUCKETS = 256;

const MAGIC = "MRIDS\0\0\0";
const HEADER_BYTES = 16 + NUM_BUCKETS * 8;
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

/** One row of each kept document, in order. */
export interface IdRows {
  /** Bytes of row i: id[idOffset[i] .. idOffset[i + 1]). */
  readonly id: Uint8Array;
  readonly idOffset: Uint32Array;
  readonly offset: Float64Array;
  readonly line: Float64Array;
}

/** `hash` is for tests, which need ids that collide. */
export async function writeIdTable(path: string, rows: IdRows, hashOf = hashId): Promise<FileRef> {
  const n = rows.offset.length;
  const idBytes = rows.idOffset[n]!;
  const file = new ArrayBuffer(HEADER_BYTES + n * 28 + (n + 1) * 4 + idBytes);
  new Uint8Array(file).set(new TextEncoder().encode(MAGIC));
  new DataView(file).setBigUint64(8, BigInt(n), true);
  const bucketEnd = new Float64Array(file, 16, NUM_BUCKETS);
  const hash = new Float64Array(file, HEADER_BYTES, n);
  const row = new Uint32Array(file, HEADER_BYTES + n * 24, n);

  const hashes = Float64Array.from({ length: n }, (_, i) => hashOf(rows.id, rows.idOffset[i]!, rows.idOffset[i + 1]!));
  for (const value of hashes) bucketEnd[bucketOf(value)]! += 1;
  const next = new Float64Array(NUM_BUCKETS);
  for (let bucket = 1; bucket < NUM_BUCKETS; bucket += 1) {
    next[bucket] = bucketEnd[bucket - 1]!;
    bucketEnd[bucket]! += bucketEnd[bucket - 1]!;
  }
  for (let i = 0; i < n; i += 1) {
    const place = next[bucketOf(hashes[i]!)]!++;
    hash[place] = hashes[i]!;
    row[place] = i;
  }
  new Float64Array(file, HEADER_BYTES + n * 8, n).set(rows.offset);
  new Float64Array(file, HEADER_BYTES + n * 16, n).set(rows.line);
  new Uint32Array(file, HEADER_BYTES + n * 28, n + 1).set(rows.idOffset.subarray(0, n + 1));
  new Uint8Array(file, HEADER_BYTES + n * 32 + 4).set(rows.id.subarray(0, idBytes));
  return writeFileAtomic(path, new Uint8Array(file));
}

/** Reads parts of a table; close it after use. */
export class IdTable {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly numRows: number;
  readonly #bucketEnd: Float64Array;

  private constructor(file: FileHandle, path: string, header: ArrayBuffer) {
    this.#file = file;
    this.#path = path;
    this.numRows = Number(new DataView(header).getBigUint64(8, true));
    this.#bucketEnd = new Float64Array(header, 16, NUM_BUCKETS);
  }

  static async open(path: string): Promise<IdTable> {
    const file = await open(path, "r");
    const header = new Uint8Array(HEADER_BYTES);
    await file.read(header, 0, HEADER_BYTES, 0);
    invariant(new TextDecoder().decode(header.subarray(0, 8)) === MAGIC, `expected a table of ids in ${path}`);
    return new IdTable(file, path, header.buffer);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Hashes of buckets [from, to) and the row of each. */
  async hashes(from: number, to: number): Promise<{ hash: Float64Array; row(index: number): Promise<number> }> {
    const begin = from === 0 ? 0 : this.#bucketEnd[from - 1]!;
    const end = this.#bucketEnd[to - 1]!;
    const hash = new Float64Array(await this.#read(HEADER_BYTES + begin * 8, (end - begin) * 8));
    const rowsAt = HEADER_BYTES + this.numRows * 24;
    const row = async (index: number): Promise<number> =>
      new Uint32Array(await this.#read(rowsAt + (begin + index) * 4, 4))[0]!;
    return { hash, row };
  }

  async rowAt(row: number): Promise<{ id: string; offset: number; line: number }> {
    const n = this.numRows;
    const number = async (column: number): Promise<number> =>
      new Float64Array(await this.#read(HEADER_BYTES + n * column + row * 8, 8))[0]!;
    const [begin, end] = new Uint32Array(await this.#read(HEADER_BYTES + n * 28 + row * 4, 8));
    const id = await this.#read(HEADER_BYTES + n * 32 + 4 + begin!, end! - begin!);
    return { id: new TextDecoder().decode(id), offset: await number(8), line: await number(16) };
  }

  async #read(position: number, sizeBytes: number): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(sizeBytes);
    for (let filled = 0; filled < sizeBytes; ) {
      const { bytesRead } = await this.#file.read(bytes, filled, sizeBytes - filled, position + filled);
      invariant(bytesRead > 0, `expected ${sizeBytes} bytes at ${position} of ${this.#path}`);
      filled += bytesRead;
    }
    return bytes.buffer;
  }
}
