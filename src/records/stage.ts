// The vocabulary between a stage and whoever conducts it: what a stage declares (phases of tasks) and what a task returns.
// Types only, so that the stages below and the conductor above can share it without knowing one another.
import type { z } from "../base/schema.js";
import type { BlockReader, InputFields, Payload } from "./block-reader.js";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A file a stage reads or has written. `path` is absolute in memory; the journal stores outputs relative to the stage's folder. */
export interface FileRef {
  readonly path: string;
  readonly sizeBytes: number;
  /** Content identity: "xxh64:..." or "sha256:..." and lower-case hex; of a remote file "etag:..." or "modified:...". */
  readonly digest: string;
  /** How its documents are read, where the recipe says so for this input. */
  readonly fields?: InputFields;
}

/**
 * One independent, idempotent, deterministic unit of work, run in a worker. Running it twice writes the same bytes.
 * `args` is plain data; `payload` carries bytes that the conductor read for a task whose input cannot be split
 * (a gzip stream): it is transferred, never journaled.
 */
export interface Task {
  /** Unique inside the phase and stable across runs: the journal's key of this task. */
  readonly id: string;
  /** Registered name, `<stage>/<function>`. */
  readonly run: string;
  readonly args: Json;
  readonly payload?: Payload | undefined;
  /** Input bytes this task reads: drives progress rates. */
  readonly sizeBytes?: number | undefined;
}

export interface TaskResult {
  /** Files this task has written (absolute paths), already complete, fsynced and renamed into place. */
  readonly outputs: readonly FileRef[];
  /** Summed over tasks into the stage's counts. */
  readonly counts: Readonly<Record<string, number>>;
  /** What the user is to know, a sentence each: of a file, not of a document. */
  readonly notes?: readonly string[] | undefined;
  /** What later phases need to plan; kept in the journal, so small. */
  readonly data?: Json | undefined;
}

export interface TaskContext {
  /** Folder of the stage's final outputs. */
  readonly dir: string;
  /** Folder for files between phases; removed when the stage commits. */
  readonly workDir: string;
  /** How documents are read; given by the conductor, so that no stage imports another. */
  readonly reader: BlockReader;
}

export type TaskFunction = (args: never, context: TaskContext, payload?: Payload) => Promise<TaskResult>;

export interface PhaseContext<C> extends TaskContext {
  readonly config: C;
  readonly inputs: readonly FileRef[];
  /** How many workers there are: may shape how much is in flight, never what the output is. */
  readonly numWorkers: number;
  /** Results of an earlier phase in the order its tasks were planned. */
  results(phase: string): readonly TaskResult[];
}

/** Progress of a long task: everything but `done` may be unknown. */
export interface Progress {
  readonly done: number;
  readonly total?: number | undefined;
  readonly unit: string;
  readonly message?: string | undefined;
}

/** A phase starts when the one before has committed. */
export type Phase<C> =
  | {
      readonly name: string;
      /** map over blocks, partition over keys, or ordered reduce (one task). */
      readonly kind: "map" | "partition" | "reduce";
      /**
       * The tasks, in order. May be lazy: the conductor pulls with a bounded number in flight, so a sequential reader can
       * feed all workers. Must yield the same ids in the same order for the same config, inputs and earlier results.
       * `isDone(id)` lets a reader skip making the payload of a task the journal already holds (still yield the task).
       */
      plan(context: PhaseContext<C>, isDone: (id: string) => boolean): Iterable<Task> | AsyncIterable<Task>;
    }
  | {
      readonly name: string;
      /** Runs in the conductor's process because it governs processes of its own (the trainer). Resumes by its own state. */
      readonly kind: "process";
      run(context: PhaseContext<C>, report: (progress: Progress) => void, signal: AbortSignal): Promise<TaskResult>;
    };

/** One step of the path of the data. Stages never import one another. */
export interface Stage<C = unknown> {
  readonly name: string;
  /** Part of the journal's key; raise it whenever the bytes of an output change. A golden-digest test enforces this. */
  readonly version: number;
  /** Strict: an unknown key is an error. */
  readonly schema: z.ZodType<C>;
  /** Refuses, before any stage of a run begins, what a schema cannot tell: a file that is missing, sizes that do not fit. */
  check?(config: C): Promise<void>;
  /** Refuses inputs that are no work for it, before an earlier result in its folder is taken away. */
  checkInputs?(inputs: readonly FileRef[]): void;
  /** Files that the config names, absolute: their content is part of the journal's key, as that of the inputs is. */
  configFiles?(config: C): readonly string[];
  readonly phases: readonly Phase<C>[];
  /**
   * The most tasks that may run at a time, where the config bounds memory; a reduce then has all of it to itself. Undefined:
   * as many as there are workers.
   */
  maxWorkers?(config: C): number | undefined;
  /** The files that the next stage reads, in order, from the committed outputs of all phases. */
  dataOutputs(dir: string, outputs: readonly FileRef[]): readonly FileRef[];
  /** Parts of the config that change how fast, not what: left out of the journal's key. */
  readonly runtimeKeys?: readonly string[];
  /**
   * Parts of the config in which a process phase goes on from its own state, such as how long to train: when only these
   * have changed, the stage runs again in its folder as it lies instead of from the start.
   */
  readonly continuationKeys?: readonly string[];
}
