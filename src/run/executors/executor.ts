// What the conductor asks of a place that runs tasks. Executors know tasks and results, not stages, journals or recipes.
import type { Task, TaskResult } from "../../records/stage.js";

export interface TaskFolders {
  readonly stage: string;
  readonly dir: string;
  readonly workDir: string;
}

export interface PhaseTasks {
  readonly folders: TaskFolders;
  /** Pulled one by one, never more than a few ahead of the workers: payloads are in memory. */
  readonly tasks: AsyncIterable<Task>;
  /** The most that may run at a time, and then none waits: memory is bounded. Undefined: as many as there are workers. */
  readonly maxWorkers?: number | undefined;
  /** Called once a task, in the order of completion; the next task of the same worker may already run. */
  onResult(task: Task, result: TaskResult, seconds: number): Promise<void>;
  readonly signal: AbortSignal;
}

export interface Executor {
  readonly numWorkers: number;
  /** Settles when every task has been run and every result taken; rejects with the first error, after all work has ended. */
  runPhase(phase: PhaseTasks): Promise<void>;
  close(): Promise<void>;
}
