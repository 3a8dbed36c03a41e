import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Interleave } from "#src/load/interleave.js";
import { ORDER_VERSION, type OrderSource, SampleOrder } from "#src/load/order.js";
import { Permutation } from "#src/load/permutation.js";

interface GoldenCase {
  readonly sources: OrderSource[];
  readonly seed: number;
  readonly samples: number[];
  readonly expected: number[][];
}

const golden = JSON.parse(
  readFileSync(new URL("../../parity/golden-order.json", import.meta.url), "utf8"),
) as GoldenCase[];
const identity = (digit: string): string => `sha256:${digit.repeat(64)}`;
const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const weights = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 });

const orderArguments = fc.record({
  sources: fc.array(
    fc.record({ numWindows: fc.integer({ min: 1, max: 40 }), weight: fc.integer({ min: 1, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 5,
    },
  ),
  seed: fc.nat(),
});

function orderOf(args: { sources: readonly { numWindows: number; weight: number }[]; seed: number }): SampleOrder {
  const sources = args.sources.map((source, i) => ({ ...source, identity: identity("0123456789abcdef"[i]!) }));
  return new SampleOrder(sources, args.seed);
}

describe("the permutation", () => {
  test("takes each value once, for any size and key", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.array(word, { minLength: 1, maxLength: 6 }), (size, key) => {
        const permutation = new Permutation(size, key);
        const values = Array.from({ length: size }, (_, i) => permutation.at(i));
        expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
      }),
    );
  });

  test("stays below its size and does not repeat at 2^52", () => {
    const permutation = new Permutation(2 ** 52, [1n]);
    const seen = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      const value = permutation.at(2 ** 52 - 1 - i * 1_000_003);
      expect(Number.isSafeInteger(value) && value >= 0 && value < 2 ** 52).toBe(true);
      seen.add(value);
    }
    expect(seen.size).toBe(2000);
  });

  test("every word of the key counts", () => {
    const values = (key: bigint[]): string =>
      Array.from({ length: 100 }, (_, i) => new Permutation(1000, key).at(i)).join();
    const keys = [
      [1n, 2n, 3n],
      [0n, 2n, 3n],
      [1n, 0n, 3n],
      [1n, 2n, 0n],
      [2n, 1n, 3n],
      [1n, 2n],
    ];
    expect(new Set(keys.map(values)).size).toBe(keys.length);
  });

  test("neighbours end up far apart: each tenth of the positions holds about a tenth of each tenth of the values", () => {
    const size = 100_000;
    const permutation = new Permutation(size, [42n]);
    const counts = new Float64Array(100);
    for (let i = 0; i < size; i++)
      counts[Math.floor((i * 10) / size) * 10 + Math.floor((permutation.at(i) * 10) / size)]! += 1;
    // 1,000 expected, standard deviation about 30: five of them.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe("the interleave", () => {
  test("keeps every source within one sample of its share at every prefix, and exact at the cycle's end", () => {
    fc.assert(
      fc.property(weights, (list) => {
        const interleave = new Interleave(list);
        const sum = list.reduce((a, b) => a + b, 0);
        const drawn = list.map(() => 0);
        for (let sample = 0; sample < sum; sample++) {
          const { source, drawn: before } = interleave.at(sample);
          expect(before).toBe(drawn[source]);
          drawn[source]! += 1;
          const differences = list.map((weight, i) => Math.abs(drawn[i]! - (weight * (sample + 1)) / sum));
          expect(Math.max(...differences)).toBeLessThan(1);
        }
        expect(drawn).toEqual(list);
      }),
    );
  });

  test("goes on in later cycles as in the first", () => {
    fc.assert(
      fc.property(weights, fc.nat(1_000_000), fc.nat(10_000), (list, cycle, position) => {
        const interleave = new Interleave(list);
        const p = position % interleave.cycle;
        const first = interleave.at(p);
        const later = interleave.at(cycle * interleave.cycle + p);
        expect(later).toEqual({ source: first.source, drawn: first.drawn + cycle * interleave.weights[first.source]! });
      }),
    );
  });

  test("equal proportions give equal orders", () => {
    const samples = Array.from({ length: 50 }, (_, i) => i);
    const drawn = (list: number[]) => samples.map((sample) => new Interleave(list).at(sample));
    expect(drawn([2, 4, 6])).toEqual(drawn([1, 2, 3]));
    expect(drawn([1, 2, 3])).not.toEqual(drawn([1, 2, 4]));
  });

  test("takes weights up to a sum of 65,536", () => {
    const interleave = new Interleave([65_535, 1]);
    expect(interleave.cycle).toBe(65_536);
    const seconds = Array.from({ length: 65_536 }, (_, i) => interleave.at(i)).filter(({ source }) => source === 1);
    expect(seconds).toHaveLength(1);
    expect(() => new Interleave([65_535, 2])).toThrow("a sum of at most 65536 for the weights");
  });

  test.each([[[]], [[0]], [[1.5]], [[-1, 2]], [[Number.NaN]]])("refuses the weights %j", (list) => {
    expect(() => new Interleave(list)).toThrow("expected whole numbers from 1");
  });
});

describe("the order", () => {
  test("takes each window of each source once an epoch", () => {
    fc.assert(
      fc.property(orderArguments, (args) => {
        const order = orderOf(args);
        const epochs = new Map<string, number[]>();
        const drawn = args.sources.map(() => 0);
        for (let sample = 0; drawn.some((count, i) => count < 2 * args.sources[i]!.numWindows); sample++) {
          const { source, epoch, window } = order.at(sample);
          expect(epoch).toBe(Math.floor(drawn[source]! / args.sources[source]!.numWindows));
          drawn[source]! += 1;
          const key = `${source} ${epoch}`;
          epochs.set(key, [...(epochs.get(key) ?? []), window]);
        }
        args.sources.forEach(({ numWindows }, source) => {
          for (const epoch of [0, 1]) {
            const windows = epochs.get(`${source} ${epoch}`)!.toSorted((a, b) => a - b);
            expect(windows).toEqual(Array.from({ length: numWindows }, (_, i) => i));
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  test("asking for a sample gives what going there one by one gives", () => {
    fc.assert(
      fc.property(orderArguments, fc.array(fc.nat(500), { maxLength: 30 }), (args, samples) => {
        const sequential = orderOf(args);
        const walked = Array.from({ length: 501 }, (_, sample) => sequential.at(sample));
        const jumping = orderOf(args);
        for (const sample of samples) expect(jumping.at(sample)).toEqual(walked[sample]);
      }),
    );
  });

  test("seed, identity and epoch each change it; the folder's place does not enter", () => {
    const windows = (digit: string, seed: number, from: number): string => {
      const order = new SampleOrder([{ identity: identity(digit), numWindows: 500, weight: 1 }], seed);
      return Array.from({ length: 500 }, (_, i) => order.at(from + i).window).join();
    };
    const variants = [windows("a", 1, 0), windows("b", 1, 0), windows("a", 2, 0), windows("a", 1, 500)];
    expect(new Set(variants).size).toBe(variants.length);
  });

  // Written by test/parity/make-order-golden.py from the documentation alone. A failure here means that every run under way
  // would go on with other samples: raise ORDER_VERSION instead.
  test("of version 1 equals the golden vectors", () => {
    expect(ORDER_VERSION).toBe(1);
    for (const { sources, seed, samples, expected } of golden) {
      const order = new SampleOrder(sources, seed);
      expect(
        samples.map((sample) => order.at(sample)).map(({ source, epoch, window }) => [source, epoch, window]),
      ).toEqual(expected);
    }
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN])("refuses the seed %s", (seed) => {
    expect(() => orderOf({ sources: [{ numWindows: 1, weight: 1 }], seed })).toThrow(
      "expected a whole number from 0 to 2^53 - 1",
    );
  });
});
