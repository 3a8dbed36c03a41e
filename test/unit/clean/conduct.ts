// A conductor of twenty lines: runs a stage's phases one task after another in this process, with nothing resumed.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { digestFile } from "#src/base/digest.js";
import type { BlockReader } from "#src/records/block-reader.js";
import type { FileRef, Stage, Task, TaskFunction, TaskResult } from "#src/records/stage.js";

export interface Conducted {
  readonly results: ReadonlyMap<string, readonly TaskResult[]>;
  readonly counts: Readonly<Record<string, number>>;
  readonly parts: readonly FileRef[];
}

export async function refsOf(paths: readonly string[]): Promise<FileRef[]> {
  return Promise.all(paths.map(async (path) => ({ path, ...(await digestFile(path)) })));
}

export async function conduct<C>(
  stage: Stage<C>,
  tasks: Readonly<Record<string, TaskFunction>>,
  options: { inputs: readonly FileRef[]; config: unknown; dir: string; reader: BlockReader },
): Promise<Conducted> {
  const { inputs, dir, reader } = options;
  const workDir = join(dir, ".work");
  await mkdir(workDir, { recursive: true });
  const results = new Map<string, TaskResult[]>();
  const config = stage.schema.parse(options.config);
  const context = {
    dir,
    workDir,
    reader,
    inputs,
    config,
    numWorkers: 1,
    results: (name: string) => results.get(name)!,
  };
  for (const phase of stage.phases) {
    if (phase.kind === "process") throw new Error("expected no process phase");
    const done: TaskResult[] = [];
    for await (const task of phase.plan(context, () => false) as AsyncIterable<Task>) {
      done.push(await tasks[task.run]!(task.args as never, context, task.payload));
    }
    results.set(phase.name, done);
  }
  const all = [...results.values()].flat();
  const counts: Record<string, number> = {};
  for (const result of all) {
    for (const [name, count] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + count;
  }
  const outputs = all.flatMap((result) => result.outputs).filter(({ path }) => !path.startsWith(workDir));
  return { results, counts, parts: stage.dataOutputs(dir, outputs) };
}
