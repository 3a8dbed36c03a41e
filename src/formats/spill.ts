// Spill files: the columns that dedup's phases hand to one another (docs/formats/dedup.md). A writer takes rows a few at a
// time; a reader takes one column, or a range of one, without reading the rest.
//
//   "MRSPILL2" | chunk | zeros | chunk | zeros | ... | footer: JSON | u32 footer bytes | u32 zero | "MRSPILL2"
//
// The file appears whole or not at all; a file that is shorter or longer than its footer says is refused, and a column
// that is read whole is checked against its digest. Not fsynced: the journal knows each file's digest, and makes one that
// a crash of the machine has lost again.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { AtomicWriter, type WrittenFile } from "../base/atomic.js";
import { Digester, digestBytes } from "../base/digest.js";
import { invalid, invariant } from "../base/errors.js";
import { collectMuchGarbage } from "../base/garbage.js";

const MAGIC = "MRSPILL2";
const TAIL_BYTES = 16;
const ALIGNMENT = 64;
/** Rows are gathered in memory up to so many bytes: few and long chunks. */
const GATHER_BYTES = 2 ** 22;
/** More of one column than this is a chunk of its own, not copied. */
const DIRECT_BYTES = 2 ** 18;

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
  /** Position in the file and number of elements of each chunk, one after another. */
  readonly chunks: readonly number[];
  readonly digest: string;
}

interface Footer {
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

/** A column in the making. */
class GatheredColumn {
  readonly type: ColumnType;
  readonly chunks: number[] = [];
  readonly #digester = new Digester();
  #length = 0;
  #bytes = new Uint8Array(0);
  #filled = 0;

  constructor(type: ColumnType) {
    this.type = type;
  }

  gather(bytes: Uint8Array): void {
    const end = this.#filled + bytes.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#filled));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#filled);
    this.#filled = end;
  }

  /** What was gathered; valid until the next call of `gather`. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#filled);
    this.#filled = 0;
    return bytes;
  }

  addChunk(position: number, bytes: Uint8Array): void {
    const length = bytes.length / BYTES[this.type];
    this.chunks.push(position, length);
    this.#length += length;
    this.#digester.update(bytes);
  }

  entry(): ColumnEntry {
    return { type: this.type, length: this.#length, chunks: this.chunks, digest: this.#digester.digest() };
  }
}

/** A spill file in the making: append rows, then `commit`, or `abort` and nothing remains. */
export class SpillWriter {
  readonly #file: AtomicWriter;
  readonly #kind: string;
  readonly #columns = new Map<string, GatheredColumn>();
  #gathered = 0;

  private constructor(file: AtomicWriter, kind: string) {
    this.#file = file;
    this.#kind = kind;
  }

  static async open(path: string, kind: string): Promise<SpillWriter> {
    const file = await AtomicWriter.open(path, { durable: false });
    const head = new Uint8Array(ALIGNMENT);
    head.set(new TextEncoder().encode(MAGIC));
    await file.write(head);
    return new SpillWriter(file, kind);
  }

