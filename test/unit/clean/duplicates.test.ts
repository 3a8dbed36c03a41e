import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { duplicatesOf, findDuplicates, planShares } from "#src/clean/duplicates-task.js";
import { IdTableWriter, readIdTable } from "#src/clean/id-table.js";
import { readLines } from "#src/clean/rejected-lines.js";
import { blockReader } from "#src/read/index.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ids-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** One block's table; a segment holds few rows, so that ids meet within segments and across them. */
async function writeTable(path: string, ids: readonly string[], hashOf?: () => number, segmentRows = 3): Promise<void> {
  const table = await IdTableWriter.open(path, hashOf, segmentRows);
  for (const [i, id] of ids.entries()) {
    const bytes = Buffer.from(`<${id}>`);
    await table.add(bytes, 1, bytes.length - 1, i * 100, i + 1);
  }
  await table.commit();
}

/** Refused rows by block, found by `shares` tasks. */
async function refused(
  blocks: readonly (readonly string[])[],
  shares: number,
  hashOf?: () => number,
): Promise<number[][]> {
  const names = blocks.map((_, i) => ({ block: `b${i}`, file: "f" }));
  for (const [i, ids] of blocks.entries()) await writeTable(join(dir, `ids-b${i}.bin`), ids, hashOf);
  const rows: number[][] = blocks.map(() => []);
  const size = 256 / shares;
  for (let i = 0; i < shares; i += 1) {
    const args = { share: String(i), from: i * size, to: (i + 1) * size, blocks: names };
    const result = await findDuplicates(args, { dir, workDir: dir, reader: blockReader });
    for (const block of duplicatesOf(result).blocks) {
      const index = Number(block.slice(1));
      let last = -1;
      for (const { offset, line, row, tail } of readLines(join(dir, `duplicates-${i}-${block}.jsonl`))) {
        expect(JSON.parse(Buffer.from(tail, "latin1").toString())).toEqual({
          reason: "duplicate-id",
          id: blocks[index]![row],
        });
        expect([offset, line]).toEqual([row * 100, row + 1]);
        expect(row).toBeGreaterThan(last);
        last = row;
        rows[index]!.push(row);
      }
    }
  }
  return rows.map((found) => found.sort((a, b) => a - b));
}

function expected(blocks: readonly (readonly string[])[]): number[][] {
  const seen = new Set<string>();
  return blocks.map((ids) =>
    ids.flatMap((id, row) => {
      if (seen.has(id)) return [row];
      seen.add(id);
      return [];
    }),
  );
}

const corpus = fc.array(
  fc.array(fc.oneof(fc.nat({ max: 12 }).map(String), fc.string({ unit: "grapheme" })), { minLength: 1, maxLength: 12 }),
  {
    maxLength: 5,
  },
);

test("every row but the first of each id is refused, by any number of shares", async () => {
  await fc.assert(
    fc.asyncProperty(corpus, fc.constantFrom(1, 4, 256), async (blocks, shares) => {
      expect(await refused(blocks, shares)).toEqual(expected(blocks));
    }),
    { numRuns: 40 },
  );
});

test("ids whose hashes collide are told apart", async () => {
  await fc.assert(
    fc.asyncProperty(corpus, async (blocks) => {
      expect(await refused(blocks, 1, () => 42)).toEqual(expected(blocks));
    }),
    { numRuns: 20 },
  );
});

test("ids spread over the buckets", async () => {
  const ids = Array.from({ length: 25_600 }, (_, i) => `document-${i}`);
  const path = join(dir, "ids.bin");
  await writeTable(path, ids, undefined, 2 ** 16);
  const hashes = (from: number, to: number): number[] =>
    [...readIdTable(path, from, to)].flatMap(({ hash }) => [...hash]);
  for (let bucket = 0; bucket < 256; bucket += 1) {
    const { length } = hashes(bucket, bucket + 1);
    expect(length).toBeGreaterThan(50);
    expect(length).toBeLessThan(170);
  }
  expect(new Set(hashes(0, 256)).size).toBe(ids.length);
});

test("shares cover all buckets once and grow with the number of documents", () => {
  for (const [documents, count] of [
    [0, 1],
    [1_048_576, 1],
    [1_048_577, 2],
    [10_000_000, 16],
    [1e12, 256],
  ] as const) {
    const shares = planShares(documents);
    expect(shares).toHaveLength(count);
    expect(shares[0]!.from).toBe(0);
    expect(shares.at(-1)!.to).toBe(256);
    for (const [i, share] of shares.slice(1).entries()) expect(share.from).toBe(shares[i]!.to);
  }
});
