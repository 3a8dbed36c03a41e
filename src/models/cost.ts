// How large a model is and how much work a token costs: closed forms, no allocation.
import type { ModelConfig } from "./config.js";

/** Parameters of the whole model with the padded vocabulary; the tied embedding counts once. 12LC^2 + 13LC + (V+S)C + 2C. */
export function numParameters(model: ModelConfig): number {
  const { numLayers: L, hiddenSize: C, paddedVocabSize: V, contextLength: S } = model;
  return 12 * L * C * C + 13 * L * C + (V + S) * C + 2 * C;
}

/**
 * Floating-point operations of training on one token at sequence length T, forward and backward (3 times forward), with
 * the causal half of attention: 72LC^2 (linear layers) + 6LTC (scores and their use) + 6VC (head). A multiply-add is two.
 */
export function trainingFlopsPerToken(model: ModelConfig, sequenceLength: number): number {
  const { numLayers: L, hiddenSize: C, paddedVocabSize: V } = model;
  return 72 * L * C * C + 6 * L * sequenceLength * C + 6 * V * C;
}
