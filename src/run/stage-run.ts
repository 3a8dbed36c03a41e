// Runs one stage: looks at its folder, goes on where an earlier run stopped, takes every phase's tasks through the executor
// and the journal, and commits. After it returns, stage.json says all that later stages and people need.
import { rm } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { invalid, invariant } from "../base/errors.js";
import type { BlockReader } from "../records/block-reader.js";
import type { FileRef, PhaseContext, Task, TaskResult } from "../records/stage.js";
import type { RunListener } from "./events.js";
import type { Executor } from "./executors/executor.js";
import { inputIdentity } from "./inputs.js";
import { fromRecord, JOURNAL_FORMAT, type JournalContent, JournalWriter, taskKey, toRecord } from "./journal.js";
import { Notes } from "./notes.js";
import type { PlannedStage } from "./recipe.js";
import type { AnyStage } from "./registry.js";
import { findDamage, type StageFile, writeStageFile } from "./stage-file.js";
import { clearFolder, inspectFolder, openFolder, previousOf, reopenFolder, WORK_NAME } from "./stage-folder.js";
import { identityOf, keyOf, type StageIdentity } from "./stage-key.js";
import { TaskProgress } from "./task-progress.js";

export interface StageTools {
  readonly executor: Executor;
  readonly reader: BlockReader;
  readonly onEvent: RunListener;
  readonly signal: AbortSignal;
  /** Re-read every output that is found in place, not only look at its size. */
  readonly verify: boolean;
  /** Refuse a folder whose result cannot be gone on with, instead of beginning anew. */
  readonly resume: boolean;
  /** Called before anything in the stage's folder changes. */
  beforeWork(): Promise<void>;
  /** Called when all tasks are done and nothing is committed: throws where an input is no longer what it was. */
  beforeCommit(inputs: readonly FileRef[]): Promise<void>;
}

export interface StageInputs {
  /** What the stage reads. */
  readonly data: readonly FileRef[];
  /** Files that its config names. */
  readonly named: readonly FileRef[];
}

export interface StageOutcome {
  readonly file: StageFile;
  /** Absolute paths. */
  readonly outputs: readonly FileRef[];
  readonly upToDate: boolean;
}

type AnyPhase = AnyStage["phases"][number];
type TaskPhase = Exclude<AnyPhase, { kind: "process" }>;

const NO_JOURNAL: JournalContent = { header: undefined, tasks: new Map(), phases: new Map(), validBytes: 0 };
/** That are kept. */
const MAX_NOTES = 1000;
/** The one record of a phase that governs its own process. */
const PROCESS_TASK = "process";

export async function runStage(planned: PlannedStage, inputs: StageInputs, tools: StageTools): Promise<StageOutcome> {
  const { entry, stage, config, dir } = planned;
  const identity = identityOf(stage, config, [...inputs.data, ...inputs.named]);
  const key = keyOf(identity);
  const state = await inspectFolder(dir, key, identity, stage.continuationKeys ?? [], tools.verify);
  if (state.kind === "committed") {
    await rm(join(dir, WORK_NAME), { recursive: true, force: true });
    tools.onEvent({ type: "stage-up-to-date", stage: entry.key });
    return { file: state.file, outputs: absolute(dir, state.file.outputs), upToDate: true };
  }
  if (tools.resume && state.kind === "stale") {
    throw invalid("config-out", `expected a run to go on with in ${dir} for --resume, but ${state.reason}`, {
      hint: "put that back; without --resume the run is moved aside and another begins",
    });
  }
  stage.checkInputs?.(inputs.data);
  await tools.beforeWork();
  if (state.kind === "stale") {
    const keep = stage.phases.some((phase) => phase.kind === "process");
    const previous = keep ? previousOf(dir) : undefined;
    const action = previous === undefined ? `removing what ${dir} holds` : `moving ${dir} to ${previous}`;
    tools.onEvent({ type: "stage-stale", stage: entry.key, reason: state.reason, action });
    await clearFolder(dir, previous);
  }
  if (state.kind === "continuable") {
    tools.onEvent({
      type: "stage-stale",
      stage: entry.key,
      reason: state.reason,
      action: "going on from what is there",
    });
    await reopenFolder(dir);
  }
  const run = new StageRun(planned, inputs, identity, key, tools);
  return run.run(state.kind === "unfinished" ? state.journal : NO_JOURNAL);
}

