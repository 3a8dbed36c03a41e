// Drops documents whose title stands in a list: how the articles of WikiText-103's test set leave Wikipedia. The paper says
// that they were removed and not how they were matched. WikiText's titles are tokenised ("2011 @-@ 12 season"), Wikipedia's
// are not, so titles are compared by their letters and numbers alone, after NFKC and case folding. Letters beyond that are
// not reconciled: a title changed since 2016 needs a line of its own in the list.
import { invalid } from "../../base/errors.js";
import type { RuleConfig } from "../filter.js";
import { loadList, requireList } from "./lists.js";

export const LISTED_TITLES_VERSION = 1;

export interface ListedTitlesConfig extends RuleConfig {
  /** Where a record keeps its title. */
  readonly field: string;
  /** File of titles, one a line. */
  readonly file: string;
}

const NAME = "listedTitles.file";

/** A title of signs alone is itself. */
export function titleKey(title: string): string {
  const plain = title.normalize("NFKC").toLowerCase();
  return plain.replace(/[^\p{L}\p{M}\p{N}]+/gu, "") || plain.trim();
}

/** As WikiText marks titles among its text. */
const HEADING = /^= .+ =$/;

/** Refuses WikiText itself too: all its lines would pass for titles, and its titles match none. */
export function checkListedTitles({ file }: ListedTitlesConfig): void {
  requireList(file, NAME);
  const heading = [...loadList(file, `${NAME}, as written`, (line) => line)].find((line) => HEADING.test(line));
  if (heading === undefined) return;
  throw invalid("config-input", `expected one title a line for ${NAME}, got "${heading}" in ${file}`, {
    where: { file },
    hint: "make the list of it: node datasets/wikitext103/titles.mjs wiki.test.raw",
  });
}

export function judgeTitles({ file }: ListedTitlesConfig): (title: string) => string | undefined {
  const titles = loadList(file, NAME, titleKey);
  return (title) => (titles.has(titleKey(title)) ? `the title "${title}" is listed` : undefined);
}
