// Training on a GPU through the stage, where one can be used (or is emulated): the curve of the processor, many ranks on one
// GPU, and runs that go on on the other device.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { native } from "#src/native.js";
import { curveOf, makePlace, type Place, startTraining } from "./fixture.js";

type Line = { step: number; loss: number; heldout_loss?: number };

// fp32 on both: what differs is the order of sums.
const TOLERANCE = 1e-4;
let place: Place;

beforeAll(async () => {
  place = await makePlace();
});
afterAll(() => place.remove());

async function curve(name: string, config: object): Promise<Line[]> {
  await startTraining(place, name, config).result;
  return curveOf(join(place.root, name)) as Line[];
}

function expectSame(actual: readonly Line[], expected: readonly Line[]): void {
  expect(actual.map(({ step }) => step)).toEqual(expected.map(({ step }) => step));
  for (const [index, { loss }] of expected.entries()) {
    expect(Math.abs(actual[index]!.loss - loss)).toBeLessThan(TOLERANCE);
  }
}

describe.runIf(native().backendReason("cuda") === "")("on a GPU", () => {
  let host: Line[];
  beforeAll(async () => {
    host = await curve("host", { device: "cpu" });
  });

  test("a run has the processor's curve", async () => {
    expectSame(await curve("gpu", { device: "cuda" }), host);
  });

  test("four ranks share one GPU", async () => {
    expectSame(await curve("gpu-tp-4", { device: "cuda", tp: 4 }), host);
  });

  test.each([
    ["cpu", "cuda"],
    ["cuda", "cpu"],
  ])("a run that began on %s goes on on %s as if it had never stopped", async (first, second) => {
    const name = `from-${first}`;
    await curve(name, { device: first, steps: 8, decaySteps: 12 });
    expectSame(await curve(name, { device: second, decaySteps: 12 }), host);
  });

  test("another learning rate is seen as another curve", async () => {
    const other = await curve("gpu-other", { device: "cuda", learningRate: 2.9e-3 });
    expect(Math.max(...other.map(({ loss }, index) => Math.abs(loss - host[index]!.loss)))).toBeGreaterThan(TOLERANCE);
  });
});
