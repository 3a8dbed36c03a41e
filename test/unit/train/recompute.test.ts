// What the backward pass computes again is no part of the curve: it may change with every start of a run.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { native } from "#src/native.js";
import { trainerConfig } from "#src/train/config.js";
import { resolveTraining, trainSchema } from "#src/train/index.js";
import { curveOf, makePlace, type Place, SMALL_TRAINING, startTraining } from "./fixture.js";

const SETTINGS = { steps: 8, decaySteps: 8, dropout: 0.1 };
let place: Place;

beforeAll(async () => {
  place = await makePlace();
  await startTraining(place, "kept", SETTINGS).result;
});
afterAll(() => place.remove());

test("a run that is continued under other recomputation has the curve of keeping everything", async () => {
  await startTraining(place, "again", { ...SETTINGS, steps: 4, recompute: "full" }).result;
  const { dir, result } = startTraining(place, "again", { ...SETTINGS, recompute: "selective" });
  await result;
  const curve = curveOf(dir) as { step: number }[];
  // The held-out loss is measured at the last step of every start.
  expect(curve.map((line) => ({ ...line, heldout_loss: undefined }))).toEqual(
    (curveOf(join(place.root, "kept")) as object[]).map((line) => ({ ...line, heldout_loss: undefined })),
  );
});

test("less is kept under selective than under none, and least under full", async () => {
  const bytes: number[] = [];
  for (const recompute of ["none", "selective", "full"]) {
    const { training, run } = await resolveTraining(trainSchema.parse({ ...SMALL_TRAINING, recompute }));
    bytes.push(native().planTraining(trainerConfig(training, run, "reference")).activationBytes);
  }
  expect(bytes).toEqual([...bytes].sort((a, b) => b - a));
  expect(new Set(bytes).size).toBe(3);
  expect(() => trainSchema.parse({ ...SMALL_TRAINING, recompute: "some" })).toThrow(/none.*selective.*full/);
});
