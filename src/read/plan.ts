// Cuts corpus files into blocks: plain files by ranges that any worker can read, those that are compressed or not UTF-8 by one
// sequential reader whose blocks carry their bytes.
import { isRemote, openStored } from "../base/storage/index.js";
import {
  blockBytes,
  blockId,
  isTable,
  MAX_RECORD_BYTES,
  ownFields,
  refuseStatedEncoding,
  requireCorpusKind,
  sourceNames,
} from "../formats/corpus.js";
import type { BlockRef, Payload, ReadOptions, TableFormat } from "../records/block-reader.js";
import type { FileRef } from "../records/stage.js";
import { encodingOf } from "./encoding.js";
import { jsonChunks, lastValueBegin, type RefusedBytes } from "./json-file.js";
import { cutAtLines } from "./line-cuts.js";
import { LineStream, type StreamBlock } from "./line-stream.js";
import { storedBytes } from "./stored-bytes.js";

/** Files whose first bytes are looked at, while the blocks of one are read. */
const ASKED_AT_A_TIME = 16;

export interface PlannedBlock {
  readonly ref: BlockRef;
  readonly payload?: Payload;
}

/** Sizes that tests make small. */
export interface Limits {
  readonly blockBytes: number;
  readonly maxRecordBytes: number;
  /** Of the pieces that a block is read in. */
  readonly pieceBytes?: number;
}

type FileOfBlocks = Omit<BlockRef, "id" | "start" | "end" | "oversized" | "refused" | "valueBegin" | "table"> & {
  readonly input: number;
  readonly sizeBytes: number;
};

export function defaultLimits(inputs: readonly FileRef[]): Limits {
  const total = inputs.reduce((sum, input) => sum + input.sizeBytes, 0);
  return { blockBytes: blockBytes(total), maxRecordBytes: MAX_RECORD_BYTES };
}

/** Refuses files that are no corpus files before any of them is read. */
export async function* planBlocks(
  inputs: readonly FileRef[],
  options: ReadOptions,
  isDone: (id: string) => boolean,
  limits: Limits = defaultLimits(inputs),
): AsyncIterable<PlannedBlock> {
  const kinds = inputs.map((input) => requireCorpusKind(input.path));
  const sources = sourceNames(kinds.map((kind) => kind.stem));
  const files = inputs.map(({ path, sizeBytes, digest, fields }, index): FileOfBlocks => {
    const { format, compression } = kinds[index]!;
    const own = { ...(isRemote(path) ? { version: digest } : {}), ...(fields === undefined ? {} : { fields }) };
    return { input: index, file: path, ...own, source: sources[index]!, format, compression, sizeBytes };
  });
  for await (const file of ahead(files, (file) => withEncoding(file, ownFields(options, file).encoding))) {
    const { format } = file;
    if (isTable(format)) yield* planTable({ ...file, format }, ownFields(options, file), isDone, limits);
    else if (format === "json") yield* planJson(file, ownFields(options, file).recordsField ?? "", isDone, limits);
    else if (file.compression !== "none" || file.encoding !== undefined) yield* planStream(file, isDone, limits);
    else yield* planRanges(file, isDone, limits);
  }
}

/** A text is decoded by who reads it, as a whole; of Parquet and Arrow there is nothing to decode. */
async function withEncoding(file: FileOfBlocks, stated: string | undefined): Promise<FileOfBlocks> {
  if (file.format === "text") return file;
  if (file.format === "parquet" || file.format === "arrow") {
    refuseStatedEncoding(file.file, stated);
    return file;
  }
  const { encoding, byMark } = await encodingOf(file, stated);
  if (encoding === undefined) return file;
  return { ...file, encoding, ...(byMark === undefined ? {} : { encodingByMark: true }) };
}

/** What `make` gives for each item, in order; of the next few it is waited for at the same time. */
async function* ahead<T, R>(items: readonly T[], make: (item: T) => Promise<R>): AsyncIterable<R> {
  const making: Promise<R>[] = [];
  for (const item of items) {
    if (making.length === ASKED_AT_A_TIME) yield await making.shift()!;
    const made = make(item);
    // It is awaited later, but may fail before, or never be asked for.
    made.catch(() => undefined);
    making.push(made);
  }
  for (const made of making) yield await made;
}

type Slice = StreamBlock & Partial<Pick<BlockRef, "refused" | "valueBegin" | "table" | "oversized">>;

