// Which of two alike stays: the policies as words, as keys, and as what they do to near-duplicates and to copies.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dedupStage } from "#src/dedup/index.js";
import { fillOrderKeys, type Policy, parsePolicy, type RankedRows } from "#src/dedup/policy.js";
import { mixedCorpus, Random, randomWords } from "./corpora.js";
import { runDedup, type TestDocument, writeCorpus } from "./harness.js";

function keysOf(policy: Policy, rows: Partial<RankedRows>, numRows: number): bigint[] {
  const keys = new BigUint64Array(numRows);
  const none = {
    normalizedBytes: new Uint32Array(numRows),
    sources: ["x"],
    sourceIndex: new Uint32Array(numRows),
    scores: new Float64Array(numRows),
    block: 0,
    firstRow: 0,
  };
  fillOrderKeys(policy, { ...none, ...rows }, keys);
  return [...keys];
}

describe("order keys", () => {
  const scores = fc.array(fc.double(), { minLength: 2, maxLength: 20 });

  for (const kind of ["highest", "lowest"] as const) {
    test(`of ${kind} order documents as their numbers do, those without a number last`, () => {
      fc.assert(
        fc.property(scores, (values) => {
          const keys = keysOf({ kind, field: "x" }, { scores: Float64Array.from(values) }, values.length);
          const sign = kind === "lowest" ? 1 : -1;
          for (const [i, a] of values.entries()) {
            for (const [j, b] of values.entries()) {
              const [hasA, hasB] = [!Number.isNaN(a), !Number.isNaN(b)];
              const isBefore = hasA && (!hasB || sign * a < sign * b);
              expect(keys[i]! < keys[j]!).toBe(isBefore);
            }
          }
        }),
      );
    });
  }

  test("of longest and of source order by length, the sources named first by their rank", () => {
    const normalizedBytes = Uint32Array.of(10, 4_000_000_000, 0, 10);
    const byLength = keysOf({ kind: "longest" }, { normalizedBytes }, 4);
    expect(byLength[1]! < byLength[0]! && byLength[0]! < byLength[2]! && byLength[0] === byLength[3]).toBe(true);
    const rows = { normalizedBytes, sources: ["web", "books", "forum"], sourceIndex: Uint32Array.of(0, 2, 1, 1) };
    const bySource = keysOf({ kind: "source", sources: ["books", "web"] }, rows, 4);
    expect([...bySource.keys()].sort((a, b) => (bySource[a]! < bySource[b]! ? -1 : 1))).toEqual([3, 2, 0, 1]);
  });

  test("of first order by block, then by row", () => {
    const keys = [
      ...keysOf({ kind: "first" }, { block: 0, firstRow: 2 ** 31 }, 2),
      ...keysOf({ kind: "first" }, { block: 1 }, 1),
    ];
    expect(keys).toEqual([...keys].sort((a, b) => (a < b ? -1 : 1)));
  });
});

describe("a policy in words", () => {
  const refused = [
    "best",
    "source",
    "source:",
    "source:a,,b",
    "source:a,b,a",
    "highest",
    "highest:",
    "lowest:a..b",
    "highest:.",
  ];
  for (const text of refused) {
    test(`"${text}" is refused, and told what was expected`, () => {
      const { error } = dedupStage.schema.safeParse({ keep: text });
      expect(error?.issues[0]?.message).toMatch(/^expected /);
      expect(error?.issues[0]?.path).toEqual(["keep"]);
    });
  }

  test("names sources and fields", () => {
    expect(parsePolicy("source:books,the web")).toEqual({ kind: "source", sources: ["books", "the web"] });
    expect(parsePolicy("lowest:meta.perplexity")).toEqual({ kind: "lowest", field: "meta.perplexity" });
  });

  test("a field that is also the text's, or lies in the id's, is refused", () => {
    expect(dedupStage.schema.safeParse({ keep: "highest:text" }).success).toBe(false);
    expect(dedupStage.schema.safeParse({ keep: "highest:id.number" }).success).toBe(false);
    expect(dedupStage.schema.safeParse({ keep: "highest:meta.text" }).success).toBe(true);
  });
});

