// clean/duplicates: finds ids that stand more than once among the kept documents of the whole run. One share of the hash
// buckets a task, so memory is bounded, whether no id stands twice or all do; the usual answer, none, costs one sort of the
// share's hashes. Equal hashes are verified on the ids themselves. The first document in input order stays.
import { join } from "node:path";
import type { FileRef, TaskContext, TaskResult } from "../records/stage.js";
import { type IdRow, NUM_BUCKETS, readIdTable } from "./id-table.js";
import { OptionalFile } from "./optional-file.js";
import { formatLine } from "./rejected-lines.js";
import { DUPLICATE_ID } from "./rejects.js";
import { duplicatesPath, idsPath } from "./work-files.js";

/** 16 bytes each while a share is searched; where they are equal in pairs, half of the ids besides, some 100 bytes each. */
const HASHES_A_SHARE = 2 ** 20;

export interface DuplicatesArgs {
  readonly share: string;
  /** Buckets [from, to). */
  readonly from: number;
  readonly to: number;
  /** Blocks that keep documents, in input order. */
  readonly blocks: readonly { readonly block: string; readonly file: string }[];
}

/** What one share found: the blocks of which it refuses rows. */
export interface DuplicatesSummary {
  readonly share: string;
  readonly blocks: readonly string[];
  readonly numRefused: number;
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
  const { share, from, to } = args;
  const repeated = repeatedHashes(args, workDir);
  const outputs: FileRef[] = [];
  const blocks: string[] = [];
  let numRefused = 0;
  if (repeated.length > 0) {
    const seen = new Set<string>();
    for (const { block, file } of args.blocks) {
      const lines = new OptionalFile(join(workDir, duplicatesPath(share, block)), { durable: false });
      try {
        for (const { hash, rows } of readIdTable(join(workDir, idsPath(block)), from, to)) {
          const refused = refusedRows(
            rows((i) => isAmong(repeated, hash[i]!)),
            seen,
          );
          numRefused += refused.length;
          const records = refused.map(({ id, offset, line, row }) =>
            formatLine({ file, offset, line, reason: DUPLICATE_ID, id }, row),
          );
          await lines.write(records.join(""));
        }
      } catch (error) {
        await lines.abort();
        throw error;
      }
      const output = await lines.commit();
      if (output === undefined) continue;
      blocks.push(block);
      outputs.push(output);
    }
  }
  return { outputs, counts: {}, data: { share, blocks, numRefused } };
}

/** Hashes that stand at least twice in the share, ascending. */
function repeatedHashes({ blocks, from, to }: DuplicatesArgs, workDir: string): Float64Array {
  const parts: Float64Array[] = [];
  let count = 0;
  for (const { block } of blocks) {
    for (const { hash } of readIdTable(join(workDir, idsPath(block)), from, to)) {
      parts.push(hash);
      count += hash.length;
    }
  }
  const all = new Float64Array(count);
  for (let begin = 0; parts.length > 0; ) {
    const part = parts.shift()!;
    all.set(part, begin);
    begin += part.length;
  }
  all.sort();
  let numRepeated = 0;
  for (let i = 1; i < all.length; i += 1) {
    if (all[i] !== all[i - 1] || (numRepeated > 0 && all[numRepeated - 1] === all[i])) continue;
    all[numRepeated] = all[i]!;
    numRepeated += 1;
  }
  return all.subarray(0, numRepeated);
}

function isAmong(ascending: Float64Array, value: number): boolean {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return ascending[low] === value;
}

/**
 * Those whose id is in `seen` already, by row; the others' ids are added to it. Equal ids share a bucket, and a bucket is in
 * order of rows: the first that comes is the first in the block.
 */
function refusedRows(rows: Iterable<IdRow>, seen: Set<string>): IdRow[] {
  const refused: IdRow[] = [];
  for (const row of rows) {
    if (seen.has(row.id)) refused.push(row);
    else seen.add(row.id);
  }
  return refused.sort((a, b) => a.row - b.row);
}
