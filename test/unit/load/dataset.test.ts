import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { readManifest } from "#src/formats/manifest.js";
import { openShard } from "#src/formats/shard.js";
import { type Loader, type LoaderOptions, ShardDataset, unigramEntropy, type WeightedFolder } from "#src/load/index.js";
import { loadTokenizer } from "#src/tokenizers/index.js";
import { makeShards, type TestBlock } from "../shard/make-shards.js";

const root = mkdtempSync(join(tmpdir(), "millrace-load-"));
const first = join(root, "first");
const second = join(root, "second");
const T = 16;

function blocksOf(name: string, count: number): TestBlock[] {
  return Array.from({ length: count }, (_, block) => ({
    documents: Array.from({ length: 30 }, (_, row) => ({
      id: `${name}-${block}-${row}`,
      text: `${name} document ${row} of block ${block}. ${"word ".repeat(row)}`,
    })),
  }));
}

beforeAll(async () => {
  await makeShards(first, blocksOf("first", 4), { heldout: 0.2 });
  await makeShards(second, blocksOf("second", 2), { heldout: 0.2 });
});
afterAll(() => rmSync(root, { recursive: true }));

const opened: ShardDataset[] = [];
async function open(shards: string | WeightedFolder[] = first): Promise<ShardDataset> {
  const dataset = await ShardDataset.open(shards);
  opened.push(dataset);
  return dataset;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((dataset) => dataset.close()));
});

const options = (changes: Partial<LoaderOptions> = {}): LoaderOptions => ({
  sequenceLength: T,
  globalBatch: 4,
  seed: 1,
  firstSample: 0,
  ...changes,
});

/** Rows of the next `count` batches: "sample: tokens". */
async function take(loader: Loader, count: number): Promise<string[]> {
  const rows: string[] = [];
  for (let i = 0; i < count; i++) {
    const { tokens, samples, release } = await loader.next();
    samples.forEach((sample, row) => {
      rows.push(`${sample}: ${tokens.subarray(row * (T + 1), (row + 1) * (T + 1)).join(" ")}`);
    });
    release();
  }
  return rows;
}

describe("batches", () => {
  test("are the same for any depth of the ring, any size and any start", async () => {
    const dataset = await open([
      { dir: first, weight: 3 },
      { dir: second, weight: 2 },
    ]);
    const all = await take(await dataset.openBatches(options({ globalBatch: 1 })), 60);
    expect(all[0]).toMatch(/^0: \d+ /);
    for (const [globalBatch, depth, firstSample] of [
      [4, 1, 0],
      [6, 2, 0],
      [5, 4, 10],
      [7, 3, 39],
    ] as const) {
      const loader = await dataset.openBatches(options({ globalBatch, depth, firstSample }));
      const count = Math.floor((60 - firstSample) / globalBatch);
      expect(await take(loader, count)).toEqual(all.slice(firstSample, firstSample + count * globalBatch));
    }
  });

  test("an epoch has each window of the training shards once, and no held-out token", async () => {
    const dataset = await open();
    const numWindows = dataset.numWindows(T);
    const rows = await take(await dataset.openBatches(options({ globalBatch: 1 })), numWindows);
    const manifest = await readManifest(first);
    const expected: string[] = [];
    for (const entry of manifest.shards.filter(({ split }) => split === "train")) {
      const values = openShard(first, entry, manifest.token_type).batches.flatMap((batch) => Array.from(batch.values));
      for (let start = 0; start < values.length; start += T) {
        expected.push(Array.from({ length: T + 1 }, (_, j) => values[(start + j) % values.length]).join(" "));
      }
    }
    expect(rows.map((row) => row.slice(row.indexOf(": ") + 2)).toSorted()).toEqual(expected.toSorted());
  });

  test("do not depend on where the shards lie", async () => {
    const moved = join(root, "moved");
    cpSync(first, moved, { recursive: true });
    const [here, there] = [await open(first), await open(moved)];
    expect(there.identity).toBe(here.identity);
    expect(await take(await there.openBatches(options()), 5)).toEqual(await take(await here.openBatches(options()), 5));
  });

  test("depend on the seed", async () => {
    const dataset = await open();
    expect(await take(await dataset.openBatches(options({ seed: 2 })), 3)).not.toEqual(
      await take(await dataset.openBatches(options()), 3),
    );
  });

  test("a damaged page is an error of next(), with its place; the twin before the damage passes", async () => {
    const damaged = join(root, "damaged");
    cpSync(first, damaged, { recursive: true });
    const dataset = await open(damaged);
    const before = await dataset.openBatches(options({ globalBatch: 200 }));
    (await before.next()).release();
    await before.close();
    const manifest = await readManifest(damaged);
    const entry = manifest.shards[2]!;
    const path = join(damaged, entry.file);
    const offset = openShard(damaged, entry, manifest.token_type).batches[0]!.values.byteOffset;
    const bytes = readFileSync(path);
    bytes[offset]! ^= 1;
    rmSync(path);
    writeFileSync(path, bytes);
    const after = await dataset.openBatches(options({ globalBatch: 200 }));
    await expect(after.next()).rejects.toMatchObject({ code: "shard-damaged", where: { file: path, offset } });
  });

  test("a batch that is never released ends the wait for its slot, and the error says who holds it", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      const dataset = await open();
      const loader = await dataset.openBatches(options({ depth: 2, deadlineMs: 3000 }));
      await loader.next();
      await loader.next();
      const refused = expect(loader.next()).rejects.toThrow(
        "expected batch 2 within 3 s, got none: slot 0 is in use with batch 0 since 3.0 s; slot 1 is in use with batch 1",
      );
      await vi.advanceTimersByTimeAsync(3000);
      await refused;
    } finally {
      vi.useRealTimers();
    }
  });

  test("releasing twice is releasing once", async () => {
    const dataset = await open();
    const loader = await dataset.openBatches(options({ depth: 2 }));
    const batch = await loader.next();
    batch.release();
    await loader.next();
    batch.release();
    expect(Array.from((await loader.next()).samples)).toEqual([8n, 9n, 10n, 11n]);
  });

  test("waits are counted", async () => {
    const dataset = await open();
    const loader = await dataset.openBatches(options());
    await take(loader, 20);
    const { count, p50Ms, p99Ms, maxMs, totalMs } = loader.stats();
    expect(count).toBe(20);
    expect(p50Ms <= p99Ms && p99Ms <= maxMs && maxMs <= totalMs).toBe(true);
  });

  test.each([
    { sequenceLength: 0 },
    { globalBatch: 1.5 },
    { depth: 0 },
    { firstSample: -1 },
    { seed: -1 },
  ])("%j is refused", async (changes) => {
    const dataset = await open();
    await expect(dataset.openBatches(options(changes))).rejects.toMatchObject({
      code: expect.stringMatching(/^config-/),
    });
  });

  test("a folder without training tokens is refused", async () => {
    const empty = join(root, "empty");
    await makeShards(empty, []);
    await expect((await open(empty)).openBatches(options())).rejects.toThrow(
      `expected training tokens for the shards in ${empty}, got none`,
    );
  });
});

