// clean/duplicates: finds ids that stand more than once among the kept documents of the whole run. One share of the hash
// buckets a task, so memory is bounded; the usual answer, none, costs one sort of the share's hashes. Equal hashes are
// verified on the ids themselves. The first document in input order stays.
import { join } from "node:path";
import type { RejectedRecord } from "../records/document-block.js";
import type { FileRef, TaskContext, TaskResult } from "../records/stage.js";
import { IdTable, NUM_BUCKETS } from "./id-table.js";
import { DUPLICATE_ID, writeRejected } from "./rejects.js";
import { duplicatesPath, idsPath } from "./work-files.js";

/** 16 bytes each while a share is searched. */
const HASHES_A_SHARE = 2 ** 22;

export interface DuplicatesArgs {
  readonly share: string;
  /** Buckets [from, to). */
  readonly from: number;
  readonly to: number;
  /** Blocks that keep documents, in input order. */
  readonly blocks: readonly { readonly block: string; readonly file: string }[];
}

export interface DuplicateRow extends RejectedRecord {
  /** Line of the block's part, from 0. */
  readonly row: number;
}

/** What one share found: the blocks of which it refuses rows. */
export interface DuplicatesSummary {
  readonly share: string;
  readonly blocks: readonly string[];
}

export function duplicatesOf(result: TaskResult): DuplicatesSummary {
  return result.data as unknown as DuplicatesSummary;
}

/** Equal shares of the buckets; how many depends on the number of documents alone. */
export function planShares(numDocuments: number): { share: string; from: number; to: number }[] {
  const wanted = Math.ceil(numDocuments / HASHES_A_SHARE);
  const count = Math.min(NUM_BUCKETS, 2 ** Math.ceil(Math.log2(Math.max(1, wanted))));
  const size = NUM_BUCKETS / count;
  return Array.from({ length: count }, (_, i) => ({
    share: String(i).padStart(3, "0"),
    from: i * size,
    to: (i + 1) * size,
  }));
}

export async function findDuplicates(args: DuplicatesArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const repeated = await repeatedHashes(args, workDir);
  const outputs: FileRef[] = [];
  const blocks: string[] = [];
  if (repeated.size > 0) {
    const seen = new Set<string>();
    for (const { block, file } of args.blocks) {
      const rows = await refusedRows(args, join(workDir, idsPath(block)), file, repeated, seen);
      if (rows.length === 0) continue;
      blocks.push(block);
      outputs.push(await writeRejected(join(workDir, duplicatesPath(args.share, block)), rows));
    }
  }
  return { outputs, counts: {}, data: { share: args.share, blocks } };
}

async function hashesOf(path: string, { from, to }: DuplicatesArgs): Promise<Float64Array> {
  const table = await IdTable.open(path);
  try {
    return (await table.hashes(from, to)).hash;
  } finally {
    await table.close();
  }
}

async function repeatedHashes(args: DuplicatesArgs, workDir: string): Promise<Set<number>> {
  const parts: Float64Array[] = [];
  let count = 0;
  for (const { block } of args.blocks) {
    const part = await hashesOf(join(workDir, idsPath(block)), args);
    parts.push(part);
    count += part.length;
  }
  const all = new Float64Array(count);
  for (let begin = 0; parts.length > 0; ) {
    const part = parts.shift()!;
    all.set(part, begin);
    begin += part.length;
  }
  all.sort();
  const repeated = new Set<number>();
  for (let i = 1; i < all.length; i += 1) if (all[i] === all[i - 1]) repeated.add(all[i]!);
  return repeated;
}

/** Rows of one block whose id is in `seen` already, by row; adds the others' ids to it. */
async function refusedRows(
  args: DuplicatesArgs,
  path: string,
  file: string,
  repeated: ReadonlySet<number>,
  seen: Set<string>,
): Promise<DuplicateRow[]> {
  const table = await IdTable.open(path);
  try {
    const { hash, row: rowOf } = await table.hashes(args.from, args.to);
    const refused: DuplicateRow[] = [];
    // Equal ids share a bucket, and a bucket is in order of rows: the first that comes is the first in the block.
    for (let i = 0; i < hash.length; i += 1) {
      if (!repeated.has(hash[i]!)) continue;
      const row = await rowOf(i);
      const { id, offset, line } = await table.rowAt(row);
      if (seen.has(id)) refused.push({ file, offset, line, reason: DUPLICATE_ID, id, row });
      else seen.add(id);
    }
    return refused.sort((a, b) => a.row - b.row);
  } finally {
    await table.close();
  }
}
