// clean/rejects: one file of all rejected records in the order of the input, with absolute line numbers, merged from those of
// the blocks without holding them, and the decision whether so many are bad that the corpus must be misread.
import { join } from "node:path";
import { type AtomicWriter, writeAtomically } from "../base/atomic.js";
import { inputOfBlock } from "../formats/corpus.js";
import { checkRefusedBytes, checkRejected, joinRejected, REJECTED_FILE, REJECTED_PREFIX } from "../formats/rejected.js";
import type { TaskContext, TaskResult } from "../records/stage.js";
import type { BlockSummary } from "./block-task.js";
import { mergeLines } from "./rejected-lines.js";
import { DUPLICATE_ID, RULE_REASONS } from "./rejects.js";
import { duplicatesPath, rejectedPath } from "./work-files.js";

export interface RejectsArgs {
  /** All blocks, in input order. */
  readonly blocks: readonly (BlockSummary & { readonly shares: readonly string[] })[];
  /** As countRejected gives them, of all blocks together. */
  readonly counts: Readonly<Record<string, number>>;
  readonly numDuplicates: number;
  readonly maxRejectedFraction: number;
  /** Of the run, to be told now that all of it has been read. */
  readonly notes: readonly string[];
}

/** Lines are handed on so many characters at a time. */
const BATCH_CHARACTERS = 2 ** 16;

export async function writeRejects(args: RejectsArgs, { dir, workDir }: TaskContext): Promise<TaskResult> {
  const path = join(dir, REJECTED_FILE);
  const output = await writeAtomically(path, async (writer) => {
    let input: string | undefined;
    let linesBefore = 0;
    for (const block of args.blocks) {
      // By the input, not its file: the same file may be named twice.
      if (inputOfBlock(block.block) !== input) linesBefore = 0;
      input = inputOfBlock(block.block);
      await writeBlock(block, workDir, linesBefore, writer);
      linesBefore += block.numLines;
    }
  });
  const duplicates = args.numDuplicates > 0 ? { [REJECTED_PREFIX + DUPLICATE_ID]: args.numDuplicates } : {};
  checkThreshold(args, { ...args.counts, ...duplicates }, path);
  return { outputs: [output], counts: duplicates, ...(args.notes.length === 0 ? {} : { notes: args.notes }) };
}

async function writeBlock(
  { block, file, numRejected, shares }: RejectsArgs["blocks"][number],
  workDir: string,
  linesBefore: number,
  writer: AtomicWriter,
): Promise<void> {
  const paths = shares.map((share) => join(workDir, duplicatesPath(share, block)));
  if (numRejected > 0) paths.push(join(workDir, rejectedPath(block)));
  // One character a byte, as the tails are.
  const quotedFile = Buffer.from(JSON.stringify(file)).toString("latin1");
  let batch = "";
  for (const { offset, line, tail } of mergeLines(paths)) {
    // A text file has no lines to count.
    batch += joinRejected(quotedFile, offset, line === 0 ? 0 : line + linesBefore, tail);
    if (batch.length < BATCH_CHARACTERS) continue;
    await writer.write(Buffer.from(batch, "latin1"));
    batch = "";
  }
  await writer.write(Buffer.from(batch, "latin1"));
}

function checkThreshold(args: RejectsArgs, totals: Readonly<Record<string, number>>, path: string): void {
  const numRead = args.blocks.reduce((sum, block) => sum + block.numRead, 0);
  const malformed = Object.entries(totals).filter(([name]) => !RULE_REASONS.has(name.slice(REJECTED_PREFIX.length)));
  const { maxRejectedFraction: maxFraction } = args;
  checkRejected({ stage: "clean", path, numRead, counts: Object.fromEntries(malformed), maxFraction });
  const sizeBytes = args.blocks.reduce((sum, block) => sum + block.sizeBytes, 0);
  const refusedBytes = args.blocks.reduce((sum, block) => sum + block.refusedBytes, 0);
  checkRefusedBytes({ stage: "clean", path, sizeBytes, refusedBytes, maxFraction });
}
