// The rules of C4 and Gopher beside datatrove's filters, those of the paper's repository beside Python's re, ftfy and tldextract:
// golden-cleaning.json holds what those said (make-cleaning-golden.py). Where the two differ, the difference is one that is stated here, and counted.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { judgeUrls } from "#src/clean/filters/blocked-urls.js";
import { judgeC4Page, keepC4Lines } from "#src/clean/filters/c4-lines.js";
import { judgeGopherQuality } from "#src/clean/filters/gopher-quality.js";
import { judgeGopherRepetition } from "#src/clean/filters/gopher-repetition.js";
import { joinStoryLines } from "#src/clean/filters/story-newlines.js";
import { repairUnicode } from "#src/clean/filters/unicode-repair.js";
import { type CleanConfig, cleanStage } from "#src/clean/index.js";
import { xorshift32 } from "./xorshift32.js";

interface Golden {
  /** Of each page: digest of its text; C4's verdict; digest of the text C4 keeps; Gopher's two verdicts. */
  readonly pages: readonly (readonly [string, string, string, string, string])[];
  /** Digests of cleaned stories. */
  readonly stories: string;
  /** An address and the name below its public suffix, "" where it has none. */
  readonly addresses: readonly (readonly [string, string])[];
  readonly repairs: {
    readonly sentences: Readonly<Record<string, string>>;
    /** Name of the sentence, how it was misread, what that gave, and whether ftfy gives the sentence back. */
    readonly misread: readonly (readonly [string, string, string, boolean])[];
  };
}

const golden = JSON.parse(readFileSync(new URL("golden-cleaning.json", import.meta.url), "utf8")) as Golden;
const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8);

function ruleConfig<K extends keyof CleanConfig>(name: K): NonNullable<CleanConfig[K]> {
  return cleanStage.schema.parse({ [name]: {} })[name]!;
}

type Draw = ReturnType<typeof xorshift32>;

const STOP = ["the", "be", "to", "of", "and", "that", "have", "with"];
const ENDS = [".", "!", "?", '."', "...", "", ";", ". [12]", ".[citation needed]", ".[edit]"];
const PHRASES = ["Javascript", "privacy policy", "lorem ipsum", "{", "uses cookies", "#tag", "...", "2019"];

function listOf<T>(length: number, make: () => T): T[] {
  return Array.from({ length }, make);
}

function oddLine(draw: Draw, words: readonly string[]): string {
  const kind = draw(4);
  if (kind === 0) return `\u2022${words[draw(words.length)]} ${words[draw(words.length)]}`;
  if (kind === 1) return listOf(1 + draw(6), () => "#x").join(" ");
  if (kind === 2) return `${"x".repeat(990 + draw(20))} is one word of this line.`;
  return listOf(1 + draw(12), () => String(draw(1000))).join(" ");
}

function lineOf(draw: Draw, words: readonly string[], odd: number): string {
  if (draw(100) < odd) return oddLine(draw, words);
  const picked = listOf(1 + draw(14), () => words[draw(words.length)]!);
  if (draw(3) === 0) picked.push(STOP[draw(8)]!);
  if (draw(25) === 0) picked.push(PHRASES[draw(PHRASES.length)]!);
  const end = draw(10) < 7 ? ENDS[draw(4)] : ENDS[draw(ENDS.length)];
  return picked.join(" ") + end;
}

function pageOf(index: number): string {
  const draw = xorshift32(Number((BigInt(index) * 2654435761n) % 4294967291n) + 1);
  draw(1);
  const letter = (): string => String.fromCharCode(97 + draw(26));
  const word = (): string => listOf(1 + draw(9), letter).join("");
  const words = [...listOf(20 + draw(400), word), ...STOP];
  const odd = [0, 5, 40, 95][draw(4)]!;
  const repeats = [0, 0, 10, 35][draw(4)]!;
  const lines: string[] = [];
  for (let left = 2 + draw(30); left > 0; left -= 1) {
    const again = draw(100) < repeats && lines.length > 0;
    lines.push(again ? lines[draw(lines.length)]! : lineOf(draw, words, odd));
  }
  return lines.join(draw(4) === 0 ? "\n\n" : "\n");
}

const pages = golden.pages.map((verdicts, index) => ({ text: pageOf(index), verdicts }));

test("the pages are those that datatrove judged", () => {
  expect(pages.map(({ text }) => digest(text))).toEqual(golden.pages.map(([text]) => text));
});

/** Pages on which a rule and its reference differ in whether the page stays. */
function differing(judge: (text: string) => string | undefined, column: 1 | 3 | 4) {
  return pages
    .map(({ text, verdicts }) => ({ text, verdict: judge(text) ?? "", reason: verdicts[column] }))
    .filter(({ verdict, reason }) => (verdict === "") !== (reason === ""));
}

