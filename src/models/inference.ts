// A trainer that is not there to train: the forward pass of a model, its tensors, its checkpoints.

import type { NativeTrainer, NativeTrainerConfig } from "../native/trainer.js";
import { native } from "../native.js";
import type { ModelConfig } from "./config.js";
import { backendOf, type Device } from "./device.js";

export interface InferenceOptions {
  /** Most tokens of a sequence. */
  readonly sequenceLength: number;
  /** Sequences at a time. */
  readonly batch: number;
  /** 0: one a processor. */
  readonly threads: number;
  /** cpu when absent. */
  readonly device?: Device | undefined;
}

/** One rank in fp32, parameters at their initial values. */
export function createInference(model: ModelConfig, options: InferenceOptions): NativeTrainer {
  const { sequenceLength, batch, threads, device = "cpu" } = options;
  const config: NativeTrainerConfig = {
    model,
    backend: backendOf(device),
    precision: "fp32",
    lossScale: null,
    tensorParallel: 1,
    dataParallel: 1,
    threads,
    sequenceLength,
    microBatch: batch,
    globalBatch: batch,
    // No backward pass, so nothing is computed again: layers share the memory of their activations.
    recompute: "full",
    verifyParallel: false,
    dropout: 0,
    seed: 0,
    initStd: 0.02,
    learningRate: 1e-4,
    minLearningRate: 0,
    schedule: "constant",
    warmupSteps: 0,
    decaySteps: 1,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    clipNorm: 0,
  };
  return native().createTrainer(config, null);
}
