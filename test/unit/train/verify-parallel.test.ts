// verifyParallel through the stage: the number of tensor-parallel ranks changes no bit of a curve or of a checkpoint, not
// even in the midst of a run. What the native tests prove op by op is here what a user sees.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { curveOf, makePlace, type Place, SMALL_MODEL, startTraining } from "./fixture.js";

let place: Place;

beforeAll(async () => {
  place = await makePlace();
});
afterAll(() => place.remove());

const VERIFIED = { model: { ...SMALL_MODEL, numHeads: 8 }, dropout: 0.1, decaySteps: 12, verifyParallel: true };

async function train(name: string, config: object): Promise<string> {
  const { dir, result } = startTraining(place, name, { ...VERIFIED, ...config });
  await result;
  return dir;
}

const weightsOf = (dir: string) => readFileSync(join(dir, "checkpoints", "step-00000012", "model.safetensors"));

describe("verified runs", () => {
  test("on 1, 4 and 8 ranks have the same metrics and the same checkpoint, byte for byte", async () => {
    const one = await train("one", { tp: 1 });
    for (const tp of [4, 8]) {
      const many = await train(`ranks-${tp}`, { tp });
      expect(curveOf(many)).toEqual(curveOf(one));
      expect(weightsOf(many).equals(weightsOf(one)), `tp ${tp}`).toBe(true);
    }
  });

  test("that go on with another number of ranks are as if they had not stopped", async () => {
    const moved = await train("moved", { tp: 8, steps: 4 });
    await train("moved", { tp: 2, steps: 8 });
    await train("moved", { tp: 1, steps: 12 });
    const steps = (dir: string) => curveOf(dir).map((line) => ({ ...(line as object), heldout_loss: undefined }));
    expect(steps(moved)).toEqual(steps(join(place.root, "one")));
    expect(weightsOf(moved).equals(weightsOf(join(place.root, "one")))).toBe(true);
  });

  test("differ from ordinary ones, whose bits depend on their ranks", async () => {
    const ordinary = await train("ordinary", { tp: 2, verifyParallel: false });
    expect(weightsOf(ordinary).equals(weightsOf(join(place.root, "one")))).toBe(false);
  });
});