class StageRun {
  readonly #planned: PlannedStage;
  readonly #inputs: readonly FileRef[];
  readonly #named: readonly FileRef[];
  readonly #identity: StageIdentity;
  readonly #key: string;
  readonly #tools: StageTools;
  readonly #results = new Map<string, readonly TaskResult[]>();
  readonly #notes: Notes;
  readonly #phases: { name: string; tasks: number; seconds: number }[] = [];

  constructor(planned: PlannedStage, inputs: StageInputs, identity: StageIdentity, key: string, tools: StageTools) {
    this.#planned = planned;
    this.#inputs = inputs.data;
    this.#named = inputs.named;
    this.#identity = identity;
    this.#key = key;
    this.#tools = tools;
    this.#notes = new Notes(planned.entry.key, tools.onEvent);
  }

  async run(found: JournalContent): Promise<StageOutcome> {
    const { entry, stage, config, dir } = this.#planned;
    const workDir = await openFolder(dir);
    const journal =
      found.header === undefined
        ? await JournalWriter.start(dir, { type: "stage", format: JOURNAL_FORMAT, key: this.#key, ...this.#identity })
        : await JournalWriter.resume(dir, found.validBytes);
    try {
      const done = await intactTasks(dir, found);
      const sizeBytes = this.#inputs.reduce((sum, input) => sum + input.sizeBytes, 0);
      this.#tools.onEvent({
        type: "stage-started",
        stage: entry.key,
        inputs: this.#inputs.length,
        sizeBytes,
        resumedTasks: done.size,
      });
      const { executor, reader } = this.#tools;
      const context: PhaseContext<unknown> = {
        dir,
        workDir,
        reader,
        config,
        inputs: this.#inputs,
        numWorkers: executor.numWorkers,
        results: (phase) => {
          const results = this.#results.get(phase);
          invariant(results !== undefined, `expected an earlier phase of ${stage.name}, got "${phase}"`);
          return results;
        },
      };
      for (const phase of stage.phases) await this.#runPhase(phase, context, found, done, journal);
    } finally {
      await journal.close();
    }
    await this.#tools.beforeCommit([...this.#inputs, ...this.#named]);
    return this.#commit(workDir);
  }

