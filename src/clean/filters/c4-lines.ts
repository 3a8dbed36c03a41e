// The rules of C4 (Raffel et al. 2020, arXiv 1910.10683, section 2.2) in the order of its published code (clean_page in
// tensorflow_datasets/text/c4_utils.py): first lines go, then pages are judged by what is left.
//   a line loses      marks of citations: [12], [edit], [citation needed]
//   a line stays if   no word is longer than maxWordLength; it ends in . ? ! or a quotation mark, not in an ellipsis; has at
//                     least minWords words; and names neither Javascript nor one of the phrases of cookie banners
//   a page stays if   no line left has a curly bracket or "lorem ipsum", and they have at least minSentences sentences
// Unlike the code, a line may end in a curly quotation mark, which the paper's words allow, and a sentence ends at . ? or !
// before white space, a closing mark or the end, where the code has a trained model. C4's list of bad words is badWords; its
// removal of three-sentence spans that occur twice in the corpus is not here.
import type { RuleConfig } from "../filter.js";
import { eachLine, wordsOf } from "./words.js";

export const C4_LINES_VERSION = 2;

export interface C4LinesConfig extends RuleConfig {
  readonly minWords: number;
  readonly minSentences: number;
  /** In characters. */
  readonly maxWordLength: number;
}

const CITATION = /\[\d*\]|\[edit\]|\[citation needed\]/g;
const TERMINAL = /[.?!"\u201d]$/u;
const ELLIPSIS = /\.\.\.$/;
const JAVASCRIPT = /javascript/i;
const FILLER = /lorem ipsum/i;
const BANNER = /terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies/i;
/** The look-behind keeps a long run of dots linear. */
const SENTENCE_END = /(?<![.?!])[.?!]+(?=["'\u2019\u201d)\]]*(?:\s|$))/gu;

/** Looks at words only where the line is long enough to hold such a one. */
function hasLongWord(line: string, limit: number): boolean {
  return line.length > limit && wordsOf(line).some((word) => word.length > limit && [...word].length > limit);
}

/** What of a trimmed line stays, or nothing. A line that makes its page unfit stays, for the page to be judged by. */
function keptLine({ minWords, maxWordLength }: C4LinesConfig, line: string): string | undefined {
  if (hasLongWord(line, maxWordLength)) return undefined;
  const plain = line.includes("[") ? line.replace(CITATION, "") : line;
  if (!TERMINAL.test(plain) || ELLIPSIS.test(plain) || wordsOf(plain).length < minWords) return undefined;
  if (FILLER.test(plain)) return plain;
  if (JAVASCRIPT.test(plain)) return undefined;
  return !plain.includes("{") && BANNER.test(plain) ? undefined : plain;
}

/** The lines that stay, trimmed. */
export function keepC4Lines(config: C4LinesConfig, text: string): string {
  const kept: string[] = [];
  for (const line of eachLine(text)) {
    const stays = keptLine(config, line.trim());
    if (stays !== undefined) kept.push(stays);
  }
  return kept.join("\n").trim();
}

export function judgeC4Page({ minSentences }: C4LinesConfig, text: string): string | undefined {
  if (text.includes("{")) return "a curly bracket";
  if (FILLER.test(text)) return '"lorem ipsum"';
  const sentences = text.match(SENTENCE_END)?.length ?? 0;
  return sentences < minSentences ? `${sentences} sentences, at least ${minSentences}` : undefined;
}
