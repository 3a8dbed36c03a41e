// What a user may say about training, and what it means once everything is known.
import { invalid } from "../base/errors.js";
import { z } from "../base/schema.js";
import { checkLayout, type ModelConfig, modelSchema, resolveModel } from "../models/index.js";
import type { NativeTrainerConfig } from "../native.js";

export const trainSchema = z.strictObject({
  /** A name (tiny, gpt2-124m, ...), a JSON file with sizes, or the sizes. */
  model: z.union([z.string().min(1), modelSchema]),
  /** Tensor-parallel ranks. */
  tp: z.int().positive().default(1),
  /** Data-parallel ranks. */
  dp: z.int().positive().default(1),
  /** Over all ranks; 0: one a processor. */
  threads: z.int().nonnegative().default(0),
  device: z.enum(["cpu"]).default("cpu"),
  precision: z.enum(["fp32"]).default("fp32"),
  steps: z.int().positive(),
  /** Sequences a data-parallel rank at a time. */
  microBatch: z.int().positive().default(4),
  /** Sequences a step; microBatch * dp by default. */
  globalBatch: z.int().positive().optional(),
  /** T; the model's context length by default. */
  sequenceLength: z.int().positive().optional(),
  dropout: z.number().min(0).lt(1).default(0.1),
  learningRate: z.number().positive().default(1.5e-4),
  /** The schedule's floor; 1e-5, or learningRate where that is lower. */
  minLearningRate: z.number().nonnegative().optional(),
  schedule: z.enum(["cosine", "linear", "constant"]).default("cosine"),
  /** One in a hundred of decaySteps by default. */
  warmupSteps: z.int().nonnegative().optional(),
  /** Where the schedule reaches its floor; `steps` by default. Give it to lengthen a run later. */
  decaySteps: z.int().positive().optional(),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().nonnegative().default(0.01),
  /** 0: no clipping. */
  clipNorm: z.number().nonnegative().default(1),
  initStd: z.number().positive().default(0.02),
  seed: z.int().nonnegative().default(1234),
  /** Steps between measurements of the held-out loss; 0: only at the end. */
  evalEvery: z.int().nonnegative().default(0),
  /** At most this many held-out targets a measurement. */
  evalTokens: z.int().positive().default(16_384),
  /** Steps between checkpoints; 0: only at the end. */
  checkpointEvery: z.int().nonnegative().default(100),
  keepCheckpoints: z.int().positive().default(2),
});

export type TrainConfig = z.output<typeof trainSchema>;

/** Everything that decides the curve, with the model spelled out; what a checkpoint must agree with. */
export interface ResolvedTraining {
  readonly model: ModelConfig;
  readonly precision: "fp32";
  readonly microBatch: number;
  readonly globalBatch: number;
  readonly sequenceLength: number;
  readonly dropout: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly schedule: "cosine" | "linear" | "constant";
  readonly warmupSteps: number;
  readonly decaySteps: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly initStd: number;
  readonly seed: number;
}

/** What may change between a checkpoint and its continuation: how far, how fast, how often. */
export interface TrainingRun {
  readonly tp: number;
  readonly dp: number;
  readonly threads: number;
  readonly steps: number;
  readonly evalEvery: number;
  readonly evalTokens: number;
  readonly checkpointEvery: number;
  readonly keepCheckpoints: number;
}

export async function resolveTraining(config: TrainConfig): Promise<{ training: ResolvedTraining; run: TrainingRun }> {
  const { tp, dp, threads, steps, evalEvery, evalTokens, checkpointEvery, keepCheckpoints } = config;
  const model = await resolveModel(config.model);
  const decaySteps = config.decaySteps ?? steps;
  const training: ResolvedTraining = {
    model,
    precision: config.precision,
    microBatch: config.microBatch,
    globalBatch: config.globalBatch ?? config.microBatch * dp,
    sequenceLength: config.sequenceLength ?? model.contextLength,
    dropout: config.dropout,
    learningRate: config.learningRate,
    minLearningRate: config.minLearningRate ?? Math.min(1e-5, config.learningRate),
    schedule: config.schedule,
    warmupSteps: config.warmupSteps ?? Math.ceil(decaySteps / 100),
    decaySteps,
    beta1: config.beta1,
    beta2: config.beta2,
    epsilon: config.epsilon,
    weightDecay: config.weightDecay,
    clipNorm: config.clipNorm,
    initStd: config.initStd,
    seed: config.seed,
  };
  checkLayout(model, { tp, dp, ...training });
  requireAtMost(training.minLearningRate, training.learningRate, "minLearningRate", "learningRate");
  requireAtMost(training.warmupSteps, training.decaySteps, "warmupSteps", "decaySteps");
  return { training, run: { tp, dp, threads, steps, evalEvery, evalTokens, checkpointEvery, keepCheckpoints } };
}

function requireAtMost(value: number, bound: number, name: string, boundName: string): void {
  if (value > bound)
    throw invalid("config-train", `expected at most ${boundName} (${bound}) for ${name}, got ${value}`);
}

export function trainerConfig(
  training: ResolvedTraining,
  run: TrainingRun,
  backend: "cpu" | "reference",
): NativeTrainerConfig {
  return { ...training, backend, tensorParallel: run.tp, dataParallel: run.dp, threads: run.threads };
}
