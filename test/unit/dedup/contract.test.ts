// The contract of dedup, on generated corpora, against the brute-force oracle.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldCase, overlapOf, shinglesOf } from "#src/text/similarity.js";
import { mixedCorpus, type OraclePair, oraclePairs, Random, randomWords, WORDS5 } from "./corpora.js";
import { type DedupOutcome, runDedup, type TestDocument, writeCorpus } from "./harness.js";

/** Of the words joined by one space; what "longest" compares. */
function normalizedBytes(text: string): number {
  const words = text.normalize("NFC").match(/[\p{Script=Han}]|[\p{L}\p{M}\p{N}]+/gu) ?? [text];
  return Buffer.byteLength(foldCase(words.join(" ")));
}

function violations(
  documents: readonly TestDocument[],
  outcome: Pick<DedupOutcome, "kept" | "removed">,
  pairs: readonly OraclePair[],
): string[] {
  const found: string[] = [];
  const kept = new Set(outcome.kept.map(({ id }) => id));
  const similarity = new Map(
    pairs.flatMap(({ a, b, jaccard }) => [[`${a} ${b}`, jaccard] as const, [`${b} ${a}`, jaccard] as const]),
  );
  const lengths = new Map(documents.map(({ id, text }) => [id!, normalizedBytes(text)]));
  for (const { id, kept: witness, jaccard } of outcome.removed) {
    if (!kept.has(witness)) found.push(`${id} names ${witness}, which is not kept`);
    if (similarity.get(`${id} ${witness}`) !== jaccard)
      found.push(`${id} and ${witness} do not have similarity ${jaccard}`);
    // A kept document that comes before this one for sure, and is more similar, would be the witness.
    const better = outcome.kept.filter((one) => (similarity.get(`${id} ${one.id}`) ?? 0) > jaccard);
    const length = lengths.get(id)!;
    for (const one of better) if (lengths.get(one.id!)! > length) found.push(`${id} has a better witness, ${one.id}`);
  }
  for (const { a, b } of pairs) if (kept.has(a) && kept.has(b)) found.push(`${a} and ${b} are both kept`);
  if (kept.size + outcome.removed.length !== documents.length) found.push("documents are missing");
  return found;
}

describe("the contract", () => {
  const documents = mixedCorpus(1, 60);
  const pairs = oraclePairs(documents);

  test("a document is removed if and only if a kept one is above the threshold with it", async () => {
    const outcome = await runDedup(writeCorpus({ "a.jsonl": documents }));
    expect(pairs.length).toBeGreaterThan(60);
    expect(outcome.removed.length).toBeGreaterThan(40);
    expect(violations(documents, outcome, pairs)).toEqual([]);
    expect(outcome.counts).toMatchObject({
      documents_read: documents.length,
      documents_kept: outcome.kept.length,
      documents_removed: outcome.removed.length,
      bytes_kept: outcome.keptBytes.length,
    });
    expect(outcome.counts.exact_copies! + outcome.counts.near_duplicates!).toBe(outcome.removed.length);
  });

  test("the policy first takes another witness, and the comparison sees it", async () => {
    const outcome = await runDedup(writeCorpus({ "a.jsonl": documents }), { config: { keep: "first" } });
    expect(violations(documents, outcome, pairs).join()).toMatch(/better witness/);
  });

  test("an outcome that removes one document too many, or one too few, is seen", async () => {
    const outcome = await runDedup(writeCorpus({ "a.jsonl": documents }));
    const [first, ...kept] = outcome.kept;
    const stranger = { id: first!.id!, kept: kept[0]!.id!, jaccard: 0.8 };
    expect(violations(documents, { kept, removed: [...outcome.removed, stranger] }, pairs)).not.toEqual([]);
    const [restored, ...removed] = outcome.removed;
    const document = documents.find(({ id }) => id === restored!.id)!;
    expect(violations(documents, { kept: [...outcome.kept, document], removed }, pairs)).not.toEqual([]);
  });

  test("buckets of any size keep it: joined or paired out, the same documents go", async () => {
    const inputs = writeCorpus({ "a.jsonl": documents });
    const expected = await runDedup(inputs);
    for (const maxBucket of [1, 2, 4]) {
      const outcome = await runDedup(inputs, { limits: { maxBucket } });
      expect(violations(documents, outcome, pairs)).toEqual([]);
      expect(outcome.removedText).toBe(expected.removedText);
    }
  });

  test("another threshold and policy keep the contract", async () => {
    const outcome = await runDedup(writeCorpus({ "a.jsonl": documents }), {
      config: { threshold: 0.85, keep: "first" },
    });
    expect(violations(documents, outcome, oraclePairs(documents, 85, 100))).toEqual([]);
    const order = new Map(documents.map(({ id }, i) => [id, i]));
    for (const { id, kept } of outcome.removed) expect(order.get(kept)).toBeLessThan(order.get(id)!);
  });
});

