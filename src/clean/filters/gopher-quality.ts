// The quality rules of Gopher (Rae et al. 2021, arXiv 2112.11446, appendix A.1.1, "Quality filtering"), with words between
// white space:
//   words              minWords .. maxWords
//   mean word length   minWordLength .. maxWordLength, in characters
//   symbols            "#" / words and ellipses / words, each at most maxSymbols
//   bullets            lines that begin with a bullet / lines, at most maxBulletLines
//   ellipses           lines that end with an ellipsis / lines, at most maxEllipsisLines
//   letters            words with a letter / words, at least minWordsWithLetters
//   stop words         different ones of the eight, at least minStopWords: a rule for English, 0 turns it off
import type { RuleConfig } from "../filter.js";
import { judgedPart, linesOf, share, wordsOf } from "./words.js";

export const GOPHER_QUALITY_VERSION = 1;

export interface GopherQualityConfig extends RuleConfig {
  readonly minWords: number;
  readonly maxWords: number;
  readonly minWordLength: number;
  readonly maxWordLength: number;
  readonly maxSymbols: number;
  readonly maxBulletLines: number;
  readonly maxEllipsisLines: number;
  readonly minWordsWithLetters: number;
  readonly minStopWords: number;
}

const STOP_WORDS: ReadonlySet<string> = new Set(["the", "be", "to", "of", "and", "that", "have", "with"]);
const BULLET = /^[-*\u2022\u2023\u25aa\u25cf\u25e6\u2043]/u;
const ELLIPSIS = /\.\.\.|\u2026/gu;
const ENDS_IN_ELLIPSIS = /(?:\.\.\.|\u2026)$/u;

function countMatches(text: string, pattern: RegExp): number {
  let count = 0;
  for (const _ of text.matchAll(pattern)) count += 1;
  return count;
}

/** Characters, not UTF-16 units. */
function lengthOf(word: string): number {
  let length = 0;
  for (const _ of word) length += 1;
  return length;
}

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(holds).length / items.length;
}

export function judgeGopherQuality(config: GopherQualityConfig, whole: string): string | undefined {
  const text = judgedPart(whole);
  const words = wordsOf(text);
  if (words.length < config.minWords) return `${words.length} words, at least ${config.minWords}`;
  if (words.length > config.maxWords) return `${words.length} words, at most ${config.maxWords}`;
  const meanLength = words.reduce((sum, word) => sum + lengthOf(word), 0) / Math.max(1, words.length);
  if (meanLength < config.minWordLength || meanLength > config.maxWordLength) {
    return `${share(meanLength)} characters a word, ${config.minWordLength} to ${config.maxWordLength}`;
  }
  const lines = linesOf(text);
  const ceilings: readonly (readonly [string, number, number])[] = [
    ["hash signs a word", countMatches(text, /#/g) / words.length, config.maxSymbols],
    ["ellipses a word", countMatches(text, ELLIPSIS) / words.length, config.maxSymbols],
    ["of the lines begin with a bullet", shareOf(lines, (line) => BULLET.test(line)), config.maxBulletLines],
    ["of the lines end in an ellipsis", shareOf(lines, (line) => ENDS_IN_ELLIPSIS.test(line)), config.maxEllipsisLines],
  ];
  for (const [what, value, limit] of ceilings) if (value > limit) return `${share(value)} ${what}, at most ${limit}`;
  const withLetters = shareOf(words, (word) => /\p{L}/u.test(word));
  if (withLetters < config.minWordsWithLetters) {
    return `${share(withLetters)} of the words have a letter, at least ${config.minWordsWithLetters}`;
  }
  const stopWords = new Set(words.map((word) => word.toLowerCase()).filter((word) => STOP_WORDS.has(word))).size;
  return stopWords < config.minStopWords
    ? `${stopWords} English stop words, at least ${config.minStopWords}`
    : undefined;
}
