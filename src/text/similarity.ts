// Exact similarity of two texts on strings: the definition of docs/formats/dedup.md written a second time, without hashes.
// Reports use it to show what two documents share, tests as the oracle of the native kernels. For pages and samples, not
// for corpora.
//
// JavaScript has no case folding. Per code point, toLowerCase(toUpperCase(c)) equals full folding (CaseFolding.txt, C + F)
// but for the exceptions below, for every character of the Unicode version of this Node.
import type { Shingling } from "../native.js";

/** UTF-16 positions in the text after NFC. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

export interface TextComparison {
  readonly intersection: number;
  readonly union: number;
  /** Both texts after NFC, and where each is covered by shingles of the other; spans ascending, apart. */
  readonly textA: string;
  readonly textB: string;
  readonly sharedA: readonly Span[];
  readonly sharedB: readonly Span[];
}

interface Unit extends Span {
  readonly folded: string;
}

const RUN = /[\p{L}\p{M}\p{N}]+/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** Cherokee folds to its older, upper-case letters. */
const CHEROKEE = /[\u13a0-\u13fd\uab70-\uabbf]/;
const EXCEPTIONS: Readonly<Record<string, string>> = { "\u0131": "\u0131", "\u1e9e": "ss" };

function foldCharacter(character: string): string {
  if (CHEROKEE.test(character)) return character.toUpperCase();
  return EXCEPTIONS[character] ?? character.toUpperCase().toLowerCase();
}

export function foldCase(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is the point
  return /^[\x00-\x7f]*$/.test(text) ? text.toLowerCase() : Array.from(text, foldCharacter).join("");
}

/** Words of a text after NFC: runs of letters, marks and numbers, characters of unspaced scripts one by one. */
function wordsOf(text: string): Unit[] {
  const words: Unit[] = [];
  const add = (begin: number, end: number): void => {
    if (end > begin) words.push({ begin, end, folded: foldCase(text.slice(begin, end)) });
  };
  for (const match of text.matchAll(RUN)) {
    let open = match.index;
    let at = match.index;
    for (const character of match[0]) {
      const next = at + character.length;
      if (UNSPACED.test(character)) {
        add(open, at);
        add(at, next);
        open = next;
      }
      at = next;
    }
    add(open, at);
  }
  return words;
}

/** Characters of the words after folding, and one space where other characters stand between two words. */
function charactersOf(text: string): Unit[] {
  const units: Unit[] = [];
  let last: number | undefined;
  for (const { begin, end, folded } of wordsOf(text)) {
    if (last !== undefined && begin > last) units.push({ begin: last, end: begin, folded: " " });
    for (const character of folded) units.push({ begin, end, folded: character });
    last = end;
  }
  return units;
}

interface Shingled {
  readonly text: string;
  readonly units: readonly Unit[];
  /** By position; a text without words has one shingle and no unit. */
  readonly shingles: readonly string[];
}

function shingle(original: string, { unit, size }: Shingling): Shingled {
  const text = original.normalize("NFC");
  const units = unit === "word" ? wordsOf(text) : charactersOf(text);
  // A word holds no space, and a text without words is told apart by its first character.
  if (units.length === 0) return { text, units, shingles: [`\u0000${foldCase(text)}`] };
  const joined = (begin: number, end: number): string =>
    units
      .slice(begin, end)
      .map(({ folded }) => folded)
      .join(unit === "word" ? " " : "\u0001");
  const count = Math.max(1, units.length - size + 1);
  return { text, units, shingles: Array.from({ length: count }, (_, i) => joined(i, i + size)) };
}

export function shinglesOf(text: string, shingling: Shingling): Set<string> {
  return new Set(shingle(text, shingling).shingles);
}

export function overlapOf(a: ReadonlySet<string>, b: ReadonlySet<string>): { intersection: number; union: number } {
  let intersection = 0;
  for (const one of a) if (b.has(one)) intersection += 1;
  return { intersection, union: a.size + b.size - intersection };
}

export function compareTexts(a: string, b: string, shingling: Shingling): TextComparison {
  const [shingledA, shingledB] = [shingle(a, shingling), shingle(b, shingling)];
  const [setA, setB] = [new Set(shingledA.shingles), new Set(shingledB.shingles)];
  return {
    ...overlapOf(setA, setB),
    textA: shingledA.text,
    textB: shingledB.text,
    sharedA: sharedSpans(shingledA, setB, shingling.size),
    sharedB: sharedSpans(shingledB, setA, shingling.size),
  };
}

function sharedSpans({ text, units, shingles }: Shingled, other: ReadonlySet<string>, size: number): Span[] {
  const spans: { begin: number; end: number }[] = [];
  for (const [i, one] of shingles.entries()) {
    if (!other.has(one)) continue;
    const begin = units[i]?.begin ?? 0;
    const end = units[Math.min(i + size, units.length) - 1]?.end ?? text.length;
    const last = spans.at(-1);
    // Shingles of neighbouring units run on: only what stands between two words parts them.
    if (last !== undefined && begin <= last.end) last.end = Math.max(last.end, end);
    else if (end > begin) spans.push({ begin, end });
  }
  return spans;
}
