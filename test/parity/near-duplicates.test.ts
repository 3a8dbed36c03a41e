// Real near-duplicates: the licence texts of spdx-license-list and articles with planted copies, through the user's own command,
// against a truth that this test computes by itself on strings, and against the truth files of ../shared where they are.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const shared = join(root, "../shared/data/near-duplicates");
const folder = mkdtempSync(join(tmpdir(), "millrace-near-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Document {
  readonly id: string;
  readonly text: string;
}

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly common: number;
  readonly union: number;
}

interface Removal {
  readonly id: string;
  readonly kept: string;
  readonly jaccard: number;
}

interface Outcome {
  readonly kept: ReadonlySet<string>;
  readonly removed: readonly Removal[];
}

const UNSPACED = "\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmr}\\p{sc=Mymr}";

/** docs/formats/dedup.md, with lower case for case folding: the same for what these texts hold. */
const STATED_WORDS = new RegExp(`[[${UNSPACED}]&&[\\p{L}\\p{M}\\p{N}]]|[[\\p{L}\\p{M}\\p{N}]--[${UNSPACED}]]+`, "gv");
/** The truth file's: no marks, and no limits inside scripts without spaces. */
const TRUTH_WORDS = /[\p{L}\p{N}]+/gu;

function shinglesOf(text: string, words: RegExp): Set<string> {
  const list = text.normalize("NFC").toLowerCase().match(words) ?? [];
  if (list.length < 5) return new Set([list.length > 0 ? list.join(" ") : text]);
  return new Set(list.slice(4).map((_, i) => list.slice(i, i + 5).join(" ")));
}

/** All pairs that share a shingle, by counting through an inverted index. */
function pairsOf(documents: readonly Document[], words: RegExp): Pair[] {
  const sets = documents.map(({ text }) => shinglesOf(text, words));
  const holders = new Map<string, number[]>();
  for (const [i, set] of sets.entries()) {
    for (const shingle of set) {
      const list = holders.get(shingle);
      if (list === undefined) holders.set(shingle, [i]);
      else list.push(i);
    }
  }
  const commons = new Map<number, number>();
  for (const list of holders.values()) {
    for (const [at, j] of list.entries()) {
      for (const i of list.slice(0, at)) {
        const key = i * documents.length + j;
        commons.set(key, (commons.get(key) ?? 0) + 1);
      }
    }
  }
  return Array.from(commons, ([key, common]) => {
    const [i, j] = [Math.floor(key / documents.length), key % documents.length];
    return { a: documents[i]!.id, b: documents[j]!.id, common, union: sets[i]!.size + sets[j]!.size - common };
  });
}

const isAbove = ({ common, union }: Pair): boolean => 10 * common > 7 * union;
const nameOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);

function dedup(name: string, documents: readonly Document[], ...options: string[]): Outcome {
  const [input, out] = [join(folder, `${name}.jsonl`), join(folder, name)];
  writeFileSync(input, documents.map((document) => `${JSON.stringify(document)}\n`).join(""));
  execFileSync(process.execPath, ["dist/cli/main.js", "dedup", input, "--out", out, ...options], {
    cwd: root,
    stdio: "ignore",
  });
  const lines = (file: string): string[] =>
    readFileSync(join(out, file), "utf8")
      .split("\n")
      .filter((line) => line !== "");
  return {
    kept: new Set(lines("kept.jsonl").map((line) => (JSON.parse(line) as Document).id)),
    removed: lines("removed.jsonl").map((line) => JSON.parse(line) as Removal),
  };
}

/** Pairs above 0.7 of which both stayed, and removals that no such pair with a kept document, of that similarity, bears out. */
function judge(truth: readonly Pair[], { kept, removed }: Outcome): { missed: string[]; unjustified: string[] } {
  const above = new Map(truth.filter(isAbove).map((pair) => [nameOf(pair.a, pair.b), pair]));
  const missed = [...above].filter(([, { a, b }]) => kept.has(a) && kept.has(b)).map(([name]) => name);
  const unjustified = removed.filter(({ id, kept: witness, jaccard }) => {
    const pair = above.get(nameOf(id, witness));
    return pair === undefined || !kept.has(witness) || pair.common / pair.union !== jaccard;
  });
  return { missed, unjustified: unjustified.map(({ id, kept: witness }) => nameOf(id, witness)) };
}

