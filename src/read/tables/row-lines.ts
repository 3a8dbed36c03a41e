// Rows of a table as lines of JSON, `{"column":value,...}`. Texts go in as the bytes that the file holds, where they lie:
// nothing is decoded or replaced, so that who reads the lines sees what was not UTF-8, and native code escapes them at once.
import { MAX_RECORD_BYTES } from "../../formats/corpus.js";
import { native } from "../../native.js";

const FIRST_BYTES = 2 ** 16;

/** Shorter ones are escaped sooner here than a run of them is kept. */
const SHORT_TEXT_BYTES = 32;

/** Written one by one: a call into Node costs as much as these. */
const FEW_LETTERS = 24;

/** A row that could not become a line. */
export interface RowFault {
  readonly offset: number;
  readonly line: number;
  readonly reason: string;
  readonly detail: string;
}

export class RowLines {
  readonly #maxRecordBytes: number;
  /** All but the longer texts, which are runs of #sources: four numbers each (joinRows of src/native/read.ts). */
  #json = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #jsonBytes = 0;
  #runs: number[] = [];
  #textBytes = 0;
  readonly #sources = new Map<ArrayBufferLike, number>();
  #isFirst = true;
  /** Where the row that is open began. */
  readonly #begin = { jsonBytes: 0, textBytes: 0, runs: 0 };
  /** Of each line: where its row stands in the file, and the number that is counted for it. */
  offsets: number[] = [];
  lines: number[] = [];
  faults: RowFault[] = [];
  /** Lines that the rows stand for, as they are counted in the file. */
  numLines = 0;
  /** Of the rows that could not be told from those behind them. */
  refusedBytes = 0;

  constructor(maxRecordBytes: number = MAX_RECORD_BYTES) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  /** Before texts are escaped. */
  get sizeBytes(): number {
    return this.#jsonBytes + this.#textBytes;
  }

  /** All lines. The bytes that texts were taken from must still be as they were. */
  join(): Uint8Array {
    const sources = [...this.#sources.keys()].map((buffer) => new Uint8Array(buffer));
    return native().joinRows(this.#json.subarray(0, this.#jsonBytes), Uint32Array.from(this.#runs), sources);
  }

  clear(): void {
    this.#jsonBytes = 0;
    this.#textBytes = 0;
    this.#runs = [];
    this.#sources.clear();
    this.offsets = [];
    this.lines = [];
    this.faults = [];
    this.numLines = 0;
    this.refusedBytes = 0;
  }

  beginRow(): void {
    this.#begin.jsonBytes = this.#jsonBytes;
    this.#begin.textBytes = this.#textBytes;
    this.#begin.runs = this.#runs.length;
    this.beginObject();
  }

  /** A row that is longer than any record may be is a fault. */
  endRow(offset: number, line: number): void {
    this.ascii("}\n");
    const { jsonBytes, textBytes, runs } = this.#begin;
    const length = this.sizeBytes - jsonBytes - textBytes;
    if (length > this.#maxRecordBytes) {
      this.#jsonBytes = jsonBytes;
      this.#textBytes = textBytes;
      this.#runs.length = runs;
      this.faults.push({ offset, line, reason: "too-long", detail: `a row of ${length} bytes` });
    } else {
      this.offsets.push(offset);
      this.lines.push(line);
    }
  }

  beginObject(): void {
    this.ascii("{");
    this.#isFirst = true;
  }

  endObject(): void {
    this.ascii("}");
    // It was a member itself.
    this.#isFirst = false;
  }

  /** `key`: the name as JSON, with its colon. */
  member(key: string): void {
    if (!this.#isFirst) this.ascii(",");
    this.#isFirst = false;
    this.#reserve(key.length * 3);
    this.#jsonBytes += this.#json.write(key, this.#jsonBytes, "utf8");
  }

  /** A member whose name is a value itself. */
  memberNamed(name: Uint8Array): void {
    if (!this.#isFirst) this.ascii(",");
    this.text(name);
    this.ascii(":");
    this.#isFirst = false;
  }

  /** JSON of ASCII letters alone, as it stands. */
  ascii(json: string): void {
    this.#reserve(json.length);
    if (json.length > FEW_LETTERS) {
      this.#jsonBytes += this.#json.write(json, this.#jsonBytes, "latin1");
      return;
    }
    for (let i = 0; i < json.length; i += 1) this.#json[this.#jsonBytes + i] = json.charCodeAt(i);
    this.#jsonBytes += json.length;
  }

  /** A string of UTF-8, or of what claims to be. The bytes must stay as they are until `join`. */
  text(bytes: Uint8Array): void {
    const { buffer, byteOffset, length } = bytes;
    if (length < SHORT_TEXT_BYTES) {
      // JSON demands escapes of ASCII alone, so that bytes may pass as the letters of Latin-1.
      this.ascii(JSON.stringify(Buffer.from(buffer, byteOffset, length).toString("latin1")));
      return;
    }
    let source = this.#sources.get(buffer);
    if (source === undefined) {
      source = this.#sources.size;
      this.#sources.set(buffer, source);
    }
    this.#runs.push(this.#jsonBytes, source, byteOffset, byteOffset + length);
    this.#textBytes += length;
  }

  #reserve(more: number): void {
    const needed = this.#jsonBytes + more;
    if (needed <= this.#json.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#json.length * 2));
    larger.set(this.#json.subarray(0, this.#jsonBytes));
    this.#json = larger;
  }
}
