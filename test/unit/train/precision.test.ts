// bf16 and fp16 through the stage: what a skipped step leaves, that stopping among skipped steps changes nothing, and what
// is refused.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MetricsLine, readMetrics } from "#src/formats/metrics.js";
import { resolveTraining, trainSchema } from "#src/train/index.js";
import { makePlace, type Place, SMALL_TRAINING, startTraining } from "./fixture.js";

const FP16 = {
  precision: "fp16",
  lossScale: { initial: 2 ** 27, window: 6 },
  steps: 24,
  decaySteps: 24,
  dropout: 0.1,
  checkpointEvery: 0,
};
const linesOf = (dir: string) => readMetrics(join(dir, "metrics.jsonl"));
const lossOf = (lines: MetricsLine[], index: number) => lines.at(index)?.loss ?? Number.NaN;
let place: Place;
let whole: MetricsLine[];

beforeAll(async () => {
  place = await makePlace();
  const { dir, result } = startTraining(place, "whole", FP16);
  await result;
  whole = await linesOf(dir);
});
afterAll(() => place.remove());

describe("an fp16 run", () => {
  test("skips the steps whose gradients overflow, halves the scale, doubles it after the window, and learns", () => {
    const skipped = whole.filter((line) => line.skipped);
    expect(skipped.length).toBeGreaterThan(2);
    expect(whole.slice(0, 3).map(({ loss_scale }) => loss_scale)).toEqual([2 ** 27, 2 ** 27, 2 ** 26]);
    const doubled = whole.filter((line, index) => index > 0 && line.loss_scale > whole[index - 1]!.loss_scale);
    expect(doubled.length).toBeGreaterThan(0);
    // A skipped step's rate is asked for again by the next one.
    const followed = skipped.filter(({ step }) => step < whole.length);
    expect(followed.length).toBeGreaterThan(0);
    for (const { step, lr } of followed) expect(whole[step]!.lr).toBe(lr);
    expect(lossOf(whole, -1)).toBeLessThan(lossOf(whole, 0) - 0.5);
  });

  test("names operation, layer, tensor and rank of each overflow", () => {
    for (const line of whole) expect(line.overflow !== undefined).toBe(line.skipped === true);
    expect(whole[0]!.overflow).toMatch(/^head cross entropy backward, output logits: \d+ of \d+ values \(rank 0\)$/);
  });

  test("stopped and resumed among skipped steps has the curve of one that was not", async () => {
    const stop = whole.findIndex((line) => line.skipped) + 2;
    const { dir, result } = startTraining(place, "parts", { ...FP16, steps: stop });
    await result;
    await startTraining(place, "parts", FP16).result;
    const decided = ({ step, loss, grad_norm, lr, loss_scale, overflow }: MetricsLine) =>
      [step, loss, grad_norm, lr, loss_scale, overflow] as const;
    expect((await linesOf(dir)).map(decided)).toEqual(whole.map(decided));
  });

  test("that overflows at the smallest scale stops with advice", async () => {
    const { result } = startTraining(place, "floor", { ...FP16, lossScale: { initial: 2 ** 27, minimum: 2 ** 26 } });
    await expect(result).rejects.toMatchObject({
      code: "train-diverged",
      message: expect.stringMatching(/smallest loss scale, 67108864.*head cross entropy backward/),
      hint: expect.stringMatching(/learningRate/),
    });
  });
});

test("a bf16 run is not scaled and learns", async () => {
  const { dir, result } = startTraining(place, "bf16", { precision: "bf16" });
  await result;
  const curve = await linesOf(dir);
  expect(new Set(curve.map(({ loss_scale }) => loss_scale))).toEqual(new Set([1]));
  expect(lossOf(curve, -1)).toBeLessThan(lossOf(curve, 0) - 0.5);
});

test("a loss scale is of fp16 alone, and of powers of two", async () => {
  const resolved = (settings: object) => resolveTraining(trainSchema.parse({ ...SMALL_TRAINING, ...settings }));
  expect((await resolved({ precision: "fp16" })).training.lossScale).toEqual({
    initial: 2 ** 32,
    minimum: 1,
    window: 1000,
    hysteresis: 2,
  });
  expect((await resolved({ precision: "bf16" })).training).not.toHaveProperty("lossScale");
  await expect(resolved({ precision: "bf16", lossScale: {} })).rejects.toThrow(/no lossScale with precision bf16/);
  await expect(resolved({ precision: "tf32" })).rejects.toThrow(
    /fp32, bf16 or fp16 for precision on device cpu, got tf32/,
  );
  expect((await resolved({ precision: "tf32", device: "cuda" })).training.precision).toBe("tf32");
  await expect(resolved({ precision: "fp16", lossScale: { minimum: 2 ** 33 } })).rejects.toThrow(/lossScale.minimum/);
  expect(() => trainSchema.parse({ ...SMALL_TRAINING, precision: "fp16", lossScale: { initial: 3 } })).toThrow(/power/);
  expect(() => trainSchema.parse({ ...SMALL_TRAINING, precision: "fp8" })).toThrow(/fp32.*bf16.*fp16/);
});
