// clean/block: reads one block, takes its documents through the rules, and leaves what later phases need: the kept
// documents as JSON lines, their ids, and the rejected records.
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import { readOptionsOf } from "../formats/corpus.js";
import { countRejected } from "../formats/rejected.js";
import { native } from "../native.js";
import type { BlockRef } from "../records/block-reader.js";
import { type DocumentBlock, idOf, type RejectedRecord } from "../records/document-block.js";
import type { FileRef, Json, TaskContext, TaskResult } from "../records/stage.js";
import type { CleanConfig } from "./config.js";
import { writeIdTable } from "./id-table.js";
import { byOffset, writeRejected } from "./rejects.js";
import { applyRules } from "./rules.js";
import { idsPath, partPath, rejectedPath } from "./work-files.js";

export interface BlockArgs {
  readonly ref: BlockRef;
  readonly config: CleanConfig;
}

/** What the later phases know of a block. */
export interface BlockSummary {
  readonly block: string;
  readonly file: string;
  readonly numLines: number;
  readonly numRead: number;
  readonly numKept: number;
  readonly numRejected: number;
}

export function summaryOf(result: TaskResult): BlockSummary {
  return result.data as unknown as BlockSummary;
}

export async function cleanBlock(
  { ref, config }: BlockArgs,
  { workDir, reader }: TaskContext,
  payload?: ArrayBuffer,
): Promise<TaskResult> {
  const { block: asRead, rejected, numLines } = await reader.read(ref, readOptionsOf(config), payload);
  const records: RejectedRecord[] = [...rejected];
  const { block, keep, counts } = await applyRules(asRead, config, (row, reason, detail) => {
    const [offset, line] = [asRead.recordOffset[row]!, asRead.recordLine[row]!];
    records.push({ file: ref.file, offset, line, reason, detail, id: idOf(asRead, row) });
  });
  records.sort(byOffset);

  const outputs: FileRef[] = [];
  const numKept = keep.reduce((sum, kept) => sum + kept, 0);
  if (numKept > 0) {
    outputs.push(await writeFileAtomic(join(workDir, partPath(ref.id)), native().formatJsonl(block, keep)));
    outputs.push(await writeIdTable(join(workDir, idsPath(ref.id)), keptIds(block, keep, numKept)));
  }
  if (records.length > 0) outputs.push(await writeRejected(join(workDir, rejectedPath(ref.id)), records));
  const numRead = block.numDocuments + rejected.length;
  const summary: BlockSummary = {
    block: ref.id,
    file: ref.file,
    numLines,
    numRead,
    numKept,
    numRejected: records.length,
  };
  return {
    outputs,
    counts: { documents_read: numRead, bytes_read: ref.end - ref.start, ...counts, ...countRejected(records) },
    data: summary as unknown as Json,
  };
}

function keptIds(block: DocumentBlock, keep: Uint8Array, numKept: number) {
  const rows = Uint32Array.from({ length: numKept });
  let next = 0;
  for (let row = 0; row < keep.length; row += 1) if (keep[row] === 1) rows[next++] = row;
  const idOffset = new Uint32Array(numKept + 1);
  for (let i = 0; i < numKept; i += 1) {
    idOffset[i + 1] = idOffset[i]! + block.idOffsets[rows[i]! + 1]! - block.idOffsets[rows[i]!]!;
  }
  const id = new Uint8Array(idOffset[numKept]!);
  for (let i = 0; i < numKept; i += 1) {
    id.set(block.id.subarray(block.idOffsets[rows[i]!]!, block.idOffsets[rows[i]! + 1]!), idOffset[i]!);
  }
  return {
    id,
    idOffset,
    offset: Float64Array.from(rows, (row) => block.recordOffset[row]!),
    line: Float64Array.from(rows, (row) => block.recordLine[row]!),
  };
}
