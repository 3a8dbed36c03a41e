// Which stages there are, in the data's order: their names in recipes, their folders, and whose outputs they read. Stages
// load on first use, so that `--help` and every worker pay only for what they run.
import { invalid } from "../base/errors.js";
import type { BlockReader } from "../records/block-reader.js";
import type { Stage, TaskFunction } from "../records/stage.js";

// biome-ignore lint/suspicious/noExplicitAny: a registry holds stages of every configuration type; each schema guards its own.
export type AnyStage = Stage<any>;

/** By registered name, `<stage>/<function>`. */
export type Tasks = Readonly<Record<string, TaskFunction>>;

export interface StageEntry {
  /** The key in recipes and the name of the command. */
  readonly key: string;
  /** The stage's own name: the prefix of its tasks. */
  readonly name: string;
  /** Folder below the run's. */
  readonly folder: string;
  /**
   * Where its inputs come from: for each slot the first key that the recipe has; "inputs" stands for the recipe's own. A
   * source that two slots resolve to counts once.
   */
  readonly reads: readonly (readonly string[])[];
  /** Its inputs are documents: what is no corpus file is refused before any work. */
  readonly readsCorpus?: boolean;
  /** Of those, only what is lines or text, so no JSON files. */
  readonly readsLines?: boolean;
  loadStage(): Promise<AnyStage>;
  /** For workers: without what only planning needs, such as the configuration's schema. */
  loadTasks(): Promise<Tasks>;
}

export interface Registry {
  /** A module that exports `registry`: workers import it by this URL. */
  readonly url: string;
  /** What writes the documents of `inputs: [{dataset: NAME}]`; it runs first and is no key of a recipe. */
  readonly prepare: StageEntry;
  readonly entries: readonly StageEntry[];
  loadReader(): Promise<BlockReader>;
}

export const INPUTS = "inputs";

/** The program that joins training or evaluation with the loader: stages may not import one another, this folder may. */
export const TRAINING_CHILD = new URL("./training-child.js", import.meta.url);

export const registry: Registry = {
  url: import.meta.url,
  loadReader: async () => (await import("../read/index.js")).blockReader,
  prepare: {
    key: "datasets",
    name: "prepare",
    folder: "datasets",
    reads: [],
    loadStage: async () => (await import("./prepare.js")).prepareStage,
    loadTasks: async () => (await import("./prepare.js")).prepareTasks,
  },
  entries: [
    {
      key: "clean",
      name: "clean",
      folder: "clean",
      reads: [[INPUTS]],
      readsCorpus: true,
      loadStage: async () => (await import("../clean/index.js")).cleanStage,
      loadTasks: async () => (await import("../clean/tasks.js")).cleanTasks,
    },
    {
      key: "dedup",
      name: "dedup",
      folder: "dedup",
      reads: [["clean", INPUTS]],
      readsCorpus: true,
      readsLines: true,
      loadStage: async () => (await import("../dedup/index.js")).dedupStage,
      loadTasks: async () => (await import("../dedup/tasks.js")).dedupTasks,
    },
    {
      key: "shard",
      name: "shard",
      folder: "shards",
      reads: [["dedup", "clean", INPUTS]],
      readsCorpus: true,
      loadStage: async () => (await import("../shard/index.js")).shardStage,
      loadTasks: async () => (await import("../shard/tasks.js")).shardTasks,
    },
    {
      key: "train",
      name: "train",
      folder: "train",
      reads: [["shard", INPUTS]],
      loadStage: async () => (await import("../train/index.js")).createTrainStage(TRAINING_CHILD),
      loadTasks: async () => ({}),
    },
    {
      key: "eval",
      name: "evaluate",
      folder: "eval",
      reads: [
        ["train", INPUTS],
        ["shard", INPUTS],
      ],
      loadStage: async () => (await import("../evaluate/index.js")).createEvaluateStage(TRAINING_CHILD),
      loadTasks: async () => ({}),
    },
  ],
};

export function entryByName(from: Registry, name: string): StageEntry {
  const all = [from.prepare, ...from.entries];
  const entry = all.find((candidate) => candidate.name === name);
  if (entry === undefined) {
    const known = all.map((candidate) => candidate.name).join(", ");
    throw invalid("stage-unknown", `expected a stage of this version (${known}), got "${name}"`);
  }
  return entry;
}
