// The order of submitting and collecting: its laws, over all small runs.

import { describe, expect, test } from "vitest";
import { type StepsAhead, takeSteps } from "#src/train/steps-ahead.js";

interface Trace {
  readonly events: string[];
  readonly mostOutstanding: number;
  /** Outstanding steps while the caller looks at a boundary's result. */
  readonly outstandingAtBoundary: number;
  readonly results: number[];
  readonly finals: number[];
}

interface Options {
  readonly last: number;
  readonly ahead: number;
  readonly every: number;
  readonly taken?: number;
  /** After this result the run is asked to stop. */
  readonly stopAfter?: number;
}

async function trace({ last, ahead, every, taken = 0, stopAfter }: Options): Promise<Trace> {
  const events: string[] = [];
  let outstanding = 0;
  let mostOutstanding = 0;
  let outstandingAtBoundary = 0;
  let stopped = false;
  const results: number[] = [];
  const finals: number[] = [];
  const isBoundary = (step: number) => step === last || (every > 0 && step % every === 0);
  const run: StepsAhead<string, number> = {
    taken,
    last,
    ahead,
    isBoundary,
    isStopped: () => stopped,
    async submit(step, behind) {
      expect(behind).toBe(outstanding > 0);
      events.push(`submit ${step}`);
      outstanding += 1;
      mostOutstanding = Math.max(mostOutstanding, outstanding);
      return `batch of ${step}`;
    },
    async collect(step, submitted) {
      expect(submitted).toBe(`batch of ${step}`);
      events.push(`collect ${step}`);
      outstanding -= 1;
      return step;
    },
  };
  for await (const { step, result, isFinal } of takeSteps(run)) {
    expect(result).toBe(step);
    results.push(result);
    if (isFinal) finals.push(step);
    if (isBoundary(step)) outstandingAtBoundary = Math.max(outstandingAtBoundary, outstanding);
    if (step === stopAfter) stopped = true;
  }
  expect(outstanding).toBe(0);
  return { events, mostOutstanding, outstandingAtBoundary, results, finals };
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("steps ahead of a device", () => {
  test("every step is taken once and in order, whatever is ahead", async () => {
    for (const last of [0, 1, 2, 7]) {
      for (const ahead of [0, 1, 3]) {
        for (const every of [0, 1, 2, 3]) {
          for (const taken of [0, Math.min(last, 2)]) {
            const { results, mostOutstanding, outstandingAtBoundary, finals } = await trace({
              last,
              ahead,
              every,
              taken,
            });
            expect(results).toEqual(range(taken + 1, last));
            expect(mostOutstanding).toBeLessThanOrEqual(ahead + 1);
            expect(outstandingAtBoundary).toBe(0);
            expect(finals).toEqual(taken < last ? [last] : []);
          }
        }
      }
    }
  });

  test("a step is submitted before the last one is collected where the device allows it, and only there", async () => {
    expect((await trace({ last: 3, ahead: 0, every: 0 })).events).toEqual([
      "submit 1",
      "collect 1",
      "submit 2",
      "collect 2",
      "submit 3",
      "collect 3",
    ]);
    expect((await trace({ last: 4, ahead: 1, every: 2 })).events).toEqual([
      "submit 1",
      "submit 2",
      "collect 1",
      "collect 2",
      "submit 3",
      "submit 4",
      "collect 3",
      "collect 4",
    ]);
    expect((await trace({ last: 3, ahead: 1, every: 0 })).events).toEqual([
      "submit 1",
      "submit 2",
      "collect 1",
      "submit 3",
      "collect 2",
      "collect 3",
    ]);
  });

  test("a run that is asked to stop collects what it has submitted", async () => {
    const stopped = await trace({ last: 9, ahead: 1, every: 0, stopAfter: 3 });
    expect(stopped.results).toEqual([1, 2, 3, 4]);
    expect(stopped.finals).toEqual([4]);
    expect((await trace({ last: 9, ahead: 0, every: 0, stopAfter: 3 })).results).toEqual([1, 2, 3]);
  });
});
