// What a model is, apart from how it is trained: its sizes, and the models that have a name. Same words as
// native/model/config.h.
import { z } from "../base/schema.js";
import type { NativeTrainerConfig } from "../native/trainer.js";

export const GPT2_VOCAB_SIZE = 50_257;
/** 128 columns a rank for the matrix units, up to 8 ranks (paper 5.1). */
const VOCAB_MULTIPLE = 128 * 8;

/** What native code counts in 32 bits. */
export const sizeSchema = z
  .int()
  .positive()
  .max(2 ** 31 - 1);

export const modelSchema = z.strictObject({
  numLayers: sizeSchema,
  /** C */
  hiddenSize: sizeSchema,
  /** H, divides C */
  numHeads: sizeSchema,
  contextLength: sizeSchema,
  vocabSize: sizeSchema.default(GPT2_VOCAB_SIZE),
  /** V; by default vocabSize rounded up to a multiple of 1,024, the same for every number of ranks. */
  paddedVocabSize: sizeSchema.optional(),
  gelu: z.enum(["tanh", "erf"]).default("tanh"),
  layernormEpsilon: z.number().positive().default(1e-5),
});

/** A model as the trainer takes it: nothing left open. */
export type ModelConfig = NativeTrainerConfig["model"];

export function padVocab(vocabSize: number): number {
  return Math.ceil(vocabSize / VOCAB_MULTIPLE) * VOCAB_MULTIPLE;
}

function gpt2(numLayers: number, hiddenSize: number, numHeads: number, contextLength: number): ModelConfig {
  return {
    numLayers,
    hiddenSize,
    numHeads,
    contextLength,
    vocabSize: GPT2_VOCAB_SIZE,
    paddedVocabSize: padVocab(GPT2_VOCAB_SIZE),
    gelu: "tanh",
    layernormEpsilon: 1e-5,
  };
}

/**
 * GPT-2's two smaller sizes and the paper's models (its tables 1, 2 and 7). `gpt2-8.3b` is the one it trained, with 24 heads;
 * its scaling study had 32, and its table 7 compares both with 16.
 */
export const namedModels: Readonly<Record<string, ModelConfig>> = {
  tiny: gpt2(4, 128, 8, 128),
  "gpt2-124m": gpt2(12, 768, 12, 1024),
  "gpt2-355m": gpt2(24, 1024, 16, 1024),
  "gpt2-1.2b": gpt2(40, 1536, 16, 1024),
  "gpt2-2.5b": gpt2(54, 1920, 20, 1024),
  "gpt2-4.2b": gpt2(64, 2304, 24, 1024),
  "gpt2-8.3b": gpt2(72, 3072, 24, 1024),
  "gpt2-8.3b-16h": gpt2(72, 3072, 16, 1024),
  "gpt2-8.3b-32h": gpt2(72, 3072, 32, 1024),
};
