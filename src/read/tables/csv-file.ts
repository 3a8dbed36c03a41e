// CSV and TSV files: planning finds the header and where records end, reading makes lines of JSON of whole records.
import { isUtf8 } from "node:buffer";
import { invalid } from "../../base/errors.js";
import { isRemote } from "../../base/storage/index.js";
import type { BlockRef, Payload, ReadOptions } from "../../records/block-reader.js";
import { blockBytes, checkLength } from "../block-bytes.js";
import type { StreamBlock } from "../line-stream.js";
import { type CorpusBytes, storedBytes } from "../stored-bytes.js";
import { checkColumns } from "./columns.js";
import { CsvRecord, countLines, DELIMITERS } from "./csv-record.js";
import { CsvStream } from "./csv-stream.js";
import type { RowLines } from "./row-lines.js";

/** A header is no document. */
const MAX_HEADER_BYTES = 2 ** 20;

const PIECE_BYTES = 2 ** 20;

const MARK_BYTES = 3;

export type CsvFile = CorpusBytes & { readonly format: "csv" | "tsv" };

/** The names in the header, which is the first record; undefined: the file has no record. */
export async function csvColumns(csv: CsvFile): Promise<readonly string[] | undefined> {
  const delimiter = DELIMITERS[csv.format];
  const stream = new CsvStream(delimiter, 1, MAX_HEADER_BYTES);
  const refuse = (found: string, hint?: string): Error =>
    invalid("table-columns", `expected the names of columns in the first record of ${csv.file}, got ${found}`, {
      where: { file: csv.file, line: 1, offset: 0 },
      hint,
    });
  const record = new CsvRecord(delimiter);
  const namesIn = ({ start, bytes }: StreamBlock): string[] | undefined => {
    if (bytes === undefined) throw refuse(`one of over ${MAX_HEADER_BYTES} bytes`);
    const header = Buffer.concat(bytes.map((part) => new Uint8Array(part)));
    record.read(header, start === 0 ? markLength(header) : 0);
    if (record.isBlank) return undefined;
    if (record.fault !== undefined) {
      const endsInCr = header.includes(0x0d) && !header.includes(0x0a);
      if (endsInCr) throw refuse("line ends of CR alone", "write it again with LF or CRLF at the ends of lines");
      throw refuse(`a faulty one: ${record.fault}`);
    }
    if (!isUtf8(header)) throw refuse("bytes that are not UTF-8");
    return Array.from({ length: record.numFields }, (_, field) => record.bytesOf(header, field).toString());
  };
  for await (const chunk of storedBytes(csv)) {
    for (const block of stream.push(chunk)) {
      const names = namesIn(block);
      if (names !== undefined) return names;
    }
  }
  for (const block of stream.end(false)) {
    const names = namesIn(block);
    if (names !== undefined) return names;
  }
  return undefined;
}

function markLength(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? MARK_BYTES : 0;
}

export interface CsvSlice extends StreamBlock {
  readonly columns: readonly string[];
}

/** Blocks of whole records, in order; without `keepsBytes` their places alone. */
export async function* planCsv(
  csv: CsvFile,
  options: ReadOptions,
  { blockBytes, maxRecordBytes }: { readonly blockBytes: number; readonly maxRecordBytes: number },
  keepsBytes: boolean,
): AsyncIterable<CsvSlice> {
  const columns = await csvColumns(csv);
  if (columns === undefined) return;
  checkColumns(csv.file, columns, options);
  const stream = new CsvStream(DELIMITERS[csv.format], blockBytes, maxRecordBytes, { keepsBytes });
  let damage: unknown;
  try {
    for await (const chunk of storedBytes(csv)) {
      for (const block of stream.push(chunk)) yield { ...block, columns };
    }
  } catch (error) {
    damage = error;
  }
  for (const block of stream.end(damage !== undefined)) yield { ...block, columns };
  if (damage !== undefined) throw damage;
}

/** Whether any worker can read a block of the file from where it stands at little cost. */
export function isReadInRanges({ file, compression, encoding }: CsvFile): boolean {
  return compression === "none" && encoding === undefined && !isRemote(file);
}

/** Whole records of the block, about a MiB at a time. */
async function* pieces(ref: BlockRef, payload: Payload | undefined): AsyncIterable<Buffer> {
  if (payload !== undefined) {
    for (const part of payload) yield Buffer.from(part);
    return;
  }
  const stream = new CsvStream(DELIMITERS[ref.format as CsvFile["format"]], PIECE_BYTES, Number.POSITIVE_INFINITY, {
    start: ref.start,
  });
  const whole = ({ bytes = [] }: StreamBlock): Buffer => Buffer.concat(bytes.map((part) => new Uint8Array(part)));
  for await (const chunk of blockBytes(ref)) for (const block of stream.push(chunk)) yield whole(block);
  for (const block of stream.end(false)) yield whole(block);
}

/** Fills `rows` again and again; each time it is the caller's to empty. The header is counted and passed over. */
export async function* readCsv(
  ref: BlockRef,
  { columns }: { readonly columns: readonly string[] },
  options: ReadOptions,
  payload: Payload | undefined,
  rows: RowLines,
): AsyncIterable<void> {
  const keys = columns.map((name) => `${JSON.stringify(name)}:`);
  const textColumn = columns.indexOf(options.textField);
  const record = new CsvRecord(DELIMITERS[ref.format as CsvFile["format"]]);
  let isHeader = ref.start === 0;
  let offset = ref.start;
  let line = 1;
  for await (const bytes of pieces(ref, payload)) {
    const lineBefore = line;
    for (let at = offset === 0 ? markLength(bytes) : 0; at < bytes.length; at = record.next) {
      record.read(bytes, at);
      if (isHeader && !record.isBlank) isHeader = false;
      else if (!record.isBlank) addRow(rows, record, bytes, offset + at, line, keys, textColumn);
      if (record.fault !== undefined) rows.refusedBytes += record.next - at;
      line += countLines(bytes, at, record.next);
    }
    if (bytes.length > 0 && bytes[bytes.length - 1] !== 0x0a) line += 1;
    rows.numLines += line - lineBefore;
    offset += bytes.length;
    yield;
  }
  checkLength(ref, offset - ref.start);
}

function addRow(
  rows: RowLines,
  record: CsvRecord,
  bytes: Buffer,
  offset: number,
  line: number,
  keys: readonly string[],
  textColumn: number,
): void {
  const fault =
    record.fault ??
    (record.numFields === keys.length ? undefined : `expected ${keys.length} fields, got ${record.numFields}`);
  if (fault !== undefined) {
    rows.faults.push({ offset, line, reason: "invalid-csv", detail: fault });
    return;
  }
  rows.beginRow();
  for (let field = 0; field < keys.length; field += 1) {
    const [start, end] = [record.starts[field]!, record.ends[field]!];
    // What is left empty has no value, but for the text: that is an empty one.
    if (start === end && !record.isQuoted[field] && field !== textColumn) continue;
    rows.member(keys[field]!);
    rows.text(record.bytesOf(bytes, field));
  }
  rows.endRow(offset, line);
}
