// Conducts a plan: locks the folder, makes the datasets, runs the stages in the data's order, each on the outputs of those
// before it, and writes the summary last. Prints nothing; tells a listener.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { removePartials, writeFileAtomic } from "../base/atomic.js";
import { invalid } from "../base/errors.js";
import { refuseStatedEncoding, requireCorpusKind, requireLines } from "../formats/corpus.js";
import { type DedupStatistics, readDedupStatistics } from "../formats/dedup-statistics.js";
import { DEDUP_STATISTICS_FILE } from "../formats/dedup-statistics-file.js";
import type { FileRef } from "../records/stage.js";
import type { RunListener } from "./events.js";
import { LocalExecutor } from "./executors/local.js";
import { refuseRepeated } from "./input-refusals.js";
import { DigestCache, InputResolver } from "./inputs.js";
import { acquireLock } from "./lock.js";
import { datasetSources } from "./prepare.js";
import { type Plan, type PlannedStage, planToYaml } from "./recipe.js";
import { fieldsOf } from "./recipe-inputs.js";
import { INPUTS, type Registry } from "./registry.js";
import type { StageFile } from "./stage-file.js";
import { CONTROL_NAME, PLAN_NAME, SUMMARY_NAME } from "./stage-folder.js";
import { runStage, type StageTools } from "./stage-run.js";
import { readSummary, type Summary, summarize, writeSummary } from "./summary.js";

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: RunListener | undefined;
  /** Re-read the outputs of finished stages, not only look at their sizes. */
  readonly verify?: boolean | undefined;
  /** Refuse to begin a stage anew whose folder holds another result. */
  readonly resume?: boolean | undefined;
}

export interface RunResult {
  readonly summary: Summary;
  /** Nothing had to be done. */
  readonly upToDate: boolean;
}

export async function runPlan(plan: Plan, registry: Registry, options: RunOptions = {}): Promise<RunResult> {
  const onEvent = options.onEvent ?? (() => undefined);
  const lock = await acquireLock(join(plan.out, CONTROL_NAME, "lock"));
  const executor = new LocalExecutor(plan.workers, registry.url);
  try {
    onEvent({ type: "run-started", name: plan.name, out: plan.out, stages: plan.stages.map(({ entry }) => entry.key) });
    const tools = {
      executor,
      reader: await registry.loadReader(),
      onEvent,
      signal: options.signal ?? new AbortController().signal,
      verify: options.verify ?? false,
      resume: options.resume ?? false,
    };
    // What a killed run left of its own files; each stage sweeps its folder itself.
    for (const dir of [plan.out, join(plan.out, CONTROL_NAME)]) await removePartials(dir, { below: false });
    const cache = await DigestCache.open(join(plan.out, CONTROL_NAME, "digests.json"));
    return await new PlanRun(plan, registry, cache, tools).run();
  } finally {
    await executor.close();
    await lock.release();
  }
}

class PlanRun {
  readonly #plan: Plan;
  readonly #registry: Registry;
  readonly #tools: StageTools;
  /** Data outputs by the key of the stage that made them. */
  readonly #outputs = new Map<string, readonly FileRef[]>();
  readonly #files = new Map<string, StageFile>();
  readonly #cache: DigestCache;
  #worked = false;

  constructor(
    plan: Plan,
    registry: Registry,
    cache: DigestCache,
    tools: Omit<StageTools, "beforeWork" | "beforeCommit">,
  ) {
    this.#plan = plan;
    this.#registry = registry;
    this.#cache = cache;
    this.#tools = {
      ...tools,
      beforeWork: async () => {
        this.#worked = true;
        // Not before: a folder that the stage refuses keeps nothing of ours.
        await this.#cache.save();
        await rm(join(plan.out, SUMMARY_NAME), { force: true });
        await this.#writePlan();
      },
      beforeCommit: async (inputs) => {
        for (const input of inputs) if (await this.#cache.hasChanged(input)) throw inputChanged(input.path);
      },
    };
  }

