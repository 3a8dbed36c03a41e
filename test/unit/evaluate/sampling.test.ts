// The laws of sampling.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SamplingOptions, sampleToken, uniformAt } from "#src/evaluate/sampling.js";

const ALL: SamplingOptions = { greedy: false, temperature: 1, topK: 0, topP: 1 };

const logitsOf = fc
  .array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 50 })
  .map((list) => Float32Array.from(list));
const uniforms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Ids by falling logit, ties by id. */
const ranked = (logits: Float32Array) => [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);

function frequencies(logits: number[], options: SamplingOptions, draws = 40_000): number[] {
  const counts = logits.map(() => 0);
  const values = Float32Array.from(logits);
  for (let draw = 0; draw < draws; draw++) counts[sampleToken(values, options, uniformAt(7, draw))]! += 1;
  return counts.map((count) => count / draws);
}

/** Four standard deviations of a frequency near one half over 40,000 draws. */
const TOLERANCE = 0.01;

describe("sampling", () => {
  test("greedy takes the most probable token, the lower id on ties, whatever the draw", () => {
    fc.assert(
      fc.property(logitsOf, uniforms, (logits, uniform) => {
        expect(sampleToken(logits, { ...ALL, greedy: true, temperature: 9 }, uniform)).toBe(ranked(logits)[0]);
      }),
    );
  });

  test("top-k takes one of the k best; k = 1 is greedy", () => {
    fc.assert(
      fc.property(logitsOf, fc.integer({ min: 1, max: 60 }), uniforms, (logits, topK, uniform) => {
        expect(ranked(logits).slice(0, topK)).toContain(sampleToken(logits, { ...ALL, topK }, uniform));
      }),
    );
  });

  test("the k best are those of the sorted list, in its order, however many they are", () => {
    const logits = Float32Array.from({ length: 3_000 }, (_, id) => Math.imul(id, 2_654_435_761) % 500);
    const order = ranked(logits);
    for (const topK of [1, 7, 999, 1_000, 1_001, 5_000]) {
      // Equal weights: the draw is the place.
      const options = { ...ALL, topK, temperature: 1e9 };
      const k = Math.min(topK, logits.length);
      for (const place of [0, 1, k >> 1, k - 1].filter((at) => at < k)) {
        expect(sampleToken(logits, options, (place + 0.5) / k)).toBe(order[place]);
      }
    }
  });

  test("top-p takes one of the smallest set of the best that reaches p", () => {
    fc.assert(
      fc.property(logitsOf, fc.double({ min: 0.01, max: 0.999, noNaN: true }), uniforms, (logits, topP, uniform) => {
        const order = ranked(logits);
        const weights = order.map((id) => Math.exp(logits[id]! - logits[order[0]!]!));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const place = order.indexOf(sampleToken(logits, { ...ALL, topP }, uniform));
        // What stands before the chosen one has not reached p yet.
        expect(weights.slice(0, place).reduce((sum, weight) => sum + weight, 0)).toBeLessThan(topP * total);
      }),
    );
  });

  test("frequencies are the softmax at the temperature", () => {
    const logits = [0, 1, 2];
    for (const temperature of [0.5, 1, 3]) {
      const weights = logits.map((logit) => Math.exp(logit / temperature));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      frequencies(logits, { ...ALL, temperature }).forEach((frequency, id) => {
        expect(Math.abs(frequency - weights[id]! / total)).toBeLessThan(TOLERANCE);
      });
    }
    // The twin: another temperature is told apart.
    const warm = frequencies(logits, { ...ALL, temperature: 3 });
    expect(Math.abs(warm[2]! - Math.exp(2) / (1 + Math.E + Math.exp(2)))).toBeGreaterThan(TOLERANCE);
  });

  test("top-p keeps the token that crosses p", () => {
    const [a, b, c] = frequencies([Math.log(0.5), Math.log(0.3), Math.log(0.2)], { ...ALL, topP: 0.6 });
    expect(Math.abs(a! - 0.5 / 0.8)).toBeLessThan(TOLERANCE);
    expect(Math.abs(b! - 0.3 / 0.8)).toBeLessThan(TOLERANCE);
    expect(c).toBe(0);
  });

  test("draws are uniform and a function of seed and position", () => {
    const draws = Array.from({ length: 20_000 }, (_, position) => uniformAt(1, position));
    expect(Math.abs(draws.reduce((sum, draw) => sum + draw, 0) / draws.length - 0.5)).toBeLessThan(TOLERANCE);
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
    expect(uniformAt(1, 5)).toBe(draws[5]);
    expect(uniformAt(2, 5)).not.toBe(draws[5]);
  });
});
