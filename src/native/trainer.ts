// native/addon/trainer.cc: the trainer's handle.
import type { NativeSnapshot } from "./checkpoint.js";

/** What computes: "cuda" is GPUs, rank r on GPU r % their number. */
export type Backend = "cpu" | "reference" | "cuda";

export interface NativeTrainerConfig {
  readonly model: {
    readonly numLayers: number;
    readonly hiddenSize: number;
    readonly numHeads: number;
    readonly contextLength: number;
    readonly vocabSize: number;
    readonly paddedVocabSize: number;
    readonly gelu: "tanh" | "erf";
    readonly layernormEpsilon: number;
  };
  readonly backend: Backend;
  readonly precision: "fp32" | "tf32" | "bf16" | "fp16" | "fp64";
  /** Of fp16, null for others. Scales are powers of two. */
  readonly lossScale: {
    readonly initial: number;
    readonly minimum: number;
    readonly window: number;
    readonly hysteresis: number;
  } | null;
  readonly tensorParallel: number;
  readonly dataParallel: number;
  /** Each rank is a process, which has joined the others; else all are threads of this one. */
  readonly processes?: boolean;
  readonly threads: number;
  readonly sequenceLength: number;
  readonly microBatch: number;
  readonly globalBatch: number;
  /** What the backward pass computes again instead of keeping it: memory and time change, results as trainer.h says. */
  readonly recompute: "none" | "selective" | "full";
  /** The same bits for every tensorParallel and number of threads; slower. */
  readonly verifyParallel: boolean;
  readonly dropout: number;
  readonly seed: number;
  readonly initStd: number;
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
}

export interface StepResult {
  readonly step: number;
  readonly loss: number;
  readonly gradNorm: number;
  readonly learningRate: number;
  readonly lossScale: number;
  readonly numTokens: number;
  readonly skipped: boolean;
  /** Of a skipped step: operation, layer, tensor and rank of the first value that was not finite. */
  readonly overflow: string | null;
  readonly seconds: number;
  readonly communicationSeconds: number;
}

export interface MemoryPlan {
  readonly parameterBytes: number;
  readonly gradientBytes: number;
  readonly optimizerBytes: number;
  readonly activationBytes: number;
  readonly totalBytes: number;
  /** Besides: what checkpoints are written from, on the ranks of the first data-parallel group. */
  readonly snapshotBytes: number;
  readonly numParameters: number;
}

/** Work runs on a thread of its own: the promise settles on the event loop. One call at a time. Arrays are held until then. */
export interface NativeTrainer {
  /** tokens: (globalBatch, T + 1), samples: (globalBatch). Views over a SharedArrayBuffer are read in place. */
  step(tokens: Int32Array, samples: BigInt64Array): Promise<StepResult>;
  /**
   * The step in two halves, see native/include/millrace/trainer.h: at most stepsAhead() + 1 are submitted and not collected,
   * and none is when anything else is called.
   */
  submit(tokens: Int32Array, samples: BigInt64Array): Promise<void>;
  collect(): Promise<StepResult>;
  stepsAhead(): number;
  evaluate(tokens: Int32Array, numSequences: number): Promise<{ lossSum: number; numTokens: number }>;
  logits(tokens: Int32Array): Promise<Float32Array>;
  save(path: string): Promise<void>;
  load(path: string): Promise<void>;
  /** Memory for checkpoints that are written while training goes on. */
  createSnapshot(): Promise<NativeSnapshot>;
  stepCount(): number;
  tensors(): { name: string; rows: number; columns: number }[];
  readTensor(kind: "parameter" | "gradient", name: string): Float32Array;
  writeParameter(name: string, values: Float32Array): void;
  /** Ends the rank threads; the handle is unusable afterwards. */
  destroy(): void;
}

export interface NativeTraining {
  /** Which backends of the processor this build can run here, fastest first: ["cpu", "reference"] or ["reference"]. */
  backends(): ("cpu" | "reference")[];
  /** What is missing where `backend` cannot run: "this build has no CUDA; ..."; "" where it can. */
  backendReason(backend: Backend): string;
  planTraining(config: NativeTrainerConfig): MemoryPlan;
  /** statusPage: a buffer of mapFileWritable, or null. */
  createTrainer(config: NativeTrainerConfig, statusPage: ArrayBuffer | null): NativeTrainer;
}
