// What a user may say about training, and what it means once everything is known.
import { invalid } from "../base/errors.js";
import { z } from "../base/schema.js";
import {
  checkLayout,
  DEVICES,
  type Device,
  type ModelConfig,
  modelSchema,
  resolveModel,
  sizeSchema,
} from "../models/index.js";
import type { Backend, NativeTrainerConfig } from "../native/trainer.js";
import { type InitialWeights, resolveInit } from "./initial-weights.js";
import { parseLaunch } from "./processes.js";

const powerOfTwo = z
  .number()
  .positive()
  .refine((value) => Number.isInteger(Math.log2(value)), "a power of two");

export const trainSchema = z.strictObject({
  /** A name (tiny, gpt2-124m, ...), a JSON file with sizes, or the sizes. */
  model: z.union([z.string().min(1), modelSchema]),
  /** Tensor-parallel ranks. */
  tp: sizeSchema.default(1),
  /** Data-parallel ranks. */
  dp: sizeSchema.default(1),
  /** mpirun or srun, with its options: each rank is a process that it starts. Threads of one process without it. */
  launch: z.string().optional(),
  /** Over all ranks; 0: one a processor, of each machine. */
  threads: z
    .int()
    .nonnegative()
    .max(2 ** 31 - 1)
    .default(0),
  /** cuda: NVIDIA GPUs, rank r on GPU r modulo their number. */
  device: z.enum(DEVICES).default("cpu"),
  /** Of activations and of the weights that products read; all that adds up stays fp32. tf32, on cuda: fp32 whose products
   * read 11 bits of significand. */
  precision: z.enum(["fp32", "tf32", "bf16", "fp16"]).default("fp32"),
  /** Of fp16, which is scaled whether or not this is given. */
  lossScale: z
    .strictObject({
      initial: powerOfTwo.default(2 ** 32),
      /** An overflow at this scale ends the run. */
      minimum: powerOfTwo.default(1),
      /** Steps in a row without overflow that double the scale. */
      window: z.int().positive().default(1000),
      /** Overflows, the last of which halves it. */
      hysteresis: z.int().positive().default(2),
    })
    .optional(),
  steps: z.int().positive(),
  /** Sequences a data-parallel rank at a time. */
  microBatch: sizeSchema.default(4),
  /** Sequences a step; microBatch * dp by default. */
  globalBatch: sizeSchema.optional(),
  /** T; the model's context length by default. */
  sequenceLength: sizeSchema.optional(),
  /** What the backward pass computes again instead of keeping it; no result depends on it. */
  recompute: z.enum(["none", "selective", "full"]).default("none"),
  /** Sums in one order for every number of ranks: the same bits for each `tp`, at some cost. */
  verifyParallel: z.boolean().default(false),
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
  /** Folder of an imported model whose parameters to start from; without it they are drawn. */
  init: z.string().min(1).optional(),
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
type LossScale = NonNullable<TrainConfig["lossScale"]>;

/** What a trainer is told besides, and what may differ between a checkpoint and its continuation. */
type HowItRuns =
  | "backend"
  | "processes"
  | "tensorParallel"
  | "dataParallel"
  | "threads"
  | "recompute"
  | "verifyParallel";

/** Everything that decides the curve, with the model spelled out; what a checkpoint must agree with. */
export interface ResolvedTraining extends Omit<NativeTrainerConfig, HowItRuns | "lossScale"> {
  readonly model: ModelConfig;
  readonly precision: TrainConfig["precision"];
  /** Of fp16 alone. */
  readonly lossScale?: LossScale;
  /** Digest of the weights that were not drawn but given. */
  readonly initialWeights?: string;
}

/** What may change between a checkpoint and its continuation: how far, how fast, how often. */
export interface TrainingRun {
  readonly device: Device;
  readonly tp: number;
  readonly dp: number;
  /** The launcher of ranks as processes, and its options. */
  readonly launch?: readonly string[];
  readonly threads: number;
  readonly recompute: "none" | "selective" | "full";
  readonly verifyParallel: boolean;
  readonly steps: number;
  readonly evalEvery: number;
  readonly evalTokens: number;
  readonly checkpointEvery: number;
  readonly keepCheckpoints: number;
  /** Where those of `initialWeights` are. */
  readonly init?: InitialWeights;
}

export async function resolveTraining(config: TrainConfig): Promise<{ training: ResolvedTraining; run: TrainingRun }> {
  const { device, tp, dp, threads, recompute, verifyParallel } = config;
  const { steps, evalEvery, evalTokens, checkpointEvery, keepCheckpoints } = config;
  const model = await resolveModel(config.model);
  const init = config.init === undefined ? undefined : await resolveInit(config.init, model);
  const decaySteps = config.decaySteps ?? steps;
  const training: ResolvedTraining = {
    model,
    precision: config.precision,
    ...(config.precision === "fp16" && {
      lossScale: config.lossScale ?? trainSchema.shape.lossScale.unwrap().parse({}),
    }),
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
    ...(init && { initialWeights: init.digest }),
    seed: config.seed,
  };
  checkLayout(model, { tp, dp, verifyParallel, ...training });
  checkPrecision(config);
  requireAtMost(training.minLearningRate, training.learningRate, "minLearningRate", "learningRate");
  requireAtMost(training.warmupSteps, training.decaySteps, "warmupSteps", "decaySteps");
  return {
    training,
    run: {
      device,
      tp,
      dp,
      ...(config.launch !== undefined && { launch: parseLaunch(config.launch, tp * dp) }),
      threads,
      recompute,
      verifyParallel,
      steps,
      evalEvery,
      evalTokens,
      checkpointEvery,
      keepCheckpoints,
      ...(init && { init }),
    },
  };
}

function checkPrecision({ precision, device, lossScale }: TrainConfig): void {
  if (precision === "tf32" && device !== "cuda")
    throw invalid("config-train", `expected fp32, bf16 or fp16 for precision on device ${device}, got tf32`);
  if (lossScale === undefined) return;
  if (precision !== "fp16")
    throw invalid("config-train", `expected no lossScale with precision ${precision} (only fp16 is scaled), got one`);
  requireAtMost(lossScale.minimum, lossScale.initial, "lossScale.minimum", "lossScale.initial");
}

function requireAtMost(value: number, bound: number, name: string, boundName: string): void {
  if (value > bound)
    throw invalid("config-train", `expected at most ${boundName} (${bound}) for ${name}, got ${value}`);
}

export function trainerConfig(
  training: ResolvedTraining,
  run: TrainingRun,
  backend: Backend,
  processes = false,
): NativeTrainerConfig {
  const { tp, dp, threads, recompute, verifyParallel } = run;
  const { initialWeights: _, lossScale = null, ...rest } = training;
  return {
    ...rest,
    lossScale,
    backend,
    tensorParallel: tp,
    dataParallel: dp,
    processes,
    threads,
    recompute,
    verifyParallel,
  };
}
