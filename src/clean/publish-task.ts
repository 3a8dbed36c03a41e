// clean/publish: puts a block's part into the stage's folder. The usual part has no duplicate ids and becomes visible by a
// second name, without being copied; from the others the refused lines are dropped.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { linkFile, syncFolder, writeFileAtomic } from "../base/atomic.js";
import { invariant } from "../base/errors.js";
import { readRejected } from "../formats/rejected.js";
import type { FileRef, TaskContext, TaskResult } from "../records/stage.js";
import type { DuplicateRow } from "./duplicates-task.js";
import { duplicatesPath, partPath } from "./work-files.js";

const LINE_FEED = 0x0a;

export interface PublishArgs {
  readonly block: string;
  readonly numKept: number;
  readonly part: { readonly sizeBytes: number; readonly digest: string };
  /** Shares of the search for duplicate ids that refuse rows of this block. */
  readonly shares: readonly string[];
}

export async function publishPart(args: PublishArgs, { dir, workDir }: TaskContext): Promise<TaskResult> {
  const from = join(workDir, partPath(args.block));
  const to = join(dir, partPath(args.block));
  const refused = new Set<number>();
  for (const share of args.shares) {
    const rows = await readRejected<DuplicateRow>(join(workDir, duplicatesPath(share, args.block)));
    for (const { row } of rows) refused.add(row);
  }
  const numKept = args.numKept - refused.size;
  if (numKept === 0) return { outputs: [], counts: {} };
  const output = refused.size === 0 ? await linkPart(from, to, args.part) : await rewritePart(from, to, refused);
  return { outputs: [output], counts: { documents_kept: numKept, bytes_kept: output.sizeBytes } };
}

async function linkPart(from: string, to: string, part: PublishArgs["part"]): Promise<FileRef> {
  await linkFile(from, to);
  await syncFolder(dirname(to));
  return { path: to, sizeBytes: part.sizeBytes, digest: part.digest };
}

async function rewritePart(from: string, to: string, refused: ReadonlySet<number>): Promise<FileRef> {
  const bytes = await readFile(from);
  const kept: Uint8Array[] = [];
  let row = 0;
  for (let begin = 0; begin < bytes.length; row += 1) {
    const end = bytes.indexOf(LINE_FEED, begin) + 1;
    invariant(end > 0, `expected a line end after row ${row} of ${from}`);
    if (!refused.has(row)) kept.push(bytes.subarray(begin, end));
    begin = end;
  }
  return writeFileAtomic(to, Buffer.concat(kept));
}