  async #runPhase(
    phase: AnyPhase,
    context: PhaseContext<unknown>,
    found: JournalContent,
    done: ReadonlyMap<string, TaskResult>,
    journal: JournalWriter,
  ): Promise<void> {
    const before = found.phases.get(phase.name);
    const finished = before?.order?.map((id) => done.get(taskKey(phase.name, id)));
    if (before !== undefined && finished?.every((result) => result !== undefined)) {
      this.#results.set(phase.name, finished);
      this.#phases.push({ name: phase.name, tasks: finished.length, seconds: before.seconds });
      return;
    }
    const start = performance.now();
    const elapsed = (): number => (before?.seconds ?? 0) + (performance.now() - start) / 1000;
    const note = (order?: readonly string[]): Promise<void> =>
      journal.append({ type: "phase", phase: phase.name, seconds: elapsed(), order });
    try {
      const tasks =
        phase.kind === "process"
          ? await this.#runProcess(phase, context, journal)
          : await this.#runTasks(phase, context, done, journal);
      this.#results.set(
        phase.name,
        tasks.map(({ result }) => result),
      );
      await note(tasks.map(({ id }) => id));
      this.#phases.push({ name: phase.name, tasks: tasks.length, seconds: elapsed() });
    } catch (error) {
      await note();
      throw error;
    }
  }

  async #runTasks(
    phase: TaskPhase,
    context: PhaseContext<unknown>,
    done: ReadonlyMap<string, TaskResult>,
    journal: JournalWriter,
  ): Promise<{ id: string; result: TaskResult }[]> {
    const { entry, stage, dir } = this.#planned;
    const isDone = (id: string): boolean => done.has(taskKey(phase.name, id));
    const planned = phase.plan(context, isDone);
    const maxWorkers = stage.maxWorkers?.(context.config);
    const progress = new TaskProgress(entry.key, phase.name, planned, this.#inputs, phase.kind, this.#tools.onEvent);
    const order = new Map<string, TaskResult | undefined>();

    async function* pending(): AsyncIterable<Task> {
      for await (const task of planned) {
        invariant(!order.has(task.id), `expected one task ${task.id} in ${stage.name}/${phase.name}, got two`);
        const earlier = done.get(taskKey(phase.name, task.id));
        order.set(task.id, earlier);
        if (earlier === undefined) yield task;
        else progress.add(task, true);
      }
    }
    progress.report();
    await this.#tools.executor.runPhase({
      folders: { stage: stage.name, dir, workDir: context.workDir },
      tasks: pending(),
      maxWorkers: maxWorkers === undefined ? undefined : phase.kind === "reduce" ? 1 : maxWorkers,
      signal: this.#tools.signal,
      onResult: async (task, result, seconds) => {
        checkOutputs(dir, task.id, result);
        await journal.append(toRecord(dir, phase.name, task.id, result, seconds));
        order.set(task.id, result);
        progress.add(task, false);
        this.#notes.tell(result.notes);
      },
    });
    return [...order].map(([id, result]) => {
      invariant(result !== undefined, `expected a result for task ${id} of ${stage.name}/${phase.name}`);
      return { id, result };
    });
  }

  async #runProcess(
    phase: Extract<AnyPhase, { kind: "process" }>,
    context: PhaseContext<unknown>,
    journal: JournalWriter,
  ): Promise<{ id: string; result: TaskResult }[]> {
    const { entry, dir } = this.#planned;
    const { onEvent, signal } = this.#tools;
    let resumed: number | undefined;
    const start = performance.now();
    const result = await phase.run(
      context,
      (progress) => {
        resumed ??= progress.done;
        onEvent({ type: "progress", progress: { stage: entry.key, phase: phase.name, resumed, ...progress } });
      },
      signal,
    );
    checkOutputs(dir, PROCESS_TASK, result);
    await journal.append(toRecord(dir, phase.name, PROCESS_TASK, result, (performance.now() - start) / 1000));
    return [{ id: PROCESS_TASK, result }];
  }

  async #commit(workDir: string): Promise<StageOutcome> {
    const { entry, stage, dir } = this.#planned;
    const results = this.#phases.flatMap(({ name }) => this.#results.get(name) ?? []);
    const outputs = results.flatMap((result) => result.outputs).filter(({ path }) => !isInside(workDir, path));
    const recorded = outputs.map((output) => ({ ...output, path: relative(dir, output.path) }));
    const damage = await findDamage(dir, recorded, this.#tools.verify);
    invariant(damage === undefined, `expected the outputs of ${stage.name} as its tasks reported them, but ${damage}`);
    const counts: Record<string, number> = {};
    for (const result of results) {
      for (const [name, count] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + count;
    }
    const notes = results.flatMap((result) => result.notes ?? []);
    const seconds = this.#phases.reduce((sum, phase) => sum + phase.seconds, 0);
    const file = await writeStageFile(dir, {
      stage: stage.name,
      version: stage.version,
      key: this.#key,
      config: this.#identity.config,
      inputs: [...this.#inputs, ...this.#named].map((input) => ({ ...inputIdentity(input), ...input })),
      outputs: recorded,
      counts,
      ...(notes.length === 0 ? {} : { notes: notes.slice(0, MAX_NOTES) }),
      seconds,
      phases: this.#phases,
    });
    await rm(workDir, { recursive: true, force: true });
    this.#tools.onEvent({ type: "stage-finished", stage: entry.key, seconds, counts });
    return { file, outputs, upToDate: false };
  }
}

/** Done is what the journal holds and the disk holds too, byte for byte: a crash may have lost what a rename promised. */
async function intactTasks(dir: string, journal: JournalContent): Promise<Map<string, TaskResult>> {
  const done = new Map<string, TaskResult>();
  for (const [key, record] of journal.tasks) {
    if ((await findDamage(dir, record.outputs, true)) === undefined) done.set(key, fromRecord(dir, record));
  }
  return done;
}

function checkOutputs(dir: string, id: string, result: TaskResult): void {
  for (const { path } of result.outputs) {
    invariant(isAbsolute(path) && isInside(dir, path), `expected outputs of task ${id} inside ${dir}, got ${path}`);
  }
}

function isInside(dir: string, path: string): boolean {
  const way = relative(dir, path);
  return way !== "" && !way.startsWith("..") && !isAbsolute(way);
}

function absolute(dir: string, outputs: readonly FileRef[]): FileRef[] {
  return outputs.map((output) => ({ ...output, path: join(dir, output.path) }));
}
