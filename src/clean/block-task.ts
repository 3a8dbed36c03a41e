// clean/block: takes one block's documents through the rules, a piece at a time, and leaves what later phases need: the kept
// documents as JSON lines, their ids, and the rejected records. Memory is that of a piece, whatever the block holds.
import { ownFields, readOptionsOf } from "../formats/corpus.js";
import { countRejected } from "../formats/rejected.js";
import type { BlockRef, Payload, ReadPiece } from "../records/block-reader.js";
import { idOf, type RejectedRecord } from "../records/document-block.js";
import type { Json, TaskContext, TaskResult } from "../records/stage.js";
import { BlockOutputs } from "./block-outputs.js";
import type { CleanConfig } from "./config.js";
import { byOffset } from "./rejects.js";
import { prepareRules, type Rules } from "./rules.js";
import { type SourcesSeen, SourceWatch } from "./sources-seen.js";

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
  readonly sizeBytes: number;
  /** Of them, those of which it is not known how many records they hold. */
  readonly refusedBytes: number;
  /** Where rules ask for sources. */
  readonly sources?: SourcesSeen;
}

export function summaryOf(result: TaskResult): BlockSummary {
  return result.data as unknown as BlockSummary;
}

export async function cleanBlock(
  { ref, config }: BlockArgs,
  { dir, workDir, reader }: TaskContext,
  payload?: Payload,
): Promise<TaskResult> {
  const rules = await prepareRules(ownFields(config, ref));
  const outputs = new BlockOutputs(ref, dir, workDir);
  const counts: Record<string, number> = {};
  const notes: string[] = [];
  const sources = new SourceWatch(config);
  let [numLines, numRead, numRejected, refusedBytes] = [0, 0, 0, 0];
  try {
    for await (const piece of reader.documents(ref, readOptionsOf(config), payload)) {
      const { records, outcome } = judge(piece, rules, ref);
      sources.add(piece.block);
      await outputs.add(outcome, piece.block, records);
      if (piece.note !== undefined) notes.push(piece.note);
      numLines += piece.numLines;
      numRead += piece.block.numDocuments + piece.rejected.length;
      numRejected += records.length;
      refusedBytes += piece.refusedBytes ?? 0;
      addCounts(counts, outcome.counts);
      addCounts(counts, countRejected(records));
    }
  } catch (error) {
    await outputs.abort();
    throw error;
  }
  const files = await outputs.commit();
  const { numKept } = outputs;
  const sizeBytes = ref.end - ref.start;
  const counted = { numLines, numRead, numKept, numRejected, sizeBytes, refusedBytes };
  const seen = sources.seen();
  const summary: BlockSummary = { block: ref.id, file: ref.file, ...counted, ...(seen && { sources: seen }) };
  return {
    outputs: files,
    counts: { documents_read: numRead, bytes_read: sizeBytes, ...counts },
    ...(notes.length === 0 ? {} : { notes }),
    data: summary as unknown as Json,
  };
}

/** A piece's documents through the rules; its rejected records, those that could not be read among them, in order. */
function judge({ block, rejected }: ReadPiece, rules: Rules, { file }: BlockRef) {
  const records: RejectedRecord[] = [...rejected];
  const outcome = rules(block, (row, reason, detail) => {
    const [offset, line] = [block.recordOffset[row]!, block.recordLine[row]!];
    records.push({ file, offset, line, reason, detail, id: idOf(block, row) });
  });
  return { records: records.sort(byOffset), outcome };
}

function addCounts(counts: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count;
}
