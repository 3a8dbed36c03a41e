import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { readManifest, type Split } from "#src/formats/manifest.js";
import { openShard, textBytes, tokensOf } from "#src/formats/shard.js";
import { readUnigram } from "#src/formats/unigram.js";
import { shardStage } from "#src/shard/index.js";
import { loadTokenizer } from "#src/tokenizers/index.js";
import { makeShards, type TestBlock, type TestDocument } from "./make-shards.js";

const root = mkdtempSync(join(tmpdir(), "millrace-shards-"));
afterAll(() => rmSync(root, { recursive: true }));
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(root, "out-"));
});

const gpt2 = loadTokenizer("gpt2");
const END = gpt2.endOfDocumentId;

interface ReadDocument extends TestDocument {
  readonly split: Split;
  readonly file: string;
  readonly tokens: number[];
}

async function readShards(from: string): Promise<ReadDocument[]> {
  const manifest = await readManifest(from);
  return manifest.shards.flatMap((entry) => {
    const shard = openShard(from, entry, manifest.token_type);
    shard.verify();
    return shard.batches.flatMap((batch) =>
      Array.from({ length: batch.numDocuments }, (_, row) => {
        const tokens = Array.from(tokensOf(batch, row));
        const [id, source] = [batch.docId, batch.source].map((column) =>
          Buffer.from(textBytes(column, row)).toString(),
        );
        const text = gpt2.decode(tokens.slice(0, -1));
        return { id: id!, source: source!, text, split: entry.split, file: entry.file, tokens };
      }),
    );
  });
}

function blocksOf(count: number, size: number): TestBlock[] {
  return Array.from({ length: count }, (_, block) => ({
    documents: Array.from({ length: size }, (_, row) => ({
      id: `doc-${block}-${row}`,
      text: `Text ${row} of block ${block}.\n\nIt has "words" and Umläute, 世界 too.`,
      source: `source-${row % 3}`,
    })),
  }));
}

function dataFiles(from: string): Map<string, string> {
  const names = readdirSync(from, { recursive: true, encoding: "utf8" })
    .filter((name) => !name.startsWith(".work") && name !== "rejected")
    .sort();
  return new Map(names.map((name) => [name, readFileSync(join(from, name)).toString("base64")]));
}

describe("sharding", () => {
  test("changes no text and drops no document: decoding each row gives the document, ended once", async () => {
    const document = fc.record({
      id: fc.uuid(),
      text: fc.string({ unit: "binary", maxLength: 100 }),
      source: fc.constantFrom("a", "b", ""),
    });
    const block = fc.array(document, { maxLength: 12 }).map((documents) => ({ documents }));
    await fc.assert(
      fc.asyncProperty(fc.array(block, { maxLength: 5 }), async (blocks) => {
        const out = mkdtempSync(join(root, "law-"));
        const { counts } = await makeShards(out, blocks, { heldout: 0.3 });
        const read = await readShards(out);
        const written = blocks.flatMap(({ documents }) => documents);
        const expected = written.map(({ id, text, source }) => ({ id, text, source }));
        for (const split of ["train", "heldout"] as const) {
          const ids = new Set(read.filter((one) => one.split === split).map(({ id }) => id));
          const rows = read.filter((one) => one.split === split).map(({ id, text, source }) => ({ id, text, source }));
          expect(rows).toEqual(expected.filter(({ id }) => ids.has(id)));
        }
        expect(read).toHaveLength(written.length);
        for (const { tokens } of read) expect(tokens.indexOf(END)).toBe(tokens.length - 1);
        expect(counts.documents ?? 0).toBe(written.length);
        expect(counts.tokens ?? 0).toBe(read.reduce((sum, { tokens }) => sum + tokens.length, 0));
      }),
      { numRuns: 12 },
    );
  });

  test("writes the same bytes whatever the order in which the blocks are done", async () => {
    const other = mkdtempSync(join(root, "other-"));
    await makeShards(dir, blocksOf(5, 40), { heldout: 0.1 });
    await makeShards(other, blocksOf(5, 40), { heldout: 0.1 }, (ids) => ids.toReversed());
    expect(dataFiles(other)).toEqual(dataFiles(dir));
  });

  test("numbers shards without a gap, also where a block has no documents", async () => {
    const [first, second] = blocksOf(2, 5) as [TestBlock, TestBlock];
    await makeShards(dir, [{ documents: [] }, first, { documents: [] }, second], { heldout: 0 });
    expect([...dataFiles(dir).keys()]).toEqual([
      "manifest.json",
      "rejected/rejected.jsonl",
      "shard-00000.arrow",
      "shard-00001.arrow",
      "unigram.bin",
    ]);
  });

  test("of nothing gives a manifest of nothing", async () => {
    const { counts } = await makeShards(dir, []);
    expect(counts).toEqual({ shards: 0 });
    expect((await readManifest(dir)).splits.train).toMatchObject({ shards: 0, documents: 0, tokens: 0 });
  });

  test("counts how often each id occurs in the training shards", async () => {
    await makeShards(dir, blocksOf(3, 50), { heldout: 0.2 });
    const expected = new Float64Array(gpt2.vocabSize);
    for (const { split, tokens } of await readShards(dir)) {
      if (split === "train") for (const token of tokens) expected[token]! += 1;
    }
    const { unigram } = await readManifest(dir);
    expect(await readUnigram(join(dir, unigram.file), gpt2.vocabSize, unigram.digest)).toEqual(expected);
  });

  test("hands the manifest on, and it is the last file", async () => {
    const { results } = await makeShards(dir, blocksOf(2, 5));
    const outputs = results.flatMap((result) => result.outputs);
    expect(shardStage.dataOutputs(dir, outputs).map(({ path }) => basename(path))).toEqual(["manifest.json"]);
    expect(basename(outputs.at(-1)!.path)).toBe("manifest.json");
  });

  test("keeps rejected records, with their lines counted in the file", async () => {
    const rejected = (line: number) => [{ file: "a.jsonl", offset: 5, line, reason: "invalid-json", detail: "why" }];
    const [one, two] = blocksOf(2, 3) as [TestBlock, TestBlock];
    const blocks = [
      { ...one, file: "a.jsonl", rejected: rejected(2) },
      { ...two, file: "a.jsonl", rejected: rejected(1) },
      { documents: [], file: "b.jsonl", rejected: rejected(1) },
    ];
    const { counts } = await makeShards(dir, blocks, { maxRejectedFraction: 0.5 });
    await expect(makeShards(dir, blocks)).rejects.toThrow("got 33.3 %: 3 of 9 (3 invalid-json)");
    const lines = readFileSync(join(dir, "rejected", "rejected.jsonl"), "utf8")
      .trimEnd()
      .split("\n");
    expect(lines.map((line) => JSON.parse(line).line)).toEqual([2, 5, 1]);
    expect([counts["rejected_invalid-json"], counts.documents_read, counts.documents]).toEqual([3, 9, 6]);
  });

  test("has golden bytes: a change of them raises the stage's version", async () => {
    expect(shardStage.version).toBe(3);
    await makeShards(dir, blocksOf(3, 20), { heldout: 0.1, seed: 7 });
    expect((await readManifest(dir)).shards.map(({ file, digest }) => `${file} ${digest}`)).toEqual(GOLDEN);
  });
});

