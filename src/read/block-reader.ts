// BlockReader over corpus files: a block of bytes becomes documents, in native code for lines and here for whole texts.
import { isUtf8 } from "node:buffer";
import { invariant } from "../base/errors.js";
import { isRemote } from "../base/storage/index.js";
import { isTable, ownFields } from "../formats/corpus.js";
import { native } from "../native.js";
import type {
  BlockReader,
  BlockRef,
  LinePiece,
  Payload,
  ReadBlock,
  ReadOptions,
  ReadPiece,
  RecordPiece,
} from "../records/block-reader.js";
import type { DocumentBlock, RejectedRecord } from "../records/document-block.js";
import type { FileRef } from "../records/stage.js";
import { checkLength, inputChanged, isRange, wholeBlock } from "./block-bytes.js";
import { PIECE_BYTES } from "./buffers.js";
import { faultOf, findEncoding, noteOf, wrongEncoding } from "./encoding.js";
import { transcodeAll } from "./encodings/index.js";
import { allWithFixedSource, withFixedSource } from "./fixed-source.js";
import { bytesPieces, endOfPiece, filePieces, payloadPieces } from "./line-pieces.js";
import { joinBytes } from "./line-stream.js";
import { type Limits, planBlocks } from "./plan.js";
import { fileRecords, payloadRecords } from "./record-pieces.js";
import { remoteRecords } from "./remote-records.js";
import { scanOptionsOf } from "./scan-options.js";

/** Small records take more memory for what is known of them than for themselves: so many at a time, about. */
const RECORDS_A_PIECE = 2 ** 13;
/** From which their size is learnt. */
const FIRST_PIECE_BYTES = 2 ** 16;

const encoder = new TextEncoder();
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** `limits` are for tests: the real ones depend on the inputs alone. */
export function createBlockReader(limits?: Limits): BlockReader {
  return {
    plan: (inputs: readonly FileRef[], options: ReadOptions, isDone: (id: string) => boolean) =>
      planBlocks(inputs, options, isDone, limits),
    read: async (ref, options, payload) =>
      withNote(withFixedSource(await readBlock(ref, ownFields(options, ref), payload), ref), ref),
    documents: (ref, options, payload) =>
      allWithNote(
        allWithFixedSource(readDocuments(ref, ownFields(options, ref), payload, limits?.pieceBytes), ref),
        ref,
      ),
    pieces: (ref, payload) => readPieces(ref, undefined, payload, limits?.pieceBytes),
    records: (ref, offsets, lengths, payload) => readRecords(ref, offsets, lengths, payload, limits?.pieceBytes),
  };
}

export const blockReader: BlockReader = createBlockReader();

/** A file that is decoded unasked is told of with its first block. */
function withNote<P extends ReadPiece>(piece: P, { file, start, encoding, encodingByMark }: BlockRef): P {
  return start > 0 || encodingByMark === undefined ? piece : { ...piece, note: noteOf(file, encoding!) };
}

async function* allWithNote(pieces: AsyncIterable<ReadPiece>, ref: BlockRef): AsyncIterable<ReadPiece> {
  let isFirst = true;
  for await (const piece of pieces) {
    yield isFirst ? withNote(piece, ref) : piece;
    isFirst = false;
  }
}

async function readBlock(ref: BlockRef, options: ReadOptions, payload?: Payload): Promise<ReadBlock> {
  if (ref.oversized === true) return rejectedRecord(ref, "too-long", `a record of ${ref.end - ref.start} bytes`);
  if (ref.refused !== undefined) return rejectedRecord(ref, ref.refused.reason, ref.refused.detail);
  if (ref.table !== undefined) return wholeTable(ref, options, payload);
  const raw = payload === undefined ? await wholeBlock(ref, options.recordsField) : wholeOf(payload);
  checkLength(ref, raw.length);
  if (ref.format === "text") return textBlock(ref, raw, options);
  return { ...scanLines(ref, { bytes: raw, offset: ref.start }, beginOf(ref), options).piece, raw };
}

/** Rows have no bytes of their own to hand on. */
async function wholeTable(ref: BlockRef, options: ReadOptions, payload: Payload | undefined): Promise<ReadBlock> {
  const { tableDocuments } = await import("./tables/table-documents.js");
  const pieces: ReadPiece[] = [];
  for await (const piece of tableDocuments(ref, options, payload, Number.POSITIVE_INFINITY)) pieces.push(piece);
  const [whole] = pieces;
  invariant(whole !== undefined && pieces.length === 1, `expected one piece of block ${ref.id}, got ${pieces.length}`);
  return { ...whole, raw: new Uint8Array(0) };
}

