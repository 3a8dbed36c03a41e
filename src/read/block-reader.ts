// BlockReader over corpus files: a block of bytes becomes documents, in native code for lines and here for whole texts.
import { isUtf8 } from "node:buffer";
import { open } from "node:fs/promises";
import { invalid } from "../base/errors.js";
import { native } from "../native.js";
import type { BlockReader, BlockRef, LinePiece, ReadBlock, ReadOptions, RecordPiece } from "../records/block-reader.js";
import type { DocumentBlock, RejectedRecord } from "../records/document-block.js";
import type { FileRef } from "../records/stage.js";
import { jsonChunks } from "./json-file.js";
import { bytesPieces, filePieces } from "./line-pieces.js";
import { joinBytes } from "./line-stream.js";
import { type Limits, planBlocks } from "./plan.js";
import { bytesRecords, fileRecords } from "./record-pieces.js";
import { storedBytes } from "./stored-bytes.js";

const encoder = new TextEncoder();
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** `limits` are for tests: the real ones depend on the inputs alone. */
export function createBlockReader(limits?: Limits): BlockReader {
  return {
    plan: (inputs: readonly FileRef[], options: ReadOptions, isDone: (id: string) => boolean) =>
      planBlocks(inputs, options, isDone, limits),
    read: readBlock,
    pieces: (ref, payload) => readPieces(ref, payload, limits?.pieceBytes),
    records: (ref, offsets, lengths, payload) => readRecords(ref, offsets, lengths, payload, limits?.pieceBytes),
  };
}

export const blockReader: BlockReader = createBlockReader();

async function readBlock(ref: BlockRef, options: ReadOptions, payload?: ArrayBuffer): Promise<ReadBlock> {
  if (ref.oversized === true) return rejectedRecord(ref, "too-long", `a record of ${ref.end - ref.start} bytes`);
  if (ref.refused !== undefined) return rejectedRecord(ref, ref.refused.reason, ref.refused.detail);
  const raw = payload === undefined ? await readBytes(ref, options) : new Uint8Array(payload);
  checkLength(ref, raw.length);
  return ref.format === "text" ? textBlock(ref, raw, options) : linesBlock(ref, raw, options);
}

function checkLength(ref: BlockRef, length: number): void {
  if (length !== ref.end - ref.start) throw inputChanged(ref, length);
}

function inputChanged(ref: BlockRef, length: number): Error {
  return invalid("input-changed", `expected ${ref.end - ref.start} bytes in block ${ref.id}, got ${length}`, {
    where: { file: ref.file, offset: ref.start },
    hint: "the file changed while it was read; run again when it is complete",
  });
}

async function* readPieces(
  ref: BlockRef,
  payload: ArrayBuffer | undefined,
  pieceBytes: number | undefined,
): AsyncIterable<LinePiece> {
  if (ref.oversized === true) return;
  const pieces =
    ref.compression === "none"
      ? filePieces(ref.file, ref.start, ref.end, pieceBytes)
      : bytesPieces(payload === undefined ? await readStored(ref) : new Uint8Array(payload), ref.start, pieceBytes);
  let length = 0;
  for await (const piece of pieces) {
    length += piece.bytes.length;
    yield piece;
  }
  checkLength(ref, length);
}

async function* readRecords(
  ref: BlockRef,
  offsets: Float64Array,
  lengths: Uint32Array,
  payload: ArrayBuffer | undefined,
  pieceBytes: number | undefined,
): AsyncIterable<RecordPiece> {
  if (ref.compression === "none") {
    const cutShort = (position: number): Error => inputChanged(ref, position - ref.start);
    yield* fileRecords(ref.file, offsets, lengths, cutShort, pieceBytes);
    return;
  }
  const bytes = payload === undefined ? await readStored(ref) : new Uint8Array(payload);
  checkLength(ref, bytes.length);
  yield* bytesRecords(bytes, ref.start, offsets, lengths, pieceBytes);
}

function linesBlock(ref: BlockRef, raw: Uint8Array, options: ReadOptions): ReadBlock {
  const { rejected, numLines, ...block } = native().scanJsonl(raw, {
    textField: options.textField,
    idField: options.idField,
    sourceField: options.sourceField,
    scoreField: "",
    maxDocumentBytes: options.maxDocumentBytes,
    source: ref.source,
    baseOffset: ref.start,
    baseLine: 0,
    values: ref.format === "json",
  });
  return { block, rejected: rejected.map((record) => ofFile(ref, record)), raw, numLines };
}

