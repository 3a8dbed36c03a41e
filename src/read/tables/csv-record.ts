// One record of CSV at a time (RFC 4180), strictly: what readers take differently is a fault of the record, never a guess. A
// record ends behind the first LF outside of quotes; csv-stream.ts cuts by the same rule.

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export const DELIMITERS = { csv: 0x2c, tsv: 0x09 } as const;

/** The fields of the record read last: field i is bytes[starts[i] .. ends[i]) of what was given. */
export class CsvRecord {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** Whether it stood in quotes, and whether quotes in it are doubled. */
  readonly isQuoted: boolean[] = [];
  readonly hasDoubled: boolean[] = [];
  numFields = 0;
  /** Why the record is none: "expected ..., got ...". */
  fault: string | undefined;
  /** Where the next record begins. */
  next = 0;
  /** An empty line, which is no record. */
  isBlank = false;
  readonly #delimiter: number;

  constructor(delimiter: number) {
    this.#delimiter = delimiter;
  }

  /** Reads the record that begins at `at`; the last one of a file may lack its line end. */
  read(bytes: Buffer, at: number): void {
    this.numFields = 0;
    this.fault = undefined;
    this.isBlank = false;
    for (let position = at; ; ) {
      position = bytes[position] === QUOTE ? this.#quoted(bytes, position) : this.#plain(bytes, position, position);
      const last = bytes[position];
      if (last === this.#delimiter) {
        position += 1;
        continue;
      }
      this.next = Math.min(bytes.length, position + 1);
      break;
    }
    this.isBlank = this.numFields === 1 && this.starts[0] === this.ends[0] && !this.isQuoted[0];
  }

  /** The field's bytes, quotes undone. */
  bytesOf(bytes: Buffer, field: number): Buffer {
    const [start, end] = [this.starts[field]!, this.ends[field]!];
    if (!this.hasDoubled[field]) return bytes.subarray(start, end);
    return Buffer.from(bytes.toString("latin1", start, end).replaceAll('""', '"'), "latin1");
  }

  #add(start: number, end: number, isQuoted: boolean, hasDoubled: boolean): void {
    const field = this.numFields;
    this.starts[field] = start;
    this.ends[field] = end;
    this.isQuoted[field] = isQuoted;
    this.hasDoubled[field] = hasDoubled;
    this.numFields += 1;
  }

  /** The position of the delimiter or LF behind the field, or the end of the bytes. */
  #quoted(bytes: Buffer, at: number): number {
    let hasDoubled = false;
    for (let from = at + 1; ; ) {
      const quote = bytes.indexOf(QUOTE, from);
      if (quote < 0) {
        this.fault ??= "expected a closing quote, got the end of the file";
        this.#add(at, bytes.length, true, hasDoubled);
        return bytes.length;
      }
      const after = bytes[quote + 1];
      if (after === QUOTE) {
        hasDoubled = true;
        from = quote + 2;
        continue;
      }
      if (after === CARRIAGE_RETURN && bytes[quote + 2] === LINE_FEED) {
        this.#add(at + 1, quote, true, hasDoubled);
        return quote + 2;
      }
      if (after !== undefined && after !== this.#delimiter && after !== LINE_FEED) {
        this.fault ??= `expected a delimiter or a line end behind the closing quote of field ${this.numFields + 1}`;
        return this.#plain(bytes, at, quote + 1);
      }
      this.#add(at + 1, quote, true, hasDoubled);
      return quote + 1;
    }
  }

  #plain(bytes: Buffer, start: number, at: number): number {
    const delimiter = this.#delimiter;
    let position = at;
    for (; position < bytes.length; position += 1) {
      const byte = bytes[position]!;
      if (byte === delimiter || byte === LINE_FEED) break;
      if (byte === QUOTE) this.fault ??= `expected quotes around all of field ${this.numFields + 1}, got one within`;
      if (byte === CARRIAGE_RETURN && bytes[position + 1] !== LINE_FEED) {
        this.fault ??= `expected CR in quotes or before LF, got one in field ${this.numFields + 1}`;
      }
    }
    const hasReturn = position > start && bytes[position] === LINE_FEED && bytes[position - 1] === CARRIAGE_RETURN;
    this.#add(start, hasReturn ? position - 1 : position, false, false);
    return position;
  }
}

/** Line ends in bytes[start .. end). */
export function countLines(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED, start); at >= 0 && at < end; at = bytes.indexOf(LINE_FEED, at + 1)) count += 1;
  return count;
}
