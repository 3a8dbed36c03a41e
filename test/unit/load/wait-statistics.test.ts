import fc from "fast-check";
import { expect, test } from "vitest";
import { WaitStatistics } from "#src/load/wait-statistics.js";

test("percentiles are within 5 % of the exact ones, for any waits", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.002, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 }),
      (waits) => {
        const statistics = new WaitStatistics();
        for (const wait of waits) statistics.add(wait);
        const sorted = waits.toSorted((a, b) => a - b);
        const exact = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1]!;
        const { count, p50Ms, p99Ms, maxMs } = statistics.summary();
        expect([count, maxMs]).toEqual([waits.length, sorted.at(-1)]);
        for (const [got, wanted] of [
          [p50Ms, exact(0.5)],
          [p99Ms, exact(0.99)],
        ] as const) {
          expect(got).toBeGreaterThanOrEqual(wanted * 0.9999);
          expect(got).toBeLessThanOrEqual(wanted * 1.0501);
        }
      },
    ),
  );
});

test("no wait and waits of nothing are told as such", () => {
  const statistics = new WaitStatistics();
  expect(statistics.summary()).toEqual({ count: 0, totalMs: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 });
  statistics.add(0);
  expect(statistics.summary()).toEqual({ count: 1, totalMs: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 });
});
