// clean/publish: puts a block's part into the stage's folder. The usual part has no duplicate ids and becomes visible by a
// second name, without being copied; from the others the refused lines are dropped.
import { dirname, join } from "node:path";
import { linkFile, syncFolder, writeAtomically } from "../base/atomic.js";
import { LineFile } from "../base/lines.js";
import type { FileRef, TaskContext, TaskResult } from "../records/stage.js";
import { readLines } from "./rejected-lines.js";
import { duplicatesPath, partPath } from "./work-files.js";

const LINE_FEED = Uint8Array.of(0x0a);

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
  const isRefused = new Uint8Array(args.shares.length > 0 ? args.numKept : 0);
  let numKept = args.numKept;
  for (const share of args.shares) {
    for (const { row } of readLines(join(workDir, duplicatesPath(share, args.block)))) {
      isRefused[row] = 1;
      numKept -= 1;
    }
  }
  if (numKept === 0) return { outputs: [], counts: {} };
  const output =
    args.shares.length === 0 ? await linkPart(from, to, args.part) : await rewritePart(from, to, isRefused);
  return { outputs: [output], counts: { documents_kept: numKept, bytes_kept: output.sizeBytes } };
}

async function linkPart(from: string, to: string, part: PublishArgs["part"]): Promise<FileRef> {
  await linkFile(from, to);
  await syncFolder(dirname(to));
  return { path: to, sizeBytes: part.sizeBytes, digest: part.digest };
}

async function rewritePart(from: string, to: string, isRefused: Uint8Array): Promise<FileRef> {
  const part = new LineFile(from);
  try {
    return await writeAtomically(to, async (writer) => {
      for (let line = part.next(); line !== undefined; line = part.next()) {
        if (isRefused[line.number - 1] === 1) continue;
        await writer.write(line.bytes!);
        await writer.write(LINE_FEED);
      }
    });
  } finally {
    part.close();
  }
}
