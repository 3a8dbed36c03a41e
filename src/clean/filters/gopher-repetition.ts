// The repetition rules of Gopher (Rae et al. 2021, arXiv 2112.11446, appendix A.1.1, table A1), with words between white space:
//   lines, paragraphs      those that stood before / all; and their characters / the characters of all
//   most frequent n-gram   n = 2, 3, 4: occurrences * its characters / characters of all words, if it occurs at least twice
//   repeated n-grams       n = 5 .. 10: characters of words inside any n-gram that occurs at least twice / of all words
// White space counts for nothing. Ties of the most frequent n-gram go to the longest.
import type { RuleConfig } from "../filter.js";
import { judgedPart, linesOf, paragraphsOf, share, wordsOf } from "./words.js";

export const GOPHER_REPETITION_VERSION = 1;

export interface GopherRepetitionConfig extends RuleConfig {
  readonly maxLines: number;
  readonly maxParagraphs: number;
  readonly maxLineCharacters: number;
  readonly maxParagraphCharacters: number;
  /** For n = 2, 3, 4. */
  readonly maxTopNgrams: readonly number[];
  /** For n = 5 to 10. */
  readonly maxRepeatedNgrams: readonly number[];
}

const FIRST_TOP = 2;
const FIRST_REPEATED = 5;

function repeatedShares(pieces: readonly string[]): { pieces: number; characters: number } {
  const seen = new Set<string>();
  let [repeated, repeatedCharacters, characters] = [0, 0, 0];
  for (const piece of pieces) {
    characters += piece.length;
    if (seen.has(piece)) {
      repeated += 1;
      repeatedCharacters += piece.length;
    }
    seen.add(piece);
  }
  return { pieces: repeated / Math.max(1, pieces.length), characters: repeatedCharacters / Math.max(1, characters) };
}

interface Ngrams {
  /** Of the n-gram that begins at each word: equal numbers are equal n-grams. */
  readonly ids: Float64Array;
  readonly counts: readonly number[];
}

/** Numbers n-grams by the number of the (n-1)-gram they begin with and their last word: exact, linear in the text. */
function extend(before: Ngrams, words: Ngrams, n: number): Ngrams {
  const length = Math.max(0, words.ids.length - n + 1);
  const idOf = new Map<number, number>();
  const ids = new Float64Array(length);
  const counts: number[] = [];
  const numWords = words.counts.length;
  for (let i = 0; i < length; i += 1) {
    const key = before.ids[i]! * numWords + words.ids[i + n - 1]!;
    let id = idOf.get(key);
    if (id === undefined) {
      id = counts.length;
      idOf.set(key, id);
      counts.push(0);
    }
    ids[i] = id;
    counts[id]! += 1;
  }
  return { ids, counts };
}

function numberWords(words: readonly string[]): Ngrams {
  const idOf = new Map<string, number>();
  const counts: number[] = [];
  const ids = Float64Array.from(words, (word) => {
    let id = idOf.get(word);
    if (id === undefined) {
      id = counts.length;
      idOf.set(word, id);
      counts.push(0);
    }
    counts[id]! += 1;
    return id;
  });
  return { ids, counts };
}

/** `ends[i]`: characters of the words before word i. */
function topShare({ ids, counts }: Ngrams, ends: Float64Array, n: number): number {
  let [most, characters] = [1, 0];
  for (let i = 0; i < ids.length; i += 1) {
    const count = counts[ids[i]!]!;
    const length = ends[i + n]! - ends[i]!;
    if (count < 2 || count < most || (count === most && length <= characters)) continue;
    [most, characters] = [count, length];
  }
  return (most * characters) / Math.max(1, ends.at(-1)!);
}

function repeatedShare({ ids, counts }: Ngrams, ends: Float64Array, n: number): number {
  let characters = 0;
  let covered = 0;
  for (let i = 0; i < ids.length; i += 1) {
    if (counts[ids[i]!]! < 2) continue;
    characters += ends[i + n]! - ends[Math.max(i, covered)]!;
    covered = i + n;
  }
  return characters / Math.max(1, ends.at(-1)!);
}

export function judgeGopherRepetition(config: GopherRepetitionConfig, whole: string): string | undefined {
  const text = judgedPart(whole);
  const lines = repeatedShares(linesOf(text));
  const paragraphs = repeatedShares(paragraphsOf(text));
  const shares: readonly (readonly [string, number, number])[] = [
    ["of the lines", lines.pieces, config.maxLines],
    ["of the paragraphs", paragraphs.pieces, config.maxParagraphs],
    ["of the characters in repeated lines", lines.characters, config.maxLineCharacters],
    ["of the characters in repeated paragraphs", paragraphs.characters, config.maxParagraphCharacters],
  ];
  for (const [what, value, limit] of shares) if (value > limit) return `${share(value)} ${what}, at most ${limit}`;

  const words = wordsOf(text);
  const ends = new Float64Array(words.length + 1);
  for (const [i, word] of words.entries()) ends[i + 1] = ends[i]! + word.length;
  const numbered = numberWords(words);
  let ngrams = numbered;
  const lastN = FIRST_REPEATED + config.maxRepeatedNgrams.length - 1;
  for (let n = FIRST_TOP; n <= lastN; n += 1) {
    ngrams = extend(ngrams, numbered, n);
    const isTop = n < FIRST_REPEATED;
    const limit = isTop ? config.maxTopNgrams[n - FIRST_TOP]! : config.maxRepeatedNgrams[n - FIRST_REPEATED]!;
    const value = isTop ? topShare(ngrams, ends, n) : repeatedShare(ngrams, ends, n);
    const what = isTop ? `in the most frequent ${n}-gram` : `in repeated ${n}-grams`;
    if (value > limit) return `${share(value)} of the characters ${what}, at most ${limit}`;
  }
  return undefined;
}
