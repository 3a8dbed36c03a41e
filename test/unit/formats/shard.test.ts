import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { MillraceError } from "#src/base/errors.js";
import type { ManifestShard, TokenType } from "#src/formats/manifest.js";
import { openShard, type Shard, type ShardHeader, textBytes, tokensOf, tokenTypeOf } from "#src/formats/shard.js";
import { ShardBuilder } from "#src/formats/shard-writer.js";
import { native } from "#src/native.js";

const dir = mkdtempSync(join(tmpdir(), "millrace-shard-"));
afterAll(() => rmSync(dir, { recursive: true }));

const FINGERPRINT = `sha256:${"5".repeat(64)}`;
const PAGE_TOKENS = (1 << 20) / 2;

interface Row {
  readonly id: string;
  readonly source: string;
  readonly tokens: readonly number[];
}

function headerOf(tokenType: TokenType): ShardHeader {
  return { tokenType, tokenizerFingerprint: FINGERPRINT, endOfDocumentId: 9 };
}

async function write(rows: readonly Row[], tokenType: TokenType, maxBatchBytes?: number): Promise<ManifestShard> {
  const builder = new ShardBuilder(headerOf(tokenType), maxBatchBytes);
  for (const { id, source, tokens } of rows) builder.add(Buffer.from(id), Buffer.from(source), tokens);
  return builder.write(dir, "shard-00000.arrow", "train");
}

function rowsOf(shard: Shard): Row[] {
  return shard.batches.flatMap((batch) =>
    Array.from({ length: batch.numDocuments }, (_, row) => ({
      id: Buffer.from(textBytes(batch.docId, row)).toString(),
      source: Buffer.from(textBytes(batch.source, row)).toString(),
      tokens: Array.from(tokensOf(batch, row)),
    })),
  );
}

function errorOf(action: () => unknown): MillraceError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
    return error as MillraceError;
  }
  throw new Error("expected an error, got none");
}

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const rows = (max: number) =>
  fc.array(fc.record({ id: text, source: text, tokens: fc.array(fc.nat(max), { maxLength: 50 }) }), { maxLength: 40 });