describe("memory and engine", () => {
  for (const memory of ["255M", "1", 1000, "much", "4 GB/s", -1, 1.5, true]) {
    test(`${JSON.stringify(memory)} is refused as a bound of memory`, () => {
      const { error } = dedupStage.schema.safeParse({ memory });
      expect(error?.issues[0]?.path).toEqual(["memory"]);
    });
  }
  test("256M, 4G, 1.5GiB and a number of bytes are bounds", () => {
    for (const memory of ["256M", "4G", "1.5GiB", 2 ** 28, null]) {
      expect(dedupStage.schema.safeParse({ memory }).success).toBe(true);
    }
  });
  test("an engine that is not there is refused", () => {
    expect(dedupStage.schema.safeParse({ engine: "cuda" }).success).toBe(false);
  });
});

const random = new Random(5);
const words = randomWords(random, 60);
const near = (i: number): string => words.map((word, at) => (at === 10 + i ? "changed" : word)).join(" ");

/** Near-duplicates of one another; the last two are copies that fold. */
const documents: TestDocument[] = [
  { id: "short", text: near(1).slice(0, -12), source: "web", quality: { score: 3 } },
  { id: "long", text: `${near(2)} and more`, source: "forum", quality: { score: -2e300 } },
  { id: "book", text: near(3), source: "books" },
  { id: "copy-a", text: near(4), source: "web", quality: { score: "9" } },
  { id: "copy-b", text: near(4).toUpperCase(), source: "wiki", quality: { score: 9 } },
];

async function kept(keep: string, corpus: readonly TestDocument[] = documents): Promise<string> {
  const { kept, removed, counts } = await runDedup(writeCorpus({ "a.jsonl": corpus }), { config: { keep } });
  expect(new Set(removed.map(({ kept }) => kept))).toEqual(new Set(kept.map(({ id }) => id)));
  const scored = /^(highest|lowest)/.test(keep);
  expect(counts.missing_score).toBe(scored ? 2 : undefined);
  return kept.map(({ id }) => id).join(" ");
}

describe("of documents that are alike there stays", () => {
  const cases: [string, string][] = [
    ["longest", "long"],
    ["first", "short"],
    ["source:books,wiki", "book"],
    ["source:wiki,books", "copy-b"],
    ["highest:quality.score", "copy-b"],
    ["lowest:quality.score", "long"],
  ];
  for (const [keep, id] of cases) {
    test(`${id} under ${keep}`, async () => {
      expect(await kept(keep)).toBe(id);
      const reversed = await kept(keep, [...documents].reverse());
      expect(reversed).toBe(keep === "first" ? "copy-b" : id);
    });
  }
});

describe("the texts that survive do not depend on order and files", () => {
  const corpus = mixedCorpus(6, 25).map((document, i) => ({
    ...document,
    source: ["web", "books", "forum"][i % 3]!,
    ...(i % 5 === 0 ? {} : { score: (i * 7919) % 13 }),
  }));
  const survivors = async (keep: string, shuffled: readonly TestDocument[], cut: number): Promise<string[]> => {
    const files = { "a.jsonl": shuffled.slice(0, cut), "b.jsonl": shuffled.slice(cut) };
    return (await runDedup(writeCorpus(files), { config: { keep } })).kept.map(({ text }) => text).sort();
  };
  for (const keep of ["source:books,web", "highest:score", "lowest:score"]) {
    test(`under ${keep}`, async () => {
      const expected = await survivors(keep, corpus, 10);
      for (let round = 0; round < 3; round += 1) {
        expect(await survivors(keep, random.shuffled(corpus), 5 + random.below(40))).toEqual(expected);
      }
    });
  }
  test("and do depend on the policy", async () => {
    expect(await survivors("highest:score", corpus, 10)).not.toEqual(await survivors("lowest:score", corpus, 10));
  });
});
