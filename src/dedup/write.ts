// Phase "write" (map over blocks): every block copies its kept lines to their place in the one kept.jsonl, whose offsets
// are known by now, and leaves its lines of removed.jsonl and of the rejected file for the last phase to join.
import { constants, writeSync } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Digester } from "../base/digest.js";
import { invariant } from "../base/errors.js";
import { readOptionsOf } from "../formats/corpus.js";
import { formatRejected, readRejected } from "../formats/rejected.js";
import { withSpill } from "../formats/spill.js";
import type { BlockReader, BlockRef, Payload, ReadOptions } from "../records/block-reader.js";
import type { RejectedRecord } from "../records/document-block.js";
import type { FileRef, Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type EngineName, engineOf } from "../text/engine.js";
import type { DedupConfig } from "./config.js";
import type { DecisionSummary } from "./decide.js";
import { type Fates, readFates } from "./fates.js";
import { toDoubles } from "./halves.js";
import { readIds } from "./id-lookup.js";
import { KeptLines, LineCounter, type RecordRows } from "./kept-lines.js";
import { lineFilePath, writeLines } from "./line-files.js";
import { type NumberedBlock, numberingOf, readNumbering } from "./numbering.js";
import { partNames, spillPath } from "./spills.js";

interface WriteArgs {
  readonly ref: BlockRef;
  readonly engine: EngineName;
  readonly read: ReadOptions;
  readonly block: NumberedBlock;
  /** Names of the files of repeated ids. */
  readonly parts: readonly string[];
  /** Where the block's lines begin in kept.jsonl, and how many bytes they are. */
  readonly offset: number;
  readonly keptBytes: number;
}

/** What the last phase needs of a block. */
export type WrittenBlock = {
  readonly id: string;
  readonly keptBytes: number;
  readonly keptDigest: string;
  readonly numRemoved: number;
  readonly numRejected: number;
};

const NEWLINE = 0x0a;
/** So much is written between two requests to bring it to the disk. */
const SYNC_BYTES = 2 ** 24;

export const writePhase: Phase<DedupConfig> = {
  name: "write",
  kind: "map",
  async *plan(context, isDone) {
    const { config, reader, inputs } = context;
    const { engine } = config;
    const { blocks } = numberingOf(context);
    const { keptBytes: sizes } = context.results("decide")[0]!.data as DecisionSummary;
    const read = readOptionsOf(config);
    const parts = partNames(context.results("ids").length);
    let number = 0;
    let offset = 0;
    for await (const { ref, payload } of reader.plan(inputs, read, isDone)) {
      const block = blocks[number];
      invariant(block?.id === ref.id, `expected block ${block?.id} again, got ${ref.id}`);
      const keptBytes = sizes[number]!;
      const args = { ref, engine, read, block, parts, offset, keptBytes } satisfies WriteArgs;
      yield { id: ref.id, run: "dedup/write", args: args as never, payload, sizeBytes: ref.end - ref.start };
      offset += keptBytes;
      number += 1;
    }
  },
};

/** kept.jsonl in the making: all blocks write into it, the last phase gives it its name. */
export function keptPath(workDir: string): string {
  return join(workDir, "kept.jsonl");
}

export async function writeBlock(
  args: WriteArgs,
  { workDir, reader }: TaskContext,
  payload?: Payload,
): Promise<TaskResult> {
  const { ref, block, keptBytes } = args;
  const fates = readFates(workDir, block, args.parts);
  await mkdir(dirname(keptPath(workDir)), { recursive: true });
  const file = await open(keptPath(workDir), constants.O_RDWR | constants.O_CREAT);
  const sink = new KeptSink(file, args.offset);
  let repeatedLines: Map<number, number>;
  let keptDigest: string;
  try {
    repeatedLines =
      ref.format === "text"
        ? await copyDocument(args, fates, reader, sink, payload)
        : await copyLines(args, readRecords(workDir, block, fates), fates, reader, sink, payload);
    invariant(
      sink.sizeBytes === keptBytes,
      `expected ${keptBytes} kept bytes in block ${ref.id}, got ${sink.sizeBytes}`,
    );
    keptDigest = await sink.finish();
  } finally {
    await sink.settle();
    await file.close();
  }
  const outputs: FileRef[] = [];
  const write = async (kind: "removed" | "rejected", lines: readonly string[]): Promise<number> => {
    if (lines.length > 0) outputs.push(await writeLines(workDir, kind, block.id, lines));
    return lines.length;
  };
  const numRemoved = await write("removed", await removedLines(workDir, block, fates));
  const numRejected = await write("rejected", await rejectedLines(workDir, ref, block, repeatedLines));
  const data: WrittenBlock = { id: block.id, keptBytes, keptDigest, numRemoved, numRejected };
  return { outputs, counts: {}, data };
}

/** A range of kept.jsonl, written from its begin on. Safe to repeat: the same bytes go to the same place. */
class KeptSink {
  readonly #file: FileHandle;
  readonly #offset: number;
  readonly #digester = new Digester();
  /** What was written goes to the disk while more is made. Fails when any of it has failed. */
  #syncing: Promise<unknown> = Promise.resolve();
  #isSyncing = false;
  #unsynced = 0;
  sizeBytes = 0;

