import fc from "fast-check";
import { expect, test } from "vitest";
import { blockBytes, blockId, corpusKind, requireCorpusKind, sourceNames } from "#src/formats/corpus.js";

test.each([
  ["a/b.jsonl", { format: "jsonl", compression: "none", stem: "b" }],
  ["b.ndjson.gz", { format: "jsonl", compression: "gzip", stem: "b" }],
  ["x.y.txt", { format: "text", compression: "none", stem: "x.y" }],
  [".jsonl", undefined],
  ["a.json.gz", { format: "json", compression: "gzip", stem: "a" }],
  ["a.jsonl.zst", { format: "jsonl", compression: "zstd", stem: "a" }],
  ["E.JSONL.Gz", { format: "jsonl", compression: "gzip", stem: "E" }],
  ["a.json.bz2", undefined],
  ["a.gz", undefined],
  ["a.csv", { format: "csv", compression: "none", stem: "a" }],
  ["a.b.tsv.zst", { format: "tsv", compression: "zstd", stem: "a.b" }],
  ["a.parquet", { format: "parquet", compression: "none", stem: "a" }],
  ["a.parquet.gz", undefined],
  ["a.feather", { format: "arrow", compression: "none", stem: "a" }],
  ["a.arrows", { format: "arrow", compression: "none", stem: "a" }],
  ["a.arrow.zst", undefined],
  ["README.md", undefined],
])("the name %s says %o", (path, kind) => {
  expect(corpusKind(path)).toEqual(kind);
});

test("a name that says nothing is refused with the endings that do", () => {
  expect(() => requireCorpusKind("a.xml")).toThrow(
    'expected a corpus file (.jsonl, .ndjson, .json, .txt, .csv, .tsv, or one of these and .gz or .zst; .parquet, .arrow, .arrows, .feather), got "a.xml"',
  );
});

test("sources are as many as files, all different, and the first of a stem is the stem", () => {
  const stems = fc.array(fc.constantFrom("a", "b", "a~2", "a~3"), { maxLength: 12 });
  fc.assert(
    fc.property(stems, (names) => {
      const sources = sourceNames(names);
      expect(new Set(sources).size).toBe(names.length);
      for (const [i, name] of names.entries()) if (names.indexOf(name) === i) expect(sources[i]).toBe(name);
    }),
  );
});

test("blocks are a 32nd of the input between 1 and 64 MiB", () => {
  expect(blockBytes(0)).toBe(2 ** 20);
  expect(blockBytes(320 * 2 ** 20)).toBe(10 * 2 ** 20);
  expect(blockBytes(1e13)).toBe(64 * 2 ** 20);
});

test("ids of blocks sort in the order of the input", () => {
  const ids = [blockId(0, 2), blockId(0, 10), blockId(2, 0), blockId(10, 0)];
  expect(ids.toSorted()).toEqual(ids);
});
