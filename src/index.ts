// biome-ignore-all assist/source/organizeImports: the order is that of the data.
// The public API, in the order of the data. What is not exported here may change without notice.

// Ground: errors, digests, and files that exist whole or not at all.
export { type ErrorDetails, formatWhere, MillraceError, type Where } from "./base/errors.js";
export { digestBytes, digestFile, digestJson } from "./base/digest.js";
export { AtomicWriter, type WrittenFile, writeAtomically, writeFileAtomic } from "./base/atomic.js";

// Nouns: what stages pass on, and what a stage is.
export {
  type Document,
  type DocumentBlock,
  documentOf,
  idOf,
  type RejectedRecord,
  textOf,
} from "./records/document-block.js";
export type {
  BlockReader,
  BlockRef,
  Compression,
  CorpusFormat,
  ReadBlock,
  ReadOptions,
} from "./records/block-reader.js";
export type { Batch, DatasetIdentity, TokenDataset } from "./records/batch.js";
export type {
  FileRef,
  Json,
  Phase,
  PhaseContext,
  Progress,
  Stage,
  Task,
  TaskContext,
  TaskFunction,
  TaskResult,
} from "./records/stage.js";

// The door to the native addon, and the engines.
export { type Native, native } from "./native.js";
export { type EncodedBlock, loadTokenizer, type Tokenizer } from "./tokenizers/index.js";
export {
  type ExportOptions,
  exportHuggingFace,
  type ImportOptions,
  importHuggingFace,
  type ModelConfig,
  type ModelSizes,
  namedModels as models,
  numParameters,
  resolveModel,
  trainingFlopsPerToken,
} from "./models/index.js";

// Stages.
export { blockReader, createBlockReader, expandInput } from "./read/index.js";
export { type CleanConfig, cleanStage } from "./clean/index.js";
export { type DedupConfig, dedupStage } from "./dedup/index.js";
export { type ShardConfig, shardStage } from "./shard/index.js";
export {
  Loader,
  type LoaderOptions,
  ORDER_VERSION,
  type OrderedWindow,
  type OrderSource,
  SampleOrder,
  ShardDataset,
  unigramEntropy,
  type WaitSummary,
  type WeightedFolder,
} from "./load/index.js";
export { createTrainStage, type TrainConfig } from "./train/index.js";
export {
  createEvaluateStage,
  type EvaluateConfig,
  type Generated,
  type GenerateOptions,
  generate,
} from "./evaluate/index.js";

// Runs: from a recipe to a plan to results.
export { type ConfigSource, fromOverrides, type Override, parseSet, readYaml } from "./run/config-source.js";
export { type Plan, type PlannedStage, planToJson, planToYaml, resolvePlan } from "./run/recipe.js";
export type { RecipeInput } from "./run/recipe-inputs.js";
export { type Registry, registry, type StageEntry } from "./run/registry.js";
export { type RunOptions, type RunResult, runPlan } from "./run/conductor.js";
export type { PhaseProgress, RunEvent, RunListener } from "./run/events.js";
export type { Summary } from "./run/summary.js";

// Reports.
export { type ReportOptions, writeReport } from "./report/index.js";
