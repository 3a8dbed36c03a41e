// Phase "commit" (one task): checks the contract on what was decided and on what was written, joins the blocks' lines, and
// gives the outputs their names.
import { existsSync } from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeAtomically, writeFileAtomic } from "../base/atomic.js";
import { Digester } from "../base/digest.js";
import { invalid, invariant } from "../base/errors.js";
import { checkRejected, REJECTED_FILE, REJECTED_PREFIX } from "../formats/rejected.js";
import { withSpill } from "../formats/spill.js";
import type { FileRef, Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type DedupConfig, thresholdOf } from "./config.js";
import { DECISION, FATE_KEPT, FATE_REMOVED } from "./decide.js";
import { spillPath } from "./spills.js";
import { isAbove, type Ratio } from "./threshold.js";
import { blockLinesPath, keptPath, type WrittenBlock } from "./write.js";

export const KEPT_FILE = "kept.jsonl";
export const REMOVED_FILE = "removed.jsonl";

const CHUNK_BYTES = 2 ** 20;

interface CommitArgs {
  readonly blocks: readonly WrittenBlock[];
  readonly threshold: Ratio;
  readonly numRead: number;
  /** `rejected_<reason>` over the whole run. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly maxRejectedFraction: number;
}

export const commitPhase: Phase<DedupConfig> = {
  name: "commit",
  kind: "reduce",
  plan(context) {
    const blocks = context.results("write").map(({ data }) => data as WrittenBlock);
    const counts = sumCounts([...context.results("signatures"), ...context.results("ids")]);
    const rejected = Object.fromEntries(Object.entries(counts).filter(([name]) => name.startsWith(REJECTED_PREFIX)));
    const args: CommitArgs = {
      blocks,
      threshold: thresholdOf(context.config),
      numRead: counts.documents_read ?? 0,
      rejected,
      maxRejectedFraction: context.config.maxRejectedFraction,
    };
    return [{ id: "all", run: "dedup/commit", args: args as never }];
  },
};

function sumCounts(results: readonly TaskResult[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { counts } of results) {
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}

export async function commit(args: CommitArgs, { dir, workDir }: TaskContext): Promise<TaskResult> {
  const { blocks, threshold, numRead, rejected: counts, maxRejectedFraction: maxFraction } = args;
  checkContract(workDir, threshold);
  const removed = await joinLines(
    join(dir, REMOVED_FILE),
    workDir,
    "removed",
    blocks.filter((block) => block.numRemoved > 0),
  );
  const rejected = await joinLines(
    join(dir, REJECTED_FILE),
    workDir,
    "rejected",
    blocks.filter((block) => block.numRejected > 0),
  );
  checkRejected({ stage: "dedup", path: rejected.path, numRead, counts, maxFraction });
  const kept = await publishKept(dir, workDir, blocks);
  return { outputs: [kept, removed, rejected], counts: {} };
}

/** Every removed document has a kept witness above the threshold: asked of the decision as a whole, apart from how it was made. */
function checkContract(workDir: string, threshold: Ratio): void {
  withSpill(spillPath(workDir, "decision", DECISION), "decision", (spill) => {
    const fate = spill.column("fate", "u8");
    const witness = spill.column("witness", "u32");
    const intersection = spill.column("intersection", "u32");
    const union = spill.column("union", "u32");
    for (let document = 0; document < fate.length; document += 1) {
      if (fate[document] !== FATE_REMOVED) continue;
      invariant(fate[witness[document]!] === FATE_KEPT, `expected the witness of document ${document} to be kept`);
      invariant(
        isAbove(intersection[document]!, union[document]!, threshold),
        `expected document ${document} above the threshold`,
      );
    }
  });
}

async function joinLines(
  path: string,
  workDir: string,
  kind: "removed" | "rejected",
  blocks: readonly WrittenBlock[],
): Promise<FileRef> {
  return writeAtomically(path, async (writer) => {
    for (const { id } of blocks) await writer.write(await readFile(blockLinesPath(workDir, kind, id)));
  });
}

/** Reads kept.jsonl back, compares every block with what its task wrote, and renames it. Safe to repeat. */
async function publishKept(dir: string, workDir: string, blocks: readonly WrittenBlock[]): Promise<FileRef> {
  const target = join(dir, KEPT_FILE);
  if (blocks.every(({ keptBytes }) => keptBytes === 0)) return writeFileAtomic(target, "");
  const source = existsSync(keptPath(workDir)) ? keptPath(workDir) : target;
  const whole = new Digester();
  const chunk = new Uint8Array(CHUNK_BYTES);
  let sizeBytes = 0;
  const file = await open(source, "r");
  try {
    for (const { id, keptBytes, keptDigest } of blocks) {
      const digester = new Digester();
      for (let left = keptBytes; left > 0; ) {
        const { bytesRead } = await file.read(chunk, 0, Math.min(left, CHUNK_BYTES), sizeBytes);
        if (bytesRead === 0) break;
        whole.update(chunk.subarray(0, bytesRead));
        digester.update(chunk.subarray(0, bytesRead));
        left -= bytesRead;
        sizeBytes += bytesRead;
      }
      if (digester.digest() !== keptDigest) {
        throw invalid("kept-damaged", `expected the kept lines of block ${id} as they were written, got other bytes`, {
          where: { file: source },
          hint: "remove the stage's folder and run again; if it happens twice, check the disk",
        });
      }
    }
    invariant((await file.stat()).size === sizeBytes, `expected ${sizeBytes} bytes in ${source}`);
  } finally {
    await file.close();
  }
  if (source !== target) {
    await rename(source, target);
    await syncFolder(dir);
  }
  return { path: target, sizeBytes, digest: whole.digest() };
}
