// Documents beside the ones they resemble, the shared shingles marked: why each was removed.
import type { RemovedDocument } from "../../formats/removed.js";
import type { Shingling } from "../../native/dedup.js";
import { compareTexts } from "../../text/similarity.js";
import { count, decimal, percent } from "../figures.js";
import { html, type Markup } from "../html.js";
import { nameOf } from "../names.js";
import { bar, table } from "../table.js";
import { cutAt, excerpt, excerptStarts, type MarkedText } from "./excerpt.js";
import { explainCommand } from "./explain-command.js";
import type { RemovedPairs } from "./removed-pairs.js";

export interface ShownPair extends RemovedDocument {
  /** Undefined: not looked up. */
  readonly text: string | undefined;
  readonly keptText: string | undefined;
}

export interface ShownPairs {
  readonly dir: string;
  readonly shingling: Shingling;
  readonly removed: RemovedPairs;
  readonly sample: readonly ShownPair[];
}

/** Longer texts are compared by their beginning only. */
const MAX_COMPARED = 100_000;
/** Shorter texts need no scrolling even on a phone. */
const FITS = 500;

export function pairsSection(pairs: ShownPairs): Markup {
  const { removed, sample } = pairs;
  const { total } = removed;
  return html`<h3 id="pairs">Removed documents and their witnesses</h3>
<p>${total === 0 ? "No document was removed." : html`${count(total)} documents were removed, each because it resembles a document that was kept, its witness. The figure is their exact Jaccard similarity: shingles in both over shingles in either.`}</p>
${total > 0 && similarityTable(removed)}
${sample.length > 0 && html`<p class="soft small">${count(sample.length)} of them, spread over the range of similarity, those nearest to the threshold first. ${LEGEND}</p>${sample.map((pair) => pairCard(pair, pairs))}`}`;
}

const LEGEND = html`<mark>Shared passages</mark> are shaded, <span class="own">what only one text has</span> is underlined.`;

function similarityTable({ total, bins }: RemovedPairs): Markup {
  const most = Math.max(...bins.map(({ removed }) => removed));
  const rows = bins.map(({ from, to, removed }) => ({
    cells: [
      from === 1
        ? "1 (the same shingles)"
        : to === 1
          ? `${decimal(from, 2)} to under 1`
          : `${decimal(from, 2)} to ${decimal(to, 2)}`,
      count(removed),
      percent(removed, total),
      bar(removed / most),
    ],
  }));
  return table(
    "Removed documents by similarity with their witness",
    [
      { name: "similarity", kind: "name" },
      { name: "removed", kind: "number" },
      { name: "share", kind: "share" },
      { name: "", kind: "bar" },
    ],
    rows,
  );
}

function pairCard(pair: ShownPair, { shingling, dir }: ShownPairs): Markup {
  const { text, keptText } = pair;
  if (text === undefined || keptText === undefined) {
    const sides = [text, keptText].map((one) => (one === undefined ? undefined : { text: one, shared: [] }));
    return card(pair, dir, [sides[0], sides[1]], undefined);
  }
  const whole = Math.max(text.length, keptText.length) <= MAX_COMPARED;
  const { textA, textB, sharedA, sharedB, intersection, union } = compareTexts(
    text.slice(0, cutAt(text, MAX_COMPARED)),
    keptText.slice(0, cutAt(keptText, MAX_COMPARED)),
    shingling,
  );
  const note = whole
    ? counted(pair.jaccard, intersection, union)
    : html`long texts: marked in their first ${count(MAX_COMPARED)} characters`;
  // What lies beyond what was compared counts as text still, so that the excerpt says how much follows.
  const sides: [MarkedText, MarkedText] = [
    { text: textA + text.slice(cutAt(text, MAX_COMPARED)), shared: sharedA },
    { text: textB + keptText.slice(cutAt(keptText, MAX_COMPARED)), shared: sharedB },
  ];
  return card(pair, dir, sides, note);
}

/** Computed here once more, on strings: what the page shows must be what was recorded. */
function counted(recorded: number, intersection: number, union: number): Markup {
  if (intersection / union === recorded) return html`${count(intersection)} of ${count(union)} shingles in both`;
  return html`<strong class="warn">! does not hold for these texts: ${count(intersection)} of ${count(union)} shingles in both</strong>`;
}

function card(
  pair: ShownPair,
  dir: string,
  [a, b]: readonly [MarkedText | undefined, MarkedText | undefined],
  note: Markup | undefined,
): Markup {
  const [startA, startB] = a === undefined || b === undefined ? [0, 0] : excerptStarts(a, b);
  return html`<article class="pair"><header><b>${decimal(pair.jaccard, 4)}</b><span class="soft small">${note}</span>${explainCommand(pair.id, dir)}</header>
<div class="sides">${side("removed", pair.id, a, startA)}${side("kept, its witness", pair.kept, b, startB)}</div></article>\n`;
}

function side(role: string, id: string, marked: MarkedText | undefined, start: number): Markup {
  // It scrolls, so the keyboard must reach it.
  const long = marked !== undefined && marked.text.length > FITS;
  const text =
    marked === undefined ? html`<span class="cut">its text was not looked up</span>` : excerpt(marked, start);
  return html`<section class="side"><h5><span>${role}</span>${nameOf(id)}</h5><div class="text" dir="auto"${long && html` tabindex="0"`}>${text}</div></section>`;
}
