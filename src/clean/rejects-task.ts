// clean/rejects: one file of all rejected records in the order of the input, with absolute line numbers, and the decision
// whether so many are bad that the corpus must be misread.
import { join } from "node:path";
import { writeAtomically } from "../base/atomic.js";
import { inputOfBlock } from "../formats/corpus.js";
import {
  checkRejected,
  countRejected,
  formatRejected,
  REJECTED_FILE,
  REJECTED_PREFIX,
  readRejected,
} from "../formats/rejected.js";
import type { RejectedRecord } from "../records/document-block.js";
import type { FileRef, TaskContext, TaskResult } from "../records/stage.js";
import type { BlockSummary } from "./block-task.js";
import { byOffset, RULE_REASONS } from "./rejects.js";
import { duplicatesPath, rejectedPath } from "./work-files.js";

export interface RejectsArgs {
  /** All blocks, in input order. */
  readonly blocks: readonly (BlockSummary & { readonly shares: readonly string[] })[];
  readonly maxRejectedFraction: number;
}

export async function writeRejects(args: RejectsArgs, { dir, workDir }: TaskContext): Promise<TaskResult> {
  const totals: Record<string, number> = {};
  let duplicates = 0;
  const path = join(dir, REJECTED_FILE);
  const output = await writeAtomically(path, async (writer) => {
    let input: string | undefined;
    let linesBefore = 0;
    for (const block of args.blocks) {
      // By the input, not its file: the same file may be named twice.
      if (inputOfBlock(block.block) !== input) linesBefore = 0;
      input = inputOfBlock(block.block);
      const { records, numDuplicates } = await recordsOf(block, workDir);
      await writer.write(formatRecords(records, linesBefore));
      for (const [reason, count] of Object.entries(countRejected(records))) {
        totals[reason] = (totals[reason] ?? 0) + count;
      }
      duplicates += numDuplicates;
      linesBefore += block.numLines;
    }
  });
  const outputs: FileRef[] = [output];
  checkThreshold(args, totals, path);
  return { outputs, counts: duplicates > 0 ? { "rejected_duplicate-id": duplicates } : {} };
}

async function recordsOf(
  { block, numRejected, shares }: RejectsArgs["blocks"][number],
  workDir: string,
): Promise<{ records: RejectedRecord[]; numDuplicates: number }> {
  const records = numRejected > 0 ? await readRejected(join(workDir, rejectedPath(block))) : [];
  for (const share of shares) records.push(...(await readRejected(join(workDir, duplicatesPath(share, block)))));
  return { records: records.sort(byOffset), numDuplicates: records.length - numRejected };
}

/** The block's lines of the final file. A text file has no lines to count. */
function formatRecords(records: readonly RejectedRecord[], linesBefore: number): string {
  return records
    .map((record) => formatRejected({ ...record, line: record.line === 0 ? 0 : record.line + linesBefore }))
    .join("");
}

function checkThreshold(args: RejectsArgs, totals: Readonly<Record<string, number>>, path: string): void {
  const numRead = args.blocks.reduce((sum, block) => sum + block.numRead, 0);
  const malformed = Object.entries(totals).filter(([name]) => !RULE_REASONS.has(name.slice(REJECTED_PREFIX.length)));
  const { maxRejectedFraction: maxFraction } = args;
  checkRejected({ stage: "clean", path, numRead, counts: Object.fromEntries(malformed), maxFraction });
}