test("survivors are a star: a document that only resembles a removed one stays", async () => {
  const random = new Random(5);
  const base = randomWords(random, 200);
  const [a, b, c] = [base.slice(0, 180), base.slice(22, 200), base.slice(44, 200).concat(randomWords(random, 4))];
  const documents = [b, c, a].map((words, i) => ({ id: "bca"[i]!, text: words.join(" ") }));
  const pairs = oraclePairs(documents).map(({ a, b }) => `${a}${b}`);
  expect(pairs.sort()).toEqual(["ba", "bc"]);
  const outcome = await runDedup(writeCorpus({ "x.jsonl": documents }));
  expect(outcome.removed.map(({ id, kept }) => [id, kept])).toEqual([["b", "a"]]);
  expect(outcome.kept.map(({ id }) => id)).toEqual(["c", "a"]);
});

test("copies travel with their representative: their witness is its witness", async () => {
  const random = new Random(6);
  const base = randomWords(random, 100);
  const shorter = base.slice(0, 90).join(" ");
  const documents = [
    { id: "copy-2", text: shorter.toUpperCase() },
    { id: "copy-3", text: `${shorter} !` },
    { id: "longest", text: base.join(" ") },
    { id: "longest-copy", text: base.join("\n") },
    { id: "copy-1", text: shorter },
  ];
  const { kept, removed, counts } = await runDedup(writeCorpus({ "x.jsonl": documents }));
  expect(kept.length).toBe(1);
  expect(kept[0]!.id).toMatch(/^longest/);
  const witness = kept[0]!.id!;
  const jaccard = 86 / 96;
  const whole = witness === "longest" ? "longest-copy" : "longest";
  expect(removed).toEqual(
    documents
      .filter(({ id }) => id !== witness)
      .map(({ id }) => ({ id, kept: witness, jaccard: id === whole ? 1 : jaccard })),
  );
  expect(counts).toMatchObject({ exact_copies: 3, near_duplicates: 1, documents_removed: 4 });
});

test("of copies with the same bytes the least id stays, or the first under its policy", async () => {
  const inputs = writeCorpus({
    "x.jsonl": ["c", "a", "b"].map((id) => ({ id, text: "the same text in every one of them" })),
  });
  expect((await runDedup(inputs)).kept.map(({ id }) => id)).toEqual(["a"]);
  expect((await runDedup(inputs, { config: { keep: "first" } })).kept.map(({ id }) => id)).toEqual(["c"]);
});

test("texts of fewer than five words, and none, are removed only for their equals", async () => {
  const word = fc.constantFrom("a", "A", "b", "\u00df", "ss", "\u624b", "\u6a5f", "1");
  const between = fc.constantFrom(" ", "  ", ", ", "!");
  const wordless = fc.constantFrom("", " ", "!", "?!", "...", "\n");
  const short = fc.oneof(
    wordless,
    fc.array(fc.tuple(word, between), { maxLength: 4 }).map((parts) => parts.flat().join("")),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(short, { minLength: 1, maxLength: 40 }), async (texts) => {
      const documents = texts.map((text, i) => ({ id: `${i}`, text }));
      const outcome = await runDedup(writeCorpus({ "x.jsonl": documents }), { config: { bands: 1 } });
      const classOf = (text: string): string => [...shinglesOf(text, WORDS5)].join();
      expect(outcome.kept.map(({ text }) => classOf(text)).sort()).toEqual([...new Set(texts.map(classOf))].sort());
      for (const { id, kept, jaccard } of outcome.removed) {
        expect(jaccard).toBe(1);
        expect(classOf(texts[Number(id)]!)).toBe(classOf(texts[Number(kept)]!));
      }
    }),
    { numRuns: 20 },
  );
});

test("character shingles find what one typing mistake in every word hides", async () => {
  const random = new Random(8);
  const text = randomWords(random, 60).join(" ");
  const typo = text.replace(/(\w{3}\S*) (\S+) (\S+) (\S+)/g, "$1x $2 $3 $4");
  const inputs = writeCorpus({
    "x.jsonl": [
      { id: "1", text },
      { id: "2", text: typo },
    ],
  });
  const overlap = overlapOf(shinglesOf(text, { unit: "char", size: 5 }), shinglesOf(typo, { unit: "char", size: 5 }));
  expect(overlap.intersection / overlap.union).toBeGreaterThan(0.6);
  expect((await runDedup(inputs)).removed).toEqual([]);
  const { removed } = await runDedup(inputs, { config: { shingle: "char:5", threshold: 0.6 } });
  expect(removed.map(({ jaccard }) => jaccard)).toEqual([overlap.intersection / overlap.union]);
});
