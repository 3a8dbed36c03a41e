// Removed documents beside the ones they resemble, the shared shingles marked.
import { compareTexts, type Span } from "../text/similarity.js";
import { count, decimal } from "./figures.js";
import { html, type Markup } from "./html.js";
import type { RemovedPair, RemovedPairs } from "./removed-pairs.js";

interface MarkedText {
  readonly text: string;
  /** Ascending, apart. */
  readonly shared: readonly Span[];
}

function markShared(removed: string, kept: string, shingling: RemovedPairs["shingling"]): [MarkedText, MarkedText] {
  const { textA, textB, sharedA, sharedB } = compareTexts(removed, kept, shingling);
  return [
    { text: textA, shared: sharedA },
    { text: textB, shared: sharedB },
  ];
}

/** Of each text; where the two differ may lie further on, so the window begins shortly before the first difference. */
const MAX_CHARACTERS = 1_500;
const BEFORE_DIFFERENCE = 300;
/** Longer texts are compared by their beginning only. */
const MAX_COMPARED = 200_000;

export function pairsSection(removed: RemovedPairs | undefined): Markup | undefined {
  if (removed === undefined) return undefined;
  const { total, histogram, sample } = removed;
  const bins = histogram.flatMap((number, bin) => (number === 0 ? [] : [{ bin, number }]));
  const most = Math.max(...histogram);
  return html`<h2>Removed near-duplicates</h2>
<p>${total === 0 ? "None were found." : html`${count(total)} documents were removed. Each resembles a document that was kept; the number is their exact Jaccard similarity.`}</p>
${total > 0 && html`<table>${bins.map(({ bin, number }) => html`<tr><td class="name">${rangeOf(bin)}</td><td class="number">${count(number)}</td><td><div class="bar" style="width:${Math.round((1000 * number) / most) / 10}%"></div></td></tr>`)}</table>`}
${sample.length > 0 && html`<h3>A sample of ${sample.length}, <mark>shared passages</mark> and <span class="own">what differs</span></h3>${sample.map((pair) => pairCard(pair, removed))}`}`;
}

function rangeOf(bin: number): string {
  return bin === 9 ? "0.9 to 1" : `${decimal(bin / 10, 1)} to ${decimal((bin + 1) / 10, 1)}`;
}

function pairCard(pair: RemovedPair, { shingling }: RemovedPairs): Markup {
  const [removed, kept] =
    pair.text === undefined || pair.keptText === undefined
      ? [pair.text, pair.keptText].map((text) => (text === undefined ? undefined : { text, shared: [] }))
      : markShared(pair.text.slice(0, MAX_COMPARED), pair.keptText.slice(0, MAX_COMPARED), shingling);
  const starts = [removed, kept].map((marked) => (marked === undefined ? 0 : excerptStart(marked)));
  // Passages that lie far apart cannot be compared by eye: then both sides begin at the beginning.
  const together = Math.abs(starts[0]! - starts[1]!) < BEFORE_DIFFERENCE;
  const [removedStart, keptStart] = together ? starts : [0, 0];
  const what = pair.jaccard === 1 ? "the same shingles" : "Jaccard similarity";
  return html`<article class="pair"><header><b>${decimal(pair.jaccard, 4)}</b><span class="soft small">${what}</span></header>
<div class="sides">${side("removed", pair.id, removed, removedStart!)}${side("kept", pair.kept, kept, keptStart!)}</div></article>`;
}

function side(role: string, id: string, marked: MarkedText | undefined, start: number): Markup {
  const text =
    marked === undefined ? html`<span class="cut">its text was not looked up</span>` : excerpt(marked, start);
  return html`<div class="side"><h4><span>${role}</span>${id}</h4><div>${text}</div></div>`;
}

/** Shared passages marked, what only this text has set off: little differs, so that is what the eye must find. */
function excerpt({ text, shared }: MarkedText, start: number): Markup {
  const end = Math.min(text.length, start + MAX_CHARACTERS);
  const pieces: Markup[] = [];
  const own = (from: number, to: number) => {
    const [, before, words, after] = text.slice(from, to).match(/^([^\p{L}\p{N}]*)(.*?)(\s*)$/su)!;
    pieces.push(words === "" ? html`${before}${after}` : html`${before}<span class="own">${words}</span>${after}`);
  };
  let at = start;
  for (const span of shared) {
    const from = Math.max(span.begin, at);
    const to = Math.min(span.end, end);
    if (to <= from) continue;
    own(at, from);
    pieces.push(html`<mark>${text.slice(from, to)}</mark>`);
    at = to;
  }
  own(at, end);
  const cut = (number: number) => number > 0 && html`<span class="cut">[${count(number)} characters] </span>`;
  return html`${cut(start)}${pieces}${cut(text.length - end)}`;
}

/** Shortly before the first passage that is not shared; 0 when that is near the beginning, or there is none. */
function excerptStart({ text, shared }: MarkedText): number {
  const first = shared[0];
  if (text.length <= MAX_CHARACTERS || first === undefined || first.begin > BEFORE_DIFFERENCE) return 0;
  if (shared.length === 1 && text.length - first.end < BEFORE_DIFFERENCE) return 0;
  const wanted = Math.min(first.end - BEFORE_DIFFERENCE, text.length - MAX_CHARACTERS);
  if (wanted < BEFORE_DIFFERENCE) return 0;
  const space = text.indexOf(" ", wanted);
  return space === -1 || space > wanted + 100 ? wanted : space + 1;
}
