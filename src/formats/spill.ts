// Spill files: the columns that dedup's phases hand to one another (docs/formats/dedup.md). A reader takes one column, or a
// range of one, without reading the rest.
//
//   "MRSPILL1" | u32 header bytes | u32 zero | header: JSON | zeros to a multiple of 64 | column | zeros | column | ...
//
// The file appears whole or not at all; a file that is shorter or longer than its header says is refused, and a column
// that is read whole is checked against its digest.
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { type WrittenFile, writeAtomically } from "../base/atomic.js";
import { digestBytes } from "../base/digest.js";
import { invalid } from "../base/errors.js";

const MAGIC = "MRSPILL1";
const PREFIX_BYTES = 16;
const ALIGNMENT = 64;

export type Column = Uint8Array | Uint32Array | BigUint64Array;
export type ColumnType = "u8" | "u32" | "u64";
interface ColumnArrays {
  u8: Uint8Array;
  u32: Uint32Array;
  u64: BigUint64Array;
}

interface ColumnEntry {
  readonly type: ColumnType;
  readonly length: number;
  /** In bytes, from the first column. */
  readonly offset: number;
  readonly digest: string;
}

interface Header {
  readonly kind: string;
  readonly columns: Readonly<Record<string, ColumnEntry>>;
}

const BYTES: Readonly<Record<ColumnType, number>> = { u8: 1, u32: 4, u64: 8 };

function typeOf(column: Column): ColumnType {
  if (column instanceof BigUint64Array) return "u64";
  return column instanceof Uint32Array ? "u32" : "u8";
}

function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

function bytesOf(column: Column): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

export async function writeSpill(
  path: string,
  kind: string,
  columns: Readonly<Record<string, Column>>,
): Promise<WrittenFile> {
  const entries: Record<string, ColumnEntry> = {};
  let offset = 0;
  for (const [name, column] of Object.entries(columns)) {
    entries[name] = { type: typeOf(column), length: column.length, offset, digest: digestBytes(bytesOf(column)) };
    offset += aligned(column.byteLength);
  }
  const json = new TextEncoder().encode(JSON.stringify({ kind, columns: entries } satisfies Header));
  const head = new Uint8Array(aligned(PREFIX_BYTES + json.length));
  head.set(new TextEncoder().encode(MAGIC));
  new DataView(head.buffer).setUint32(MAGIC.length, json.length, true);
  head.set(json, PREFIX_BYTES);
  const padding = new Uint8Array(ALIGNMENT);
  return writeAtomically(path, async (writer) => {
    await writer.write(head);
    for (const column of Object.values(columns)) {
      await writer.write(bytesOf(column));
      await writer.write(padding.subarray(0, aligned(column.byteLength) - column.byteLength));
    }
  });
}

/** An open spill file; close it. Reads are synchronous: they run in workers, on files that were just written. */
export class Spill {
  readonly path: string;
  readonly #file: number;
  readonly #columns: Readonly<Record<string, ColumnEntry>>;
  readonly #start: number;

  private constructor(path: string, file: number, columns: Readonly<Record<string, ColumnEntry>>, start: number) {
    this.path = path;
    this.#file = file;
    this.#columns = columns;
    this.#start = start;
  }

  static open(path: string, kind: string): Spill {
    const file = openSync(path, "r");
    try {
      const prefix = readExactly(path, file, new Uint8Array(PREFIX_BYTES), 0);
      if (new TextDecoder("latin1").decode(prefix.subarray(0, MAGIC.length)) !== MAGIC)
        throw damaged(path, `${MAGIC} at its start`);
      const headerBytes = new DataView(prefix.buffer).getUint32(MAGIC.length, true);
      const json = readExactly(path, file, new Uint8Array(headerBytes), PREFIX_BYTES);
      const header = JSON.parse(new TextDecoder().decode(json)) as Header;
      if (header.kind !== kind) throw damaged(path, `columns of ${kind}`);
      const start = aligned(PREFIX_BYTES + headerBytes);
      const size = Object.values(header.columns).reduce(
        (sum, { type, length }) => sum + aligned(length * BYTES[type]),
        start,
      );
      if (statSync(path).size !== size) throw damaged(path, `${size} bytes`);
      return new Spill(path, file, header.columns, start);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  length(name: string): number {
    return this.#entry(name).length;
  }

  /** The whole column, checked. */
  column<T extends ColumnType>(name: string, type: T): ColumnArrays[T] {
    const { length, digest } = this.#entry(name);
    const column = this.range(name, type, 0, length);
    if (digestBytes(bytesOf(column)) !== digest) throw damaged(this.path, `column ${name} with digest ${digest}`);
    return column;
  }

  /** Elements [begin, end), not checked against the digest. */
  range<T extends ColumnType>(name: string, type: T, begin: number, end: number): ColumnArrays[T] {
    const entry = this.#entry(name);
    if (entry.type !== type || begin > end || end > entry.length) {
      throw damaged(this.path, `elements ${begin} to ${end} of ${type} in column ${name}`);
    }
    const bytes = new Uint8Array((end - begin) * BYTES[type]);
    readExactly(this.path, this.#file, bytes, this.#start + entry.offset + begin * BYTES[type]);
    const arrays = { u8: Uint8Array, u32: Uint32Array, u64: BigUint64Array };
    return new arrays[type](bytes.buffer) as ColumnArrays[T];
  }

  #entry(name: string): ColumnEntry {
    const entry = this.#columns[name];
    if (entry === undefined) throw damaged(this.path, `a column ${name}`);
    return entry;
  }
}

/** Opens, uses and closes. */
export function withSpill<R>(path: string, kind: string, use: (spill: Spill) => R): R {
  const spill = Spill.open(path, kind);
  try {
    return use(spill);
  } finally {
    spill.close();
  }
}

function readExactly(path: string, file: number, into: Uint8Array, position: number): Uint8Array {
  let filled = 0;
  while (filled < into.length) {
    const read = readSync(file, into, filled, into.length - filled, position + filled);
    if (read === 0) throw damaged(path, `${position + into.length} bytes or more`);
    filled += read;
  }
  return into;
}

function damaged(path: string, expected: string): Error {
  return invalid("spill-damaged", `expected ${expected} for a spill file of dedup, got other bytes`, {
    where: { file: path },
    hint: "remove the stage's folder and run again; if it happens twice, check the disk",
  });
}
