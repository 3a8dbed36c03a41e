// External sorting: whatever is in memory at a time, records come out in the order of their keys, equal ones as they came.
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type RecordShape, RunMerge, RunWriter } from "#src/dedup/runs.js";
import { KEY_WORDS } from "#src/dedup/set-reader.js";
import { engineOf } from "#src/text/engine.js";
import { makeFolder } from "./harness.js";

const path = join(makeFolder(), "x.spill");

async function sorted(records: readonly (readonly number[])[], shape: RecordShape, capacity: number) {
  const writer = await RunWriter.open(path, "runs", shape, capacity, engineOf("native"));
  for (const record of records) {
    writer.push(Uint32Array.from(record));
    if (writer.isFull) await writer.flush();
  }
  await writer.finish();
  const merge = new RunMerge([path], "runs", shape);
  const result: number[][] = [];
  for (let record = merge.peek(); record !== undefined; record = merge.peek()) {
    result.push([...record]);
    merge.skip();
  }
  merge.close();
  return result;
}

/** Few different words, and those that a signed comparison would put in the wrong place. */
const word = fc.oneof(fc.nat({ max: 2 }), fc.constantFrom(2 ** 31, 2 ** 32 - 1));

test("records are sorted by one word, those with one key in the order they were pushed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 60 }), fc.integer({ min: 1, max: 70 }), async (keys, capacity) => {
      const records = keys.map((key, i) => [key, i]);
      const expected = [...records].sort(([a], [b]) => a! - b!);
      expect(await sorted(records, { keyWords: 1, words: 2 }, capacity)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test("records are sorted by all words of a place in the total order", async () => {
  const key = fc.array(word, { minLength: KEY_WORDS, maxLength: KEY_WORDS });
  await fc.assert(
    fc.asyncProperty(fc.array(key, { maxLength: 60 }), fc.integer({ min: 1, max: 70 }), async (keys, capacity) => {
      const records = keys.map((words, i) => [...words, i]);
      const difference = (a: readonly number[], b: readonly number[]): number =>
        a.map((value, i) => value - b[i]!).find((value) => value !== 0) ?? 0;
      const expected = [...records].sort((a, b) => difference(a, b));
      expect(await sorted(records, { keyWords: KEY_WORDS, words: KEY_WORDS + 1 }, capacity)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test("more records than a window of any run come out, each once", async () => {
  const records = Array.from({ length: 5000 }, (_, i) => [(i * 7919) % 5000, i]);
  const result = await sorted(records, { keyWords: 1, words: 2 }, 2100);
  expect(result.map(([key]) => key)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
});