test("c4Lines keeps the pages of datatrove's C4QualityFilter with the same texts", () => {
  const config = ruleConfig("c4Lines");
  expect(differing((text) => judgeC4Page(config, keepC4Lines(config, text)), 1)).toEqual([]);
  const kept = pages.filter(({ verdicts }) => verdicts[1] === "");
  expect(kept.length).toBeGreaterThan(400);
  const others = kept.filter(({ text, verdicts }) => digest(keepC4Lines(config, text)) !== verdicts[2]);
  // datatrove counts the words of a line with its marks of citations, the published code and c4Lines without.
  const uncounted = others.filter(({ text }) => /^(\S+ ){2,3}\S+( ?\[12\]|\[citation needed\])$/m.test(text));
  expect([others.length, uncounted.length]).toEqual([6, 6]);
  // With another limit they differ.
  expect(differing((text) => judgeC4Page({ ...config, minSentences: 5 }, keepC4Lines(config, text)), 1)).not.toEqual(
    [],
  );
});

test("gopherQuality keeps the pages that datatrove's GopherQualityFilter keeps", () => {
  const config = ruleConfig("gopherQuality");
  expect(differing((text) => judgeGopherQuality(config, text), 3)).toEqual([]);
  expect(differing((text) => judgeGopherQuality({ ...config, minStopWords: 3 }, text), 3)).not.toEqual([]);
});

test("gopherRepetition differs from datatrove's GopherRepetitionFilter where the counts of n-grams do", () => {
  const others = differing((text) => judgeGopherRepetition(ruleConfig("gopherRepetition"), text), 4);
  // All occurrences of a repeated n-gram count here, there those after the first.
  const occurrences = others.filter(({ verdict, reason }) => /repeated \d+-grams/.test(verdict) && reason === "");
  // There the spaces inside n-grams count, one that stands once may be the most frequent, and of equals it is the first.
  const mostFrequent = others.filter(({ verdict, reason }) => /most frequent|^top_\d_gram$/.test(verdict + reason));
  expect([pages.length, others.length, occurrences.length, mostFrequent.length]).toEqual([600, 57, 30, 27]);
});

const STORY_SIGNS = [..."aZ\u00e9\u4e007_.,\u2019\u0301  \n\n\n\t"];

function storyOf(index: number): string {
  const draw = xorshift32(index * 40503 + 7);
  return listOf(draw(60), () => STORY_SIGNS[draw(STORY_SIGNS.length)]!).join("");
}

test("storyNewlines is the repository's pattern", () => {
  const stories = golden.stories.split(" ");
  expect(stories).toHaveLength(2000);
  expect(stories.filter((expected, index) => digest(joinStoryLines(storyOf(index))) !== expected)).toEqual([]);
  expect(stories.filter((expected, index) => digest(storyOf(index)) !== expected).length).toBeGreaterThan(1000);
});

test("blockedUrls names an address by what tldextract names it by", () => {
  const domains = golden.addresses.map(([, domain]) => domain).filter((domain) => domain !== "");
  const dir = mkdtempSync(join(tmpdir(), "cleaning-"));
  for (const [url, domain] of golden.addresses) {
    const judgeBy = (listed: readonly string[]): string | undefined => {
      const file = join(dir, `${listed.join("-").slice(0, 60)}.txt`);
      writeFileSync(file, listed.join("\n"));
      return judgeUrls({ version: 2, field: "url", domains: file, malformed: false })(url);
    };
    if (domain !== "") expect(judgeBy([domain]), url).toBe(`the domain ${domain} is listed`);
    expect(judgeBy([...new Set(domains)].filter((other) => other !== domain)), url).toBeUndefined();
  }
});

test("unicodeRepair gives back what ftfy gives back of windows-1252 and ISO 8859-1, and leaves other encodings alone", () => {
  const { sentences, misread } = golden.repairs;
  const tally: Record<string, { texts: number; ftfy: number; ours: number }> = {};
  for (const [name, reader, text, byFtfy] of misread) {
    tally[reader] ??= { texts: 0, ftfy: 0, ours: 0 };
    tally[reader].texts += 1;
    if (byFtfy) tally[reader].ftfy += 1;
    if (repairUnicode(text) === sentences[name]) tally[reader].ours += 1;
  }
  expect(tally).toEqual({
    "windows-1252": { texts: 9, ftfy: 9, ours: 9 },
    "windows-1252 twice": { texts: 9, ftfy: 9, ours: 9 },
    "iso-8859-1": { texts: 9, ftfy: 9, ours: 9 },
    "windows-1250": { texts: 9, ftfy: 9, ours: 0 },
    "windows-1251": { texts: 9, ftfy: 6, ours: 0 },
    macroman: { texts: 9, ftfy: 8, ours: 0 },
    cp437: { texts: 9, ftfy: 9, ours: 0 },
  });
});
