// Phase "write" (map over blocks): every block copies its kept lines to their place in the one kept.jsonl, whose offsets are
// known by now, and leaves its lines of removed.jsonl and of the rejected file for the last phase to join.

import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import { digestBytes } from "../base/digest.js";
import { invariant } from "../base/errors.js";
import { readOptionsOf } from "../formats/read-fields.js";
import { formatRejected } from "../formats/rejected.js";
import { withSpill } from "../formats/spill.js";
import type { BlockRef, ReadBlock, ReadOptions } from "../records/block-reader.js";
import { idOf, type RejectedRecord } from "../records/document-block.js";
import type { FileRef, Phase, TaskContext, TaskResult } from "../records/stage.js";
import type { DedupConfig } from "./config.js";
import { DECISION, type DecisionSummary, FATE_KEPT, FATE_REJECTED, FATE_REMOVED } from "./decide.js";
import { type NumberedBlock, numberingOf, readNumbering } from "./numbering.js";
import { formatLines } from "./signatures.js";
import { IdReader, spillPath } from "./spills.js";

interface WriteArgs {
  readonly ref: BlockRef;
  readonly read: ReadOptions;
  readonly block: NumberedBlock;
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

interface Fates {
  readonly fate: Uint8Array;
  readonly witness: Uint32Array;
  readonly intersection: Uint32Array;
  readonly union: Uint32Array;
}

const NEWLINE = 0x0a;

export const writePhase: Phase<DedupConfig> = {
  name: "write",
  kind: "map",
  async *plan(context, isDone) {
    const { config, reader, inputs } = context;
    const numbering = numberingOf(context);
    const { keptBytes } = context.results("decide")[0]!.data as DecisionSummary;
    const read = readOptionsOf(config);
    let number = 0;
    let offset = 0;
    for await (const { ref, payload } of reader.plan(inputs, read, isDone)) {
      const block = numbering.blocks[number];
      invariant(block?.id === ref.id, `expected block ${block?.id} again, got ${ref.id}`);
      const bytes = keptBytes[number]!;
      const args = { ref, read, block, offset, keptBytes: bytes } satisfies WriteArgs;
      yield { id: ref.id, run: "dedup/write", args: args as never, payload, sizeBytes: ref.end - ref.start };
      offset += bytes;
      number += 1;
    }
  },
};

/** kept.jsonl in the making: all blocks write into it, the last phase gives it its name. */
export function keptPath(workDir: string): string {
  return join(workDir, "kept.jsonl");
}

export function blockLinesPath(workDir: string, kind: "removed" | "rejected", block: string): string {
  return join(workDir, kind, `${block}.jsonl`);
}

export async function writeBlock(
  args: WriteArgs,
  { workDir, reader }: TaskContext,
  payload?: ArrayBuffer,
): Promise<TaskResult> {
  const { ref, read, block, offset, keptBytes } = args;
  const content = await reader.read(ref, read, payload);
  const fates = readFates(workDir, block);
  const kept = keptLines(ref, content, fates.fate, keptBytes);
  await writeAt(keptPath(workDir), kept, offset);

  const outputs: FileRef[] = [];
  const removed = await removedLines(workDir, content, fates);
  if (removed.length > 0)
    outputs.push(await writeFileAtomic(blockLinesPath(workDir, "removed", block.id), removed.join("")));
  const rejected = rejectedLines(ref, content, fates.fate, block.baseLine);
  if (rejected.length > 0)
    outputs.push(await writeFileAtomic(blockLinesPath(workDir, "rejected", block.id), rejected.join("")));
  const data: WrittenBlock = {
    id: block.id,
    keptBytes,
    keptDigest: digestBytes(kept),
    numRemoved: removed.length,
    numRejected: rejected.length,
  };
  return { outputs, counts: {}, data };
}

function readFates(workDir: string, { base, numDocuments }: NumberedBlock): Fates {
  const end = base + numDocuments;
  return withSpill(spillPath(workDir, "decision", DECISION), "decision", (spill) => ({
    fate: spill.range("fate", "u8", base, end),
    witness: spill.range("witness", "u32", base, end),
    intersection: spill.range("intersection", "u32", base, end),
    union: spill.range("union", "u32", base, end),
  }));
}

/** The kept records of JSON lines as they stand in the input, each with one line end; other formats become JSON lines. */
function keptLines(ref: BlockRef, { block, raw }: ReadBlock, fate: Uint8Array, keptBytes: number): Uint8Array {
  let lines: Uint8Array;
  let filled = 0;
  if (ref.format === "jsonl") {
    lines = new Uint8Array(keptBytes);
    for (let row = 0; row < block.numDocuments; row += 1) {
      if (fate[row] !== FATE_KEPT) continue;
      const begin = block.recordOffset[row]! - ref.start;
      const length = block.recordLength[row]!;
      lines.set(raw.subarray(begin, begin + length), filled);
      lines[filled + length] = NEWLINE;
      filled += length + 1;
    }
  } else {
    lines = formatLines(
      block,
      fate.map((value) => (value === FATE_KEPT ? 1 : 0)),
    );
    filled = lines.length;
  }
  invariant(filled === keptBytes, `expected ${keptBytes} kept bytes in block ${ref.id}, got ${filled}`);
  return lines;
}

/** Safe to repeat: the same bytes go to the same place. Durable when it returns. */
async function writeAt(path: string, bytes: Uint8Array, position: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, constants.O_RDWR | constants.O_CREAT);
  try {
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
      written += bytesWritten;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function removedLines(workDir: string, { block }: ReadBlock, fates: Fates): Promise<string[]> {
  const { fate, witness, intersection, union } = fates;
  const removed = Uint32Array.from(fate.keys()).filter((row) => fate[row] === FATE_REMOVED);
  const witnessIds = await readIds(
    workDir,
    removed.map((row) => witness[row]!),
  );
  return Array.from(removed, (row) => {
    const jaccard = intersection[row]! / union[row]!;
    return `${JSON.stringify({ id: idOf(block, row), kept: witnessIds.get(witness[row]!), jaccard })}\n`;
  });
}

/** Ids by document, read in the order of the files. */
async function readIds(workDir: string, documents: Uint32Array): Promise<Map<number, string>> {
  const ids = new Map<number, string>();
  if (documents.length === 0) return ids;
  const reader = new IdReader(workDir, await readNumbering(workDir));
  try {
    for (const document of documents.slice().sort()) {
      if (!ids.has(document)) ids.set(document, reader.id(document).toString("utf8"));
    }
  } finally {
    reader.close();
  }
  return ids;
}

/** Lines of the rejected file, in the order of the input: records the reader refused, and repeated ids. */
function rejectedLines(ref: BlockRef, { block, rejected }: ReadBlock, fate: Uint8Array, baseLine: number): string[] {
  const records: RejectedRecord[] = [...rejected];
  for (const [row, value] of fate.entries()) {
    if (value !== FATE_REJECTED) continue;
    const [offset, line] = [block.recordOffset[row]!, block.recordLine[row]!];
    const detail = "an earlier document has the same id";
    records.push({ file: ref.file, offset, line, reason: "duplicate-id", detail, id: idOf(block, row) });
  }
  return (
    records
      .sort((a, b) => a.offset - b.offset)
      // A text file has no lines.
      .map((record) => formatRejected({ ...record, line: record.line === 0 ? 0 : baseLine + record.line }))
  );
}