describe("a shard", () => {
  test.each(["uint16", "int32"] as const)("reads back as it was written, each row ended, in %s", async (tokenType) => {
    await fc.assert(
      fc.asyncProperty(
        rows(tokenType === "uint16" ? 65_535 : 2 ** 31 - 1),
        fc.integer({ min: 1, max: 4000 }),
        async (list, maxBatchBytes) => {
          const entry = await write(list, tokenType, maxBatchBytes);
          const shard = openShard(dir, entry, tokenType);
          shard.verify();
          const ended = list.map(({ id, source, tokens }) => ({ id, source, tokens: [...tokens, 9] }));
          expect(rowsOf(shard)).toEqual(ended);
          expect([entry.documents, entry.tokens]).toEqual([
            list.length,
            ended.reduce((sum, { tokens }) => sum + tokens.length, 0),
          ]);
          for (const batch of shard.batches)
            expect(batch.values.byteLength).toBeLessThanOrEqual(Math.max(maxBatchBytes, 51 * 4));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("has the same bytes and identity whenever it is written", async () => {
    const list = [{ id: "a", source: "s", tokens: [1, 2, 3] }];
    const first = await write(list, "uint16");
    const bytes = readFileSync(join(dir, first.file));
    expect(await write(list, "uint16")).toEqual(first);
    expect(readFileSync(join(dir, first.file)).equals(bytes)).toBe(true);
    const other = await write([{ id: "a", source: "s", tokens: [1, 2, 4] }], "uint16");
    expect(other.identity).not.toBe(first.identity);
  });

  test("reads any range across documents and batches", async () => {
    const list = Array.from({ length: 20 }, (_, i) => ({ id: String(i), source: "s", tokens: [i, i + 1, i + 2] }));
    const shard = openShard(dir, await write(list, "uint16", 100), "uint16");
    expect(shard.batches.length).toBeGreaterThan(3);
    const all = rowsOf(shard).flatMap(({ tokens }) => tokens);
    for (let start = 0; start <= all.length; start += 7) {
      const count = Math.min(25, all.length - start);
      const target = new Int32Array(count + 1).fill(-7);
      shard.read(start, count, target, 1);
      expect(Array.from(target)).toEqual([-7, ...all.slice(start, start + count)]);
    }
    expect(() => shard.read(all.length - 1, 2, new Int32Array(2), 0)).toThrow("lie outside");
  });

  test("is read in place: its values are views of the mapped file", async () => {
    const shard = openShard(
      dir,
      await write([{ id: "a", source: "s", tokens: [1, 2, 3] }], "uint16"),
      "uint16",
      native().mapFile,
    );
    const file = readFileSync(shard.path);
    const { values } = shard.batches[0]!;
    expect(values.buffer.byteLength).toBe(file.length);
    expect(file.readUInt16LE(values.byteOffset + 2)).toBe(2);
  });

  test("leaves no other file behind", async () => {
    const entry = await write([{ id: "a", source: "s", tokens: [] }], "uint16");
    expect(readdirSync(dir)).toEqual([entry.file]);
  });

  test("has the narrowest tokens that hold the vocabulary", () => {
    expect([50_257, 65_536, 65_537].map(tokenTypeOf)).toEqual(["uint16", "uint16", "int32"]);
  });
});

describe("a damaged shard", () => {
  const numTokens = 3 * PAGE_TOKENS;
  let entry: ManifestShard;
  let offset: number;

  beforeEach(async () => {
    entry = await write(
      [{ id: "a", source: "s", tokens: Array.from({ length: numTokens - 1 }, (_, i) => i % 50_000) }],
      "uint16",
    );
    offset = openShard(dir, entry, "uint16").batches[0]!.values.byteOffset;
  });

  /** Flips a bit of a token, where asked. */
  function reopen(flippedToken?: number): Shard {
    const path = join(dir, entry.file);
    if (flippedToken !== undefined) {
      const bytes = readFileSync(path);
      bytes[offset + 2 * flippedToken]! ^= 1;
      // A file that is replaced, not changed in place: earlier mappings keep their bytes.
      rmSync(path);
      writeFileSync(path, bytes);
    }
    return openShard(dir, entry, "uint16");
  }

  test("a flipped bit is reported at the first read of its page, with shard, page and byte", () => {
    const shard = reopen(PAGE_TOKENS + 5);
    const target = new Int32Array(10);
    shard.read(PAGE_TOKENS - 10, 10, target, 0);
    const error = errorOf(() => shard.read(PAGE_TOKENS - 9, 10, target, 0));
    expect(error.code).toBe("shard-damaged");
    expect(error.message).toContain("for page 1 of record batch 0 of shard shard-00000.arrow");
    expect(error.where).toEqual({ file: shard.path, offset: offset + (1 << 20) });
    expect(errorOf(() => shard.verify()).message).toContain("page 1");
  });

  test("the twin without the flip passes", () => {
    const shard = reopen();
    shard.read(PAGE_TOKENS - 9, 10, new Int32Array(10), 0);
    shard.verify();
  });

  test("every token of every page is covered", () => {
    for (const token of [0, PAGE_TOKENS - 1, PAGE_TOKENS, numTokens - 1]) {
      const shard = reopen(token);
      expect(errorOf(() => shard.verify()).message).toContain(`page ${Math.floor(token / PAGE_TOKENS)}`);
      reopen(token);
    }
  });

  test("a file that was cut off is refused when it is opened", () => {
    const path = join(dir, entry.file);
    const bytes = readFileSync(path);
    rmSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 100));
    const error = errorOf(() => openShard(dir, entry, "uint16"));
    expect([error.code, error.where?.file]).toEqual(["shard-damaged", path]);
    expect(error.message).toContain(`expected ${bytes.length} bytes`);
  });

  test("a file of the right length that is no Arrow file is refused", () => {
    const path = join(dir, entry.file);
    rmSync(path);
    writeFileSync(path, new Uint8Array(entry.bytes));
    expect(errorOf(() => openShard(dir, entry, "uint16")).code).toBe("shard-damaged");
  });

  test("tokens of another type are refused", () => {
    expect(errorOf(() => openShard(dir, entry, "int32")).message).toContain("tokens (list<int32>)");
  });
});