  async run(): Promise<RunResult> {
    const { out, stages } = this.#plan;
    const inputs = await this.#resolveInputs();
    // Before any stage takes away the result that it replaces.
    for (const { entry, config } of stages.filter(({ reads }) => reads.includes(INPUTS))) {
      for (const { path, fields } of entry.readsCorpus === true ? inputs : []) {
        requireCorpusKind(path);
        if (entry.readsLines === true) requireLines(path);
        const { encoding } = { ...(config as { readonly encoding?: string }), ...fields };
        refuseStatedEncoding(path, encoding);
      }
    }
    this.#outputs.set(INPUTS, inputs);
    for (const planned of stages) {
      await this.#runStage(
        planned,
        planned.reads.flatMap((key) => this.#outputs.get(key) ?? []),
      );
    }
    const existing = this.#worked ? undefined : await readSummary(out, this.#files);
    const summary = existing ?? summarize(this.#plan, this.#files, await this.#dedupStatistics());
    if (existing === undefined) await writeSummary(out, summary);
    await this.#writePlan();
    await this.#cache.save();
    return { summary, upToDate: !this.#worked };
  }

  async #dedupStatistics(): Promise<DedupStatistics | undefined> {
    const dedup = this.#plan.stages.find(({ entry }) => entry.key === "dedup");
    return dedup && readDedupStatistics(join(dedup.dir, DEDUP_STATISTICS_FILE));
  }

  async #runStage(planned: PlannedStage, inputs: readonly FileRef[]): Promise<readonly FileRef[]> {
    const { entry, stage, dir } = planned;
    const named: FileRef[] = [];
    for (const path of stage.configFiles?.(planned.config) ?? []) named.push(await this.#cache.refOf(path));
    const outcome = await runStage(planned, { data: inputs, named }, this.#tools);
    const outputs = stage.dataOutputs(dir, outcome.outputs);
    this.#files.set(entry.key, outcome.file);
    this.#outputs.set(entry.key, outputs);
    return outputs;
  }

  /** The recipe's inputs as files, in its order; documents of datasets are made first. */
  async #resolveInputs(): Promise<readonly FileRef[]> {
    const { inputs, out, stages } = this.#plan;
    const names = [...new Set(inputs.flatMap((input) => ("dataset" in input ? [input.dataset] : [])))];
    const prepared = names.length === 0 ? [] : await this.#prepare(names);
    const areDocuments = stages.some(({ entry, reads }) => entry.readsCorpus === true && reads.includes(INPUTS));
    const resolver = new InputResolver({
      registry: this.#registry,
      cache: this.#cache,
      out,
      folders: stages.map(({ dir }) => dir),
      areDocuments,
    });
    const files: FileRef[] = [];
    for (const input of inputs) {
      if ("dataset" in input) files.push(prepared[names.indexOf(input.dataset)]!);
      else {
        const fields = fieldsOf(input);
        const found = await resolver.resolve(input.path);
        for (const file of found) files.push(fields === undefined ? file : { ...file, fields });
      }
    }
    await refuseRepeated(files);
    return files;
  }

  /** One file a dataset, in the order of `names`. */
  async #prepare(names: readonly string[]): Promise<readonly FileRef[]> {
    const entry = this.#registry.prepare;
    const stage = await entry.loadStage();
    const sources: FileRef[] = [];
    for (const name of names) {
      for (const path of await datasetSources(name)) sources.push(await this.#cache.refOf(path));
    }
    const dir = join(this.#plan.out, entry.folder);
    return this.#runStage({ entry, stage, config: { datasets: names }, reads: [], dir }, sources);
  }

  /** A folder that a stage refuses is left without it: that stage is asked first. */
  async #writePlan(): Promise<void> {
    const path = join(this.#plan.out, PLAN_NAME);
    const text = planToYaml(this.#plan);
    const found = await readFile(path, "utf8").catch(() => undefined);
    if (found !== text) await writeFileAtomic(path, text);
  }
}

function inputChanged(file: string): Error {
  return invalid("input-changed", "expected an input as it was when the run began, got other bytes", {
    where: { file },
    hint: "run again when it is complete",
  });
}
