// Lines of JSON that tasks leave in the work folder, one small file a block, for a later phase to take up.
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import type { FileRef } from "../records/stage.js";

/** malformed: records that are no documents, their lines counted from the block's first; the others as they are published. */
export type LineFileKind = "malformed" | "removed" | "rejected";

export function lineFilePath(workDir: string, kind: LineFileKind, block: string): string {
  return join(workDir, kind, `${block}.jsonl`);
}

/** `lines` end with line ends. */
export async function writeLines(
  workDir: string,
  kind: LineFileKind,
  block: string,
  lines: readonly string[],
): Promise<FileRef> {
  return writeFileAtomic(lineFilePath(workDir, kind, block), lines.join(""));
}
