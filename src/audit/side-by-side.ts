// Two texts beside each other in plain text: what only one of them has stands in [[double brackets]]. Begins shortly before the first
// difference and ends when it has shown enough for a terminal.
import type { Span } from "../text/similarity.js";

export interface SideText {
  /** Stands above the column. */
  readonly title: string;
  readonly text: string;
  /** Ascending, apart: what both have. */
  readonly shared: readonly Span[];
}

const BEFORE_DIFFERENCE = 100;
const MAX_CHARACTERS = 700;
const GAP = " | ";
const MIN_COLUMN = 24;

/** Lines of at most `width` columns. */
export function sideBySide(a: SideText, b: SideText, width: number): string[] {
  const column = Math.max(MIN_COLUMN, Math.floor((width - GAP.length) / 2));
  const starts = [a, b].map(({ text, shared }) => startOf(text, shared));
  // Passages that lie far apart cannot be compared by eye: then both sides begin at the beginning.
  const together = Math.abs(starts[0]! - starts[1]!) < 2 * BEFORE_DIFFERENCE;
  const [left, right] = [a, b].map((side, i) => [
    ...wrap(side.title, column),
    "-".repeat(column),
    ...wrap(marked(side, together ? starts[i]! : 0), column),
  ]);
  const rows = Math.max(left!.length, right!.length);
  return Array.from({ length: rows }, (_, row) =>
    `${padded(left![row] ?? "", column)}${GAP}${right![row] ?? ""}`.trimEnd(),
  );
}

/** Shortly before the first character that the other text does not share. */
function startOf(text: string, shared: readonly Span[]): number {
  const first = shared[0];
  if (text.length <= MAX_CHARACTERS || first === undefined || first.begin > BEFORE_DIFFERENCE) return 0;
  if (shared.length === 1 && text.length - first.end < BEFORE_DIFFERENCE) return 0;
  const wanted = first.end - BEFORE_DIFFERENCE;
  if (wanted <= 0) return 0;
  const space = text.indexOf(" ", wanted);
  return wholeCharacter(text, space >= 0 && space < wanted + BEFORE_DIFFERENCE ? space + 1 : wanted);
}

function marked({ text, shared }: SideText, start: number): string {
  const end = wholeCharacter(text, Math.min(text.length, start + MAX_CHARACTERS));
  const pieces: string[] = [];
  let at = start;
  const own = (until: number): void => {
    const passage = text.slice(at, until);
    // Spaces and punctuation around words are not what differs.
    const [, before, words, after] = /^([^\p{L}\p{M}\p{N}]*)(.*?)([^\p{L}\p{M}\p{N}]*)$/su.exec(passage)!;
    pieces.push(before!, words === "" ? "" : `[[${words}]]`, after!);
  };
  for (const span of shared) {
    const [from, to] = [Math.max(span.begin, at), Math.min(span.end, end)];
    if (to <= from) continue;
    own(from);
    pieces.push(text.slice(from, to));
    at = to;
  }
  if (at < end) own(end);
  const cut = (characters: number): string => `(${characters.toLocaleString("en-US")} characters)`;
  const before = start > 0 ? `${cut(start)} ... ` : "";
  const behind = end < text.length ? ` ... ${cut(text.length - end)}` : "";
  return `${before}${pieces.join("")}${behind}`;
}

function wholeCharacter(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code < 0xe000 ? at + 1 : at;
}

/** Columns a character takes: two for East Asian wide ones, none for marks. */
function widthOf(character: string): number {
  if (/^[\p{M}\u200b-\u200f]/u.test(character)) return 0;
  return /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u.test(
    character,
  )
    ? 2
    : 1;
}

function widthOfText(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOfText(text)));
}

/** At spaces where there are some; white space and control characters become one space each run. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  let used = 0;
  const put = (word: string): void => {
    for (const character of word) {
      const wide = widthOf(character);
      if (used + wide > width) {
        lines.push(line);
        line = "";
        used = 0;
      }
      line += character;
      used += wide;
    }
  };
  for (const word of text.split(/[\s\p{Cc}]+/u).filter((one) => one !== "")) {
    const wide = widthOfText(word);
    if (used > 0 && used + 1 + wide > width && wide <= width) {
      lines.push(line);
      line = "";
      used = 0;
    } else if (used > 0) put(" ");
    put(word);
  }
  if (line !== "") lines.push(line);
  return lines;
}
