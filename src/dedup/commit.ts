// Phase "commit" (one task): checks the contract on what was decided and on what was written, joins the blocks' lines, and
// gives the outputs their names.
import { existsSync } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeAtomically, writeFileAtomic } from "../base/atomic.js";
import { Digester, readChunks } from "../base/digest.js";
import { invalid, invariant } from "../base/errors.js";
import { DEDUP_STATISTICS_FILE } from "../formats/dedup-statistics-file.js";
import { checkRejected, REJECTED_FILE, REJECTED_PREFIX } from "../formats/rejected.js";
import { REMOVED_FILE } from "../formats/removed.js";
import { withSpill } from "../formats/spill.js";
import type { FileRef, Phase, TaskContext, TaskResult } from "../records/stage.js";
import { Bitmap } from "./bitmap.js";
import type { DedupConfig } from "./config.js";
import { DECISION } from "./decide.js";
import { lineFilePath } from "./line-files.js";
import { numberingOf } from "./numbering.js";
import { thresholdOf } from "./settings.js";
import { partNames, spillPath } from "./spills.js";
import { statisticsPath } from "./statistics.js";
import { isAbove, type Ratio } from "./threshold.js";
import { keptPath, type WrittenBlock } from "./write.js";

export const KEPT_FILE = "kept.jsonl";

interface CommitArgs {
  readonly blocks: readonly WrittenBlock[];
  readonly numDocuments: number;
  /** Names of the files of repeated ids. */
  readonly parts: readonly string[];
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
      numDocuments: numberingOf(context).numDocuments,
      parts: partNames(context.results("ids").length),
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
  const { blocks, numRead, rejected: counts, maxRejectedFraction: maxFraction } = args;
  checkContract(workDir, args);
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
  const statistics = await writeFileAtomic(
    join(dir, DEDUP_STATISTICS_FILE),
    await readFile(statisticsPath(workDir), "utf8"),
  );
  const kept = await publishKept(dir, workDir, blocks);
  return { outputs: [kept, removed, rejected, statistics], counts: {} };
}

/** Every removed document has a kept witness above the threshold: asked of the decision as a whole, apart from how it was made. */
function checkContract(workDir: string, { numDocuments, parts, threshold }: CommitArgs): void {
  const repeated = new Bitmap(numDocuments);
  for (const name of parts) {
    repeated.addAll(withSpill(spillPath(workDir, "ids", name), "ids", (spill) => spill.column("documents", "u32")));
  }
  withSpill(spillPath(workDir, "decision", DECISION), "decision", (spill) => {
    const documents = spill.column("documents", "u32");
    const witness = spill.column("witness", "u32");
    const intersection = spill.column("intersection", "u32");
    const union = spill.column("union", "u32");
    const removed = new Bitmap(numDocuments).addAll(documents);
    for (const [i, document] of documents.entries()) {
      const kept = witness[i]!;
      invariant(i === 0 || documents[i - 1]! < document, `expected document ${document} removed once, in order`);
      invariant(!repeated.has(document), `expected document ${document} removed or rejected, not both`);
      invariant(
        kept < numDocuments && !removed.has(kept) && !repeated.has(kept),
        `expected the witness of document ${document} to be kept`,
      );
      invariant(isAbove(intersection[i]!, union[i]!, threshold), `expected document ${document} above the threshold`);
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
    for (const { id } of blocks) await writer.write(await readFile(lineFilePath(workDir, kind, id)));
  });
}

/** Reads kept.jsonl back, compares every block with what its task wrote, and renames it. Safe to repeat. */
async function publishKept(dir: string, workDir: string, blocks: readonly WrittenBlock[]): Promise<FileRef> {
  const target = join(dir, KEPT_FILE);
  if (blocks.every(({ keptBytes }) => keptBytes === 0)) return writeFileAtomic(target, "");
  const source = existsSync(keptPath(workDir)) ? keptPath(workDir) : target;
  const whole = new Digester();
  const check = new BlockCheck(source, blocks);
  let sizeBytes = 0;
  for await (const chunk of readChunks(source)) {
    whole.update(chunk);
    check.update(chunk);
    sizeBytes += chunk.length;
  }
  check.end();
  if (source !== target) {
    await rename(source, target);
    await syncFolder(dir);
  }
  return { path: target, sizeBytes, digest: whole.digest() };
}

/** Compares a stream of bytes, block after block, with the digests of what was written. */
class BlockCheck {
  readonly #file: string;
  readonly #blocks: readonly WrittenBlock[];
  #index = 0;
  #read = 0;
  #digester = new Digester();

  constructor(file: string, blocks: readonly WrittenBlock[]) {
    this.#file = file;
    this.#blocks = blocks.filter(({ keptBytes }) => keptBytes > 0);
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const block = this.#blocks[this.#index];
      if (block === undefined) throw keptDamaged(this.#file, "nothing behind the last block");
      const part = bytes.subarray(at, at + block.keptBytes - this.#read);
      this.#digester.update(part);
      this.#read += part.length;
      at += part.length;
      if (this.#read === block.keptBytes) this.#endBlock(block);
    }
  }

  /** The stream has ended. */
  end(): void {
    const missing = this.#blocks[this.#index];
    if (missing !== undefined) throw keptDamaged(this.#file, `${missing.keptBytes} bytes of block ${missing.id}`);
  }

  #endBlock({ id, keptDigest }: WrittenBlock): void {
    if (this.#digester.digest() !== keptDigest) {
      throw keptDamaged(this.#file, `the kept lines of block ${id} as they were written`);
    }
    this.#index += 1;
    this.#read = 0;
    this.#digester = new Digester();
  }
}

function keptDamaged(file: string, expected: string): Error {
  return invalid("kept-damaged", `expected ${expected} in kept.jsonl, got other bytes`, {
    where: { file },
    hint: "remove the stage's folder and run again; if it happens twice, check the disk",
  });
}
