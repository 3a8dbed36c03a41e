// Dedup's phases one by one, with hands on what lies between them: a phase may be repeated with other arguments.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createDedupStage, type DedupConfig, type Limits } from "#src/dedup/index.js";
import { spillPath } from "#src/dedup/spills.js";
import { dedupTasks } from "#src/dedup/tasks.js";
import type { DedupStatistics } from "#src/formats/dedup-statistics.js";
import { DEDUP_STATISTICS_FILE } from "#src/formats/dedup-statistics-file.js";
import { withSpill } from "#src/formats/spill.js";
import { createBlockReader } from "#src/read/index.js";
import type { FileRef, PhaseContext, TaskResult } from "#src/records/stage.js";
import { makeFolder } from "./harness.js";

export class PhaseRun {
  readonly workDir: string;
  readonly #stage;
  readonly #context: PhaseContext<DedupConfig>;
  readonly #results = new Map<string, TaskResult[]>();

  constructor(inputs: readonly FileRef[], config: Partial<DedupConfig> = {}, limits: Partial<Limits> = {}) {
    this.#stage = createDedupStage(limits);
    const dir = makeFolder();
    this.workDir = join(dir, ".work");
    mkdirSync(this.workDir);
    this.#context = {
      dir,
      workDir: this.workDir,
      reader: createBlockReader(),
      config: this.#stage.schema.parse(config),
      inputs,
      numWorkers: 1,
      results: (name) => this.#results.get(name)!,
    };
  }

  /** Every phase up to and including the last named. */
  async through(last: string): Promise<void> {
    for (const { name } of this.#stage.phases) {
      await this.phase(name);
      if (name === last) return;
    }
  }

  async phase(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const phase = this.#stage.phases.find((one) => one.name === name)!;
    if (phase.kind === "process") throw new Error("dedup has no process phase");
    const results: TaskResult[] = [];
    for await (const task of phase.plan(this.#context, () => false)) {
      const own = { ...(structuredClone(task.args) as object), ...args };
      results.push(await dedupTasks[task.run]!(own as never, this.#context, task.payload));
    }
    this.#results.set(name, results);
  }

  data(phase: string): unknown {
    return this.#results.get(phase)![0]!.data;
  }

  sampled(): Uint32Array {
    return withSpill(spillPath(this.workDir, "sample", "all"), "sample", (spill) => spill.column("documents", "u32"));
  }

  /** (sampled, other) */
  samplePairs(): [number, number][] {
    const pairs = withSpill(spillPath(this.workDir, "sample", "all"), "sample", (spill) =>
      spill.column("pairs", "u64"),
    );
    return Array.from(pairs, (pair) => [Number(pair >> 32n), Number(pair & 0xffffffffn)]);
  }

  statistics(): DedupStatistics {
    return JSON.parse(readFileSync(join(this.workDir, DEDUP_STATISTICS_FILE), "utf8")) as DedupStatistics;
  }
}
