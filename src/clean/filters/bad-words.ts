// Drops pages that contain a word of a list: C4's rule (Raffel et al. 2020, arXiv 1910.10683, section 2.2; the published code's
// get_badwords_filter_fn). The list is the user's to obtain. Both sides are compared in lower case; a word stands between
// characters that are no letter, number or underscore, unless `anywhere` is set, as C4 does for Japanese, Thai and Chinese.
import { escapeRegExp } from "../../base/regexp.js";
import type { Judge, RuleConfig } from "../filter.js";
import { loadList, requireList } from "./lists.js";

export const BAD_WORDS_VERSION = 2;

export interface BadWordsConfig extends RuleConfig {
  /** File of words and phrases, one a line. */
  readonly file: string;
  /** Match inside words too: for scripts without spaces. */
  readonly anywhere: boolean;
}

const NAME = "badWords.file";
const WORD = "[\\p{L}\\p{N}_]";

export function checkBadWords({ file }: BadWordsConfig): void {
  requireList(file, NAME);
}

export function judgeBadWords({ file, anywhere }: BadWordsConfig): Judge {
  const words = loadList(file, NAME, (line) => line.toLowerCase());
  if (words.size === 0) return () => undefined;
  // Longest first, so that the detail names the phrase and not its first word.
  // Texts are in normal form by then, unless the run leaves them as they are: either form of a word is listed.
  const choices = [...new Set([...words].flatMap((word) => [word, word.normalize("NFC")]))]
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .map(escapeRegExp)
    .join("|");
  const pattern = new RegExp(anywhere ? choices : `(?<!${WORD})(?:${choices})(?!${WORD})`, "u");
  return (text) => {
    const found = pattern.exec(text.toLowerCase())?.[0];
    return found === undefined ? undefined : `the word "${found}" is listed`;
  };
}
