// Cuts corpus files into blocks: plain files by ranges that any worker can read, compressed ones by one sequential reader
// whose blocks carry their bytes.
import { isRemote, openStored } from "../base/storage/index.js";
import {
  blockBytes,
  blockId,
  isTable,
  MAX_RECORD_BYTES,
  ownFields,
  requireCorpusKind,
  sourceNames,
} from "../formats/corpus.js";
import type { BlockRef, Payload, ReadOptions, TableFormat } from "../records/block-reader.js";
import type { FileRef } from "../records/stage.js";
import { jsonChunks, type RefusedBytes } from "./json-file.js";
import { cutAtLines } from "./line-cuts.js";
import { LineStream, type StreamBlock } from "./line-stream.js";
import { storedBytes } from "./stored-bytes.js";

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

type FileOfBlocks = Pick<BlockRef, "file" | "version" | "fields" | "source" | "format" | "compression"> & {
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
  for (const [index, { path, sizeBytes, digest, fields }] of inputs.entries()) {
    const { format, compression } = kinds[index]!;
    const own = { ...(isRemote(path) ? { version: digest } : {}), ...(fields === undefined ? {} : { fields }) };
    const file = { input: index, file: path, ...own, source: sources[index]!, format, compression, sizeBytes };
    if (isTable(format)) yield* planTable({ ...file, format }, ownFields(options, file), isDone, limits);
    else if (format === "json") yield* planJson(file, ownFields(options, file).recordsField ?? "", isDone, limits);
    else if (compression !== "none") yield* planStream(file, isDone, limits);
    else yield* planRanges(file, limits);
  }
}

function refOf(file: FileOfBlocks, block: number, start: number, end: number, oversized: boolean): BlockRef {
  const { input, sizeBytes: _sizeBytes, ...common } = file;
  const ref = { id: blockId(input, block), ...common, start, end };
  return oversized ? { ...ref, oversized: true } : ref;
}

async function* planRanges(file: FileOfBlocks, limits: Limits): AsyncIterable<PlannedBlock> {
  const { sizeBytes } = file;
  if (file.format === "text") {
    if (sizeBytes > 0) yield { ref: refOf(file, 0, 0, sizeBytes, sizeBytes > limits.maxRecordBytes) };
    return;
  }
  const handle = await openStored(file.file, file.version);
  try {
    let number = 0;
    for await (const range of cutAtLines(handle, sizeBytes, limits.blockBytes, limits.maxRecordBytes)) {
      yield { ref: refOf(file, number, range.start, range.end, range.oversized === true) };
      number += 1;
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
  let number = 0;
  const planned = ({ start, end, bytes }: StreamBlock): PlannedBlock => {
    const ref = refOf(file, number, start, end, bytes === undefined);
    number += 1;
    if (bytes === undefined || isDone(ref.id)) return { ref };
    return { ref, payload: bytes };
  };
  let damage: unknown;
  try {
    for await (const chunk of storedBytes(file)) {
      for (const block of lines.push(chunk)) yield planned(block);
    }
  } catch (error) {
    damage = error;
  }
  for (const block of lines.end(damage !== undefined)) yield planned(block);
  if (damage !== undefined) throw damage;
}

async function* planTable(
  file: FileOfBlocks & { readonly format: TableFormat },
  options: ReadOptions,
  isDone: (id: string) => boolean,
  limits: Limits,
): AsyncIterable<PlannedBlock> {
  const { tableSlices } = await import("./tables/table-slices.js");
  let number = 0;
  for await (const { start, end, table, bytes } of tableSlices(file, options, limits)) {
    const ref = { ...refOf(file, number, start, end, table === undefined), ...(table === undefined ? {} : { table }) };
    number += 1;
    yield bytes === undefined || isDone(ref.id) ? { ref } : { ref, payload: bytes };
  }
}

async function* planJson(
  file: FileOfBlocks,
  path: string,
  isDone: (id: string) => boolean,
  limits: Limits,
): AsyncIterable<PlannedBlock> {
  const lines = new LineStream(limits.blockBytes, limits.maxRecordBytes, true);
  let number = 0;
  const planned = ({ start, end, bytes }: StreamBlock): PlannedBlock => {
    const ref = refOf(file, number, start, end, bytes === undefined);
    number += 1;
    return bytes === undefined || isDone(ref.id) ? { ref } : { ref, payload: bytes };
  };
  let completeUntil = 0;
  let damage: unknown;
  const refused: RefusedBytes[] = [];
  try {
    for await (const chunk of jsonChunks(file, path, limits.pieceBytes)) {
      for (const block of lines.push(chunk.bytes)) yield planned(block);
      completeUntil = chunk.completeUntil;
      for (const block of lines.cutWithin(completeUntil)) yield planned(block);
      for (const range of chunk.refused) refused.push(range);
    }
  } catch (error) {
    damage = error;
  }
  lines.truncate(completeUntil);
  for (const block of lines.end(false)) yield planned(block);
  for (const { start, end, reason, detail } of refused) {
    const ref = refOf(file, number, start, end, false);
    number += 1;
    yield { ref: { ...ref, refused: { reason, detail } } };
  }
  if (damage !== undefined) throw damage;
}