describe("held-out windows", () => {
  async function heldOutTokens(dir: string): Promise<number[][]> {
    const manifest = await readManifest(dir);
    return manifest.shards
      .filter(({ split }) => split === "heldout")
      .map((entry) => openShard(dir, entry, manifest.token_type).batches.flatMap(({ values }) => Array.from(values)));
  }

  test("have each held-out token but a shard's first as a target once, in order, for any T and batch", async () => {
    const dataset = await open([
      { dir: first, weight: 1 },
      { dir: second, weight: 1 },
    ]);
    const expected = [...(await heldOutTokens(first)), ...(await heldOutTokens(second))].flatMap((tokens) =>
      tokens.slice(1),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 9 }),
        async (sequenceLength, sequencesPerBatch) => {
          const targets: number[] = [];
          for await (const { tokens, numSequences } of dataset.heldOut({
            sequenceLength,
            sequencesPerBatch,
            maxTokens: 1e9,
          })) {
            expect(tokens).toHaveLength(numSequences * (sequenceLength + 1));
            for (let row = 0; row < numSequences; row++) {
              targets.push(
                ...tokens
                  .subarray(row * (sequenceLength + 1) + 1, (row + 1) * (sequenceLength + 1))
                  .filter((token) => token !== -1),
              );
            }
          }
          expect(targets).toEqual(expected);
        },
      ),
      { numRuns: 20 },
    );
  });

  test("stop before maxTokens is passed, at the same windows every time", async () => {
    const dataset = await open();
    const rows: number[] = [];
    for await (const { numSequences } of dataset.heldOut({
      sequenceLength: T,
      sequencesPerBatch: 4,
      maxTokens: 10 * T + 3,
    }))
      rows.push(numSequences);
    expect(rows).toEqual([4, 4, 2]);
  });
});

describe("a data set", () => {
  test("tells what a checkpoint must agree with", async () => {
    const dataset = await open();
    const gpt2 = loadTokenizer("gpt2");
    expect(dataset.tokenizer).toEqual({ name: "gpt2", fingerprint: gpt2.fingerprint });
    expect([dataset.vocabSize, dataset.orderVersion]).toEqual([50257, 1]);
    const { splits } = await readManifest(first);
    expect([dataset.numTrainTokens, dataset.numHeldOutTokens]).toEqual([splits.train.tokens, splits.heldout.tokens]);
  });

  test("of a mixture has another identity than its parts, and the weights count", async () => {
    const of = async (weight: number): Promise<string> =>
      (
        await open([
          { dir: first, weight },
          { dir: second, weight: 1 },
        ])
      ).identity;
    expect(new Set([(await open(first)).identity, (await open(second)).identity, await of(1), await of(2)]).size).toBe(
      4,
    );
  });

  test("its unigram entropy is the cross entropy of the held-out tokens under the training counts plus one", async () => {
    const manifest = await readManifest(first);
    const counts = new Float64Array(50257).fill(1);
    const heldOut: number[] = [];
    for (const entry of manifest.shards) {
      for (const { values } of openShard(first, entry, manifest.token_type).batches) {
        for (const token of values) {
          if (entry.split === "train") counts[token]! += 1;
          else heldOut.push(token);
        }
      }
    }
    const total = counts.reduce((sum, count) => sum + count, 0);
    const expected = heldOut.reduce((sum, token) => sum - Math.log(counts[token]! / total), 0) / heldOut.length;
    expect(await unigramEntropy(first)).toBeCloseTo(expected, 9);
    expect(await (await open(first)).unigramEntropy()).toBeCloseTo(expected, 9);
  });

  test("without held-out documents has no unigram entropy", async () => {
    const none = join(root, "none");
    await makeShards(none, blocksOf("none", 1), { heldout: 0 });
    await expect(unigramEntropy(none)).rejects.toMatchObject({ code: "shards-heldout" });
  });
});