const licences: readonly Document[] = Object.entries(
  JSON.parse(
    readFileSync(createRequire(import.meta.url).resolve("spdx-license-list/spdx-full.json"), "utf8"),
  ) as Readonly<Record<string, { licenseText: string }>>,
).map(([id, { licenseText }]) => ({ id, text: licenseText }));
const licencePairs = pairsOf(licences, STATED_WORDS);

/** Half a per cent of the pairs may be missed just above the threshold, and fewer of those far above. */
const MAX_MISSED_SHARE = 0.005;

for (const engine of ["native", "js"]) {
  test(`of the licence texts the ${engine} engine removes the near-duplicates, each for a kept text as similar as it says`, () => {
    const outcome = dedup(`licences-${engine}`, licences, "--engine", engine);
    const { missed, unjustified } = judge(licencePairs, outcome);
    const above = licencePairs.filter(isAbove).length;
    expect(above).toBeGreaterThan(600);
    expect(outcome.removed.length).toBeGreaterThan(100);
    expect(unjustified).toEqual([]);
    expect(missed.length).toBeLessThanOrEqual(MAX_MISSED_SHARE * above);
    // Put back one that went, and blame one that stayed: both are seen.
    const [first] = outcome.removed;
    const putBack = { ...outcome, kept: new Set([...outcome.kept, first!.id]) };
    expect(judge(licencePairs, putBack).missed.length).toBeGreaterThan(missed.length);
    const blamed = { ...outcome, removed: [{ ...first!, jaccard: 0.70001 }] };
    expect(judge(licencePairs, blamed).unjustified).toHaveLength(1);
  });
}

test("with --exact no pair of licence texts above the threshold stays", () => {
  const { missed, unjustified } = judge(licencePairs, dedup("licences-exact", licences, "--exact"));
  expect({ missed, unjustified }).toEqual({ missed: [], unjustified: [] });
});

/** Similarities as the truth file prints them. */
const rounded = (pairs: readonly Pair[]): Map<string, string> =>
  new Map(pairs.map((pair) => [nameOf(pair.a, pair.b), (pair.common / pair.union).toFixed(4)]));

if (!existsSync(shared)) console.warn("no ../shared/data/near-duplicates: its truth files were not compared");

const truthPath = join(shared, "spdx-licenses.jaccard5w.tsv");

test.skipIf(!existsSync(truthPath))("the truth of this test is the truth file's but for one pair in Chinese", () => {
  const file = readFileSync(truthPath, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t") as [string, string, string]);
  const theirs = rounded(pairsOf(licences, TRUTH_WORDS));
  const ours = rounded(licencePairs);
  expect(file.filter(([a, b, jaccard]) => theirs.get(nameOf(a, b)) !== jaccard)).toEqual([]);
  // The one that differs is Chinese: its characters are words here, and whole clauses are words there.
  const differing = file.map(([a, b]) => nameOf(a, b)).filter((name) => ours.get(name) !== theirs.get(name));
  expect(differing).toEqual(["MulanPSL-1.0 MulanPSL-2.0"]);
  expect([ours.get(differing[0]!), theirs.get(differing[0]!)]).toEqual(["0.7333", "0.6259"]);
  const known = new Set(file.map(([a, b]) => nameOf(a, b)));
  const half = licencePairs.filter(({ common, union }) => 2 * common >= union).map(({ a, b }) => nameOf(a, b));
  expect(half.filter((name) => !known.has(name))).toEqual([]);
});

interface Articles {
  readonly documents: readonly Document[];
  readonly planted: readonly string[];
}

function readArticles(name: string): Articles {
  const lines = (ending: string): string[] =>
    readFileSync(join(shared, `${name}.${ending}`), "utf8")
      .split("\n")
      .filter((line) => line !== "");
  return {
    documents: lines("train").map((line) => {
      const space = line.indexOf(" ");
      return { id: line.slice(0, space), text: line.slice(space + 1) };
    }),
    planted: lines("truth").map((line) => nameOf(...(line.split(" ") as [string, string]))),
  };
}

for (const name of ["articles_100", "articles_1000"]) {
  test.skipIf(!existsSync(join(shared, `${name}.train`)))(
    `of ${name} exactly one of each planted pair is removed`,
    () => {
      const { documents, planted } = readArticles(name);
      const { removed } = dedup(name, documents);
      expect(
        pairsOf(documents, STATED_WORDS)
          .filter(isAbove)
          .map(({ a, b }) => nameOf(a, b))
          .sort(),
      ).toEqual([...planted].sort());
      expect(removed.map(({ id, kept }) => nameOf(id, kept)).sort()).toEqual([...planted].sort());
    },
  );
}
