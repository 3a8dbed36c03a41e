import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  type ManifestShard,
  makeManifest,
  readManifest,
  type Split,
  shardIdentity,
  writeManifest,
} from "#src/formats/manifest.js";
import { readUnigram, writeUnigram } from "#src/formats/unigram.js";

const dir = mkdtempSync(join(tmpdir(), "millrace-manifest-"));
afterAll(() => rmSync(dir, { recursive: true }));

function shardOf(file: string, split: Split, page: string): ManifestShard {
  const batches = [
    { documents: 2, tokens: 10, pages: [page.repeat(16)] },
    { documents: 1, tokens: 3, pages: ["0".repeat(16)] },
  ];
  const identity = shardIdentity("uint16", batches);
  return { file, split, bytes: 1000, documents: 3, tokens: 13, digest: `xxh64:${page.repeat(16)}`, identity, batches };
}

const manifest = makeManifest({
  tokenizer: {
    name: "gpt2",
    fingerprint: `sha256:${"a".repeat(64)}`,
    vocab_size: 50257,
    special_ids: { end_of_document: 50256 },
  },
  token_type: "uint16",
  heldout: { fraction: 0.01, seed: 1 },
  unigram: { file: "unigram.bin", digest: `xxh64:${"1".repeat(16)}` },
  shards: [
    shardOf("shard-00000.arrow", "train", "a"),
    shardOf("shard-00001.arrow", "train", "b"),
    shardOf("heldout-00000.arrow", "heldout", "c"),
  ],
});

/** The manifest's text after an edit by hand. */
async function readEdited(from: string | RegExp, to: string): Promise<unknown> {
  await writeManifest(dir, manifest);
  const path = join(dir, "manifest.json");
  const text = readFileSync(path, "utf8");
  const edited = text.replace(from, to);
  expect(edited).not.toBe(text);
  writeFileSync(path, edited);
  return readManifest(dir);
}

test("a manifest reads back as it was written, with the sums of its splits", async () => {
  await writeManifest(dir, manifest);
  expect(await readManifest(dir)).toEqual(manifest);
  expect(manifest.splits.train).toMatchObject({ shards: 2, documents: 6, tokens: 26 });
  expect(manifest.splits.heldout).toMatchObject({ shards: 1, documents: 3, tokens: 13 });
});

test("the identity follows tokens, order and tokenizer, not names, digests or the held-out rule", () => {
  const again = (changes: Partial<Parameters<typeof makeManifest>[0]>): string =>
    makeManifest({ ...manifest, ...changes }).identity;
  const [first, second, heldout] = manifest.shards as [ManifestShard, ManifestShard, ManifestShard];
  expect(
    again({ shards: [{ ...first, file: "other.arrow", digest: `xxh64:${"9".repeat(16)}` }, second, heldout] }),
  ).toBe(manifest.identity);
  expect(again({ heldout: { fraction: 0.5, seed: 9 } })).toBe(manifest.identity);
  expect(again({ shards: [second, first, heldout] })).not.toBe(manifest.identity);
  expect(again({ shards: [first, second] })).not.toBe(manifest.identity);
  expect(again({ tokenizer: { ...manifest.tokenizer, fingerprint: `sha256:${"b".repeat(64)}` } })).not.toBe(
    manifest.identity,
  );
});

test.each([
  ["a checksum", `["${"a".repeat(16)}"]`, `["${"d".repeat(16)}"]`, "other checksums"],
  [
    "the number of a shard's tokens",
    '"bytes":1000,"documents":3,"tokens":13',
    '"bytes":1000,"documents":3,"tokens":14',
    "batches with 13",
  ],
  ["a batch's documents", '"documents":2,', '"documents":1,', "other checksums"],
  ["a split's identity", /"tokens":26,"identity":"sha256:./, '"tokens":26,"identity":"sha256:0', "got others"],
  ["an unknown key", '"page_bytes"', '"extra": 1,\n  "page_bytes"', "extra"],
  ["a shard's path", "shard-00000.arrow", "../shard-00000.arrow", "Invalid string"],
  ["the version", '"version": 1', '"version": 2', "got millrace-shards version 2"],
  ["its form", "{", "[", "expected a JSON object"],
])("an edit of %s is refused", async (_, from, to, message) => {
  await expect(readEdited(from, to)).rejects.toThrow(message);
});

test("a folder without a manifest is no data set, and the message says what to do", async () => {
  await expect(readManifest(join(dir, "missing"))).rejects.toMatchObject({
    code: "shards-manifest",
    hint: "run `millrace shard` to its end",
  });
});

test("unigram counts read back, and damage is refused", async () => {
  const path = join(dir, "unigram.bin");
  const counts = Float64Array.of(0, 1, 2 ** 53 - 1, 7);
  const { digest } = await writeUnigram(path, counts);
  expect(await readUnigram(path, 4, digest)).toEqual(counts);
  await expect(readUnigram(path, 5)).rejects.toThrow("expected 56 bytes for the unigram counts, got 48");
  const bytes = readFileSync(path);
  bytes[20]! ^= 1;
  writeFileSync(path, bytes);
  await expect(readUnigram(path, 4, digest)).rejects.toThrow(`expected ${digest}`);
  bytes[0]! ^= 1;
  writeFileSync(path, bytes);
  await expect(readUnigram(path, 4)).rejects.toThrow("expected MRUNIGRM version 1 of 4 ids");
});
