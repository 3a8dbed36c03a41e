// kept.jsonl walked beside the documents that should be in it. While the two agree, lines are compared byte for byte. From the first
// difference on they are matched by hash, so that one line too many or too few does not accuse all that follow.
import { type Line, LineFile } from "../base/lines.js";
import { hashBytes } from "./hash-table.js";

/** A document whose line has not come. */
export interface AwaitedRow {
  readonly row: number;
  readonly id: string;
}

/** A line that belongs to no document so far. */
export interface KeptLine {
  readonly offset: number;
  readonly line: number;
  /** A copy. */
  readonly bytes: Buffer;
}

/** 53 bits of a line's hash. */
function keyOf(bytes: Uint8Array): number {
  const { low, high } = hashBytes(bytes);
  return low * 2 ** 21 + (high >>> 11);
}

export class KeptLines {
  readonly #file: LineFile;
  /** A document's line has been found at this offset of kept.jsonl. */
  readonly #found: (row: number, offset: number) => void;
  /** Rows whose lines have not come yet, and lines that belong to no row so far, by the hash of the line. */
  readonly #rows = new Map<number, AwaitedRow[]>();
  readonly #lines = new Map<number, KeptLine[]>();
  #differs = false;
  numLines = 0;

  constructor(path: string, found: (row: number, offset: number) => void) {
    this.#file = new LineFile(path);
    this.#found = found;
  }

  /** The next document's line, without its end. */
  expect(row: number, id: string, bytes: Uint8Array): void {
    const line = this.#next();
    if (!this.#differs && line?.bytes?.equals(bytes)) {
      this.#found(row, line.offset);
      return;
    }
    this.#differs = true;
    const key = keyOf(bytes);
    const waiting = take(this.#lines, key);
    if (waiting !== undefined) this.#found(row, waiting.offset);
    else append(this.#rows, key, { row, id });
    if (line !== undefined) this.#take(line);
  }

  /** Reads the rest. Rows without a line and lines without a row, in order. */
  finish(): { readonly rows: AwaitedRow[]; readonly lines: KeptLine[] } {
    for (let line = this.#next(); line !== undefined; line = this.#next()) this.#take(line);
    const lines = [...this.#lines.values()].flat().sort((a, b) => a.offset - b.offset);
    const rows = [...this.#rows.values()].flat().sort((a, b) => a.row - b.row);
    return { rows, lines };
  }

  close(): void {
    this.#file.close();
  }

  #next(): Line | undefined {
    const line = this.#file.next();
    if (line !== undefined) this.numLines += 1;
    return line;
  }

  #take({ bytes, offset, number }: Line): void {
    const key = keyOf(bytes!);
    const awaited = take(this.#rows, key);
    if (awaited !== undefined) this.#found(awaited.row, offset);
    else append(this.#lines, key, { offset, line: number, bytes: Buffer.from(bytes!) });
  }
}

function append<T>(map: Map<number, T[]>, key: number, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function take<T>(map: Map<number, T[]>, key: number): T | undefined {
  const list = map.get(key);
  const first = list?.shift();
  if (list?.length === 0) map.delete(key);
  return first;
}
