// A tiny in-process runner of the dedup stage: phases in order, tasks of a phase in any order the test asks for, a few at a
// time. Journals nothing.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll } from "vitest";
import { digestBytes } from "#src/base/digest.js";
import { createDedupStage, type DedupConfig, type Limits } from "#src/dedup/index.js";
import { dedupTasks } from "#src/dedup/tasks.js";
import { createBlockReader } from "#src/read/index.js";
import type { FileRef, PhaseContext, Task, TaskResult } from "#src/records/stage.js";

export interface TestDocument {
  readonly id?: string;
  readonly text: string;
  readonly [field: string]: unknown;
}

export interface Removal {
  readonly id: string;
  readonly kept: string;
  readonly jaccard: number;
}

export interface DedupOutcome {
  readonly keptBytes: Buffer;
  readonly kept: readonly TestDocument[];
  readonly removed: readonly Removal[];
  readonly removedText: string;
  readonly rejectedText: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly outputs: readonly FileRef[];
}

export interface RunOptions {
  readonly config?: Partial<DedupConfig>;
  readonly concurrency?: number;
  /** Runs the tasks of a phase last to first. */
  readonly reversed?: boolean;
  readonly limits?: Partial<Limits>;
  /** Bytes a block. */
  readonly blockBytes?: number;
  /** Called before each phase, with the folder of spill files. */
  readonly beforePhase?: (phase: string, workDir: string) => void;
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-dedup-"));
  folders.push(folder);
  return folder;
}

export function writeCorpus(files: Readonly<Record<string, string | readonly TestDocument[]>>): FileRef[] {
  const dir = makeFolder();
  return Object.entries(files).map(([name, content]) => {
    const text =
      typeof content === "string" ? content : content.map((document) => `${JSON.stringify(document)}\n`).join("");
    const bytes = name.endsWith(".gz") ? gzipSync(text) : Buffer.from(text);
    const path = join(dir, name);
    writeFileSync(path, bytes);
    return { path, sizeBytes: bytes.length, digest: digestBytes(bytes) };
  });
}

export async function runDedup(inputs: readonly FileRef[], options: RunOptions = {}): Promise<DedupOutcome> {
  const { concurrency = 1, reversed = false, blockBytes, beforePhase } = options;
  const stage = createDedupStage(options.limits);
  const dir = makeFolder();
  const workDir = join(dir, ".work");
  mkdirSync(workDir);
  const config = stage.schema.parse(options.config ?? {});
  const reader = createBlockReader(blockBytes === undefined ? undefined : { blockBytes, maxRecordBytes: 2 ** 28 });
  const results = new Map<string, TaskResult[]>();
  const counts: Record<string, number> = {};
  const outputs: FileRef[] = [];
  for (const phase of stage.phases) {
    if (phase.kind === "process") throw new Error("dedup has no process phase");
    beforePhase?.(phase.name, workDir);
    const context: PhaseContext<DedupConfig> = {
      dir,
      workDir,
      reader,
      config,
      inputs,
      numWorkers: concurrency,
      results: (name) => results.get(name)!,
    };
    const tasks: Task[] = [];
    for await (const task of phase.plan(context, () => false)) tasks.push(task);
    const done = await runTasks(tasks, { dir, workDir, reader }, concurrency, reversed);
    results.set(phase.name, done);
    for (const result of done) {
      outputs.push(...result.outputs);
      for (const [name, count] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + count;
    }
  }
  const keptBytes = readFileSync(join(dir, "kept.jsonl"));
  const removedText = readFileSync(join(dir, "removed.jsonl"), "utf8");
  return {
    keptBytes,
    kept: parseLines<TestDocument>(keptBytes.toString()),
    removed: parseLines<Removal>(removedText),
    removedText,
    rejectedText: readFileSync(join(dir, "rejected", "rejected.jsonl"), "utf8"),
    counts,
    outputs: stage.dataOutputs(dir, outputs),
  };
}

async function runTasks(
  tasks: readonly Task[],
  context: Parameters<(typeof dedupTasks)[string]>[1],
  concurrency: number,
  reversed: boolean,
): Promise<TaskResult[]> {
  const results = new Array<TaskResult>(tasks.length);
  const order = [...tasks.keys()];
  if (reversed) order.reverse();
  const lane = async (): Promise<void> => {
    for (let next = order.shift(); next !== undefined; next = order.shift()) {
      const { run, args, payload } = tasks[next]!;
      // Through the same door as in a worker: arguments are plain data.
      results[next] = await dedupTasks[run]!(structuredClone(args) as never, context, payload);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return results;
}

export function parseLines<T>(text: string): T[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}
