// CC-Stories carries line breaks in the middle of sentences. The paper removes "unnecessary newlines" and gives no rule; this
// is the one of the published code (general_cleaning in tools/openwebtext/cleanup_fix_dataset.py, 2021): line feeds that
// follow a word character, with a space behind them if there is one, become one space; so do runs of spaces. A line that ends
// in punctuation stays a line.

export const STORY_NEWLINES_VERSION = 1;

/** Python's \w for the look-behind: letters, numbers and the underscore. */
const ARTEFACT = / {2,}|(?<=[\p{L}\p{N}_])\n+ ?/gu;

export function joinStoryLines(text: string): string {
  return text.replace(ARTEFACT, " ");
}