  constructor(file: FileHandle, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }

  write(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length; ) {
      const position = this.#offset + this.sizeBytes + written;
      written += writeSync(this.#file.fd, bytes, written, bytes.length - written, position);
    }
    this.#digester.update(bytes);
    this.sizeBytes += bytes.length;
    this.#unsynced += bytes.length;
    if (this.#unsynced >= SYNC_BYTES && !this.#isSyncing) this.#startSync();
  }

  /** Durable when it returns. */
  async finish(): Promise<string> {
    if (this.#unsynced > 0) this.#startSync();
    await this.#syncing;
    return this.#digester.digest();
  }

  /** Nothing of the file is in use any more when it returns. */
  async settle(): Promise<void> {
    await this.#syncing.catch(() => undefined);
  }

  #startSync(): void {
    this.#unsynced = 0;
    this.#isSyncing = true;
    const sync = this.#file.datasync().finally(() => {
      this.#isSyncing = false;
    });
    this.#syncing = Promise.all([this.#syncing, sync]);
    // It is awaited in the end, but may fail before.
    this.#syncing.catch(() => undefined);
  }
}

/** A file that is one document becomes a JSON line. A text has no lines: nothing to count. */
async function copyDocument(
  { ref, engine, read }: WriteArgs,
  { removed, repeated }: Fates,
  reader: BlockReader,
  sink: KeptSink,
  payload: Payload | undefined,
): Promise<Map<number, number>> {
  const { block } = await reader.read(ref, read, payload);
  const isKept = removed.length + repeated.length === 0 ? 1 : 0;
  sink.write(engineOf(engine).formatJsonl(block, new Uint8Array(block.numDocuments).fill(isKept)));
  return new Map(Array.from(repeated, (row) => [row, 0]));
}

/** The kept lines as they stand in the input. Returns the lines, from 1 in the block, of the rows with repeated ids. */
async function copyLines(
  { ref }: WriteArgs,
  rows: RecordRows,
  { repeated }: Fates,
  reader: BlockReader,
  sink: KeptSink,
  payload: Payload | undefined,
): Promise<Map<number, number>> {
  const kept = new KeptLines(rows);
  const counter = new LineCounter();
  const lines = new Map<number, number>();
  let asked = 0;
  for await (const { bytes, offset } of reader.pieces(ref, payload)) {
    if (repeated.length > 0) {
      for (; asked < repeated.length && rows.offsets[repeated[asked]!]! < offset + bytes.length; asked += 1) {
        const row = repeated[asked]!;
        lines.set(row, counter.before(bytes, rows.offsets[row]! - offset) + 1);
      }
      counter.endPiece(bytes);
    }
    const filled = kept.compact(bytes, offset);
    if (filled > 0) sink.write(bytes.subarray(0, filled));
    if (filled > bytes.length) sink.write(Uint8Array.of(NEWLINE));
  }
  return lines;
}

function readRecords(workDir: string, { id, numDocuments }: NumberedBlock, { removed, repeated }: Fates): RecordRows {
  const kept = new Uint8Array(numDocuments).fill(1);
  for (const row of removed) kept[row] = 0;
  for (const row of repeated) kept[row] = 0;
  return withSpill(spillPath(workDir, "signatures", id), "signatures", (spill) => ({
    offsets: toDoubles(spill.column("recordOffsets", "u64")),
    lengths: spill.column("recordLengths", "u32"),
    kept,
  }));
}

async function removedLines(workDir: string, block: NumberedBlock, fates: Fates): Promise<string[]> {
  const { removed, witness, intersection, union } = fates;
  if (removed.length === 0) return [];
  const documents = removed.map((row) => block.base + row);
  const idOf = readIds(workDir, await readNumbering(workDir), [documents, witness]);
  return Array.from(documents, (document, i) => {
    const jaccard = intersection[i]! / union[i]!;
    return `${JSON.stringify({ id: idOf(document), kept: idOf(witness[i]!), jaccard })}\n`;
  });
}

/** Lines of the rejected file, in the order of the input: records that are no documents, and repeated ids. */
async function rejectedLines(
  workDir: string,
  ref: BlockRef,
  block: NumberedBlock,
  repeated: ReadonlyMap<number, number>,
): Promise<string[]> {
  const records: RejectedRecord[] =
    block.numMalformed === 0 ? [] : await readRejected(lineFilePath(workDir, "malformed", block.id));
  if (repeated.size > 0) {
    const rows = Uint32Array.from(repeated.keys());
    const idOf = readIds(workDir, await readNumbering(workDir), [rows.map((row) => block.base + row)]);
    const offsets = withSpill(spillPath(workDir, "signatures", block.id), "signatures", (spill) =>
      toDoubles(spill.column("recordOffsets", "u64")),
    );
    const detail = "an earlier document has the same id";
    for (const [row, line] of repeated) {
      const [offset, id] = [offsets[row]!, idOf(block.base + row)];
      records.push({ file: ref.file, offset, line, reason: "duplicate-id", detail, id });
    }
  }
  return (
    records
      .sort((a, b) => a.offset - b.offset)
      // A text file has no lines.
      .map((record) => formatRejected({ ...record, line: record.line === 0 ? 0 : block.baseLine + record.line }))
  );
}
