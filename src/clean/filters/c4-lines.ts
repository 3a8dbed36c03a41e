// The rules of C4 (Raffel et al. 2020, arXiv 1910.10683, section 2.2) in the order of its published code: first lines go,
// then pages are judged by what is left.
//   a line stays if   it ends in . ? ! or a quotation mark, not in an ellipsis; has at least minWords words; and names
//                     neither Javascript nor one of the phrases of cookie banners
//   a page stays if   no line left has a curly bracket or "lorem ipsum", and they have at least minSentences sentences
// A sentence ends at . ? or ! before white space, a closing mark or the end. C4's list of bad words and its removal of
// repeated three-sentence spans are not among them.
import type { RuleConfig } from "../filter.js";
import { eachLine, wordsOf } from "./words.js";

export const C4_LINES_VERSION = 1;

export interface C4LinesConfig extends RuleConfig {
  readonly minWords: number;
  readonly minSentences: number;
}

const TERMINAL = /[.?!"\u201d]$/u;
const ELLIPSIS = /\.\.\.$/;
const BANNER = /javascript|terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies/i;
/** The look-behind keeps a long run of dots linear. */
const SENTENCE_END = /(?<![.?!])[.?!]+(?=["'\u2019\u201d)\]]*(?:\s|$))/gu;

function stays(line: string, minWords: number): boolean {
  return TERMINAL.test(line) && !ELLIPSIS.test(line) && wordsOf(line).length >= minWords && !BANNER.test(line);
}

/** The lines that stay, trimmed. */
export function keepC4Lines({ minWords }: C4LinesConfig, text: string): string {
  const kept: string[] = [];
  for (const line of eachLine(text)) if (stays(line.trim(), minWords)) kept.push(line.trim());
  return kept.join("\n");
}

export function judgeC4Page({ minSentences }: C4LinesConfig, text: string): string | undefined {
  if (text.includes("{")) return "a curly bracket";
  if (/lorem ipsum/i.test(text)) return '"lorem ipsum"';
  const sentences = text.match(SENTENCE_END)?.length ?? 0;
  return sentences < minSentences ? `${sentences} sentences, at least ${minSentences}` : undefined;
}