  /** Adds elements to the columns named, each at its end; the arrays are the caller's again on return. Empty ones count. */
  async append(columns: Readonly<Record<string, Column>>): Promise<void> {
    for (const [name, column] of Object.entries(columns)) {
      const gathered = this.#column(name, typeOf(column));
      if (column.byteLength >= DIRECT_BYTES) {
        await this.#writeGathered(gathered);
        await this.#writeChunk(gathered, bytesOf(column));
      } else {
        gathered.gather(bytesOf(column));
        this.#gathered += column.byteLength;
      }
    }
    if (this.#gathered < GATHER_BYTES) return;
    await this.#flush();
    collectMuchGarbage();
  }

  async commit(): Promise<WrittenFile> {
    await this.#flush();
    const columns = Object.fromEntries([...this.#columns].map(([name, column]) => [name, column.entry()]));
    const footer = new TextEncoder().encode(JSON.stringify({ kind: this.#kind, columns } satisfies Footer));
    const tail = new Uint8Array(TAIL_BYTES);
    new DataView(tail.buffer).setUint32(0, footer.length, true);
    tail.set(new TextEncoder().encode(MAGIC), TAIL_BYTES - MAGIC.length);
    await this.#file.write(footer);
    await this.#file.write(tail);
    return this.#file.commit();
  }

  async abort(): Promise<void> {
    await this.#file.abort();
  }

  #column(name: string, type: ColumnType): GatheredColumn {
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = new GatheredColumn(type);
      this.#columns.set(name, column);
    }
    invariant(column.type === type, `expected ${column.type} for column ${name}, got ${type}`);
    return column;
  }

  async #flush(): Promise<void> {
    for (const column of this.#columns.values()) await this.#writeGathered(column);
  }

  async #writeGathered(column: GatheredColumn): Promise<void> {
    const bytes = column.take();
    this.#gathered -= bytes.length;
    await this.#writeChunk(column, bytes);
  }

  async #writeChunk(column: GatheredColumn, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    column.addChunk(this.#file.sizeBytes, bytes);
    await this.#file.write(bytes);
    await this.#file.write(new Uint8Array(aligned(bytes.length) - bytes.length));
  }
}

/** Runs `produce` on a fresh writer, commits when it returns and aborts when it throws. */
export async function writeSpillRows(
  path: string,
  kind: string,
  produce: (writer: SpillWriter) => Promise<void>,
): Promise<WrittenFile> {
  const writer = await SpillWriter.open(path, kind);
  try {
    await produce(writer);
    return await writer.commit();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Writes whole columns. */
export async function writeSpill(
  path: string,
  kind: string,
  columns: Readonly<Record<string, Column>>,
): Promise<WrittenFile> {
  return writeSpillRows(path, kind, (writer) => writer.append(columns));
}

/** An open spill file; close it. Reads are synchronous: they run in workers, on files that were just written. */
export class Spill {
  readonly path: string;
  readonly #file: number;
  readonly #columns: Readonly<Record<string, ColumnEntry>>;

  private constructor(path: string, file: number, columns: Readonly<Record<string, ColumnEntry>>) {
    this.path = path;
    this.#file = file;
    this.#columns = columns;
  }

  static open(path: string, kind: string): Spill {
    const file = openSync(path, "r");
    try {
      const { columns, ...footer } = readFooter(path, file);
      if (footer.kind !== kind) throw damaged(path, `columns of ${kind}`);
      return new Spill(path, file, columns);
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
    const arrays = { u8: Uint8Array, u32: Uint32Array, u64: BigUint64Array };
    return this.readInto(name, begin, new arrays[type](Math.max(0, end - begin)) as ColumnArrays[T]);
  }

  /** Fills `target` with the elements from `begin` on, not checked against the digest. */
  readInto<C extends Column>(name: string, begin: number, target: C): C {
    const { type, length, chunks } = this.#entry(name);
    const end = begin + target.length;
    if (typeOf(target) !== type || begin < 0 || end > length) {
      throw damaged(this.path, `elements ${begin} to ${end} of ${typeOf(target)} in column ${name}`);
    }
    const width = BYTES[type];
    const bytes = bytesOf(target);
    let first = 0;
    for (let chunk = 0; chunk < chunks.length && first < end; chunk += 2) {
      const last = first + chunks[chunk + 1]!;
      const [from, to] = [Math.max(begin, first), Math.min(end, last)];
      if (from < to) {
        const part = bytes.subarray((from - begin) * width, (to - begin) * width);
        readExactly(this.path, this.#file, part, chunks[chunk]! + (from - first) * width);
      }
      first = last;
    }
    return target;
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

function readFooter(path: string, file: number): Footer {
  const sizeBytes = fstatSync(file).size;
  if (sizeBytes < ALIGNMENT + TAIL_BYTES) throw damaged(path, `${ALIGNMENT + TAIL_BYTES} bytes or more`);
  const tail = readExactly(path, file, new Uint8Array(TAIL_BYTES), sizeBytes - TAIL_BYTES);
  if (new TextDecoder("latin1").decode(tail.subarray(TAIL_BYTES - MAGIC.length)) !== MAGIC) {
    throw damaged(path, `${MAGIC} at its end`);
  }
  const footerBytes = new DataView(tail.buffer).getUint32(0, true);
  const start = sizeBytes - TAIL_BYTES - footerBytes;
  if (start < ALIGNMENT) throw damaged(path, `a footer of ${footerBytes} bytes`);
  const json = readExactly(path, file, new Uint8Array(footerBytes), start);
  const footer = JSON.parse(new TextDecoder().decode(json)) as Footer;
  let chunkBytes = ALIGNMENT;
  for (const { type, chunks } of Object.values(footer.columns)) {
    for (let chunk = 1; chunk < chunks.length; chunk += 2) chunkBytes += aligned(chunks[chunk]! * BYTES[type]);
  }
  if (chunkBytes !== start) throw damaged(path, `${chunkBytes} bytes before its footer`);
  return footer;
}

function readExactly<A extends Uint8Array>(path: string, file: number, into: A, position: number): A {
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
