import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { duplicatesOf, findDuplicates, planShares } from "#src/clean/duplicates-task.js";
import { type IdRows, IdTable, writeIdTable } from "#src/clean/id-table.js";
import { blockReader } from "#src/read/index.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ids-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function rowsOf(ids: readonly string[]): IdRows {
  const parts = ids.map((id) => Buffer.from(id));
  const idOffset = new Uint32Array(ids.length + 1);
  for (const [i, part] of parts.entries()) idOffset[i + 1] = idOffset[i]! + part.length;
  const offset = Float64Array.from(ids, (_, i) => i * 100);
  return { id: Buffer.concat(parts), idOffset, offset, line: Float64Array.from(ids, (_, i) => i + 1) };
}

/** Refused rows by block, found by `shares` tasks. */
async function refused(
  blocks: readonly (readonly string[])[],
  shares: number,
  hashOf?: () => number,
): Promise<number[][]> {
  const names = blocks.map((_, i) => ({ block: `b${i}`, file: "f" }));
  for (const [i, ids] of blocks.entries()) await writeIdTable(join(dir, `ids-b${i}.bin`), rowsOf(ids), hashOf);
  const rows: number[][] = blocks.map(() => []);
  const size = 256 / shares;
  for (let i = 0; i < shares; i += 1) {
    const args = { share: String(i), from: i * size, to: (i + 1) * size, blocks: names };
    const result = await findDuplicates(args, { dir, workDir: dir, reader: blockReader });
    for (const block of duplicatesOf(result).blocks) {
      const lines = (await readFile(join(dir, `duplicates-${i}-${block}.jsonl`), "utf8")).trim().split("\n");
      for (const line of lines) {
        const { row, id, offset } = JSON.parse(line);
        const index = Number(block.slice(1));
        expect(blocks[index]![row]).toBe(id);
        expect(offset).toBe(row * 100);
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
  await writeIdTable(path, rowsOf(ids));
  const table = await IdTable.open(path);
  for (let bucket = 0; bucket < 256; bucket += 1) {
    const { hash } = await table.hashes(bucket, bucket + 1);
    expect(hash.length).toBeGreaterThan(50);
    expect(hash.length).toBeLessThan(170);
  }
  const { hash } = await table.hashes(0, 256);
  expect(new Set(hash).size).toBe(ids.length);
  await table.close();
});

test("shares cover all buckets once and grow with the number of documents", () => {
  for (const [documents, count] of [
    [0, 1],
    [4_194_304, 1],
    [4_194_305, 2],
    [10_000_000, 4],
    [1e12, 256],
  ] as const) {
    const shares = planShares(documents);
    expect(shares).toHaveLength(count);
    expect(shares[0]!.from).toBe(0);
    expect(shares.at(-1)!.to).toBe(256);
    for (const [i, share] of shares.slice(1).entries()) expect(share.from).toBe(shares[i]!.to);
  }
});
