// Checkpoints behind a training run: the run stands still while its state is copied, and one writer at a time brings the
// copy to disk, seals the folder and removes the oldest ones while training goes on.
import { basename } from "node:path";
import { type Checkpoint, type CheckpointState, pruneCheckpoints, writeCheckpoint } from "../formats/checkpoint.js";
import type { NativeSnapshot } from "../native/checkpoint.js";

export interface CheckpointWriterOptions {
  /** Gets step-00000100 and the like. */
  readonly root: string;
  /** So many of the newest stay. */
  readonly keep: number;
  /** Awaited before a checkpoint appears: what has to be on disk by then. */
  readonly before: () => Promise<void>;
  /** A checkpoint stands under this name. */
  readonly onSaved: (name: string) => void;
}

export type Unsealed<T> = Omit<CheckpointState<T>, "weights">;

/** `take` and `write` are called in turn. */
export class CheckpointWriter<T> {
  readonly #snapshot: Pick<NativeSnapshot, "take" | "write">;
  readonly #options: CheckpointWriterOptions;
  #writing: Promise<void> = Promise.resolve();
  #last: Checkpoint<T> | undefined;
  #failure: unknown;

  constructor(snapshot: Pick<NativeSnapshot, "take" | "write">, options: CheckpointWriterOptions) {
    this.#snapshot = snapshot;
    this.#options = options;
  }

  /** Copies the trainer's state; before that it waits until the copy before is on disk, and throws when that failed. */
  async take(): Promise<void> {
    await this.finish();
    await this.#snapshot.take();
  }

  /** Begins to write what was taken, and returns. */
  write(state: Unsealed<T>): void {
    this.#writing = this.#write(state).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Throws what the last write failed with, as soon as it is known: a run that cannot save should not go on. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The last checkpoint, when it is on disk. */
  async finish(): Promise<Checkpoint<T> | undefined> {
    await this.#writing;
    this.check();
    return this.#last;
  }

  async #write(state: Unsealed<T>): Promise<void> {
    const { root, keep, before, onSaved } = this.#options;
    this.#last = await writeCheckpoint(root, state, async (path) => {
      await before();
      await this.#snapshot.write(path);
    });
    onSaved(basename(this.#last.dir));
    await pruneCheckpoints(root, keep, state.step);
  }
}
