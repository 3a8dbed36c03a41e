// The progress of one phase's tasks, from what the conductor knows of them: their sizes, or only their number.
import { corpusKind } from "../formats/corpus.js";
import type { FileRef, Task } from "../records/stage.js";
import type { RunListener } from "./events.js";

/** Counts a phase's progress in bytes where its tasks say their size, else in tasks. */
export class TaskProgress {
  readonly #stage: string;
  readonly #phase: string;
  readonly #onEvent: RunListener;
  readonly #unit: "bytes" | "tasks";
  readonly #total: number | undefined;
  #done = 0;
  #resumed = 0;

  constructor(
    stage: string,
    phase: string,
    tasks: Iterable<Task> | AsyncIterable<Task>,
    inputs: readonly FileRef[],
    kind: "map" | "partition" | "reduce",
    onEvent: RunListener,
  ) {
    this.#stage = stage;
    this.#phase = phase;
    this.#onEvent = onEvent;
    if (Array.isArray(tasks)) {
      const list = tasks as readonly Task[];
      const sized = list.length > 0 && list.every(({ sizeBytes }) => sizeBytes !== undefined);
      this.#unit = sized ? "bytes" : "tasks";
      this.#total = sized ? list.reduce((sum, { sizeBytes }) => sum + sizeBytes!, 0) : list.length;
    } else {
      // Tasks that are planned while they run: a map over plain files covers their bytes, anything else has no known end.
      this.#unit = kind === "map" ? "bytes" : "tasks";
      const plain = inputs.every(({ path }) => (corpusKind(path)?.compression ?? "none") === "none");
      this.#total = kind === "map" && plain ? inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) : undefined;
    }
  }

  add(task: Task, earlier: boolean): void {
    const amount = this.#unit === "bytes" ? (task.sizeBytes ?? 0) : 1;
    this.#done += amount;
    if (earlier) this.#resumed += amount;
    this.report();
  }

  report(): void {
    const progress = {
      stage: this.#stage,
      phase: this.#phase,
      done: this.#done,
      total: this.#total,
      unit: this.#unit,
      resumed: this.#resumed,
    };
    this.#onEvent({ type: "progress", progress });
  }
}
