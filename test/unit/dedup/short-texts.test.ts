// The rules for short, wordless and empty texts, through the stage itself, for words and characters, in scripts with and without
// spaces; and that the survivors depend on no order, with exact copies under every policy that looks at the documents alone.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overlapOf, shinglesOf } from "#src/text/similarity.js";
import { normalizedText } from "#src/text/units.js";
import { mixedCorpus, Random } from "./corpora.js";
import { type DedupOutcome, runDedup, type TestDocument, writeCorpus } from "./harness.js";

const word = fc.constantFrom(
  "a",
  "A",
  "bc",
  "\u00df",
  "ss",
  "caf\u00e9",
  "cafe\u0301",
  "7",
  "\u0416",
  "\u0436",
  "\u0915\u094d\u0937",
);
const unspaced = fc.constantFrom("\u624b", "\u6a5f", "\u3042", "\u30a2", "\u0e01", "\u0e32", "\u1780", "\u1000");
const between = fc.constantFrom(" ", "  ", ", ", "!", "\n", "-");
const nothing = fc.constantFrom("", " ", "\n", "!", "?!", "...", "!!", "\u3002", "\ud83d\ude00");
/** Up to four words: fewer than a shingle has. */
const fewWords = fc
  .array(fc.tuple(fc.oneof(word, unspaced), between), { maxLength: 4 })
  .map((parts) => parts.flat().join(""));
/** Up to four characters. */
const fewCharacters = fc
  .array(fc.oneof(fc.constantFrom("a", "B", "\u00e9", "1"), unspaced), { maxLength: 4 })
  .map((all) => all.join(""));

async function dedup(texts: readonly string[], shingle: string): Promise<DedupOutcome> {
  const documents = texts.map((text, i) => ({ id: `${i}`, text }));
  return runDedup(writeCorpus({ "x.jsonl": documents }), { config: { shingle } });
}

for (const [shingle, short] of [
  ["word:5", fewWords],
  ["char:5", fewCharacters],
] as const) {
  const [unit, size] = shingle.split(":") as ["word" | "char", string];

  describe(`short texts under ${shingle}`, () => {
    const texts = fc.array(fc.oneof(short, nothing), { minLength: 2, maxLength: 40 });

    test("are one shingle each: distinct ones never merge, equal ones fold into one", async () => {
      await fc.assert(
        fc.asyncProperty(texts, async (list) => {
          for (const text of list) expect(shinglesOf(text, { unit, size: Number(size) }).size).toBe(1);
          const { kept, removed } = await dedup(list, shingle);
          const normal = (text: string): string => normalizedText(text, unit);
          expect(kept.map(({ text }) => normal(text)).sort()).toEqual([...new Set(list.map(normal))].sort());
          for (const { id, kept: witness, jaccard } of removed) {
            expect([normal(list[Number(id)]!), jaccard]).toEqual([normal(list[Number(witness)]!), 1]);
          }
        }),
        { numRuns: 8 },
      );
    });

    test("without a word are the text itself, folded: only the same signs fold", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(nothing, { minLength: 2, maxLength: 30 }), async (list) => {
          const { kept } = await dedup(list, shingle);
          expect(kept.map(({ text }) => text).sort()).toEqual([...new Set(list)].sort());
        }),
        { numRuns: 5 },
      );
    });

    test("that are empty fold together, and with nothing else", async () => {
      const { kept, removed } = await dedup(["", "", " ", "", "a"], shingle);
      expect(kept.map(({ text }) => text)).toEqual(["", " ", "a"]);
      expect(removed.map(({ jaccard }) => jaccard)).toEqual([1, 1]);
    });
  });
}

test("one unit more than a shingle has makes two shingles, of which one is shared: too little to be alike", async () => {
  for (const [shingle, texts] of [
    ["word:5", ["a b c d e", "a b c d e f", "a b c d"]],
    ["word:5", ["\u624b\u6a5f\u3042\u3044\u3046", "\u624b\u6a5f\u3042\u3044\u3046\u3048", "\u624b\u6a5f\u3042\u3044"]],
    ["char:5", ["abcde", "abcdef", "abcd"]],
  ] as const) {
    expect((await dedup(texts, shingle)).removed).toEqual([]);
  }
});

test("scripts without spaces shingle by characters, also beside words: spaces between them do not matter to words", async () => {
  const text = "\u79c1\u306fiPhone\u3092\u6301\u3063\u3066\u3044\u307e\u3059";
  const spaced = [...text.replace("iPhone", "*")].join(" ").replace("*", "IPHONE");
  expect((await dedup([text, spaced], "word:5")).kept.length).toBe(1);
  // Characters see the spaces.
  expect((await dedup([text, spaced], "char:5")).kept.length).toBe(2);
  // Eleven characters more, twice, one changed: at most five shingles of each are other ones.
  const long = text + "\u5341\u4e8c\u6708\u306e\u96ea\u304c\u964d\u308b\u8857\u3092\u6b69".repeat(2);
  const changed = long.replace("\u964d", "\u7a4d");
  const [a, b] = [long, changed].map((one) => shinglesOf(one, { unit: "word", size: 5 }));
  const { intersection, union } = overlapOf(a!, b!);
  expect(intersection / union).toBeGreaterThan(0.7);
  const { removed } = await dedup([long, changed], "word:5");
  expect(removed.map(({ jaccard }) => jaccard)).toEqual([intersection / union]);
});

describe("whatever the order and the files of the input", () => {
  const random = new Random(40);
  const sources = ["web", "books", "wiki"];
  const documents: TestDocument[] = mixedCorpus(40, 12).flatMap((document, i) => {
    const own = { ...document, source: sources[random.below(3)]!, quality: random.below(4) };
    if (i % 6 !== 0) return [own];
    // A copy of the same text, one that differs in punctuation, and one in case: folded together.
    return [
      own,
      { ...own, id: `copy-${i}`, source: "web" },
      { ...own, id: `dots-${i}`, text: `${own.text}...`, quality: 9 },
    ];
  });

  const survivors = (kept: DedupOutcome["kept"]): string[] => kept.map(({ id, text }) => `${id} ${text}`).sort();

  async function survivorsOf(list: readonly TestDocument[], cuts: number, keep: string, shingle: string) {
    const files: Record<string, TestDocument[]> = {};
    for (const [i, document] of list.entries()) {
      const name = `part-${i % cuts}.jsonl${i % cuts === 1 ? ".gz" : ""}`;
      files[name] = [...(files[name] ?? []), document];
    }
    const { kept } = await runDedup(writeCorpus(files), { config: { keep, shingle }, blockBytes: 20_000 });
    return survivors(kept);
  }

  for (const keep of ["longest", "source:wiki,books", "highest:quality", "lowest:quality"]) {
    for (const shingle of keep === "longest" ? ["word:5", "char:5"] : ["word:5"]) {
      test(`the same documents survive under ${keep} and ${shingle}`, async () => {
        const expected = await survivorsOf(documents, 1, keep, shingle);
        for (const cuts of [2, 5]) {
          expect(await survivorsOf(random.shuffled(documents), cuts, keep, shingle)).toEqual(expected);
        }
      });
    }
  }

  test("under first other documents survive when the order is another", async () => {
    const expected = await survivorsOf(documents, 1, "first", "word:5");
    expect(await survivorsOf([...documents].reverse(), 1, "first", "word:5")).not.toEqual(expected);
  });
});
