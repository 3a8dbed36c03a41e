// What a training run leaves on disk while it goes on: metrics and checkpoints. Where ranks are processes the first alone
// writes; the others only hand it their share of a checkpoint.
import { join } from "node:path";
import type { Checkpoint } from "../formats/checkpoint.js";
import { type MetricsLine, MetricsWriter } from "../formats/metrics.js";
import type { NativeSnapshot } from "../native/checkpoint.js";
import { CheckpointWriter, type Unsealed } from "./checkpoint-writer.js";

export const METRICS_NAME = "metrics.jsonl";
export const CHECKPOINTS_NAME = "checkpoints";

/** `take` and `write` are called in turn. */
export interface RunRecords<T> {
  append(line: MetricsLine): Promise<void>;
  /** Copies the trainer's state; before that it waits until the copy before is on disk, and throws when that failed. */
  take(): Promise<void>;
  /** Begins to write what was taken, and returns. */
  write(state: Unsealed<T>): void;
  /** Throws what the last write failed with, as soon as it is known. */
  check(): void;
  /** The last checkpoint, when it is on disk. */
  finish(): Promise<Checkpoint<T> | undefined>;
  close(): Promise<void>;
}

export interface RecordsOptions {
  /** Of the run. */
  readonly dir: string;
  /** Lines of later steps are dropped: they are about to be written again. */
  readonly step: number;
  readonly keepCheckpoints: number;
  readonly onSaved: (name: string) => void;
}

export async function openRecords<T>(snapshot: NativeSnapshot, options: RecordsOptions): Promise<RunRecords<T>> {
  const { dir, step, keepCheckpoints, onSaved } = options;
  const metrics = await MetricsWriter.open(join(dir, METRICS_NAME), step);
  const checkpoints = new CheckpointWriter<T>(snapshot, {
    root: join(dir, CHECKPOINTS_NAME),
    keep: keepCheckpoints,
    before: () => metrics.sync(),
    onSaved,
  });
  return {
    append: (line) => metrics.append(line),
    take: () => checkpoints.take(),
    write: (state) => checkpoints.write(state),
    check: () => checkpoints.check(),
    finish: () => checkpoints.finish(),
    async close() {
      // What is being written is worth finishing whatever else failed; its own failure is not worth hiding that.
      await checkpoints.finish().catch(() => undefined);
      await metrics.close();
    },
  };
}

/** Of a rank whose process writes nothing. */
export function partnerRecords<T>(snapshot: NativeSnapshot): RunRecords<T> {
  return {
    append: async () => undefined,
    take: () => snapshot.take(),
    write: () => undefined,
    check: () => undefined,
    finish: async () => undefined,
    close: async () => undefined,
  };
}
