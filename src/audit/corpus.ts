// The records of dedup's inputs, in the order of the input, cut by this program's plainest means: docs/formats/corpus.md.
import { decompress } from "../base/decompress.js";
import { forEachLine, type Line } from "../base/lines.js";
import { streamStored } from "../base/storage/index.js";
import { type AuditInput, MAX_LINE_BYTES } from "./dedup-output.js";
import { type ReadRecord, type RecordFields, readRecord, readText } from "./record.js";

export interface CorpusRecord {
  /** Index of the input. */
  readonly input: number;
  /** Of its first byte in the decompressed stream. */
  readonly offset: number;
  /** From 1; 0 in a text file. */
  readonly line: number;
  /** Without the line end; a view, valid during the visit. Undefined: too long to be read. */
  readonly bytes: Buffer | undefined;
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const CARRIAGE_RETURN = 0x0d;

/** Visits every record of one input; a line of white space alone is none. */
export async function forEachRecord(
  file: AuditInput,
  input: number,
  visit: (record: CorpusRecord) => void,
): Promise<void> {
  const { path, format, version } = file;
  if (format === "text") {
    const bytes = await readWhole(file);
    if (bytes === undefined || bytes.length > 0) visit({ input, offset: 0, line: 0, bytes });
    return;
  }
  const visitLine = (line: Line): void => {
    const record = recordOf(line, input);
    if (record !== undefined) visit(record);
  };
  const compression = file.compression === "none" ? undefined : file.compression;
  await forEachLine(path, visitLine, { compression, maxLineBytes: MAX_LINE_BYTES, version });
}

function recordOf({ bytes: whole, offset: begin, number }: Line, input: number): CorpusRecord | undefined {
  let [bytes, offset] = [whole, begin];
  if (offset === 0 && bytes?.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) {
    bytes = bytes.subarray(BYTE_ORDER_MARK.length);
    offset += BYTE_ORDER_MARK.length;
  }
  if (bytes !== undefined) {
    if (bytes.at(-1) === CARRIAGE_RETURN) bytes = bytes.subarray(0, -1);
    if (isBlank(bytes)) return undefined;
  }
  return { input, offset, line: number, bytes };
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== CARRIAGE_RETURN) return false;
  return true;
}

/** Undefined: too long to be read. */
async function readWhole({ path, compression, version }: AuditInput): Promise<Buffer | undefined> {
  const stored = (): AsyncIterable<Uint8Array> => streamStored(path, version);
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of compression === "none" ? stored() : decompress(stored, compression)) {
    sizeBytes += piece.length;
    if (sizeBytes > MAX_LINE_BYTES) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

export function readCorpusRecord(
  { bytes }: Pick<CorpusRecord, "bytes">,
  { format }: AuditInput,
  fields: RecordFields,
): ReadRecord {
  return format === "text" && bytes !== undefined
    ? readText(bytes, fields.maxDocumentBytes)
    : readRecord(bytes, fields);
}

/** The id a document goes by: its own, or one made of its place. */
export function idOfRecord(own: string | undefined, { source }: AuditInput, offset: number): string {
  return own ?? `${source}#${offset}`;
}