describe("the held-out split", () => {
  const heldOutIds = async (blocks: TestBlock[], config: { heldout: number; seed?: number }): Promise<string[]> => {
    const out = mkdtempSync(join(root, "split-"));
    await makeShards(out, blocks, config);
    return (await readShards(out)).filter(({ split }) => split === "heldout").map(({ id }) => id);
  };

  test("depends on ids and the seed alone", async () => {
    const blocks = blocksOf(4, 100);
    const documents = blocks.flatMap((block) => block.documents);
    const ids = (await heldOutIds(blocks, { heldout: 0.1 })).toSorted();
    const changed = documents.toReversed().map((document) => ({ ...document, text: "other text" }));
    expect((await heldOutIds([{ documents: changed }], { heldout: 0.1 })).toSorted()).toEqual(ids);
    expect((await heldOutIds(blocks, { heldout: 0.1, seed: 5 })).toSorted()).not.toEqual(ids);
  });

  test("holds out about the fraction asked for, none at 0, and what a smaller fraction holds out too", async () => {
    const blocks = blocksOf(1, 2000);
    expect(await heldOutIds(blocks, { heldout: 0 })).toEqual([]);
    const tenth = await heldOutIds(blocks, { heldout: 0.1 });
    // 200 expected, standard deviation 13: five of them.
    expect(Math.abs(tenth.length - 200)).toBeLessThan(67);
    const half = new Set(await heldOutIds(blocks, { heldout: 0.5 }));
    expect(tenth.every((id) => half.has(id))).toBe(true);
  });
});

describe("the configuration", () => {
  test.each([
    [{ heldout: 0.6 }],
    [{ heldout: -0.1 }],
    [{ tokenizer: "" }],
    [{ seed: 1.5 }],
    [{ unknown: 1 }],
  ])("%j is refused", (config) => {
    expect(shardStage.schema.safeParse(config).success).toBe(false);
  });

  test("a tokenizer that does not exist is refused before any block is read", async () => {
    await expect(makeShards(dir, blocksOf(1, 1), { tokenizer: "gpt9" })).rejects.toMatchObject({
      code: "config-tokenizer",
    });
  });
});

const GOLDEN = [
  "shard-00000.arrow xxh64:214d84cb7e4aeebc",
  "shard-00001.arrow xxh64:f40873ede20011a2",
  "shard-00002.arrow xxh64:618ce08c6cd15a44",
  "heldout-00000.arrow xxh64:bde32f4e0c9a51a8",
];
