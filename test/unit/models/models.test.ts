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
import { native } from "#src/native.js";
import { resolveTraining, trainerConfig, trainSchema } from "#src/train/config.js";

interface PaperModel {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  /** In billions, to the digits that the paper's tables and their arithmetic give. */
  readonly billions: string;
  /** Tensor-parallel ranks that the paper ran it on. */
  readonly tp: number;
}

/** Tables 1, 2 and 7. */
const PAPER: Readonly<Record<string, PaperModel>> = {
  "gpt2-355m": { layers: 24, hidden: 1024, heads: 16, billions: "0.3558", tp: 1 },
  "gpt2-1.2b": { layers: 40, hidden: 1536, heads: 16, billions: "1.213", tp: 1 },
  "gpt2-2.5b": { layers: 54, hidden: 1920, heads: 20, billions: "2.490", tp: 2 },
  "gpt2-4.2b": { layers: 64, hidden: 2304, heads: 24, billions: "4.199", tp: 4 },
  "gpt2-8.3b": { layers: 72, hidden: 3072, heads: 24, billions: "8.317", tp: 8 },
  "gpt2-8.3b-16h": { layers: 72, hidden: 3072, heads: 16, billions: "8.317", tp: 8 },
  "gpt2-8.3b-32h": { layers: 72, hidden: 3072, heads: 32, billions: "8.317", tp: 8 },
};

describe("models", () => {
  test("are those of the paper, with its numbers of parameters", () => {
    for (const [name, { layers, hidden, heads, billions }] of Object.entries(PAPER)) {
      const model = namedModels[name]!;
      expect(model, name).toMatchObject({
        numLayers: layers,
        hiddenSize: hidden,
        numHeads: heads,
        contextLength: 1024,
      });
      expect((numParameters(model) / 1e9).toFixed(billions.length - 2), name).toBe(billions);
    }
    expect(Object.keys(namedModels).filter((name) => !["tiny", "gpt2-124m"].includes(name))).toEqual(
      Object.keys(PAPER),
    );
  });

  test("are planned by the native side with as many parameters, shared over the paper's ranks", async () => {
    for (const [name, { layers: L, hidden: C, tp }] of Object.entries(PAPER)) {
      const model = namedModels[name]!;
      const { training, run } = await resolveTraining(trainSchema.parse({ model: name, tp, steps: 1, microBatch: 1 }));
      const plan = native().planTraining(trainerConfig(training, run, "reference"));
      expect(plan.numParameters, name).toBe(numParameters(model));
      // Split by columns, by rows or over the vocabulary; duplicated: row biases, norms, positions.
      const split = L * (12 * C * C + 7 * C) + 51_200 * C;
      const perRank = split / tp + 6 * L * C + 1024 * C + 2 * C;
      if (name === "gpt2-8.3b") expect((perRank / 1e9).toFixed(4)).toBe("1.0435");
      // Tensors begin at cache lines.
      expect(plan.parameterBytes / (4 * perRank), name).toBeCloseTo(1, 4);
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
    const layout = { tp: 1, dp: 1, verifyParallel: false, microBatch: 2, globalBatch: 4, sequenceLength: 32 };
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
