// A readable excerpt of a text that may be very long: begins shortly before the first passage that the two texts do not
// share, marks what is shared and sets off what is not. Cuts fall between characters as people see them.
import type { Span } from "../../text/similarity.js";
import { count } from "../figures.js";
import { html, type Markup } from "../html.js";

export interface MarkedText {
  readonly text: string;
  /** Ascending, apart. */
  readonly shared: readonly Span[];
}

export const MAX_CHARACTERS = 1_500;
const BEFORE_DIFFERENCE = 300;
/** Combining marks and what joins emoji: a cut must not come before one. */
const CONTINUES = /^[\p{M}\p{Emoji_Modifier}\u200d]/u;
const MAX_CONTINUATION = 40;

/** The next place at or after `at` where the text may be cut. */
export function cutAt(text: string, at: number): number {
  let place = Math.min(Math.max(0, at), text.length);
  for (let step = 0; step < MAX_CONTINUATION && place > 0 && place < text.length; step += 1) {
    const inPair = isHigh(text.charCodeAt(place - 1)) && isLow(text.charCodeAt(place));
    if (!inPair && text[place - 1] !== "\u200d" && !CONTINUES.test(text.slice(place, place + 2))) break;
    place += 1;
  }
  return place;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** Where both excerpts begin, so that the same passage stands on the same height. */
export function excerptStarts(a: MarkedText, b: MarkedText): [number, number] {
  const starts: [number, number] = [startOf(a), startOf(b)];
  // Passages that lie far apart cannot be compared by eye: then both sides begin at the beginning.
  return Math.abs(starts[0] - starts[1]) < BEFORE_DIFFERENCE ? starts : [0, 0];
}

/** Shortly before the first passage that is not shared; 0 when that is near the beginning, or there is none. */
function startOf({ text, shared }: MarkedText): number {
  const first = shared[0];
  if (text.length <= MAX_CHARACTERS || first === undefined || first.begin > BEFORE_DIFFERENCE) return 0;
  if (shared.length === 1 && text.length - first.end < BEFORE_DIFFERENCE) return 0;
  const wanted = Math.min(first.end - BEFORE_DIFFERENCE, text.length - MAX_CHARACTERS);
  if (wanted < BEFORE_DIFFERENCE) return 0;
  const space = text.indexOf(" ", wanted);
  return space === -1 || space > wanted + 100 ? cutAt(text, wanted) : space + 1;
}

export function excerpt({ text, shared }: MarkedText, start: number): Markup {
  const end = cutAt(text, start + MAX_CHARACTERS);
  const pieces: Markup[] = [];
  let at = start;
  for (const span of shared) {
    const from = Math.max(span.begin, at);
    const to = Math.min(span.end, end);
    if (to <= from) continue;
    pieces.push(ownPassage(text.slice(at, from)), html`<mark>${text.slice(from, to)}</mark>`);
    at = to;
  }
  pieces.push(ownPassage(text.slice(at, end)));
  return html`${cutNote(start, "before")}${pieces}${cutNote(text.length - end, "after")}`;
}

/** Spaces and punctuation around the words are not what differs. */
function ownPassage(passage: string): Markup {
  const [, before, words, after] = passage.match(/^([^\p{L}\p{M}\p{N}]*)(.*?)(\s*)$/su)!;
  return words === "" ? html`${before}${after}` : html`${before}<span class="own">${words}</span>${after}`;
}

function cutNote(number: number, where: string): Markup | false {
  return number > 0 && html`<span class="cut" dir="ltr">${count(number)} characters ${where}</span>`;
}
