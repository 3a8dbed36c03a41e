// Layouts that do not divide are refused before anything starts, by one sentence that names what does not.

import { describe, expect, test } from "vitest";
import { checkLayout, completeModel, type Layout, type ModelConfig, namedModels } from "#src/models/index.js";
import { resolveTraining, trainSchema } from "#src/train/config.js";

const layout: Layout = { tp: 1, dp: 1, verifyParallel: false, microBatch: 2, globalBatch: 8, sequenceLength: 16 };

const model = (heads: number, paddedVocabSize = 1024): ModelConfig =>
  completeModel(
    { numLayers: 2, hiddenSize: 120, numHeads: heads, contextLength: 16, vocabSize: 100, paddedVocabSize },
    "model",
  );

function refusal(of: ModelConfig, change: Partial<Layout>): string {
  try {
    checkLayout(of, { ...layout, ...change });
  } catch (error) {
    expect(error).toMatchObject({ code: "config-model" });
    return (error as Error).message;
  }
  return "";
}

describe("a layout", () => {
  test("splits heads and vocabulary whole", () => {
    for (const tp of [1, 2, 4, 8]) expect(refusal(model(8), { tp })).toBe("");
    expect(refusal(model(8), { tp: 3 })).toBe("expected a multiple of tp (3) for numHeads, got 8");
    expect(refusal(model(24), { tp: 16 })).toBe("expected a multiple of tp (16) for numHeads, got 24");
    expect(refusal(model(8, 256), { tp: 4 })).toBe(
      "expected a multiple of 128 * tp (512) for paddedVocabSize, got 256",
    );
  });

  test("gives every data-parallel rank whole micro-batches", () => {
    expect(refusal(model(8), { dp: 4 })).toBe("");
    expect(refusal(model(8), { dp: 3 })).toBe("expected a multiple of microBatch * dp (6) for globalBatch, got 8");
    expect(refusal(model(8), { microBatch: 5 })).toBe(
      "expected a multiple of microBatch * dp (5) for globalBatch, got 8",
    );
  });

  test("to verify has the ranks that divide its shards: 8, or what the heads allow", () => {
    const verifyParallel = true;
    for (const tp of [1, 2, 4, 8]) expect(refusal(model(24), { tp, verifyParallel })).toBe("");
    expect(refusal(model(12), { tp: 4, verifyParallel })).toBe("");
    expect(refusal(model(12, 1536), { tp: 3, verifyParallel })).toBe(
      "expected a divisor of 4 (what 12 heads allow with verifyParallel) for tp, got 3",
    );
    expect(refusal(model(12, 1536), { tp: 3 }), "an ordinary run has no shards").toBe("");
    expect(refusal(model(8, 256), { verifyParallel })).toBe(
      "expected a multiple of 128 * the shards of verifyParallel (1024) for paddedVocabSize, got 256",
    );
  });

  test("of every named model verifies with the ranks that the paper trained it on", () => {
    const ranks = { "gpt2-355m": 1, "gpt2-1.2b": 1, "gpt2-2.5b": 2, "gpt2-4.2b": 4, "gpt2-8.3b": 8 };
    for (const [name, tp] of Object.entries(ranks)) {
      expect(refusal(namedModels[name]!, { tp, verifyParallel: true }), name).toBe("");
    }
  });

  test("is checked when a configuration is resolved, so that no process is started for it", async () => {
    const config = trainSchema.parse({ model: "tiny", steps: 1, tp: 3 });
    await expect(resolveTraining(config)).rejects.toThrow("expected a multiple of tp (3) for numHeads, got 8");
    const verified = trainSchema.parse({ model: model(12, 1536), steps: 1, tp: 3, verifyParallel: true });
    await expect(resolveTraining(verified)).rejects.toThrow(/^expected a divisor of 4/);
    expect((await resolveTraining({ ...verified, tp: 2, microBatch: 1 })).run.verifyParallel).toBe(true);
  });
});
