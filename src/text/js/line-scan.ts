// JSON lines to documents: native/text/line_scan.h over again. The line is the unit of rejection; positions count bytes and
// lines, never characters.
import { isUtf8 } from "node:buffer";
import type { ScanOptions, ScanResult } from "../../native/read.js";
import { ByteSink } from "./byte-sink.js";
import { type RecordFields, RecordReader } from "./json-record.js";
import { validUtf8End } from "./utf8.js";

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export interface ScannedLines extends ScanResult {
  /** Of ScanOptions.scoreField: the number there, NaN where there is none. */
  readonly scores: Float64Array;
}

export function scanLines(bytes: Uint8Array, options: ScanOptions): ScannedLines {
  const rows = new DocumentRows(options);
  const { baseOffset, baseLine } = options;
  const isMarked = baseOffset === 0 && BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte);
  const begin = isMarked ? BYTE_ORDER_MARK.length : 0;
  const isValid = isUtf8(bytes);
  let numLines = 0;
  for (let line = begin, next = 0; line < bytes.length; line = next) {
    const found = bytes.indexOf(LINE_FEED, line);
    next = found < 0 ? bytes.length : found + 1;
    let end = found < 0 ? bytes.length : found;
    if (end > line && bytes[end - 1] === CARRIAGE_RETURN) end -= 1;
    numLines += 1;
    const place = { offset: baseOffset + line, length: end - line, line: baseLine + numLines };
    const validEnd = isValid ? end : validUtf8End(bytes, line, end);
    if (validEnd < end) {
      rows.reject(place, "invalid-utf8", `the record's byte ${validEnd - line} is not UTF-8`);
    } else if (!isBlank(bytes, line, end)) {
      rows.read(bytes, line, end, place);
    }
  }
  return rows.finish(numLines);
}

function isBlank(bytes: Uint8Array, begin: number, end: number): boolean {
  for (let at = begin; at < end; at += 1) {
    const byte = bytes[at]!;
    if (byte !== 0x20 && byte !== 0x09 && byte !== CARRIAGE_RETURN) return false;
  }
  return true;
}

interface Place {
  readonly offset: number;
  readonly length: number;
  readonly line: number;
}

/** The documents so far, column by column. */
class DocumentRows {
  readonly #reader: RecordReader;
  readonly #source: string;
  readonly #text = new Column();
  readonly #id = new Column();
  readonly #meta = new Column();
  readonly #sources = new Map<string, number>();
  readonly #sourceIndex: number[] = [];
  readonly #places: Place[] = [];
  readonly #scores: number[] = [];
  readonly #rejected: (Place & { readonly reason: string; readonly detail: string })[] = [];

  constructor(options: ScanOptions & RecordFields) {
    this.#reader = new RecordReader(options);
    this.#source = options.source;
  }

  reject(place: Place, reason: string, detail: string): void {
    this.#rejected.push({ ...place, reason, detail });
  }

  read(bytes: Uint8Array, begin: number, end: number, place: Place): void {
    const reader = this.#reader;
    const fault = reader.read(bytes, begin, end);
    if (fault !== undefined) {
      this.reject(place, fault.reason, fault.detail);
      return;
    }
    this.#text.add(reader.text.view());
    this.#meta.add(reader.meta.view());
    this.#id.add(reader.hasId ? reader.id.view() : Buffer.from(`${this.#source}#${place.offset}`));
    const source = reader.hasSource ? decoder.decode(reader.source.view()) : this.#source;
    if (!this.#sources.has(source)) this.#sources.set(source, this.#sources.size);
    this.#sourceIndex.push(this.#sources.get(source)!);
    this.#scores.push(reader.score);
    this.#places.push(place);
  }

  finish(numLines: number): ScannedLines {
    const places = this.#places;
    return {
      numDocuments: places.length,
      text: this.#text.bytes.copy(),
      textOffsets: Uint32Array.from(this.#text.offsets),
      id: this.#id.bytes.copy(),
      idOffsets: Uint32Array.from(this.#id.offsets),
      meta: this.#meta.bytes.copy(),
      metaOffsets: Uint32Array.from(this.#meta.offsets),
      sources: [...this.#sources.keys()],
      sourceIndex: Uint32Array.from(this.#sourceIndex),
      recordOffset: Float64Array.from(places, ({ offset }) => offset),
      recordLength: Uint32Array.from(places, ({ length }) => length),
      recordLine: Float64Array.from(places, ({ line }) => line),
      rejected: this.#rejected,
      numLines,
      scores: Float64Array.from(this.#scores),
    };
  }
}

class Column {
  readonly bytes = new ByteSink(1 << 16);
  readonly offsets = [0];

  add(row: Uint8Array): void {
    this.bytes.append(row);
    this.offsets.push(this.bytes.length);
  }
}