/** Makes the blocks of a file, one after another: numbers them, and drops the bytes of those that are done. */
function blockMaker(file: FileOfBlocks, isDone: (id: string) => boolean): (slice: Slice) => PlannedBlock {
  const { input, sizeBytes: _sizeBytes, ...common } = file;
  let number = 0;
  return ({ bytes, ...slice }) => {
    const ref = { id: blockId(input, number), ...common, ...slice };
    number += 1;
    return bytes === undefined || isDone(ref.id) ? { ref } : { ref, payload: bytes };
  };
}

/** A stream keeps the bytes of all records but those that are too long. */
function ofStream(block: StreamBlock): Slice {
  return block.bytes === undefined ? { ...block, oversized: true } : block;
}

async function* planRanges(
  file: FileOfBlocks,
  isDone: (id: string) => boolean,
  limits: Limits,
): AsyncIterable<PlannedBlock> {
  const { sizeBytes } = file;
  const planned = blockMaker(file, isDone);
  if (file.format === "text") {
    const whole = { start: 0, end: sizeBytes };
    if (sizeBytes > 0) yield planned(sizeBytes > limits.maxRecordBytes ? { ...whole, oversized: true } : whole);
    return;
  }
  // What fits into a block is not even opened.
  if (sizeBytes <= Math.min(limits.blockBytes, limits.maxRecordBytes)) {
    if (sizeBytes > 0) yield planned({ start: 0, end: sizeBytes });
    return;
  }
  const handle = await openStored(file.file, file.version);
  try {
    for await (const range of cutAtLines(handle, sizeBytes, limits.blockBytes, limits.maxRecordBytes)) {
      yield planned(range);
    }
  } finally {
    await handle.close();
  }
}

async function* planStream(
  file: FileOfBlocks,
  isDone: (id: string) => boolean,
  limits: Limits,
): AsyncIterable<PlannedBlock> {
  const lines = new LineStream(limits.blockBytes, limits.maxRecordBytes, file.format === "jsonl");
  const planned = blockMaker(file, isDone);
  let damage: unknown;
  try {
    for await (const chunk of storedBytes(file)) {
      for (const block of lines.push(chunk)) yield planned(ofStream(block));
    }
  } catch (error) {
    damage = error;
  }
  for (const block of lines.end(damage !== undefined)) yield planned(ofStream(block));
  if (damage !== undefined) throw damage;
}

async function* planTable(
  file: FileOfBlocks & { readonly format: TableFormat },
  options: ReadOptions,
  isDone: (id: string) => boolean,
  limits: Limits,
): AsyncIterable<PlannedBlock> {
  const { tableSlices } = await import("./tables/table-slices.js");
  const planned = blockMaker(file, isDone);
  for await (const slice of tableSlices(file, options, limits)) {
    yield planned(slice.table === undefined ? { ...slice, oversized: true } : slice);
  }
}

async function* planJson(
  file: FileOfBlocks,
  path: string,
  isDone: (id: string) => boolean,
  limits: Limits,
): AsyncIterable<PlannedBlock> {
  const lines = new LineStream(limits.blockBytes, limits.maxRecordBytes, true);
  const make = blockMaker(file, isDone);
  let valueBegin: number | undefined;
  const planned = (block: StreamBlock): PlannedBlock => {
    const { start, bytes } = block;
    const made = make(valueBegin === undefined ? ofStream(block) : { ...ofStream(block), valueBegin });
    if (path !== "" && bytes !== undefined) valueBegin = lastValueBegin(start, bytes) ?? valueBegin;
    return made;
  };
  let completeUntil = 0;
  let damage: unknown;
  let rest: RefusedBytes | undefined;
  try {
    for await (const chunk of jsonChunks(file, path, limits.pieceBytes)) {
      for (const block of lines.push(chunk.bytes)) yield planned(block);
      completeUntil = chunk.completeUntil;
      for (const block of lines.cutWithin(completeUntil)) yield planned(block);
      rest = chunk.refused;
    }
  } catch (error) {
    damage = error;
  }
  lines.truncate(completeUntil);
  for (const block of lines.end(false)) yield planned(block);
  if (rest !== undefined) {
    const { start, end, ...refused } = rest;
    yield make({ start, end, refused });
  }
  if (damage !== undefined) throw damage;
}
