// Training that starts from an imported model: its parameters are what the first step sees, and a run goes on from a
// checkpoint of its own as every run does.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SafetensorsFile } from "#src/formats/safetensors.js";
import { importHuggingFace } from "#src/models/index.js";
import { loadTokenizer } from "#src/tokenizers/index.js";
import { resolveTraining, trainSchema } from "#src/train/config.js";
import { curveOf, makePlace, type Place, startTraining } from "./fixture.js";

const parity = fileURLToPath(new URL("../../parity", import.meta.url));
const MODEL = { numLayers: 2, hiddenSize: 12, numHeads: 3, contextLength: 10, vocabSize: 257 };
const SETTINGS = { model: MODEL, steps: 4, decaySteps: 4, evalEvery: 0, checkpointEvery: 1 };

let place: Place;
let imported: string;

beforeAll(async () => {
  place = await makePlace();
  const from = join(place.root, "hugging-face");
  mkdirSync(from);
  copyFileSync(join(parity, "golden-hugging-face.safetensors"), join(from, "model.safetensors"));
  const { config } = JSON.parse(readFileSync(join(parity, "golden-hugging-face.json"), "utf8"));
  writeFileSync(join(from, "config.json"), JSON.stringify(config));
  imported = join(place.root, "imported");
  const tokenizer = loadTokenizer(join(place.root, "tokenizer"));
  await importHuggingFace({ from, out: imported, tokenizer });
});
afterAll(() => place.remove());

async function embeddingOf(file: string, name: string): Promise<Float32Array> {
  const weights = await SafetensorsFile.open(file);
  const values = await weights.readFloats(name);
  await weights.close();
  return values;
}

describe("training with init", () => {
  test("starts from the given parameters, and without it does not", async () => {
    const start = await embeddingOf(join(parity, "golden-hugging-face.safetensors"), "transformer.wte.weight");
    const still = { ...SETTINGS, steps: 1, warmupSteps: 0, learningRate: 1e-12, minLearningRate: 0, weightDecay: 0 };
    const distance = async (name: string, change: object): Promise<number> => {
      const run = startTraining(place, name, { ...still, ...change });
      await run.result;
      const file = join(run.dir, "checkpoints", "step-00000001", "model.safetensors");
      const end = await embeddingOf(file, "parameter.wte.weight");
      return Math.max(...end.map((value, i) => Math.abs(value - start[i]!)));
    };
    expect(await distance("still", { init: imported })).toBeLessThan(1e-9);
    expect(await distance("drawn", {})).toBeGreaterThan(0.1);
  });

  test("goes on from its own checkpoint, not from the given parameters again", async () => {
    const whole = startTraining(place, "whole", { ...SETTINGS, init: imported });
    await whole.result;
    const split = startTraining(place, "split", { ...SETTINGS, init: imported, steps: 2 });
    await split.result;
    const rest = startTraining(place, "split", { ...SETTINGS, init: join(imported, "step-00000000") });
    await rest.result;
    const losses = (dir: string) => curveOf(dir).map((line) => (line as { loss: number }).loss);
    expect(losses(rest.dir)).toEqual(losses(whole.dir));
    const without = startTraining(place, "split", SETTINGS);
    await expect(without.result).rejects.toMatchObject({
      code: "checkpoint-mismatch",
      message: expect.stringMatching(/training\.initialWeights: "xxh64:[0-9a-f]{16}" -> nothing/),
    });
  });

  test("refuses other sizes, a model that was trained here, and none, before anything starts", async () => {
    const resolved = (change: object) => resolveTraining(trainSchema.parse({ ...SETTINGS, init: imported, ...change }));
    await expect(resolved({})).resolves.toMatchObject({ run: { init: { digest: expect.stringContaining("xxh64:") } } });
    await expect(resolved({ model: { ...MODEL, numLayers: 3 } })).rejects.toThrow("numLayers: 2 -> 3");
    const trained = join(place.root, "still", "checkpoints", "step-00000001");
    await expect(resolved({ init: trained })).rejects.toThrow("a checkpoint of step 1");
    await expect(resolved({ init: place.root })).rejects.toMatchObject({ code: "config-train" });
  });

  test("refuses shards of another tokenizer", async () => {
    const other = join(place.root, "other");
    const tokenizer = { name: "other", fingerprint: "sha256:0", vocabSize: 257 };
    await importHuggingFace({ from: join(place.root, "hugging-face"), out: other, tokenizer });
    await expect(startTraining(place, "mixed", { ...SETTINGS, init: other }).result).rejects.toThrow(
      "expected shards made with the tokenizer of",
    );
  });
});