function ofFile(ref: BlockRef, record: Omit<RejectedRecord, "file">): RejectedRecord {
  const { offset, line, reason, detail } = record;
  return { file: ref.file, offset, line, reason, ...(detail ? { detail } : {}) };
}

/** The whole file is one document, `<source>#0`, without a byte order mark. It has no lines. */
function textBlock(ref: BlockRef, raw: Uint8Array, options: ReadOptions): ReadBlock {
  const reject = (reason: string, detail: string): ReadBlock => {
    const record = { file: ref.file, offset: ref.start, line: 0, reason, detail };
    return { block: documentBlock(ref, undefined, raw.length), rejected: [record], raw, numLines: 0 };
  };
  if (!isUtf8(raw)) return reject("invalid-utf8", "the text is not UTF-8");
  const text = BYTE_ORDER_MARK.every((byte, i) => raw[i] === byte) ? raw.subarray(BYTE_ORDER_MARK.length) : raw;
  const { maxDocumentBytes } = options;
  if (maxDocumentBytes > 0 && text.length > maxDocumentBytes) return reject("too-long", `${text.length} bytes of text`);
  return { block: documentBlock(ref, text, raw.length), rejected: [], raw, numLines: 0 };
}

/** A block of one document, or of none. */
function documentBlock(ref: BlockRef, text: Uint8Array | undefined, recordLength: number): DocumentBlock {
  const one = text !== undefined;
  const id = encoder.encode(one ? `${ref.source}#0` : "");
  const meta = encoder.encode(one ? "{}" : "");
  const offsets = (length: number): Uint32Array => (one ? Uint32Array.of(0, length) : Uint32Array.of(0));
  return {
    numDocuments: one ? 1 : 0,
    text: text ?? new Uint8Array(0),
    textOffsets: offsets(text?.length ?? 0),
    id,
    idOffsets: offsets(id.length),
    meta,
    metaOffsets: offsets(meta.length),
    sources: [ref.source],
    sourceIndex: one ? Uint32Array.of(0) : new Uint32Array(0),
    recordOffset: one ? Float64Array.of(0) : new Float64Array(0),
    recordLength: one ? Uint32Array.of(recordLength) : new Uint32Array(0),
    recordLine: new Float64Array(one ? 1 : 0),
  };
}

/** A block that is one record, rejected unread. */
function rejectedRecord(ref: BlockRef, reason: string, detail: string): ReadBlock {
  const numLines = ref.format === "text" ? 0 : 1;
  return {
    block: documentBlock(ref, undefined, 0),
    rejected: [{ file: ref.file, offset: ref.start, line: numLines, reason, detail }],
    raw: new Uint8Array(0),
    numLines,
  };
}

async function readBytes(ref: BlockRef, { recordsField }: ReadOptions): Promise<Uint8Array> {
  if (ref.format === "json" || ref.compression !== "none") return readStored(ref, recordsField);
  const bytes = new Uint8Array(ref.end - ref.start);
  let filled = 0;
  const file = await open(ref.file, "r");
  try {
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, ref.start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
  } finally {
    await file.close();
  }
  return bytes.subarray(0, filled);
}

/** A block of a file that is read as a stream and whose bytes nobody carried along: everything before it is read again. */
async function readStored(ref: BlockRef, recordsField = ""): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let offset = 0;
  let sizeBytes = 0;
  const chunks = ref.format === "json" ? linesOfJson(ref, recordsField) : storedBytes(ref.file, ref.compression);
  for await (const chunk of chunks) {
    const part = chunk.subarray(Math.max(0, ref.start - offset), Math.max(0, ref.end - offset));
    if (part.length > 0) parts.push(part);
    sizeBytes += part.length;
    offset += chunk.length;
    if (offset >= ref.end) break;
  }
  return new Uint8Array(joinBytes(parts, sizeBytes));
}

async function* linesOfJson(ref: BlockRef, recordsField: string): AsyncIterable<Uint8Array> {
  for await (const { bytes } of jsonChunks(ref.file, ref.compression, recordsField)) yield bytes;
}
