// The model table against the figures of the paper, and what is refused before anything is allocated.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  checkLayout,
  namedModels,
  numParameters,
  padVocab,
  resolveModel,
  trainingFlopsPerToken,
} from "#src/models/index.js";

/** In billions, to the digits that the paper's section 1.8 and tables give. */
const PAPER_BILLIONS: Readonly<Record<string, string>> = {
  "gpt2-355m": "0.3558",
  "gpt2-1.2b": "1.213",
  "gpt2-2.5b": "2.490",
  "gpt2-4.2b": "4.199",
  "gpt2-8.3b": "8.317",
};

describe("models", () => {
  test("have the paper's numbers of parameters", () => {
    for (const [name, billions] of Object.entries(PAPER_BILLIONS)) {
      const digits = billions.length - 2;
      expect((numParameters(namedModels[name]!) / 1e9).toFixed(digits), name).toBe(billions);
    }
  });

  test("count parameters as the sum over their tensors", () => {
    for (const model of Object.values(namedModels)) {
      const { numLayers, hiddenSize: C, paddedVocabSize: V, contextLength: S } = model;
      const norm = 2 * C;
      const layer = norm + (3 * C * C + 3 * C) + (C * C + C) + norm + (4 * C * C + 4 * C) + (4 * C * C + C);
      expect(numParameters(model)).toBe(V * C + S * C + numLayers * layer + norm);
    }
  });

  test("pad GPT-2's vocabulary to 51,200 for every number of ranks", () => {
    expect(padVocab(50_257)).toBe(51_200);
    for (const model of Object.values(namedModels)) expect(model.paddedVocabSize).toBe(51_200);
  });

  test("cost the tiny one 44 MFLOP a token", () => {
    expect(trainingFlopsPerToken(namedModels.tiny!, 128) / 1e6).toBeCloseTo(44.4, 1);
  });
});

describe("resolving a model", () => {
  test("takes a name, sizes or a file of sizes", async () => {
    const sizes = { numLayers: 2, hiddenSize: 64, numHeads: 4, contextLength: 32 };
    const root = mkdtempSync(join(tmpdir(), "millrace-model-"));
    const file = join(root, "model.json");
    writeFileSync(file, JSON.stringify(sizes));
    expect(await resolveModel("tiny")).toBe(namedModels.tiny);
    expect(await resolveModel(sizes)).toMatchObject({
      ...sizes,
      vocabSize: 50_257,
      paddedVocabSize: 51_200,
      gelu: "tanh",
    });
    expect(await resolveModel(file)).toEqual(await resolveModel(sizes));
    writeFileSync(file, JSON.stringify({ ...sizes, width: 3 }));
    await expect(resolveModel(file)).rejects.toMatchObject({
      code: "config-model",
      message: expect.stringContaining("width"),
    });
    rmSync(root, { recursive: true });
  });

  test("refuses what there is not, and what does not divide, naming it", async () => {
    const sizes = { numLayers: 2, hiddenSize: 64, numHeads: 4, contextLength: 32 };
    await expect(resolveModel("tinny")).rejects.toThrow(/^expected tiny, gpt2-124m, .* for model, got "tinny"$/);
    await expect(resolveModel("constructor")).rejects.toMatchObject({ code: "config-model" });
    await expect(resolveModel({ ...sizes, numHeads: 5 })).rejects.toThrow(
      "expected a multiple of numHeads (5) for model: hiddenSize, got 64",
    );
    await expect(resolveModel({ ...sizes, paddedVocabSize: 128 })).rejects.toThrow("paddedVocabSize");
    const layout = { tp: 1, dp: 1, microBatch: 2, globalBatch: 4, sequenceLength: 32 };
    const model = await resolveModel(sizes);
    expect(() => checkLayout(model, layout)).not.toThrow();
    expect(() => checkLayout(model, { ...layout, tp: 3 })).toThrow("expected a multiple of tp (3) for numHeads, got 4");
    expect(() => checkLayout({ ...model, paddedVocabSize: 50_304 }, { ...layout, tp: 2 })).toThrow("paddedVocabSize");
    expect(() => checkLayout(model, { ...layout, dp: 4 })).toThrow(
      "expected a multiple of microBatch * dp (8) for globalBatch, got 4",
    );
    expect(() => checkLayout(model, { ...layout, sequenceLength: 33 })).toThrow(
      "at most the model's contextLength (32)",
    );
  });
});
