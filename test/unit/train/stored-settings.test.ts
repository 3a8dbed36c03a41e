// The schedule and the optimizer as a run configures them: metrics follow the schedule, the checkpoint stores every
// setting, and a run that would go on under others is refused with each of them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { curveOf, makePlace, type Place, startTraining } from "./fixture.js";

const SETTINGS = {
  steps: 6,
  dropout: 0.2,
  learningRate: 2e-3,
  minLearningRate: 5e-4,
  schedule: "linear",
  warmupSteps: 2,
  decaySteps: 5,
  beta1: 0.8,
  beta2: 0.95,
  epsilon: 1e-6,
  weightDecay: 0.3,
  clipNorm: 0.5,
  initStd: 0.03,
  seed: 77,
  checkpointEvery: 0,
} as const;
let place: Place;

beforeAll(async () => {
  place = await makePlace();
  await startTraining(place, "run", SETTINGS).result;
});
afterAll(() => place.remove());

test("the learning rate of every step is that of the schedule", () => {
  const rates = (curveOf(join(place.root, "run")) as { lr: number }[]).map(({ lr }) => lr);
  // Up to 2e-3 in two steps, down to nothing at the fifth in a straight line, cut at 5e-4.
  const expected = [1e-3, 2e-3, 4e-3 / 3, 2e-3 / 3, 5e-4, 5e-4];
  rates.forEach((rate, index) => {
    expect(rate).toBeCloseTo(expected[index]!, 12);
  });
});

test("the checkpoint stores every setting of schedule and optimizer", () => {
  const state = JSON.parse(
    readFileSync(join(place.root, "run", "checkpoints", "step-00000006", "state.json"), "utf8"),
  ) as { training: object };
  const { steps: _, checkpointEvery: __, ...stored } = SETTINGS;
  expect(state.training).toMatchObject(stored);
});

test("going on under other settings is refused with every one of them", async () => {
  const others = {
    steps: 8,
    schedule: "cosine",
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
    clipNorm: 1,
    warmupSteps: 1,
    minLearningRate: 1e-5,
  };
  const { result } = startTraining(place, "run", { ...SETTINGS, ...others });
  const error = (await result.then(
    () => undefined,
    (refusal: unknown) => refusal,
  )) as { code: string; message: string };
  expect(error.code).toBe("checkpoint-mismatch");
  for (const key of Object.keys(others).filter((name) => name !== "steps")) expect(error.message).toContain(key);
  expect(error.message).not.toContain("dropout");
});
