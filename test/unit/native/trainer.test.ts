import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import type { NativeTrainer, NativeTrainerConfig } from "#src/native/trainer.js";
import { native } from "#src/native.js";

const config: NativeTrainerConfig = {
  model: {
    numLayers: 2,
    hiddenSize: 32,
    numHeads: 4,
    contextLength: 16,
    vocabSize: 100,
    paddedVocabSize: 256,
    gelu: "tanh",
    layernormEpsilon: 1e-5,
  },
  backend: "reference",
  precision: "fp32",
  lossScale: null,
  tensorParallel: 2,
  dataParallel: 1,
  threads: 2,
  sequenceLength: 16,
  microBatch: 2,
  globalBatch: 4,
  recompute: "none",
  verifyParallel: false,
  dropout: 0.1,
  seed: 1,
  initStd: 0.02,
  learningRate: 1e-3,
  minLearningRate: 1e-4,
  schedule: "cosine",
  warmupSteps: 2,
  decaySteps: 20,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 1,
};

function batch(shared: boolean): { tokens: Int32Array; samples: BigInt64Array } {
  const length = config.globalBatch * (config.sequenceLength + 1);
  const tokens = new Int32Array(shared ? new SharedArrayBuffer(4 * length) : new ArrayBuffer(4 * length));
  for (let i = 0; i < length; i++) tokens[i] = (i * i * 3) % config.model.vocabSize;
  return { tokens, samples: BigInt64Array.from({ length: config.globalBatch }, (_, row) => BigInt(row)) };
}

function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toMatchObject({ code: "native-invalid-argument" });
    return (error as Error).message;
  }
  throw new Error("expected a refusal");
}

describe("the trainer's door", () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-trainer-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("steps over a SharedArrayBuffer as over any other memory", async () => {
    const results = [];
    for (const shared of [false, true]) {
      const trainer = native().createTrainer(config, null);
      const { tokens, samples } = batch(shared);
      const { loss, gradNorm, step, numTokens } = await trainer.step(tokens, samples);
      results.push({ loss, gradNorm, step, numTokens });
      trainer.destroy();
    }
    expect(results[0]).toEqual(results[1]);
    expect(results[0]).toMatchObject({ step: 1, numTokens: 64 });
  });

  it("saves and loads, and a resumed trainer goes on as the first", async () => {
    const { tokens, samples } = batch(true);
    const first = native().createTrainer(config, null);
    await first.step(tokens, samples);
    await first.save(join(folder, "model"));
    const second = native().createTrainer({ ...config, tensorParallel: 2, seed: config.seed }, null);
    await second.load(join(folder, "model"));
    expect(second.stepCount()).toBe(1);
    const [a, b] = [await first.step(tokens, samples), await second.step(tokens, samples)];
    expect(b.loss).toBe(a.loss);
    expect(second.readTensor("parameter", "h.1.mlp.up.weight")).toEqual(
      first.readTensor("parameter", "h.1.mlp.up.weight"),
    );
    await expect(second.load(join(folder, "missing"))).rejects.toMatchObject({ code: "native-io" });
    await second.step(tokens, samples);
    first.destroy();
    second.destroy();
  });

  it("refuses settings by name, unknown keys, and arrays of the wrong kind or length", async () => {
    const create = (change: object) => messageOf(() => native().createTrainer({ ...config, ...change }, null));
    expect(create({ tensorParallel: 3 })).toMatch(/^expected a multiple of 3 .* for num_heads, got 4$/);
    expect(create({ seed: 1.5 })).toBe("expected a whole number in range for seed, got 1.5");
    expect(create({ schedule: "step" })).toBe("expected cosine or linear or constant for schedule, got step");
    expect(create({ recompute: "all" })).toBe("expected none or selective or full for recompute, got all");
    expect(create({ momentum: 0.9 })).toBe("expected no key momentum in the trainer's config, got one");
    expect(create({ dropout: undefined })).toBe("expected a number for dropout, got nothing");
    const trainer = native().createTrainer(config, null);
    const { tokens, samples } = batch(false);
    expect(messageOf(() => trainer.step(tokens.subarray(1), samples))).toBe("expected 68 elements for tokens, got 67");
    expect(messageOf(() => trainer.step(new Float32Array(68) as never, samples))).toMatch(
      /^expected an Int32Array for tokens/,
    );
    expect(messageOf(() => trainer.evaluate(tokens, -1))).toMatch(/numSequences/);
    trainer.destroy();
  });

  it("does one call at a time, and none once destroyed", async () => {
    const trainer = native().createTrainer(config, null);
    const { tokens, samples } = batch(false);
    const running = trainer.step(tokens, samples);
    expect(messageOf(() => trainer.step(tokens, samples))).toMatch(/one call of a trainer at a time/);
    expect(messageOf(() => trainer.destroy())).toMatch(/no call in progress/);
    await running;
    trainer.destroy();
    expect(messageOf(() => trainer.stepCount())).toMatch(/destroyed/);
  });

  it("keeps a trainer and its arrays alive while a call runs, whatever is collected", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const begin = (): Promise<{ loss: number }> => {
      let trainer: NativeTrainer | undefined = native().createTrainer(config, new ArrayBuffer(128 + 3 * 256));
      const { tokens, samples } = batch(false);
      const running = trainer.step(tokens, samples);
      trainer = undefined;
      return running;
    };
    const running = begin();
    for (let i = 0; i < 5; i++) collect();
    expect((await running).loss).toBeGreaterThan(4);
    for (let i = 0; i < 5; i++) collect();
  });

  it("survives the end of its thread in the midst of a call", async () => {
    const door = new URL("../../../dist/native.js", import.meta.url).href;
    const script = `
      import(${JSON.stringify(door)}).then(async ({ native }) => {
        const { workerData, parentPort } = require("node:worker_threads");
        const trainer = native().createTrainer(workerData, null);
        parentPort.postMessage("running");
        for (;;) await trainer.step(new Int32Array(68), new BigInt64Array(4));
      });`;
    const worker = new Worker(script, { eval: true, workerData: config });
    await once(worker, "message");
    expect(await worker.terminate()).toBe(1);
  });

  it("plans what a trainer will allocate", () => {
    const plan = native().planTraining(config);
    expect(plan.totalBytes).toBe(plan.parameterBytes + plan.gradientBytes + plan.optimizerBytes + plan.activationBytes);
    expect(plan.numParameters).toBe(256 * 32 + 16 * 32 + 2 * (12 * 32 * 32 + 13 * 32) + 2 * 32);
    expect(native().backends()).toContain("reference");
  });
});