async function* readDocuments(
  ref: BlockRef,
  options: ReadOptions,
  payload: Payload | undefined,
  pieceBytes: number | undefined,
): AsyncIterable<ReadPiece> {
  if (ref.format === "text" || ref.oversized === true || ref.refused !== undefined) {
    yield await readBlock(ref, options, payload);
    return;
  }
  if (ref.table !== undefined) {
    const { tableDocuments } = await import("./tables/table-documents.js");
    yield* tableDocuments(ref, options, payload, pieceBytes ?? PIECE_BYTES);
    return;
  }
  let [before, goalBytes] = [beginOf(ref), FIRST_PIECE_BYTES];
  for await (const { bytes, offset } of readPieces(ref, options.recordsField, payload, pieceBytes)) {
    for (let begin = 0; begin < bytes.length; ) {
      const end = endOfPiece(bytes, begin, goalBytes);
      const { piece, after } = scanLines(
        ref,
        { bytes: bytes.subarray(begin, end), offset: offset + begin },
        before,
        options,
      );
      before = after;
      goalBytes = Math.ceil((RECORDS_A_PIECE * (end - begin)) / Math.max(1, piece.numLines));
      begin = end;
      yield piece;
    }
  }
}

async function* readPieces(
  ref: BlockRef,
  recordsField: string | undefined,
  payload: Payload | undefined,
  pieceBytes: number | undefined,
): AsyncIterable<LinePiece> {
  if (ref.oversized === true) return;
  const pieces =
    payload !== undefined
      ? payloadPieces(payload, ref.start, pieceBytes)
      : isRange(ref)
        ? filePieces(ref.file, ref.version, ref.start, ref.end, pieceBytes)
        : bytesPieces(await wholeBlock(ref, recordsField), ref.start, pieceBytes);
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
  payload: Payload | undefined,
  pieceBytes: number | undefined,
): AsyncIterable<RecordPiece> {
  if (isRange(ref)) {
    const cutShort = (position: number): Error => inputChanged(ref, position - ref.start);
    if (isRemote(ref.file)) yield* remoteRecords(ref, offsets, lengths, cutShort);
    else yield* fileRecords(ref.file, offsets, lengths, cutShort, pieceBytes);
    return;
  }
  const parts = payload ?? [(await wholeBlock(ref)).buffer];
  checkLength(
    ref,
    parts.reduce((sum, part) => sum + part.byteLength, 0),
  );
  yield* payloadRecords(parts, ref.start, offsets, lengths, pieceBytes);
}

function wholeOf(payload: Payload): Uint8Array {
  const parts = payload.map((part) => new Uint8Array(part));
  if (parts.length === 1) return parts[0]!;
  return new Uint8Array(joinBytes(parts));
}

/** What the scan of a block has to know of what it has seen of it. */
interface ScanPlace {
  readonly lines: number;
  readonly valueBegin: number;
}

function beginOf({ valueBegin = 0 }: BlockRef): ScanPlace {
  return { lines: 0, valueBegin };
}

function scanLines(
  ref: BlockRef,
  { bytes, offset }: LinePiece,
  before: ScanPlace,
  options: ReadOptions,
): { readonly piece: ReadPiece; readonly after: ScanPlace } {
  const {
    rejected,
    numLines,
    valueBegin = 0,
    ...block
  } = native().scanJsonl(bytes, {
    ...scanOptionsOf(ref, options),
    baseOffset: offset,
    baseLine: before.lines,
    values: ref.format === "json",
    recordsField: options.recordsField ?? "",
    valueBegin: before.valueBegin,
  });
  const piece = { block, rejected: rejected.map((record) => ofFile(ref, record)), numLines };
  return { piece, after: { lines: before.lines + numLines, valueBegin } };
}

function ofFile(ref: BlockRef, record: Omit<RejectedRecord, "file">): RejectedRecord {
  const { offset, line } = record;
  const { reason, detail } = faultOf(ref.encoding, record.reason, record.detail);
  return { file: ref.file, offset, line, reason, ...(detail ? { detail } : {}) };
}

/** The whole file is one document, `<source>#0`, without a byte order mark. It has no lines. */
function textBlock(ref: BlockRef, raw: Uint8Array, options: ReadOptions): ReadBlock {
  const { encoding, byMark, fault } = findEncoding(raw, options.encoding);
  if (fault !== undefined && options.encoding !== undefined) throw wrongEncoding(ref.file, fault, options.encoding);
  const note = byMark === undefined ? {} : { note: noteOf(ref.file, encoding!) };
  const reject = (reason: string, detail: string): ReadBlock => {
    const record = { file: ref.file, offset: ref.start, line: 0, ...faultOf(encoding, reason, detail) };
    return { block: documentBlock(ref, undefined, raw.length), rejected: [record], raw, numLines: 0, ...note };
  };
  if (fault !== undefined) return reject("invalid-utf8", `the text has ${fault.found}`);
  const utf8 = encoding === undefined ? raw : transcodeAll(raw, encoding);
  if (!isUtf8(utf8)) return reject("invalid-utf8", "the text is not UTF-8");
  const text = BYTE_ORDER_MARK.every((byte, i) => utf8[i] === byte) ? utf8.subarray(BYTE_ORDER_MARK.length) : utf8;
  const { maxDocumentBytes } = options;
  if (maxDocumentBytes > 0 && text.length > maxDocumentBytes) return reject("too-long", `${text.length} bytes of text`);
  return { block: documentBlock(ref, text, raw.length), rejected: [], raw, numLines: 0, ...note };
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
    // A line that is too long is one record; what an open quote makes of CSV may be all the rest.
    ...(ref.oversized === true && !isTable(ref.format) ? {} : { refusedBytes: ref.end - ref.start }),
  };
}
