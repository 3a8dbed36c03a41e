import fc from "fast-check";
import { expect, test } from "vitest";
import { numWindowsOf, readWindow, type TokenReader, WindowMap } from "#src/load/windows.js";

/** A shard whose token i is i. */
function shardOf(numTokens: number): TokenReader {
  return {
    numTokens,
    read: (start, count, target, position) => {
      if (start < 0 || start + count > numTokens) throw new RangeError(`${start} + ${count} of ${numTokens}`);
      for (let i = 0; i < count; i++) target[position + i] = start + i;
    },
  };
}

function windowOf(numTokens: number, sequenceLength: number, window: number): number[] {
  const target = new Int32Array(sequenceLength + 1);
  readWindow(shardOf(numTokens), window, sequenceLength, target, 0);
  return Array.from(target);
}

const numTokens = fc.integer({ min: 1, max: 300 });
const sequenceLength = fc.integer({ min: 1, max: 50 });

test("window i begins at token i * T and goes on without a gap, round the shard's end to its beginning", () => {
  fc.assert(
    fc.property(numTokens, sequenceLength, (n, T) => {
      for (let window = 0; window < numWindowsOf(n, T); window++) {
        expect(windowOf(n, T, window)).toEqual(Array.from({ length: T + 1 }, (_, j) => (window * T + j) % n));
      }
    }),
  );
});

test("each epoch every token of a shard is an input, and fewer than T of them are so twice", () => {
  fc.assert(
    fc.property(numTokens, sequenceLength, (n, T) => {
      const windows = Array.from({ length: numWindowsOf(n, T) }, (_, window) => windowOf(n, T, window));
      const inputs = windows.flatMap((window) => window.slice(0, T));
      expect(new Set(inputs).size).toBe(n);
      expect(inputs.length - n).toBeLessThan(T);
    }),
  );
});

test("each epoch every token of a shard is a target", () => {
  fc.assert(
    fc.property(numTokens, sequenceLength, (n, T) => {
      const windows = Array.from({ length: numWindowsOf(n, T) }, (_, window) => windowOf(n, T, window));
      expect(new Set(windows.flatMap((window) => window.slice(1))).size).toBe(n);
    }),
  );
});

test("windows of several shards are numbered through, each once", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100), { maxLength: 20 }), sequenceLength, (shards, T) => {
      const map = new WindowMap(shards, T);
      const expected = shards.flatMap((tokens, shard) =>
        Array.from({ length: numWindowsOf(tokens, T) }, (_, window) => ({ shard, window })),
      );
      expect(Array.from({ length: map.numWindows }, (_, window) => map.locate(window))).toEqual(expected);
    }),
  );
});
